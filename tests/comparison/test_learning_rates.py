from dataclasses import replace

import pytest

from kgbert.comparison import learning_rates
from kgbert.comparison.arms.registry import Arm
from kgbert.comparison.compare import run_study
from kgbert.comparison.learning_rates import ValidationOnly, tuned
from tests.support.small_study import InventedRuns, small_study, split_of

RATES = (1e-4, 4e-4)


@pytest.fixture
def invented(monkeypatch):
    """Return runs with better scores at the higher rate for the plain arm, else at the lower."""
    made = InventedRuns(monkeypatch)

    def run(study, arm, seed, **options):
        result = made.run(study, arm, seed, **options)
        high = study.training_config(arm).encoder_learning_rate == RATES[1]
        accuracy = 0.6 if high == (arm.name == "plain") else 0.5
        return replace(result, record=replace(result.record, validation={"accuracy": accuracy}))

    monkeypatch.setattr(learning_rates, "run_arm", run)
    return made


def chosen(study):
    return {arm.name: study.training_config(arm).encoder_learning_rate for arm in study.arms}


def test_each_arm_gets_the_rate_that_is_best_on_validation(tmp_path, invented):
    study = tuned(small_study(tmp_path), RATES)

    assert chosen(study) == {"plain": RATES[1], "knowledge": RATES[0], "shuffled": RATES[0]}


def test_every_arm_has_as_many_trials(tmp_path, invented):
    tuned(small_study(tmp_path), RATES)

    counts = [sum(arm == name for arm, _ in invented.done) for name in ("plain", "knowledge")]
    assert counts == [4, 4]


def test_search_stands_in_the_results(tmp_path, invented):
    results = run_study(tuned(small_study(tmp_path), RATES))

    assert results.study.tuning.chosen["plain"] == RATES[1]
    assert len(results.study.tuning.trials) == 6
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "How the learning rates were chosen" in page


def test_second_search_repeats_nothing(tmp_path, invented):
    tuned(small_study(tmp_path), RATES)
    before = len(invented.done)

    again = tuned(small_study(tmp_path), RATES)

    assert len(invented.done) == before
    assert chosen(again)["plain"] == RATES[1]


def test_search_touches_no_run_of_the_comparison(tmp_path, invented):
    study = small_study(tmp_path)
    tuned(study, RATES)

    assert not (study.folder / "runs").exists()


def test_a_failed_trial_is_not_chosen(tmp_path, invented):
    invented.failing["plain", 0] = RuntimeError("out of memory")

    study = tuned(small_study(tmp_path), RATES)

    scores = [x.validation for x in study.tuning.trials if x.arm == "plain"]
    assert scores == [(None, 0.5), (None, 0.6)]
    assert chosen(study)["plain"] == RATES[1]


def test_no_test_text_is_seen():
    split = ValidationOnly(split_of())(0)

    assert split.test == split.validation == split_of()(0).validation


def test_an_inapplicable_arm_is_rejected_before_any_trial(tmp_path, invented):
    def refuse(inputs, seed):
        raise ValueError("no two relations")

    odd = Arm("odd", "changes what is not there", transform=refuse)
    study = small_study(tmp_path)

    with pytest.raises(ValueError, match="no two relations"):
        tuned(replace(study, arms=[*study.arms, odd]), RATES)

    assert invented.done == []
