"""The table of the benchmark of two languages."""

from collections.abc import Iterator
from statistics import fmean

from benchmarks.rendering.markdown import table
from kgbert.comparison.arms.verdict_arms import MAIN
from kgbert.comparison.results import ALSO_TESTED, ComparisonResult
from kgbert.comparison.statistics.sign_flip import paired_summary
from kgbert.reporting.formatting import interval, p_value, points, score


def languages_table(results: ComparisonResult) -> str:
    """Return the scores of every arm by language of the test terms, and what knowledge gains."""
    return table(("arm", *_header(results)), list(_rows(results)))


def _header(results: ComparisonResult) -> Iterator[str]:
    for language in _scores(results):
        yield from (f"{language} terms", f"{MAIN} over it", "p")


def _rows(results: ComparisonResult) -> Iterator[tuple[str, ...]]:
    for arm in results.arms:
        cells = [arm.name]
        for scores in _scores(results).values():
            cells.append(score(fmean(scores[arm.name])))
            cells += ("", "") if arm.name == MAIN else _gain(scores[MAIN], scores[arm.name])
        yield tuple(cells)


def _gain(main: list[float], other: list[float]) -> tuple[str, str]:
    found = paired_summary([one - two for one, two in zip(main, other, strict=True)])
    return f"{points(found.mean)} {interval(found.interval)}".strip(), p_value(found.p)


def _scores(results: ComparisonResult) -> dict[str, dict[str, list[float]]]:
    """Return the scores by seed of each arm, by the language of the test terms."""
    metric, also_tested = results.study.metric, f"{ALSO_TESTED}German"
    found: dict[str, dict[str, list[float]]] = {"English": {}, "German": {}}
    for run in sorted(results.runs, key=lambda run: run.seed):
        german = run.slices[also_tested].metrics[metric]
        assert german is not None
        found["English"].setdefault(run.arm, []).append(run.metrics[metric])
        found["German"].setdefault(run.arm, []).append(german)
    return found
