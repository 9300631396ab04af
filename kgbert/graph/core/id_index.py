"""Find entities by their ids in the spellings of other files."""

from functools import cached_property

from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.core.identifiers import compact, normalize_id


class EntityIdIndex:
    """Entity ids under the spellings of data sets: as they are, in any case, by their last part.

    >>> from kgbert.graph.storage.builder import GraphBuilder
    >>> builder = GraphBuilder()
    >>> builder.add_name("HP:0001250", "Seizure")
    >>> index = EntityIdIndex(builder.build())
    >>> [index.find(x) for x in ("hp_0001250", "0001250", "http://a.org/HP_0001250", "HP:2")]
    ['HP:0001250', 'HP:0001250', 'HP:0001250', None]
    """

    def __init__(self, graph: KnowledgeGraph) -> None:
        self.graph = graph

    def find(self, identifier: str) -> str | None:
        """Return the id of the entity that an id spells, or None if there is not exactly one."""
        if identifier in self.graph:
            return identifier
        if (replacement := self.graph.replaced.get(identifier, "")) in self.graph:
            return replacement
        normal = normalize_id(identifier)
        for spelling in (compact(identifier), normal):
            if spelling in self.graph:
                return spelling
        for key in dict.fromkeys(map(_folded, (identifier, normal, _last_segment(identifier)))):
            matches = self._by_spelling.get(key, [])
            if matches:
                # "0001250" alone spells HP:0001250 only if no other entity ends so.
                return matches[0] if len(matches) == 1 and _is_code(identifier) else None
        return None

    @cached_property
    def _by_spelling(self) -> dict[str, list[str]]:
        entities: dict[str, list[str]] = {}
        for entity in self.graph.entity_ids:
            spellings = entity, normalize_id(entity), _last_part(entity)
            for key in set(map(_folded, spellings)):
                entities.setdefault(key, []).append(entity)
        return entities


def _folded(identifier: str) -> str:
    return identifier.casefold().replace("_", ":")


def _last_part(identifier: str) -> str:
    for mark in ("#", "/", ":"):
        identifier = identifier.rpartition(mark)[2]
    return identifier


def _last_segment(iri: str) -> str:
    """Return the end of an IRI if it identifies the entity alone, such as HP_0001250 or Q42.

    The number of a CURIE does not: UMLS:0001250 is not HP:0001250.
    """
    segment = iri.rpartition("#")[2].rpartition("/")[2]
    return segment if "//" in iri and segment[:1].isalpha() and _is_code(segment) else iri


def _is_code(identifier: str) -> bool:
    """Return whether a string looks like an id: it has a digit and no blank."""
    return " " not in identifier and any(character.isdigit() for character in identifier)
