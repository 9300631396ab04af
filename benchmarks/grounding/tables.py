"""The tables of the benchmark of sample efficiency."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from benchmarks.rendering.markdown import table
from kgbert.comparison.arms.verdict_arms import BASELINE, MAIN
from kgbert.comparison.statistics.sign_flip import paired_summary
from kgbert.reporting.formatting import interval, p_value, points, score

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
        gain = _difference(knowledge, plain) if knowledge else ["", "", ""]
        rows.append((f"{terms}", _texts(results, terms), _mean(plain), _mean(knowledge), *gain))
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
                    _mean(knowledge),
                    f"{_texts(results, MORE * terms)}",
                    _mean(plain),
                    *_difference(knowledge, plain),
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


def _difference(first: Mapping[int, float], second: Mapping[int, float]) -> Sequence[str]:
    """Return the mean difference over the seeds that both have, its p-value and their number."""
    seeds = sorted(first.keys() & second.keys())
    found = paired_summary([first[seed] - second[seed] for seed in seeds])
    return (
        f"{points(found.mean)} {interval(found.interval)}".strip(),
        p_value(found.p),
        f"{len(seeds)}",
    )


def _texts(results: Results, terms: int) -> str:
    return f"{terms * results['categories']:,}"


def _mean(scores: Mapping[int, float]) -> str:
    return score(fmean(scores.values())) if scores else ""


def _circumstances(results: Results) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
    return (
        f"Accuracy in %; {results['categories']} labels, {results['test terms']} test terms; "
        f"encoder {results['encoder']}; {results['hardware']['processor']}, 1 thread, {versions}, "
        f"{results['finished'][:10]}."
    )
