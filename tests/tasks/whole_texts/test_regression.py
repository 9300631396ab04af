import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import pearsonr, spearmanr

from kgbert.data import Example
from kgbert.tasks.registry import detect_task
from kgbert.tasks.whole_texts.regression import Regression, mae, pearson, rmse, spearman
from tests.support.errors import raises
from tests.support.overfitting import overfitted_answers

TASK = Regression()

TRAIN = [
    Example("fever and cough", 1030.0),
    Example("a cough", 1020.0),
    Example("the lung", 1000.0),
    Example("nothing to see", 1000.0),
]

VALUES = st.lists(
    st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=3, max_size=20
).filter(lambda pairs: all(len(set(column)) > 1 for column in zip(*pairs, strict=True)))


@pytest.mark.parametrize(("cell", "value"), [("0.25", 0.25), (3, 3.0), ("-1e2", -100.0)])
def test_values_are_read_from_numbers_and_cells(cell, value):
    assert TASK.read({"text": "x", "value": cell}).target == value


@pytest.mark.parametrize("cell", [None, ""])
def test_a_text_without_value_is_unlabelled(cell):
    assert TASK.read({"text": "x", "value": cell}).target is None


@pytest.mark.parametrize("cell", ["n/a", "nan", "inf", True, [1], "1,5"])
def test_what_is_no_number_is_refused(cell):
    with raises("value-not-a-number"):
        TASK.read({"text": "x", "value": cell})


def test_a_column_of_values_poses_the_task():
    assert detect_task([{"text": "x", "value": "0.5"}]).name == TASK.name


def test_a_missing_value_is_refused():
    with raises("missing-value"):
        TASK.check([*TRAIN, Example("x")])


def test_equal_values_are_refused():
    with raises("single-value"):
        TASK.check([Example("a", 1.0), Example("b", 1.0)])


@given(VALUES)
def test_correlations_are_those_of_scipy(pairs):
    gold, predicted = (list(map(float, column)) for column in zip(*pairs, strict=True))

    assert pearson(gold, predicted) == pytest.approx(pearsonr(gold, predicted)[0])
    assert spearman(gold, predicted) == pytest.approx(spearmanr(gold, predicted)[0])


def test_constant_answers_have_no_correlation():
    assert pearson([1.0, 2.0], [3.0, 3.0]) == 0.0


def test_errors_are_in_the_unit_of_the_values():
    assert (rmse([0.0, 0.0], [3.0, 4.0]), mae([0.0, 0.0], [3.0, -4.0])) == (
        pytest.approx(12.5**0.5),
        3.5,
    )


def test_a_model_answers_in_the_unit_of_the_values(tmp_path):
    answers = overfitted_answers(TASK, TRAIN, tmp_path)

    assert answers == pytest.approx([example.target for example in TRAIN], abs=6)
