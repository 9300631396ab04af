"""The tags of OBO stanzas: how their values are parsed, and what they add to a graph."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import repeat
from typing import TypeAlias

import numpy as np

from kgbert.graph.core.graph import SCOPES
from kgbert.graph.core.identifiers import compact, compact_all
from kgbert.graph.core.vocabulary import RELATION_ALIASES, XREF
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.graph.storage.name_set import normalize_spaces
from kgbert.graph.storage.string_pool import IndexArray

_QUOTED = re.compile(
    r'^[^\S\n]*"([^"\\\n]*(?:\\.[^"\\\n]*)*)"[^\S\n]*(\w*)',
    re.MULTILINE,
)
_ESCAPE = re.compile(r"\\(.)")
#: White space becomes a single space.
_ESCAPED = {"n": " ", "W": " ", "t": " "}
_COMMENT = re.compile(r"\s!")
#: An exclamation mark that begins a comment, anywhere among ids.
_BANG = re.compile(r"(?<!\\)!")
_HYPHENATED = re.compile(r"^(dc|dcterms|terms)-(\w+)$")
_SHARED_RELATION = re.compile(r"[A-Za-z]+:\d{4,}")


class MalformedError(ValueError):
    """A line that cannot be parsed."""

    def __init__(self, text: str, problem: str, stanza: int = 0) -> None:
        super().__init__(text, problem, stanza)
        self.text, self.problem = text, problem
        self.stanza = stanza
        """Number of its stanza in the block, if that is known."""


def parse_quoted(text: str) -> tuple[str, str] | None:
    r"""Return the quoted text of a synonym or definition and the word after it, or None.

    >>> parse_quoted('"a \\"fever\\"" EXACT [PMID:1]')
    ('a "fever"', 'EXACT')
    """
    match = _QUOTED.match(text)
    return (unescape(match[1]), match[2]) if match else None


def parse_all_quoted(texts: list[str]) -> tuple[list[str], list[str]]:
    """Return the quoted texts of some lines, and the word after each.

    >>> parse_all_quoted(['"a fever" EXACT []', '"heat" []'])
    (['a fever', 'heat'], ['EXACT', ''])
    """
    parsed = _QUOTED.findall("\n".join(texts))
    if len(parsed) < len(texts):
        wrong = next(text for text in texts if _QUOTED.match(text) is None)
        raise MalformedError(wrong, "has no closed pair of double quotes")
    quoted = [unescape(text) if "\\" in text else text for text, _ in parsed]
    return quoted, [word for _, word in parsed]


def unquote(text: str) -> str:
    r"""Return the value of a tag without quotes, without modifiers, comment and escapes.

    >>> unquote('tall {source="X:1"} ! as a tree'), unquote(r"50\% \{v\}")
    ('tall', '50% {v}')
    """
    if comment := _COMMENT.search(text):
        text = text[: comment.start()]
    text = text.rstrip()
    start = text.rfind("{")
    if text.endswith("}") and start > 0 and text[start - 1].isspace() and "}" not in text[start:-1]:
        text = text[:start].rstrip()
    return unescape(text)


def unquote_all(texts: list[str]) -> list[str]:
    """Return the values of a tag without quotes.

    >>> unquote_all(["fever", "heat ! a comment"])
    ['fever', 'heat']
    """
    stripped = list(map(str.strip, texts))
    together = "".join(stripped)
    return list(map(unquote, stripped)) if any(map(together.__contains__, "{!\\")) else stripped


def unescape(text: str) -> str:
    r"""Return a text without the backslashes of its escapes.

    >>> unescape(r"http\://a.org")
    'http://a.org'
    """
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), text)


def identifier(text: str) -> str:
    """Return the id that a value begins with.

    >>> identifier("HP:0000001 ! All"), identifier(" ")
    ('HP:0000001', '')
    """
    return identifiers((text,))[0]


def identifiers(texts: Iterable[str]) -> list[str]:
    """Return the id that each value begins with.

    >>> identifiers(["HP:0000001! All", " HP:0000002"])
    ['HP:0000001', 'HP:0000002']
    """
    words = [words[0] if (words := text.split(None, 1)) else "" for text in texts]
    together = "".join(words)
    if "!" in together:
        words = [_BANG.split(word, 1)[0] for word in words]
    if "\\" in together:
        words = [unescape(word).strip() for word in words]
    return compact_all(words)


def shared_relation(own: str, xrefs: Iterable[str]) -> str:
    """Return the id of a relation in all ontologies (BFO, RO), if one of its xrefs is that.

    >>> shared_relation("part_of", ["BFO:0000050"]), shared_relation("X:1", ["BFO:0000050"])
    ('BFO:0000050', 'X:1')
    """
    shared = sorted(xref for xref in xrefs if _SHARED_RELATION.fullmatch(xref))
    return shared[0] if shared and ":" not in own else own


#: Positions of stanzas in a block, and the value of a line of each.
Positions: TypeAlias = list[int]
Values: TypeAlias = list[str]

_XREF = compact(XREF)
_SCOPES = {"EXACT": "exact", "RELATED": "related", "BROAD": "broad", "NARROW": "narrow"}


@dataclass(frozen=True)
class Entities:
    """The entities of some stanzas, by position, and their numbers among the terms."""

    ids: list[str]
    numbers: IndexArray

    def at(self, positions: Positions) -> list[str]:
        """Return the ids of the entities at some positions."""
        return [self.ids[position] for position in positions]


#: Takes the positions of stanzas, the value of a line in each, the entities and the builder.
_AddTag = Callable[[Positions, Values, Entities, GraphBuilder], None]


def _add_entities(
    positions: Positions, values: Values, entities: Entities, builder: GraphBuilder
) -> None:
    builder.add_entities(entities.at(positions), repeat("", len(positions)))


def _add_alternatives(
    positions: Positions, values: Values, entities: Entities, builder: GraphBuilder
) -> None:
    for entity, alternative in zip(entities.at(positions), identifiers(values), strict=True):
        builder.replaced.setdefault(alternative, entity)


def _add_names(
    positions: Positions, values: Values, entities: Entities, builder: GraphBuilder
) -> None:
    kind = builder.names.kind(SCOPES.index("preferred"), "")
    builder.names.extend(entities.numbers[positions], kind, unquote_all(values))


def _synonyms_of(scope: str) -> _AddTag:
    def add(
        positions: Positions, values: Values, entities: Entities, builder: GraphBuilder
    ) -> None:
        names, words = parse_all_quoted(values)
        kinds = {
            word: builder.names.kind(SCOPES.index(_SCOPES.get(word, scope)), "")
            for word in set(words)
        }
        kinds_of_names = np.fromiter(map(kinds.__getitem__, words), np.int32, len(words))
        builder.names.extend(entities.numbers[positions], kinds_of_names, names)

    return add


def _add_definitions(
    positions: Positions, values: Values, entities: Entities, builder: GraphBuilder
) -> None:
    texts = normalize_spaces(parse_all_quoted(values)[0])
    builder.add_entities(entities.at(positions), texts, "def")


def _add_comments(
    positions: Positions, values: Values, entities: Entities, builder: GraphBuilder
) -> None:
    """Add comments as the definitions of entities that have none."""
    ids = entities.at(positions)
    undefined = {entity for entity in ids if not builder.entities[entity]}
    if unused := sum(entity not in undefined for entity in ids):
        builder.unused_properties["comment"] += unused
    for entity, text in zip(ids, unquote_all(values), strict=True):
        if entity in undefined:
            builder.add_entities((entity,), normalize_spaces([text]), "comment")


def _edges_of(relation: str) -> _AddTag:
    def add(
        positions: Positions, values: Values, entities: Entities, builder: GraphBuilder
    ) -> None:
        builder.relations.setdefault(relation, "")
        tails = builder.terms.numbers(identifiers(values))
        builder.edges.extend(entities.numbers[positions], relation, tails)

    return add


def _add_members(
    positions: Positions, values: Values, entities: Entities, builder: GraphBuilder
) -> None:
    for entity, member in zip(entities.at(positions), identifiers(values), strict=True):
        builder.add_edge(member, RELATION_ALIASES["is_a"], entity)


def _add_relationships(
    positions: Positions, values: Values, entities: Entities, builder: GraphBuilder
) -> None:
    for entity, text in zip(entities.at(positions), values, strict=True):
        words = _without_comment(text).split()
        if len(words) < 2:
            raise MalformedError(text, "is a relationship that lacks its relation or its target")
        builder.add_edge(entity, RELATION_ALIASES.get(words[0], words[0]), identifier(words[1]))


def _add_conjuncts(
    positions: Positions, values: Values, entities: Entities, builder: GraphBuilder
) -> None:
    conjuncts = map(_without_comment, values)
    relationships = [f"is_a {text}" if len(text.split()) == 1 else text for text in conjuncts]
    _add_relationships(positions, relationships, entities, builder)


def _add_xrefs(
    positions: Positions, values: Values, entities: Entities, builder: GraphBuilder
) -> None:
    tails = builder.terms.numbers(identifiers(values))
    builder.references.extend(entities.numbers[positions], _XREF, tails)


def parse_property_value(text: str) -> tuple[str, str, bool]:
    """Return the property and the value of a ``property_value``, and whether the value is text.

    >>> parse_property_value('IAO:0000118 "sample of tissue" xsd:string')
    ('IAO:0000118', 'sample of tissue', True)
    >>> parse_property_value("skos:exactMatch X:1 ! one")
    ('skos:exactMatch', 'X:1', False)
    """
    predicate, _, value = text.strip().partition(" ")
    # Files before OBO 1.4 write dcterms-license.
    predicate = _HYPHENATED.sub(r"\1:\2", predicate)
    if quoted := parse_quoted(value):
        return predicate, quoted[0], True
    return predicate, identifier(value), False


def _without_comment(text: str) -> str:
    return _BANG.split(text, 1)[0].strip()


#: Tags of an entity -> a function that adds the lines with it; in the order of adding.
ADD: dict[str, _AddTag] = {
    "id": _add_entities,
    "alt_id": _add_alternatives,
    "name": _add_names,
    "synonym": _synonyms_of("related"),
    "exact_synonym": _synonyms_of("exact"),
    "related_synonym": _synonyms_of("related"),
    "broad_synonym": _synonyms_of("broad"),
    "narrow_synonym": _synonyms_of("narrow"),
    "def": _add_definitions,
    "comment": _add_comments,  # after the definitions, which are preferred
    **{tag: _edges_of(RELATION_ALIASES[tag]) for tag in ("is_a", "instance_of", "equivalent_to")},
    "union_of": _add_members,
    "relationship": _add_relationships,
    "intersection_of": _add_conjuncts,
    "xref": _add_xrefs,
}
