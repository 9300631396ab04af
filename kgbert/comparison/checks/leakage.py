"""Signs that a comparison's answers were known beforehand: they speak in the report."""

import re
from collections.abc import Iterator, Mapping

from kgbert.comparison.study import Study
from kgbert.data import Span
from kgbert.graph.core.graph import KnowledgeGraph

#: Labels that are told one by one.
TOLD = 8

#: So many mentions that no dictionary could have linked are no coincidence.
UNNAMED = 10


def leakage_warnings(study: Study) -> list[str]:
    """Return a sentence for every sign of leakage between texts, labels, graph and linker."""
    return [
        *_shared_texts(study),
        *_named_labels(study),
        *_known_from_gold(study),
    ]


def _shared_texts(study: Study) -> Iterator[str]:
    shared = []
    for seed in study.seeds:
        split = study.split(seed)
        train = {_bare(" ".join(example.texts)) for example in split.train}
        count = sum(_bare(" ".join(example.texts)) in train for example in split.test)
        if count:
            shared.append(f"{count:,} of {len(split.test):,} (seed {seed})")
    if shared:
        yield f"Test texts that are training texts as well: {', '.join(shared)}."


def _named_labels(study: Study) -> Iterator[str]:
    """Tell of labels that are names or synonyms of entities, and where these are in reach."""
    split = study.split(study.seeds[0])
    labels = sorted({label for example in split.train for label in study.task.classes(example)})
    named = _entities_named(study.graph, labels)
    if not named:
        return
    told = ", ".join(_label_told(study.graph, *each) for each in list(named.items())[:TOLD])
    yield (
        f"Labels that are names of entities in the graph: {told}. A gain may come from looking up "
        "the answer there."
    )
    linked, reached = _in_reach(study, named)
    if reached:
        yield (
            f"In {reached:,} of the {linked:,} test texts with a mention (seed {study.seeds[0]}), "
            "the graph names the text's own label at the entity that is linked, or one edge above "
            "it."
        )


def _entities_named(graph: KnowledgeGraph, labels: list[str]) -> dict[str, list[int]]:
    """Return the indices of the entities that a label is a name of, for each label with any."""
    wanted: dict[str, list[int]] = {_plain(label): [] for label in labels}
    for name, entity in zip(graph.names, graph.name_entities.tolist(), strict=True):
        if (found := wanted.get(_plain(name))) is not None and entity not in found:
            found.append(entity)
    return {label: wanted[_plain(label)] for label in labels if wanted[_plain(label)]}


def _label_told(graph: KnowledgeGraph, label: str, entities: list[int]) -> str:
    best = graph.name(entities[0])
    return label if _plain(best) == _plain(label) else f"{label} (a synonym of {best})"


def _in_reach(study: Study, named: Mapping[str, list[int]]) -> tuple[int, int]:
    """Return how many test texts are linked, and how many of these to what names their label."""
    graph = study.graph
    ids = {label: {graph.entity_ids[index] for index in some} for label, some in named.items()}
    test = study.split(study.seeds[0]).test
    linked = reached = 0
    for example, mentions in zip(test, study.linker([x.text for x in test]), strict=True):
        entities = {x.candidates[0].entity for x in mentions if x.candidates}
        answers = set().union(*(ids.get(label, set()) for label in study.task.classes(example)))
        linked += bool(entities)
        reached += any(answers & _reach(graph, entity) for entity in entities)
    return linked, reached


def _reach(graph: KnowledgeGraph, entity: str) -> set[str]:
    if entity not in graph:
        return set()
    return {entity, *(tail for _, tail in graph.entity(entity).edges)}


def _known_from_gold(study: Study) -> Iterator[str]:
    """Notice a linker that answers what only the labels of the test texts can tell."""
    test = study.split(study.seeds[0]).test
    if not any(span.entity for example in test for span in example.spans):
        return
    unnamed = 0
    for example, mentions in zip(test, study.linker([x.text for x in test]), strict=True):
        found = {(x.start, x.end, x.candidates[0].entity) for x in mentions if x.candidates}
        gold = [span for span in example.spans if span.entity in study.graph]
        if not {(span.start, span.end, span.entity) for span in gold} <= found:
            return
        unnamed += sum(not _is_named(study.graph, example.text, span) for span in gold)
    if unnamed >= UNNAMED:
        yield (
            f"Entities of the test known only from gold: the linker finds every mention that the "
            f"test texts are labelled with, {unnamed:,} of them under words that are no name of "
            "the entity in the graph. Texts to come will not be labelled: compare with a linker "
            "that reads the words alone."
        )


def _is_named(graph: KnowledgeGraph, text: str, span: Span) -> bool:
    names = graph.entity(span.entity).names
    return _plain(text[span.start : span.end]) in {_plain(name.text) for name in names}


def _bare(text: str) -> str:
    """Return a text without what may differ between copies: case, blanks, line breaks."""
    return " ".join(text.casefold().split())


def _plain(name: str) -> str:
    """Return a name without what labels and names write differently: case, signs, a plural's s.

    >>> _plain("Respiratory_Diseases"), _plain("respiratory disease")
    ('respiratory disease', 'respiratory disease')
    """
    words = re.findall(r"\w+", name.casefold().replace("_", " "))
    return " ".join(word.removesuffix("s") if len(word) > 3 else word for word in words)
