"""The tables of the benchmark of sample efficiency."""

from collections.abc import Mapping
from typing import Any

from benchmarks.rendering.markdown import table, versions_of
from benchmarks.rendering.paired_scores import difference, mean_score
from kgbert.comparison.arms.verdict_arms import BASELINE, MAIN

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
