import json
import re
from dataclasses import replace

import pytest

from kgbert.comparison.arms.registry import ARMS
from kgbert.comparison.budget import within_budget
from kgbert.comparison.results import RunRecord
from kgbert.comparison.run_store import finished_run, run_path
from kgbert.utils.errors import KGBertError
from tests.support.small_study import small_study

#: Seconds that a run takes.
COSTS = {"plain": 10, "knowledge": 20, "shuffled": 20, "no-edges": 15, "k-bert": 40}

#: What six seeds of the arms of the verdict take.
VERDICT = 6 * 50


class FakeComparison:
    """Replaces the comparison: stores runs with the times of ``COSTS``."""

    def __init__(self, failing=()):
        self.failing, self.done = failing, []

    def __call__(self, study):
        for seed in study.seeds:
            for arm in study.arms:
                if finished_run(study, arm, seed) is None:
                    self.done.append((arm.name, seed))
                    self.store(study, arm, seed)
        return {}

    def store(self, study, arm, seed):
        status = "failed" if arm.name in self.failing else "done"
        path = run_path(study, arm, seed)
        path.parent.mkdir(parents=True, exist_ok=True)
        record = RunRecord(arm.name, seed, status, seconds=float(COSTS[arm.name]))
        path.write_text(json.dumps(record.to_json()))


def study_of(folder, *others, seeds=10):
    names = ("plain", "knowledge", "shuffled", *others)
    return small_study(folder, arms=[ARMS[name] for name in names], seeds=range(seeds))


def planned(study, seconds, compare=None):
    found = within_budget(study, seconds, compare or FakeComparison())
    return [arm.name for arm in found.arms], len(found.seeds), " ".join(found.budget)


def test_all_arms_and_seeds_are_kept_where_they_fit(tmp_path):
    study = study_of(tmp_path, "no-edges")

    arms, seeds, plan_text = planned(study, 10 * 65)

    assert arms == ["plain", "knowledge", "shuffled", "no-edges"]
    assert seeds == 10
    assert "Left out" not in plan_text


def test_six_seeds_of_the_verdict_come_before_other_arms_and_more_seeds(tmp_path):
    arms, seeds, plan_text = planned(study_of(tmp_path, "no-edges", "k-bert"), VERDICT)

    assert arms == ["plain", "knowledge", "shuffled"]
    assert seeds == 6
    assert "Left out, as they do not fit: no-edges (not timed) and k-bert (not timed)." in plan_text
    assert "4 of the 10 seeds" in plan_text


def test_other_arms_come_before_more_seeds(tmp_path):
    arms, seeds, _ = planned(study_of(tmp_path, "no-edges"), VERDICT + 6 * 15 + 3 * 15)

    assert arms == ["plain", "knowledge", "shuffled", "no-edges"]
    assert seeds == 6


def test_an_arm_that_proves_too_dear_is_left_out_and_a_cheaper_one_after_it_kept(tmp_path):
    arms, _, plan_text = planned(study_of(tmp_path, "k-bert", "no-edges"), VERDICT + 40 + 6 * 15)

    assert arms == ["plain", "knowledge", "shuffled", "no-edges"]
    assert "k-bert (about 3 min 20 s more)" in plan_text


@pytest.mark.parametrize("seconds", [1, 100, 299])
def test_too_few_seeds_are_planned_with_these_words_and_what_to_type(tmp_path, seconds):
    found = within_budget(study_of(tmp_path, "no-edges"), seconds, FakeComparison())

    assert len(found.seeds) == max(1, seconds // 50)
    assert "Too few seeds for a verdict, which takes 6." in found.budget
    (enough,) = re.findall(r"budget=(\d+)", found.seed_hint)
    assert planned(study_of(tmp_path, "no-edges"), int(enough))[1] >= 6


@pytest.mark.parametrize("seconds", [30, 120, 310, 450, 700])
def test_plan_never_exceeds_the_time_but_for_the_runs_that_are_timed(tmp_path, seconds):
    compare = FakeComparison()
    study = study_of(tmp_path, "no-edges", "k-bert")

    compare(within_budget(study, seconds, compare))

    spent = sum(COSTS[arm] for arm, _ in compare.done)
    assert spent <= max(seconds, 50)


def test_what_was_finished_before_costs_nothing(tmp_path):
    study, compare = study_of(tmp_path), FakeComparison()
    compare(replace(study, seeds=range(6)))
    done = len(compare.done)

    assert planned(study, 50, compare)[1] == 7
    assert len(compare.done) == done


def test_one_run_of_each_arm_is_timed_and_done_only_once(tmp_path):
    study, compare = study_of(tmp_path, "no-edges"), FakeComparison()

    found = within_budget(study, 1_000, compare)
    timed = list(compare.done)
    compare(found)

    assert timed == [(arm.name, 0) for arm in study.arms]
    assert len(compare.done) == len(set(compare.done))


def test_an_arm_whose_timed_run_fails_is_left_out_unless_the_verdict_needs_it(tmp_path):
    study = study_of(tmp_path, "k-bert")

    arms, _, plan_text = planned(study, 10_000, FakeComparison(failing=["k-bert"]))
    with pytest.raises(KGBertError, match=r"the arm 'knowledge' failed; .*runs/knowledge-0"):
        within_budget(study_of(tmp_path / "b"), 10_000, FakeComparison(failing=["knowledge"]))

    assert "k-bert" not in arms
    assert "k-bert (its first run failed)" in plan_text
