"""Merging further seeds gives the results of one study of all seeds."""

import pytest

from benchmarks.verdict.extend import merge_results
from tests.support.invented_study import ARMS, records, run, runs, study, summarised


def results_of(found, seeds):
    return summarised(study(seeds), found).with_runs(
        records([{**run, "items": None} for run in found])
    )


def test_merged_seeds_equal_one_study_of_all_seeds():
    found = runs(seeds=9)
    later = [run for run in found if run["seed"] >= 6]
    before = results_of([run for run in found if run["seed"] < 6], 6)

    both = merge_results(before, records(later), "three more")

    at_once = results_of(found, 9)
    assert both.arms == at_once.arms
    assert both.verdict == at_once.verdict
    assert both.complete_seeds == at_once.complete_seeds == tuple(range(9))
    for one, other in zip(both.comparisons, at_once.comparisons, strict=True):
        assert (one.differences, one.summary) == (other.differences, other.summary)
    assert both.study.amendment == "three more"


def test_item_level_tests_keep_the_seeds_with_predictions():
    found = runs(seeds=9)
    before = results_of([run for run in found if run["seed"] < 6], 6)

    both = merge_results(before, records([run for run in found if run["seed"] >= 6]), "")

    for one, other in zip(both.comparisons, before.comparisons, strict=True):
        assert one.item_level == other.item_level


def test_a_rerun_replaces_the_old_run():
    before = results_of(runs(), 6)
    reruns = [run("shuffled", seed, 0.9) for seed in range(6)]

    both = merge_results(before, records(reruns), "")

    assert {arm.name: arm.mean for arm in both.arms}["shuffled"] == pytest.approx(0.9)
    assert len(both.runs) == 6 * len(ARMS)


def test_a_failed_run_is_named_and_nothing_is_merged():
    failed = run("plain", 6, 0.5, status="failed")

    with pytest.raises(ValueError, match=r"failed: \[\('plain', 6\)\]"):
        merge_results(results_of(runs(), 6), records([failed]), "")
