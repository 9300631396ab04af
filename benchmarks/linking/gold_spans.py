"""How often do dictionary and encoder link a gold span to the right entity?

    python -m benchmarks.linking.gold_spans DATA --backbone NAME [--linkers FOLDER]

DATA is as for linking.whole_texts. Each arm is queried with the test split's gold spans; an answer
is correct if it is one of the span's gold entities. Arms that read the text expand abbreviations
that the text defines. The score below which NIL is predicted is chosen on the validation split.
Existing measurements are kept unless --again is given. Each evaluation on the test split is logged.

--linkers contains TASK folders written by `kgbert train-linker` for the task's graph; a task
without one has no trained arm. Names encoded by the untrained backbone are stored there too.
Letters are character n-grams; of entities that share a name, the one with more names ranks first;
both weights were chosen on the validation splits of NCBI-disease and GSC+. "And training mentions
as names" adds the gold mentions of the training split to the graph's names; systems such as BioSyn
add those of the validation split too, as the last such arm does.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import RESULTS
from benchmarks.linking.results_file import ResultsFile
from benchmarks.linking.tasks import TASKS, Gold, Task, read_task
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.dictionary.linker import DictionaryLinker
from kgbert.linking.embedding.abbreviations import expand_abbreviations, long_forms
from kgbert.linking.embedding.linker import EmbeddingLinker
from kgbert.linking.embedding.name_index import EncodedNames, distinct_names
from kgbert.linking.gold_names import with_added_names
from kgbert.linking.mention import Candidate
from kgbert.linking.normalization.casefold import fold_cluster

OUT = RESULTS / "linking_gold_spans.json"

KINDS = ("untrained", "trained")

Documents = Sequence[tuple[str, Sequence[Gold]]]
Ranked = Mapping[str, Sequence[Candidate]]


def main() -> None:
    """Measure every arm that has no result yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--backbone", required=True)
    parser.add_argument("--linkers", type=Path, default=Path("linkers"))
    parser.add_argument("--tasks", nargs="*", default=list(TASKS))
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    record = ResultsFile(arguments.out, HEADER, ARMS)
    for name in arguments.tasks:
        task = read_task(arguments.data, name)
        measured_arms = set() if arguments.again else {arm for arm in ARMS if record.has(name, arm)}
        for arm, reads_text, rank in _arms(task, arguments, measured_arms):
            record.add(name, arm, _scores(task, rank, reads_text=reads_text))


def _arms(
    task: Task, arguments: argparse.Namespace, measured_arms: set[str]
) -> Iterator[tuple[str, bool, Callable[[Sequence[str]], Ranked]]]:
    """Yield the arms without a result: name, whether it reads the text, and its ranking."""
    exact = DictionaryLinker(task.graph, rules=("acronyms",), max_candidates=20)
    rules = DictionaryLinker(task.graph, max_candidates=20)
    for name, reads, linker in (
        ("exact names", False, exact),
        ("normalised", False, rules),
        ("normalised, abbreviations expanded", True, rules),
    ):
        if name not in measured_arms:
            yield name, reads, partial(_candidates, linker)
    trained, untrained = (arguments.linkers / f"{task.name}{x}" for x in ("", "-untrained"))
    start = untrained if untrained.is_dir() else arguments.backbone
    for kind, folder in zip(KINDS, (start, trained), strict=True):
        if kind == "trained" and not trained.is_dir():
            continue
        encoder = EmbeddingLinker.from_pretrained(task.graph, folder)
        if folder == arguments.backbone:
            encoder.save(untrained)
        known = [*task.train, *task.validation]
        arms: dict[str, Callable[[], EmbeddingLinker]] = {
            "encoder and letters": encoder.with_settings,
            "encoder and letters, and training mentions as names": (
                partial(_with_mentions, encoder, task, task.train)
            ),
            "encoder and letters, and training and validation mentions as names": (
                partial(_with_mentions, encoder, task, known)
            ),
            "encoder": partial(encoder.with_settings, string_weight=0.0, popularity_weight=0.0),
        }
        for name, made in arms.items():
            if f"{name}, {kind}" not in measured_arms:
                yield f"{name}, {kind}", True, _ranking(made())


def _candidates(linker: DictionaryLinker, surfaces: Sequence[str]) -> Ranked:
    return {surface: linker.candidates(surface) for surface in surfaces}


def _ranking(linker: EmbeddingLinker) -> Callable[[Sequence[str]], Ranked]:
    return linker.with_settings(max_candidates=20, threshold=0.0).rank


def _scores(
    task: Task, rank: Callable[[Sequence[str]], Ranked], *, reads_text: bool
) -> dict[str, Any]:
    queries = {
        part: list(_queries(getattr(task, part), reads_text)) for part in ("validation", "test")
    }
    candidates_by_surface = rank(
        list(dict.fromkeys(surface for part in queries.values() for surface, _ in part))
    )
    threshold = _threshold(queries["validation"], candidates_by_surface, task.graph)
    seen = task.seen
    counts: Counter[str] = Counter()
    for surface, gold in queries["test"]:
        counts.update(_outcomes(gold, candidates_by_surface[surface], threshold, seen, task.graph))
    shares = {name: round(counts[over] / max(counts[under], 1), 4) for name, over, under in SCORES}
    missed = {cause: counts[cause] for cause in CAUSES}
    return shares | {"threshold": threshold, "mentions": counts["all"], "missed": missed}


def _outcomes(
    gold: Gold,
    candidates_by_surface: Sequence[Candidate],
    threshold: float,
    seen: set[str],
    graph: KnowledgeGraph,
) -> Iterator[str]:
    """Yield the counters that a gold span increments."""
    measured_arms = any(entity in graph for entity in gold.entities)
    before = "seen" if fold_cluster(gold.surface) in seen else "unseen"
    yield "all"
    answered = bool(candidates_by_surface) and candidates_by_surface[0].score >= threshold
    if not measured_arms:
        yield "NIL"
        yield "wrong: entity not in graph" if answered else "right at last"
        return
    yield from ("in graph", before)
    found = [candidate.entity in gold.entities for candidate in candidates_by_surface]
    yield from (f"right at {most}" for most in (1, 5, 20) if any(found[:most]))
    if any(found[:1]):
        yield f"right {before}"
        yield "right at last" if answered else "wrong: refused"
    elif any(found):
        yield "wrong: ranked lower"
    else:
        yield "wrong: not a candidate" if candidates_by_surface else "wrong: no candidate"


def _threshold(
    queries: Sequence[tuple[str, Gold]], candidates_by_surface: Ranked, graph: KnowledgeGraph
) -> float:
    best = [
        (next(iter(candidates_by_surface[surface]), Candidate("", 0.0)), gold)
        for surface, gold in queries
    ]
    return nil_threshold(
        [candidate.score for candidate, _ in best],
        [candidate.entity in gold.entities for candidate, gold in best],
        [not any(entity in graph for entity in gold.entities) for _, gold in best],
    )


def nil_threshold(scores: Sequence[float], correct: Sequence[bool], nil: Sequence[bool]) -> float:
    """Return the score below which NIL is predicted, with the best accuracy over all spans.

    Of several such thresholds the lowest is taken.

    Args:
        scores: Score of the first candidate of each span, 0 where there is none.
        correct: Whether that candidate is a gold entity.
        nil: Whether no gold entity is in the graph, so that NIL is correct.
    """
    levels, group = np.unique(np.array(scores, float), return_inverse=True)
    gain = np.bincount(group, np.array(nil, float) - np.array(correct, float), len(levels))
    refused = int(np.append(0.0, gain.cumsum()).argmax())
    if refused == 0:
        return 0.0
    above = levels[refused] if refused < len(levels) else 1.0
    return round(float(levels[refused - 1] + above) / 2, 4)


def _queries(documents: Documents, reads_text: bool) -> Iterator[tuple[str, Gold]]:
    """Yield the query of each gold span: its surface, with abbreviations expanded."""
    for text, golds in documents:
        spans = ((gold.start, gold.end) for gold in golds)
        defined = long_forms(text, spans) if reads_text else {}
        for gold in golds:
            yield expand_abbreviations(gold.surface, defined), gold


def _with_mentions(linker: EmbeddingLinker, task: Task, documents: Documents) -> EmbeddingLinker:
    """Return a linker whose graph has the gold mentions of documents as additional names."""
    gold_names = (
        (entity, surface) for surface, gold in _queries(documents, True) for entity in gold.entities
    )
    graph = with_added_names(task.graph, gold_names)
    vector_by_name = dict(zip(distinct_names(task.graph)[0], linker.names.vectors, strict=True))
    names, entities = distinct_names(graph)
    new = [name for name in dict.fromkeys(names) if name not in vector_by_name]
    vector_by_name |= dict(zip(new, linker.encoder.encode_all(new), strict=True))
    vectors = EncodedNames(np.stack([vector_by_name[name] for name in names]), entities)
    return EmbeddingLinker(graph, linker.encoder, vectors, settings=linker.options)


ARMS = (
    "exact names",
    "normalised",
    "normalised, abbreviations expanded",
    *(
        f"{arm}, {kind}"
        for kind in KINDS
        for arm in (
            "encoder and letters",
            "encoder and letters, and training mentions as names",
            "encoder and letters, and training and validation mentions as names",
            "encoder",
        )
    ),
)

#: Recorded beside the scores: the question, and how settings were chosen.
HEADER = {
    "question": (__doc__ or "").splitlines()[0],
    "chosen on validation": (
        "string_weight 0.15, popularity_weight 0.005 (EmbeddingSettings); tried: string_weight 0, "
        "0.15, 0.3, 0.5, 0.8, 1.2; popularity_weight 0, 0.001, 0.005, 0.01; a bonus for preferred "
        "names 0.001, 0.01, 0.03; "
        "training counts of entities and of surfaces. Then: names of training mentions take "
        "precedence (NCBI-disease 91.3 to 92.8, GSC+ 83.1 to 85.5, BC5CDR 91.3 to 92.8), mentions "
        "of several entities name each, abbreviations by initials and in brackets after a mention "
        "(93.3, 85.5, 92.9). If validation mentions are names, the threshold is meaningless: all "
        "of them match"
    ),
}

#: Name of a score, its numerator and its denominator.
SCORES = (
    ("accuracy, entity in graph", "right at 1", "in graph"),
    ("recall at 5", "right at 5", "in graph"),
    ("recall at 20", "right at 20", "in graph"),
    ("accuracy, surface seen", "right seen", "seen"),
    ("accuracy, surface unseen", "right unseen", "unseen"),
    ("accuracy over all, with NIL", "right at last", "all"),
    ("entity in graph", "in graph", "all"),
)

CAUSES = (
    "wrong: entity not in graph",
    "wrong: refused",
    "wrong: ranked lower",
    "wrong: not a candidate",
    "wrong: no candidate",
)

if __name__ == "__main__":
    main()
