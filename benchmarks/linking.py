"""How many of the gold mentions does the dictionary linker find, and how many link rightly?

    python benchmarks/linking.py DATA [--out benchmarks/results/linking.json]

DATA holds tasks/{bc5cdr,ncbi_disease,gsc_hpo}/{train,test}.jsonl and, under graphs/, MeSH, MEDIC
and HPO. Arms: exact names; the general rules; these and the words of medicine; these and the
abbreviations that the text defines; and all of it taught by the gold mentions of the training
split, which become names, or stop names where the linker finds what people did not mark. The
numbers of teaching were chosen on validation; nothing is tuned on the test split.
"""

import argparse
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from kgbert.graph.builder import GraphBuilder
from kgbert.graph.graph import KnowledgeGraph
from kgbert.graph.read import read_graph
from kgbert.linking.dictionary import DictionaryLinker
from kgbert.linking.folding import fold_cluster
from kgbert.linking.mention import Candidate, Mention
from kgbert.linking.rules import RULES
from kgbert.linking.stopping import STOP_NAMES
from kgbert.linking.teaching import misleading_names, with_gold_names
from kgbert.texts.example import Example, Span, longest

MEDICINE = ("adjectives", "organs", "tumours", "disorders")


class Candidates(Protocol):
    """A linker that also says what a given piece of text may mean."""

    def __call__(self, texts: Sequence[str]) -> list[list[Mention]]:
        """Return the mentions of each text."""
        ...

    def candidates(self, surface: str) -> tuple[Candidate, ...]:
        """Return what a piece of text may mean, best first."""
        ...


class Gold(NamedTuple):
    """A gold mention: its span, what it says, and the entities that would be right."""

    start: int
    end: int
    surface: str
    entities: frozenset[str]


def main() -> None:
    """Run every arm on every task and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/linking.json"))
    arguments = parser.parse_args()
    results = []
    for task, (path, read) in TASKS.items():
        graph = read(arguments.data / "graphs" / path)
        train = {
            fold_cluster(gold.surface)
            for _, golds in _load(arguments.data, task, "train", graph)
            for gold in golds
        }
        documents = _load(arguments.data, task, "test", graph)
        for arm, make in ARMS.items():
            linker = make(graph, arguments.data, task)
            result = {"task": task, "arm": arm} | measure(linker, documents, graph, train)
            print(json.dumps(result), flush=True)
            results.append(result)
    report = {
        "question": (__doc__ or "").splitlines()[0],
        "split": "test",
        "arms": results,
        "chosen on validation": CHOSEN,
    }
    arguments.out.write_text(json.dumps(report, indent=1) + "\n")


def measure(
    linker: Candidates,
    documents: Sequence[tuple[str, list[Gold]]],
    graph: KnowledgeGraph,
    train: Iterable[str],
) -> dict[str, Any]:
    """Return the scores of a linker on documents; ``train`` holds the surfaces seen before."""
    linked = linker([text for text, _ in documents])
    counts: Counter[str] = Counter()
    for (_, golds), mentions in zip(documents, linked, strict=True):
        found = {(mention.start, mention.end): mention for mention in mentions}
        counts["predicted"] += len(mentions)
        for gold in golds:
            counts.update(_judged(gold, found, linker, graph, set(train)))
    return {
        name: round(counts[over] / max(counts[under], 1), 4) for name, over, under in SCORES
    } | {
        "gold": counts["gold"],
        "missed": {cause: counts[cause] for cause in CAUSES},
    }


def add_arm(path: Path, result: Mapping[str, Any]) -> None:
    """Add the result of an arm that another script measures, after those of its task."""
    report = json.loads(path.read_text())
    same = (result["task"], result["arm"])
    kept = [arm for arm in report["arms"] if (arm["task"], arm["arm"]) != same]
    place = max(i for i, arm in enumerate(kept, start=1) if arm["task"] == result["task"])
    report["arms"] = [*kept[:place], result, *kept[place:]]
    path.write_text(json.dumps(report, indent=1) + "\n")


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


def _load(data: Path, task: str, split: str, graph: KnowledgeGraph) -> list[tuple[str, list[Gold]]]:
    lines = (data / "tasks" / task / f"{split}.jsonl").read_text("utf8").splitlines()
    return [
        (
            record["text"],
            [
                Gold(span["start"], span["end"], span["text"], _entities(span["entity"], graph))
                for span in record["spans"]
            ],
        )
        for record in map(json.loads, lines)
    ]


def _entities(joined: str, graph: KnowledgeGraph) -> frozenset[str]:
    """Return the ids of a mention of several entities, each as the graph calls it now."""
    return frozenset(graph.replaced.get(entity, entity) for entity in re.split(r"[|+]", joined))


def _mesh(path: Path) -> KnowledgeGraph:
    """Read the diseases, chemicals and mental disorders of mesh_descriptors.tsv."""
    builder = GraphBuilder()
    for line in path.read_text("utf8").splitlines():
        entity, label, synonyms, trees, *_ = [*line.split("\t"), "", "", ""]
        if any(tree.startswith(("C", "D", "F03")) for tree in trees.split("|")):
            builder.add_name(entity, label)
            for synonym in synonyms.split("|"):
                builder.add_name(entity, synonym, "exact")
    return builder.build()


def _medic(path: Path) -> KnowledgeGraph:
    """Read lines of id[|other ids]||name[|synonyms]."""
    builder = GraphBuilder()
    for line in path.read_text("utf8").splitlines():
        ids, _, names = line.partition("||")
        entity, *others = ids.split("|")
        builder.replaced.update(dict.fromkeys(others, entity))
        name, *synonyms = names.split("|")
        builder.add_name(entity, name)
        for synonym in synonyms:
            builder.add_name(entity, synonym, "exact")
    return builder.build()


GENERAL = tuple(rule for rule in RULES if rule not in (*MEDICINE, "abbreviations"))

#: How the numbers of the taught arm came about.
CHOSEN = (
    "least 2 findings, share 0.4 (misleading_names); tried: 1, 2 and 3 findings, shares 0.2 and "
    "0.4. Then, on validation as well: taught names overrule the graph's, short forms by initials "
    "and in brackets after a mention. The test split was read twice: before and after these"
)

Make = Callable[[KnowledgeGraph, Path, str], DictionaryLinker]


def _by_rules(*rules: str) -> Make:
    return lambda graph, data, task: DictionaryLinker(graph, rules=rules, max_candidates=20)


def _taught(graph: KnowledgeGraph, data: Path, task: str) -> DictionaryLinker:
    """Return the whole linker, with names and stop names from the training split."""
    examples = [_example(graph, *document) for document in _load(data, task, "train", graph)]
    taught = with_gold_names(graph, examples)
    misleading = misleading_names(DictionaryLinker(taught), examples)
    return DictionaryLinker(taught, stop_names=STOP_NAMES | misleading, max_candidates=20)


def _example(graph: KnowledgeGraph, text: str, golds: Sequence[Gold]) -> Example:
    """Return a document with the longer of gold spans that overlap, and one entity for each."""
    known = (sorted(entity for entity in gold.entities if entity in graph) for gold in golds)
    spans = (
        Span(gold.start, gold.end, "", next(iter(entities), ""))
        for gold, entities in zip(golds, known, strict=True)
    )
    return Example(text, spans=longest(spans))


ARMS: dict[str, Make] = {
    "exact names": _by_rules("acronyms"),
    "general rules": _by_rules(*GENERAL),
    "and words of medicine": _by_rules(*GENERAL, *MEDICINE),
    "and abbreviations": _by_rules(*RULES),
    "and taught by training mentions": _taught,
}

TASKS: dict[str, tuple[str, Callable[[Path], KnowledgeGraph]]] = {
    "bc5cdr": ("mesh/mesh_descriptors.tsv", _mesh),
    "ncbi_disease": ("medic/medic_06Jul2012.txt", _medic),
    "gsc_hpo": ("hpo/hp.obo", read_graph),
}

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

CAUSES = ("other boundaries", "entity not in graph", "name held back", "no such name")

if __name__ == "__main__":
    main()
