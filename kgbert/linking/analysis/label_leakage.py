"""Detect labels that a graph states: by their names, and beside the entities that texts mention."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from kgbert.data import Example
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.examples import link_examples
from kgbert.linking.grounding import Grounding
from kgbert.linking.mention import Linker

#: Maximum number of labels that a warning lists.
MOST_LISTED = 8


@dataclass(frozen=True)
class GoldLabels:
    """Texts with their gold labels."""

    examples: Sequence[Example]
    labels: Sequence[Collection[str]]
    """The labels of each text."""
    description: str
    """What a warning calls those that mention an entity: ``test texts with a mention``."""

    @property
    def names(self) -> list[str]:
        """The distinct labels, sorted."""
        return sorted({label for labels in self.labels for label in labels})


def label_warnings(
    graph: KnowledgeGraph,
    linker: Linker,
    labels: Iterable[str],
    texts: GoldLabels,
    *,
    grounding: Grounding | None = None,
) -> Iterator[str]:
    """Yield a sentence for every way in which the graph may state the labels of texts.

    Args:
        graph: The graph.
        linker: Finds the entities that the texts mention.
        labels: The labels that can be answered.
        texts: Texts whose mentions are compared with their labels.
        grounding: The entities of the labels, if texts are compared with them.
    """
    named = _entities_named(graph, sorted(labels))
    if not named:
        return
    grounded = grounding.entities if grounding else {}
    listed = ", ".join(
        _label_with_synonym(graph, label, entities)
        for label, entities in [x for x in named.items() if x[0] not in grounded][:MOST_LISTED]
    )
    if listed:
        yield (
            f"Labels that are names of entities in the graph: {listed}. A gain may come from "
            "looking up the label there."
        )
    linked, reached = _in_reach(graph, linker, texts, named)
    if reached:
        yield (
            f"For {reached:,} of the {linked:,} {texts.description}, the linked entity or a direct "
            "neighbour has the name of the gold label (possible label leakage)."
            + (
                " To compare texts with what the graph says about labels is intended; "
                "that a mention states the answer is not."
                if grounded
                else ""
            )
        )


def _entities_named(graph: KnowledgeGraph, labels: list[str]) -> dict[str, list[int]]:
    """Return the indices of the entities named like a label, for each label that has any."""
    wanted: dict[str, list[int]] = {normalized_name(label): [] for label in labels}
    for name, entity in zip(graph.names, graph.name_entities.tolist(), strict=True):
        if (found := wanted.get(normalized_name(name))) is not None and entity not in found:
            found.append(entity)
    return {
        label: wanted[normalized_name(label)] for label in labels if wanted[normalized_name(label)]
    }


def _label_with_synonym(graph: KnowledgeGraph, label: str, entities: list[int]) -> str:
    name = graph.name(entities[0])
    return (
        label
        if normalized_name(name) == normalized_name(label)
        else f"{label} (a synonym of {name})"
    )


def _in_reach(
    graph: KnowledgeGraph, linker: Linker, texts: GoldLabels, named: Mapping[str, list[int]]
) -> tuple[int, int]:
    """Return the numbers of linked texts, and of those linked near their label's entity."""
    ids = {label: {graph.entity_ids[index] for index in some} for label, some in named.items()}
    linked = reached = 0
    mentions_of = link_examples(linker, texts.examples)
    for labels, mentions in zip(texts.labels, mentions_of, strict=True):
        entities = {x.candidates[0].entity for x in mentions if x.candidates}
        answers = set[str]().union(*(ids.get(label, set()) for label in labels))
        linked += bool(entities)
        reached += any(answers & _reach(graph, entity) for entity in entities)
    return linked, reached


def _reach(graph: KnowledgeGraph, entity: str) -> set[str]:
    if entity not in graph:
        return set()
    return {entity, *(tail for _, tail in graph.entity(entity).edges)}


def normalized_name(name: str) -> str:
    """Return a name without case, punctuation and plural s, for comparison with labels.

    >>> normalized_name("Respiratory_Diseases"), normalized_name("respiratory disease")
    ('respiratory disease', 'respiratory disease')
    """
    words = re.findall(r"\w+", name.casefold().replace("_", " "))
    return " ".join(word.removesuffix("s") if len(word) > 3 else word for word in words)
