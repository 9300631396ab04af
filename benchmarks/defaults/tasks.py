"""The development tasks: texts that no other benchmark tests on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.diagnoses.splits import DiagnosisSplits
from benchmarks.verdict.tasks import TASKS as VERDICT
from benchmarks.verdict.tasks import SampledSplits
from kgbert.data import read_examples
from kgbert.data.splits import Split
from kgbert.demo.icd import TermSplits, inclusion_terms, sampled_categories, titled, titles, tree
from kgbert.demo.study import SIZES
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.read import read_graph
from kgbert.tasks.registry import TASKS as LABELLED

#: Texts of the validation part that select the weights; the others score them.
SELECTING = 100

#: Texts that score the weights, at most.
SCORING = 200


@dataclass(frozen=True)
class DevelopmentTask:
    """A task whose scored texts come from the validation part."""

    task: str
    splits: Callable[[Path], Callable[[int], Split]]
    graph: Callable[[Path, Path], KnowledgeGraph]
    label_entities: Callable[[], Mapping[str, str]] | None = None
    """The entity of each label; None for labels that are found by name, if at all."""


def _verdict(name: str, train: int) -> DevelopmentTask:
    """Return a task of the verdict benchmark with so many training texts."""
    task = VERDICT[name]

    def splits(data: Path) -> Callable[[int], Split]:
        drawn = task.splits(data)
        size = SELECTING + SCORING
        if isinstance(drawn, DiagnosisSplits):
            return replace(drawn, train=train, validation=size, test=0)
        assert isinstance(drawn, SampledSplits)
        return replace(drawn, sizes=(train, size, 0))

    return DevelopmentTask(task.task, _held_out(splits), task.graph)


def _held_out(
    splits: Callable[[Path], Callable[[int], Split]],
) -> Callable[[Path], Callable[[int], Split]]:
    """Let one part of the validation texts select the weights, and the other score them."""

    def divided(data: Path) -> Callable[[int], Split]:
        drawn = splits(data)

        def split(seed: int) -> Split:
            whole = drawn(seed)
            return Split(whole.train, whole.validation[:SELECTING], whole.validation[SELECTING:])

        return split

    return divided


class TopicSplits:
    """Samples each seed's news; every topic of the held-out texts has a training text."""

    def __init__(self, data: Path) -> None:
        folder, task = data / "tasks" / "reuters21578", LABELLED["multi-label-classification"]
        self.parts = [read_examples(folder / f"{x}.jsonl", task) for x in ("train", "validation")]

    def __call__(self, seed: int) -> Split:
        """Return the texts of a seed."""
        generator = np.random.default_rng(seed)
        train, held_out = (
            [part[place] for place in generator.permutation(len(part))] for part in self.parts
        )
        train = train[:300]
        topics = frozenset[str]().union(*(text.target for text in train))
        held_out = [text for text in held_out if topics.issuperset(text.target)]
        return Split(train, held_out[:SELECTING], held_out[SELECTING:][:SCORING])


#: As many categories and terms as in the demo.
ICD = SIZES["short"]


def _other_categories() -> list[str]:
    """Return categories of ICD-10-CM that the demo does not use."""
    terms = inclusion_terms()
    drawn = sampled_categories(terms, 10_000, train=ICD.terms)
    tested = set(sampled_categories(terms, ICD.categories, train=ICD.terms))
    return [code for code in drawn if code not in tested][::3][: ICD.categories]


def _code_by_title() -> dict[str, str]:
    return {title: code for code, title in titles(_other_categories()).items()}


def _terms(data: Path) -> Callable[[int], Split]:
    return TermSplits(titled(inclusion_terms(), _other_categories()), ICD.terms)


TASKS = {
    "icd": DevelopmentTask(
        "text-classification",
        _terms,
        lambda data, cache: tree(_other_categories()),
        _code_by_title,
    ),
    "phrasebank": _verdict("phrasebank", 200),
    "bc5cdr": _verdict("bc5cdr", 200),
    "reuters": DevelopmentTask(
        "multi-label-classification",
        TopicSplits,
        lambda data, cache: read_graph(data / "graphs" / "stw" / "stw-skos.ttl.gz"),
    ),
    "diagnoses": _verdict("diagnoses", 400),
    "chemprot": _verdict("chemprot", 200),
}
