"""Detect possible leakage between texts, labels, graph and linker, for the report."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from kgbert.comparison.arms.pretrained import encoders_of
from kgbert.comparison.study import Study
from kgbert.data import Example, Span
from kgbert.data.texts_read import TextsRead
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.analysis.label_leakage import GoldLabels, label_warnings, normalized_name
from kgbert.linking.examples import link_examples

#: The arm that compares texts with the names of the labels without the graph.
LABEL_NAMES = "label-names"

#: Minimum number of gold links without a matching name that is reported as leakage.
FEWEST_UNNAMED = 10


def leakage_warnings(study: Study) -> list[str]:
    """Return a sentence for every sign of leakage between texts, labels, graph and linker."""
    return [
        *_shared_texts(study),
        *_read_before(study),
        *_named_labels(study),
        *_known_from_gold(study),
        *_words_of_labels(study),
    ]


def _shared_texts(study: Study) -> Iterator[str]:
    shared = []
    for seed in study.seeds:
        split = study.split(seed)
        train = {_normalized_text(" ".join(example.texts)) for example in split.train}
        for name, texts in (("", split.test), *study.also_test.items()):
            count = sum(_normalized_text(" ".join(example.texts)) in train for example in texts)
            if count:
                where = f" in {name}" if name else ""
                shared.append(f"{count:,} of {len(texts):,}{where} (seed {seed})")
    if shared:
        yield f"Test texts that also occur in training: {', '.join(shared)}."


def _read_before(study: Study) -> Iterator[str]:
    """Yield warnings about test texts that an encoder had read before the comparison."""
    backbone = {study.backbone: Path(study.backbone).name}
    for folder, name in (backbone | encoders_of(study.arms)).items():
        read = TextsRead.load(folder)
        if found := _counts(study, read.count_unlabelled):
            yield f"Test texts that {name} has read before, without labels: {found}."
        if found := _counts(study, read.count_labelled):
            yield f"Test texts that {name} was trained on before, with labels: {found}."


def _counts(study: Study, count: Callable[[Sequence[Example]], int]) -> str:
    """Return how many test texts of each seed, and how many further texts, are counted."""
    parts = [(study.split(seed).test, f" (seed {seed})") for seed in study.seeds]
    parts += [(texts, f" in {name}") for name, texts in study.also_test.items()]
    return ", ".join(
        f"{found:,} of {len(texts):,}{where}" for texts, where in parts if (found := count(texts))
    )


def _named_labels(study: Study) -> Iterator[str]:
    """Yield warnings about labels that are names of entities, and about linked ones."""
    seed = study.seeds[0]
    split = study.split(seed)
    labels = {label for example in split.train for label in study.task.classes(example)}
    tested = GoldLabels(
        split.test,
        [study.task.classes(example) for example in split.test],
        f"test texts with a mention (seed {seed})",
    )
    yield from label_warnings(study.graph, study.linker, labels, tested, grounding=study.grounding)


def _words_of_labels(study: Study) -> Iterator[str]:
    """Yield a warning where the words of the labels alone may explain a gain."""
    if study.grounding and all(arm.name != LABEL_NAMES for arm in study.arms):
        yield (
            "Texts are compared with the names of their labels, for which no graph is needed. The "
            f"arm {LABEL_NAMES} shows how much of a gain they explain."
        )


def _known_from_gold(study: Study) -> Iterator[str]:
    """Yield a warning where a linker seems to use the gold labels of the test texts."""
    test = study.split(study.seeds[0]).test
    if not any(span.entity for example in test for span in example.spans):
        return
    unnamed = 0
    for example, mentions in zip(test, link_examples(study.linker, test), strict=True):
        found = {(x.start, x.end, x.candidates[0].entity) for x in mentions if x.candidates}
        gold = [span for span in example.spans if span.entity in study.graph]
        if not {(span.start, span.end, span.entity) for span in gold} <= found:
            return
        unnamed += sum(not _is_named(study.graph, example.text, span) for span in gold)
    if unnamed >= FEWEST_UNNAMED:
        yield (
            f"The linker seems to use the gold annotations of the test texts: it finds every "
            f"annotated mention, {unnamed:,} of them with words that are not a name of the entity "
            "in the graph. New texts have no annotations: compare with a linker that reads only "
            "the text."
        )


def _is_named(graph: KnowledgeGraph, text: str, span: Span) -> bool:
    names = graph.entity(span.entity).names
    return normalized_name(text[span.start : span.end]) in {
        normalized_name(name.text) for name in names
    }


def _normalized_text(text: str) -> str:
    """Return a text without differences between copies: case, blanks and line breaks."""
    return " ".join(text.casefold().split())
