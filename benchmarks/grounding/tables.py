"""The tables of sample efficiency, new labels, subject indexing and the cost of grounded labels."""

from collections.abc import Mapping
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.rendering.markdown import table, versions_of
from benchmarks.rendering.paired_scores import difference, mean_score
from kgbert.comparison.arms.verdict_arms import BASELINE, MAIN
from kgbert.reporting.formatting import p_value, points, score

#: How many times more texts the plain model has.
MORE = 3

Results = Mapping[str, Any]


def sample_efficiency_tables(results: Results) -> str:
    """Return the scores by number of texts, knowledge against more texts, and the circumstances."""
    return "\n\n".join([_curve(results), _against_more(results), _circumstances(results)])


def _curve(results: Results) -> str:
    rows = []
    for terms in sorted({run["terms"] for run in results["runs"]}):
        plain, knowledge = (_scores(results, arm, terms) for arm in (BASELINE, MAIN))
        gain = difference(knowledge, plain)
        rows.append(
            (f"{terms}", _texts(results, terms), mean_score(plain), mean_score(knowledge), *gain)
        )
    header = ("terms of a label", "texts", BASELINE, MAIN, f"{MAIN} over {BASELINE}", "p", "seeds")
    return table(header, rows)


def _against_more(results: Results) -> str:
    rows = []
    for terms in sorted({run["terms"] for run in results["runs"]}):
        knowledge = _scores(results, MAIN, terms)
        plain = _scores(results, BASELINE, MORE * terms)
        if knowledge and plain:
            rows.append(
                (
                    f"{_texts(results, terms)}",
                    mean_score(knowledge),
                    f"{_texts(results, MORE * terms)}",
                    mean_score(plain),
                    *difference(knowledge, plain),
                )
            )
    header = ("texts", MAIN, "texts of plain", BASELINE, f"{MAIN} over {BASELINE}", "p", "seeds")
    return table(header, rows)


def _scores(results: Results, arm: str, terms: int) -> dict[int, float]:
    """Return the scores of an arm with a number of terms of each label, by seed."""
    return {
        run["seed"]: run["score"]
        for run in results["runs"]
        if run["arm"] == arm and run["terms"] == terms
    }


def _texts(results: Results, terms: int) -> str:
    return f"{terms * results['categories']:,}"


def _circumstances(results: Results) -> str:
    return (
        f"Accuracy in %; {results['categories']} labels, {results['test terms']} test terms; "
        f"encoder {results['encoder']}; {results['hardware']['processor']}, 1 thread, "
        f"{versions_of(results)}, {results['finished'][:10]}."
    )


#: How a graph describes the labels, as readers understand it.
_DESCRIPTIONS = {
    "names": "titles",
    "graph": "titles, and the codes below",
    "wrong": "titles, and the codes below another category",
}


def new_labels_table(results: Results) -> str:
    """Return the scores on labels with and without training texts, before and after training."""
    runs = results["runs"]
    rows = []
    for kind in dict.fromkeys(run["graph"] for run in runs):
        own = [run for run in runs if run["graph"] == kind]
        for when in ("before", "after"):
            found = [
                fmean(run[when][part][rank] for run in own) / 100
                for part in ("seen", "unseen")
                for rank in ("at 1", "at 10")
            ]
            mean = fmean(run["harmonic mean"] for run in own) / 100 if when == "after" else None
            shown = [score(x) for x in found] + ["" if mean is None else score(mean)]
            rows.append((_DESCRIPTIONS[kind], when, *shown))
    header = (
        "what describes a label",
        "training",
        *("seen, at 1", "at 10", "unseen, at 1", "at 10", "harmonic mean"),
    )
    tested = results["test terms"]
    circumstances = (
        f"In %, means of {len({run['seed'] for run in runs})} seeds; {results['labels']:,} labels, "
        f"of which {results['labels with training texts']:,} have one of "
        f"{results['training terms']:,} training texts (last seed); {tested['seen']:,} test terms "
        f"of seen and {tested['unseen']:,} of unseen labels; encoder {results['encoder']}; "
        f"{results['hardware']['processor']}, 1 thread, {versions_of(results)}, "
        f"{results['finished'][:10]}."
    )
    return "\n\n".join([table(header, rows), circumstances])


#: The arm of kgbert that is compared with the others.
INDEXER = "kgbert"

#: Random exchanges of the answers of two systems.
DRAWS = 9_999


def subject_indexing_tables(results: Results) -> str:
    """Return a table for each corpus, and the circumstances."""
    return "\n\n".join(
        [*(_subjects(results, corpus) for corpus in results["texts"]), _indexing(results)]
    )


def _subjects(results: Results, corpus: str) -> str:
    """Return the scores of all systems on a corpus, the best first."""
    runs = [run for run in results["runs"] if run["corpus"] == corpus]
    systems = dict.fromkeys(run["system"] for run in runs)
    by_system = {x: {r["seed"]: r for r in runs if r["system"] == x} for x in systems}
    rows = []
    for system, own in by_system.items():
        tests = [run["test"] for run in own.values()]
        names = ("micro_f1", "precision", "recall", "f1_unseen", "ndcg_at_10")
        means = [fmean(test[name] for test in tests) for name in names]
        shown = [score(mean) for mean in means]
        rows.append((means[0], (system, *shown, *_gain(by_system[INDEXER], own), f"{len(own)}")))
    rows.sort(key=lambda row: -row[0])
    train, validation, test = results["texts"][corpus]
    header = ("micro-F1", "precision", "recall", "F1, unseen", "nDCG@10")
    title = f"**{corpus}**: {train:,} training, {validation:,} validation and {test:,} test texts."
    compared = (f"{INDEXER} over it", "p", "seeds")
    return f"{title}\n\n{table(('system', *header, *compared), [row for _, row in rows])}"


def _gain(first: Mapping[int, Any], second: Mapping[int, Any]) -> tuple[str, str]:
    """Return the difference of two systems in micro-F1 over their common seeds, and its p."""
    seeds = sorted(first.keys() & second.keys())
    if not seeds or first is second:
        return "", ""
    own, other = (np.array([runs[seed]["counts"] for seed in seeds]) for runs in (first, second))
    difference, p = permutation_test(own, other)
    return points(difference), p_value(p)


def permutation_test(
    first: NDArray[np.int64], second: NDArray[np.int64], draws: int = DRAWS
) -> tuple[float, float]:
    """Return the difference of two systems in micro-F1, and its p by exchanging their answers.

    Args:
        first: Numbers of right, predicted and gold labels, shape (seeds, texts, 3).
        second: Those of the other system.
        draws: Number of random exchanges.

    >>> good, bad = np.array([[[2, 2, 2]] * 20]), np.array([[[1, 2, 2]] * 20])
    >>> permutation_test(good, bad)
    (0.5, 0.0001)
    """
    difference = _mean_f1(first.sum(1)) - _mean_f1(second.sum(1))
    swaps = np.random.default_rng(0).random((draws, first.shape[1])) < 0.5
    changes = np.einsum("dt,stn->dsn", swaps.astype(np.float64), second - first)
    drawn = _mean_f1(first.sum(1) + changes) - _mean_f1(second.sum(1) - changes)
    extreme = np.abs(drawn) >= abs(difference) - 1e-12
    return float(difference), float((1 + extreme.sum()) / (1 + draws))


def _mean_f1(sums: NDArray[Any]) -> NDArray[np.float64]:
    """Return the mean F1 over seeds; shape (..., seeds, 3) becomes (...)."""
    f1 = 2 * sums[..., 0] / np.maximum(1, sums[..., 1] + sums[..., 2])
    return np.asarray(f1.mean(-1))


def _indexing(results: Results) -> str:
    return (
        "In %; F1, unseen: micro-F1 on labels without training texts; p: permutation of the "
        f"answers to test texts. Encoder {results['encoder']}; Annif {results['annif']}; "
        f"{results['hardware']['processor']}, 1 thread, {versions_of(results)}, "
        f"{results['finished'][:10]}."
    )


def grounding_cost_table(results: Results) -> str:
    """Return the time of training steps and of predictions, and relative to the plain model."""
    rows = []
    for part in results["parts"]:
        plain = part["seconds"][BASELINE]
        for model, seconds in part["seconds"].items():
            ratio = "" if model == BASELINE else f"{seconds / plain:.2f}"
            rows.append((part["what"], f"{part['labels']:,}", model, f"{seconds:.2f} s", ratio))
    header = ("", "labels", "model", "time", "over plain")
    circumstances = (
        f"Steps of {results['batch_size']} terms, predictions for {results['texts']}; "
        f"{results['hardware']['processor']}, 1 thread, {versions_of(results)}, "
        f"{results['finished'][:10]}."
    )
    return "\n\n".join([table(header, rows), circumstances])
