"""Scores of a linker on a task: mentions, links, gold spans, and the causes of its errors."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from benchmarks.linking.tasks import Gold, Task
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.mention import Candidate, Mention
from kgbert.linking.normalization.casefold import fold_cluster


class Candidates(Protocol):
    """A linker that also returns the candidates of a surface form."""

    def __call__(self, texts: Sequence[str]) -> list[list[Mention]]:
        """Return the mentions of each text."""
        ...

    def candidates(self, surface: str) -> tuple[Candidate, ...]:
        """Return the candidates of a surface form, best first."""
        ...


class Arm(NamedTuple):
    """A linker to measure, and details to record."""

    linker: Candidates
    details: Mapping[str, Any] = {}


def measure(linker: Candidates, task: Task) -> dict[str, Any]:
    """Return the scores of a linker on the test split of a task."""
    linked = linker([text for text, _ in task.test])
    seen = task.seen
    counts: Counter[str] = Counter()
    for (_, golds), mentions in zip(task.test, linked, strict=True):
        found = {(mention.start, mention.end): mention for mention in mentions}
        counts["predicted"] += len(mentions)
        for gold in golds:
            counts.update(_outcomes(gold, found, linker, task.graph, seen))
    return {
        name: round(counts[over] / max(counts[under], 1), 4) for name, over, under in SCORES
    } | {
        "gold": counts["gold"],
        "missed": {cause: counts[cause] for cause in CAUSES},
    }


def _outcomes(
    gold: Gold,
    found: Mapping[tuple[int, int], Mention],
    linker: Candidates,
    graph: KnowledgeGraph,
    train: set[str],
) -> Iterable[str]:
    """Yield the counters that a gold mention increments."""
    seen = "seen" if fold_cluster(gold.surface) in train else "unseen"
    in_graph = any(entity in graph for entity in gold.entities)
    candidates = [candidate.entity for candidate in linker.candidates(gold.surface)]
    yield from ("gold", seen, *(["in graph"] if in_graph else []))
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
        yield _cause(gold, found, in_graph, bool(candidates))


def _cause(
    gold: Gold, found: Iterable[tuple[int, int]], in_graph: bool, has_candidates: bool
) -> str:
    if any(start < gold.end and gold.start < end for start, end in found):
        return "other boundaries"
    if not in_graph:
        return "entity not in graph"
    return "name not accepted" if has_candidates else "no such name"


#: Name of a score, its numerator and its denominator.
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

#: Causes of errors: linked to another entity, or not found.
CAUSES = (
    "wrong entity",
    "other boundaries",
    "entity not in graph",
    "name not accepted",
    "no such name",
)
