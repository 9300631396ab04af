import json
from dataclasses import replace

import numpy as np
import pytest

from kgbert.data import Example
from kgbert.explanation import faithfulness
from kgbert.explanation.faithfulness import (
    ERASED,
    Estimate,
    Faithfulness,
    FaithfulnessReport,
    SoftFaithfulness,
    evaluate_explanations,
)
from kgbert.explanation.methods import METHODS, Attributions, random_order
from kgbert.models.task_models import KGBertForMultipleChoice
from kgbert.tasks.registry import TASKS
from kgbert.training.pipeline import KGBertPipeline
from tests.explanation.conftest import TEXT
from tests.explanation.planted import word_model, word_text
from tests.support.errors import raises
from tests.support.tiny import perturb, tiny_processor

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


@pytest.fixture
def few_orders(monkeypatch):
    monkeypatch.setattr(faithfulness, "RANDOM_ORDERS", 2)


@pytest.fixture
def replaced(monkeypatch):
    """Replace a method by another one; the baseline itself is not evaluated as a method."""

    def replace_method(attribute):
        monkeypatch.setitem(METHODS, "removal", replace(METHODS["removal"], attribute=attribute))

    return replace_method


@pytest.fixture(scope="module")
def word_decides(tmp_path_factory):
    """Return a pipeline, and texts in which one word decides its answer."""
    model = word_model(tmp_path_factory.mktemp("words"))
    random = np.random.default_rng(5)
    return model, [word_text(number % 2, random) for number in range(8)]


def soft_of(model, texts, kind, method="removal"):
    (row,) = evaluate_explanations(model, texts, parts=[kind], methods=[method]).rows
    return row.soft


def test_words_mentions_and_entities_have_soft_figures_and_edges_have_none(report):
    assert {row.kind for row in report.rows if row.soft} == set(ERASED)
    assert {row.kind for row in report.rows if not row.soft} == {"edges"}


def test_erasing_by_importance_finds_the_word_that_decides(word_decides, few_orders):
    soft = soft_of(*word_decides, "words")

    assert soft.is_better_than_random
    assert soft.sufficiency.mean < 0.1 * soft.comprehensiveness.mean


def test_erasing_by_importance_finds_the_mention_that_decides(planted, few_orders):
    plan, model = planted
    texts = [plan.text(number % 2, held_out=True, number=number)[0] for number in range(10)]

    for method in ("removal", "integrated-gradients"):
        soft = soft_of(model, texts, "mentions", method)
        assert soft.is_better_than_random
        assert soft.sufficiency.mean < 0.2 * soft.comprehensiveness.mean


def test_a_method_that_ranks_the_deciding_word_last_is_worse_than_permuted_importances(
    word_decides, few_orders, replaced
):
    removal = METHODS["removal"].attribute
    replaced(lambda scorer, parts: Attributions(-removal(scorer, parts).values))

    soft = soft_of(*word_decides, "words")

    assert soft.comprehensiveness_over_random.high < 0
    assert soft.sufficiency_over_random.high < 0


@pytest.mark.parametrize("kind", ["words", "mentions"])
def test_random_importances_are_as_good_as_permuted_ones(
    word_decides, planted, few_orders, replaced, kind
):
    plan, planted_pipeline = planted
    texts = [plan.text(x % 2, held_out=True, number=x)[0] for x in range(10)]
    asked = word_decides if kind == "words" else (planted_pipeline, texts)
    removal = soft_of(*asked, kind)
    replaced(random_order)

    soft = soft_of(*asked, kind)

    assert removal.is_better_than_random
    least = 0.3 * removal.comprehensiveness_over_random.mean
    assert abs(soft.comprehensiveness_over_random.mean) < least
    assert abs(soft.sufficiency_over_random.mean) < least


def test_equal_importances_equal_permuted_ones(model, few_orders, replaced):
    replaced(lambda scorer, parts: Attributions(np.ones((len(scorer.answers), len(parts)))))

    for kind in ERASED:
        soft = soft_of(model, [TEXT], kind)
        assert soft.comprehensiveness_over_random.mean == 0
        assert soft.sufficiency_over_random.mean == 0
        # Half of the elements are erased for both.
        assert soft.comprehensiveness == soft.sufficiency


def test_soft_figures_are_the_same_in_each_run_and_for_batches_of_any_size(model, few_orders):
    one, other = (
        evaluate_explanations(
            model, TEXTS[:2], parts=["words", "mentions"], methods=["removal"], batch_size=size
        )
        for size in (1, 32)
    )

    for row, same in zip(one.rows, other.rows, strict=True):
        assert row.soft.comprehensiveness.mean == pytest.approx(
            same.soft.comprehensiveness.mean, abs=1e-4
        )
        assert row.soft.sufficiency_over_random.mean == pytest.approx(
            same.soft.sufficiency_over_random.mean, abs=1e-4
        )


@pytest.mark.parametrize("family", ["bert", "xlnet"])
def test_parts_of_several_texts_are_erased(fused, few_orders, family):
    fitted = perturb(fused(family, KGBertForMultipleChoice, labels=["score"]))
    choosing = KGBertPipeline(fitted, tiny_processor(family), TASKS["multiple-choice"])
    examples = [Example("is fever of a lung?", others=("cough", "an organ that hurts"))]

    report = evaluate_explanations(choosing, examples, methods=["removal"])

    measured = {row.kind: row.soft for row in report.rows}
    assert measured["words"].comprehensiveness.mean != 0
    assert measured["mentions"].comprehensiveness.mean != 0


def test_tables_fit_into_a_terminal_of_120_columns(report):
    wide = Estimate(-12.34, -45.67, 89.01)
    row = replace(
        row_of("integrated-gradients", 1.0, 0.1),
        comprehensiveness=wide,
        sufficiency=wide,
        comprehensiveness_over_random=wide,
        sufficiency_over_random=wide,
        soft=SoftFaithfulness(wide, wide, wide, wide),
    )

    for each in (report, FaithfulnessReport("log-odds", (row,))):
        assert max(map(len, each.table().splitlines())) <= 120
        assert "erased by importance" in each.table()


def soft_row(method, comprehensiveness, over_random, soft_over_random):
    estimate = Estimate(soft_over_random, soft_over_random, soft_over_random)
    soft = SoftFaithfulness(estimate, estimate, estimate, estimate)
    return replace(row_of(method, comprehensiveness, over_random), soft=soft)


@pytest.mark.parametrize(
    ("rows", "conclusion"),
    [
        ([("removal", 0.5, 0.1, 0.1)], "believe removal"),
        (
            [("removal", 0.5, 0.1, -0.1), ("shapley", 0.4, 0.1, 0.1)],
            "believe removal; where elements of vectors are erased instead, shapley is better than "
            "random",
        ),
        (
            [("removal", 0.5, 0.1, -0.1)],
            "believe removal; where elements of vectors are erased instead, no method is better "
            "than random",
        ),
        (
            [("removal", 0.5, -0.1, 0.1)],
            "no method is better than random orders; where elements of vectors are erased instead, "
            "removal is better than random",
        ),
        ([("removal", 0.5, -0.1, -0.1)], "no method is better than random orders"),
    ],
)
def test_the_conclusion_says_where_erased_elements_disagree(rows, conclusion):
    report = FaithfulnessReport("log-odds", tuple(soft_row(*row) for row in rows))

    assert report.conclusion("mentions") == conclusion
