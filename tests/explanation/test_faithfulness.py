import json
from dataclasses import replace

import pytest

from kgbert.explanation.faithfulness import (
    Estimate,
    Faithfulness,
    FaithfulnessReport,
    evaluate_explanations,
)
from kgbert.explanation.methods import METHODS
from tests.explanation.conftest import TEXT
from tests.support.errors import raises

TEXTS = [TEXT, "fever of the lung", "cough, cough and fever"]


@pytest.fixture
def report(model):
    return evaluate_explanations(model, TEXTS)


def test_each_method_is_measured_for_its_kinds_of_parts(report):
    measured = {(row.kind, row.method) for row in report.rows}

    assert measured == {
        (kind, name)
        for kind in ("words", "mentions", "entities", "edges")
        for name, method in METHODS.items()
        if name != "random" and kind in method.kinds
    }
    assert {row.texts for row in report.rows} == {3}


def test_entities_are_measured_where_mentions_have_several_candidates(model):
    report = evaluate_explanations(model, ["cough and pneumonia", TEXT], methods=["removal"])

    assert {row.kind: row.texts for row in report.rows} == {
        "words": 2,
        "mentions": 2,
        "entities": 1,
        "edges": 2,
    }


def test_the_mean_lies_in_its_interval(report):
    for row in report.rows:
        for estimate in (row.comprehensiveness, row.sufficiency):
            assert estimate.low <= estimate.mean <= estimate.high


def test_removing_the_mention_that_matters_most_is_more_comprehensive_than_chance(report):
    (row,) = [x for x in report.rows if (x.kind, x.method) == ("mentions", "removal")]

    assert row.comprehensiveness_over_random.mean > 0


def test_a_report_is_a_table_and_json(report):
    assert "integrated-gradients" in report.table()
    assert json.loads(json.dumps(report.to_json()))["unit"] == "log-odds"


def row_of(method, comprehensiveness, over_random, correlation=0.1):
    same = Estimate(correlation, correlation, correlation)
    estimate = Estimate(comprehensiveness, 0.0, 1.0)
    difference = Estimate(over_random, over_random, over_random)
    return Faithfulness(
        "mentions", method, 9, estimate, estimate, difference, difference, same, seconds=0.1
    )


def test_the_most_comprehensive_method_that_is_better_than_random_is_believed():
    rows = row_of("removal", 0.5, 0.1), row_of("shapley", 0.6, 0.1), row_of("attention", 0.9, -0.1)

    assert FaithfulnessReport("log-odds", rows).best_method("mentions") == "shapley"
    assert FaithfulnessReport("log-odds", rows[2:]).best_method("mentions") is None


def test_a_method_that_says_the_same_of_shuffled_weights_is_not_believed():
    rows = row_of("removal", 0.5, 0.1), row_of("attention", 0.9, 0.1, correlation=0.9)

    assert FaithfulnessReport("log-odds", rows).best_method("mentions") == "removal"
    assert FaithfulnessReport("log-odds", rows[1:]).best_method("mentions") is None


def test_no_method_is_believed_where_the_score_hardly_depends_on_the_parts():
    small, none = Estimate(0.01, 0.005, 0.02), Estimate(0.0, 0.0, 0.0)
    row = Faithfulness("words", "removal", 9, small, none, small, small, none, seconds=0.1)
    report = FaithfulnessReport("log-odds", (row,))

    assert report.best_method("words") is None
    assert "words: nothing can be told: whichever are removed" in report.table()
    assert "by at most 0.02" in report.table()
    # The same numbers are large for a target that differs by hundredths.
    assert replace(report, scale=0.01).best_method("words") == "removal"


def test_wide_intervals_are_told_from_a_method_without_merit():
    unsure = replace(row_of("removal", 0.5, 0.1), sufficiency_over_random=Estimate(0.1, -0.1, 0.3))
    worse = row_of("removal", 0.5, -0.1)

    assert FaithfulnessReport("log-odds", (unsure,)).conclusion("mentions").startswith("too few")
    assert FaithfulnessReport("log-odds", (worse,)).conclusion("mentions").startswith("no method")


def test_texts_without_two_parts_are_refused(model):
    with raises("nothing-to-rank"):
        evaluate_explanations(model, ["fever"], parts=["mentions"])
