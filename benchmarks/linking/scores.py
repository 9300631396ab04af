"""How well a linker does on a task: its mentions, its links, gold spans, and what it missed."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from benchmarks.linking.tasks import Gold, Task
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.mention import Candidate, Mention
from kgbert.linking.normalization.casefold import fold_cluster


class Candidates(Protocol):
    """A linker that also says what a given piece of text may mean."""

    def __call__(self, texts: Sequence[str]) -> list[list[Mention]]:
        """Return the mentions of each text."""
        ...

    def candidates(self, surface: str) -> tuple[Candidate, ...]:
        """Return what a piece of text may mean, best first."""
        ...


class Arm(NamedTuple):
    """A linker to measure, and what else is to be told of it."""

    linker: Candidates
    told: Mapping[str, Any] = {}


def measure(linker: Candidates, task: Task) -> dict[str, Any]:
    """Return the scores of a linker on the test split of a task."""
    linked = linker([text for text, _ in task.test])
    seen = task.seen
    counts: Counter[str] = Counter()
    for (_, golds), mentions in zip(task.test, linked, strict=True):
        found = {(mention.start, mention.end): mention for mention in mentions}
        counts["predicted"] += len(mentions)
        for gold in golds:
            counts.update(_judged(gold, found, linker, task.graph, seen))
    return {
        name: round(counts[over] / max(counts[under], 1), 4) for name, over, under in SCORES
    } | {
        "gold": counts["gold"],
        "missed": {cause: counts[cause] for cause in CAUSES},
    }


def _judged(
    gold: Gold,
    found: Mapping[tuple[int, int], Mention],
    linker: Candidates,
    graph: KnowledgeGraph,
    train: set[str],
) -> Iterable[str]:
    """Yield what a gold mention counts for."""
    seen = "seen" if fold_cluster(gold.surface) in train else "unseen"
    known = any(entity in graph for entity in gold.entities)
    candidates = [candidate.entity for candidate in linker.candidates(gold.surface)]
    yield from ("gold", seen, *(["in graph"] if known else []))
    for most in (1, 5, 20):
        if gold.entities.intersection(candidates[:most]):
            yield f"right at {most}"
    if gold.entities.intersection(candidates[:1]):
        yield f"right {seen}"
    mention = found.get((gold.start, gold.end))
    if mention:
        yield "found"
        yield "linked" if mention.candidates[0].entity in gold.entities else "wrong entity"
    else:
        yield _cause(gold, found, known, bool(candidates))


def _cause(gold: Gold, found: Iterable[tuple[int, int]], known: bool, named: bool) -> str:
    if any(start < gold.end and gold.start < end for start, end in found):
        return "other boundaries"
    if not known:
        return "entity not in graph"
    return "name held back" if named else "no such name"


#: Name of a score, what is counted, and out of how many.
SCORES = (
    ("mention precision", "found", "predicted"),
    ("mention recall", "found", "gold"),
    ("end-to-end precision", "linked", "predicted"),
    ("end-to-end recall", "linked", "gold"),
    ("gold spans: accuracy", "right at 1", "gold"),
    ("gold spans: accuracy, entity in graph", "right at 1", "in graph"),
    ("gold spans: recall at 5, entity in graph", "right at 5", "in graph"),
    ("gold spans: recall at 20, entity in graph", "right at 20", "in graph"),
    ("gold spans: accuracy, surface seen", "right seen", "seen"),
    ("gold spans: accuracy, surface unseen", "right unseen", "unseen"),
    ("entity in graph", "in graph", "gold"),
)

#: Why a gold mention was not linked rightly: found but taken for another entity, or not found.
CAUSES = (
    "wrong entity",
    "other boundaries",
    "entity not in graph",
    "name held back",
    "no such name",
)
