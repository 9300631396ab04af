"""What the tags of OBO say of entities."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import repeat

import numpy as np

from kgbert.graph.builder import GraphBuilder
from kgbert.graph.graph import SCOPES
from kgbert.graph.identifiers import compact, expand
from kgbert.graph.names import one_spaced
from kgbert.graph.obo_values import (
    MalformedError,
    identifier,
    identifiers,
    parse_all_quoted,
    unquote_all,
)
from kgbert.graph.terms import Numbering
from kgbert.graph.vocabulary import RELATION_WORDS, XREF

_XREF = compact(XREF)
_SCOPES = {"EXACT": "exact", "RELATED": "related", "BROAD": "broad", "NARROW": "narrow"}


@dataclass(frozen=True)
class Entities:
    """The entities that some stanzas are about, by place, and their numbers among the terms."""

    ids: list[str]
    numbers: Numbering

    def at(self, places: list[int]) -> list[str]:
        """Return the ids of the entities at some places."""
        return [self.ids[place] for place in places]


#: Takes the places of stanzas, the text that a line has in each, the entities and the builder.
_Add = Callable[[list[int], list[str], Entities, GraphBuilder], None]


def _add_entities(
    places: list[int], texts: list[str], entities: Entities, builder: GraphBuilder
) -> None:
    builder.add_entities(entities.at(places), repeat("", len(places)))


def _add_alternatives(
    places: list[int], texts: list[str], entities: Entities, builder: GraphBuilder
) -> None:
    for entity, alternative in zip(entities.at(places), identifiers(texts), strict=True):
        builder.replaced.setdefault(alternative, entity)


def _add_names(
    places: list[int], texts: list[str], entities: Entities, builder: GraphBuilder
) -> None:
    kind = builder.names.kind(SCOPES.index("preferred"), "")
    builder.names.extend(entities.numbers[places], kind, unquote_all(texts))


def _synonyms_of(scope: str) -> _Add:
    def add(places: list[int], texts: list[str], entities: Entities, builder: GraphBuilder) -> None:
        names, words = parse_all_quoted(texts)
        kinds = {
            word: builder.names.kind(SCOPES.index(_SCOPES.get(word, scope)), "")
            for word in set(words)
        }
        kinds_of_names = np.fromiter(map(kinds.__getitem__, words), np.int32, len(words))
        builder.names.extend(entities.numbers[places], kinds_of_names, names)

    return add


def _add_definitions(
    places: list[int], texts: list[str], entities: Entities, builder: GraphBuilder
) -> None:
    builder.add_entities(entities.at(places), one_spaced(parse_all_quoted(texts)[0]))


def _add_comments(
    places: list[int], texts: list[str], entities: Entities, builder: GraphBuilder
) -> None:
    """Add comments in the place of definitions that are missing."""
    ids = entities.at(places)
    undefined = {entity for entity in ids if not builder.entities[entity]}
    for entity, text in zip(ids, unquote_all(texts), strict=True):
        if entity in undefined:
            builder.add_entity(entity, text)


def _edges_of(relation: str) -> _Add:
    def add(places: list[int], texts: list[str], entities: Entities, builder: GraphBuilder) -> None:
        builder.relations.setdefault(relation, "")
        tails = builder.terms.numbers(identifiers(texts))
        builder.edges.extend(entities.numbers[places], relation, tails)

    return add


def _add_members(
    places: list[int], texts: list[str], entities: Entities, builder: GraphBuilder
) -> None:
    for entity, member in zip(entities.at(places), identifiers(texts), strict=True):
        builder.add_edge(member, RELATION_WORDS["is_a"], entity)


def _add_claims(
    places: list[int], texts: list[str], entities: Entities, builder: GraphBuilder
) -> None:
    for entity, text in zip(entities.at(places), texts, strict=True):
        words = text.partition(" ! ")[0].split()
        if len(words) < 2:
            raise MalformedError(text, "is a relationship that lacks its relation or its target")
        builder.add_edge(entity, RELATION_WORDS.get(words[0], words[0]), identifier(words[1]))


def _add_conjuncts(
    places: list[int], texts: list[str], entities: Entities, builder: GraphBuilder
) -> None:
    conjuncts = (text.partition(" ! ")[0].strip() for text in texts)
    claims = [f"is_a {text}" if len(text.split()) == 1 else text for text in conjuncts]
    _add_claims(places, claims, entities, builder)


def _add_xrefs(
    places: list[int], texts: list[str], entities: Entities, builder: GraphBuilder
) -> None:
    tails = builder.terms.numbers(identifiers(texts))
    builder.references.extend(entities.numbers[places], _XREF, tails)


def _add_matches(
    places: list[int], texts: list[str], entities: Entities, builder: GraphBuilder
) -> None:
    """Add what entities are called in other vocabularies, where a property says that."""
    for entity, text in zip(entities.at(places), texts, strict=True):
        predicate, _, target = text.strip().partition(" ")
        if "skos" in predicate and target[:1] != '"':
            builder.add_reference(entity, compact(expand(predicate)), identifier(target))


#: Tags of an entity -> a function that adds what lines with it say, in the order of adding.
ADD: dict[str, _Add] = {
    "id": _add_entities,
    "alt_id": _add_alternatives,
    "name": _add_names,
    "synonym": _synonyms_of("related"),
    "exact_synonym": _synonyms_of("exact"),
    "related_synonym": _synonyms_of("related"),
    "broad_synonym": _synonyms_of("broad"),
    "narrow_synonym": _synonyms_of("narrow"),
    "def": _add_definitions,
    "comment": _add_comments,  # behind the definitions, which are better
    **{tag: _edges_of(RELATION_WORDS[tag]) for tag in ("is_a", "instance_of", "equivalent_to")},
    "union_of": _add_members,
    "relationship": _add_claims,
    "intersection_of": _add_conjuncts,
    "xref": _add_xrefs,
    "property_value": _add_matches,
}
