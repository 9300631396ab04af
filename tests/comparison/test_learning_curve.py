import pytest

from kgbert.comparison.compare import run_study
from kgbert.comparison.learning_curve import FewerTexts, compare_sizes
from kgbert.comparison.report.html import render_report
from kgbert.comparison.report.tables import size_table
from kgbert.comparison.statistics.learning_curve import curve_points
from kgbert.tasks.registry import TASKS
from tests.support.small_study import InventedRuns, small_study, split_of, tagged

TASK = TASKS["text-classification"]


@pytest.fixture
def invented(monkeypatch):
    return InventedRuns(monkeypatch)


def test_test_texts_stay_the_same():
    few, whole = FewerTexts(split_of(), 8, TASK)(0), split_of()(0)

    assert len(few.train) == 8
    assert few.test == whole.test
    assert few.validation == whole.validation


def test_more_texts_hold_those_of_fewer():
    small, large = (set(FewerTexts(split_of(), size, TASK)(1).train) for size in (5, 12))

    assert small < large


@pytest.mark.parametrize("seed", range(5))
def test_every_label_is_among_the_fewest_texts(seed):
    few = FewerTexts(split_of(), 3, TASK)(seed)

    assert {example.target for example in few.train} == {"well", "ill", "dead"}


def test_seeds_keep_other_texts():
    split = FewerTexts(lambda seed: split_of()(0), 8, TASK)

    assert set(split(0).train) != set(split(1).train)


def test_spans_are_labels_too():
    few = FewerTexts(split_of(tagged), 2, TASKS["token-classification"])(0)

    assert any(example.spans for example in few.train)


@pytest.mark.parametrize("size", [2, 24, 100])
def test_sizes_that_cannot_be_taken_are_refused_before_training(tmp_path, invented, size):
    with pytest.raises(ValueError, match=r"cannot be drawn from the 24 of seed 0.*train_sizes"):
        compare_sizes(small_study(tmp_path), [size, None], run_study)

    assert invented.done == []


def test_curve_stands_in_the_report_of_the_largest(tmp_path, invented):
    results = compare_sizes(small_study(tmp_path), [None, 6, 12], run_study)

    assert [point.size for point in curve_points(results)] == [6, 12, 24]
    assert [row[0] for row in size_table(results).rows] == ["6", "12", "24"]
    assert render_report(results).count("By number of training texts") == 2
    assert (tmp_path / "train-6" / "report.html").exists()


def test_a_remark_states_the_gain_with_few_and_with_all_texts(tmp_path, invented):
    results = compare_sizes(small_study(tmp_path), [6, 12, None], run_study)

    remark = "With 6 training texts the difference to plain is +10.0 points, with 24 +10.0."
    assert remark in results.remarks


def test_all_the_texts_are_the_runs_of_the_ordinary_study(tmp_path, invented):
    run_study(small_study(tmp_path))
    before = len(invented.done)

    compare_sizes(small_study(tmp_path), [6, None], run_study)

    assert len(invented.done) == 2 * before


def test_one_size_has_no_curve(tmp_path, invented):
    results = compare_sizes(small_study(tmp_path), [None], run_study)

    assert curve_points(results) == []
    assert "By number of training texts" not in render_report(results)
