"""Results of further seeds are those of one study of all seeds, or are not written."""

import pytest

from benchmarks.verdict.extend import together
from kgbert.comparison.statistics.summary import summarise
from tests.support.invented_study import ARMS, run, runs, study


def results_of(found, seeds):
    kept = [{name: run[name] for name in run if name != "items"} for run in found]
    return summarise(study(seeds), found) | {"runs": kept}


def test_further_seeds_say_what_all_seeds_at_once_would_have_said():
    found = runs(seeds=9)
    later = [run for run in found if run["seed"] >= 6]
    before = results_of([run for run in found if run["seed"] < 6], 6)

    both = together(before, later, "three more")

    at_once = results_of(found, 9)
    assert both["arms"] == at_once["arms"]
    assert both["verdict"] == at_once["verdict"]
    assert both["complete_seeds"] == at_once["complete_seeds"] == list(range(9))
    for one, other in zip(both["comparisons"], at_once["comparisons"], strict=True):
        told = ("differences", "interval", "p", "wins")
        assert [one[name] for name in told] == [other[name] for name in told]
    assert both["amended"] == "three more"


def test_answers_by_text_stay_those_of_the_seeds_that_kept_them():
    found = runs(seeds=9)
    before = results_of([run for run in found if run["seed"] < 6], 6)

    both = together(before, [run for run in found if run["seed"] >= 6], "")

    for one, other in zip(both["comparisons"], before["comparisons"], strict=True):
        assert one["item_level"] == other["item_level"]


def test_a_run_done_anew_takes_the_place_of_the_one_before():
    before = results_of(runs(), 6)
    anew = [run("shuffled", seed, 0.9) for seed in range(6)]

    both = together(before, anew, "")

    assert {run["arm"]: run["mean"] for run in both["arms"]}["shuffled"] == pytest.approx(0.9)
    assert len(both["runs"]) == 6 * len(ARMS)


def test_a_failed_run_changes_nothing_and_is_named():
    failed = run("plain", 6, 0.5, status="failed")

    with pytest.raises(ValueError, match=r"failed: \[\('plain', 6\)\]"):
        together(results_of(runs(), 6), [failed], "")
