"""The table of the benchmark of two languages."""

from collections.abc import Iterator

from benchmarks.rendering.markdown import table
from benchmarks.rendering.paired_scores import difference, mean_score
from kgbert.comparison.arms.verdict_arms import MAIN
from kgbert.comparison.results import ALSO_TESTED, ComparisonResult


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
            cells.append(mean_score(scores[arm.name]))
            gain = difference(scores[MAIN], scores[arm.name])[:2]
            cells += ("", "") if arm.name == MAIN else gain
        yield tuple(cells)


def _scores(results: ComparisonResult) -> dict[str, dict[str, dict[int, float]]]:
    """Return the scores by seed of each arm, by the language of the test terms."""
    metric, also_tested = results.study.metric, f"{ALSO_TESTED}German"
    found: dict[str, dict[str, dict[int, float]]] = {"English": {}, "German": {}}
    for run in results.runs:
        german = run.slices[also_tested].metrics[metric]
        assert german is not None
        found["English"].setdefault(run.arm, {})[run.seed] = run.metrics[metric]
        found["German"].setdefault(run.arm, {})[run.seed] = german
    return found
