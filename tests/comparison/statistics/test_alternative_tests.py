from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgbert.comparison.statistics.alternative_tests import (
    almost_stochastic_order,
    bca_interval,
    mcnemar,
    simulated_coverage,
)
from kgbert.comparison.statistics.sign_flip import paired_summary

scores = st.lists(st.integers(0, 100).map(lambda x: x / 100), min_size=2, max_size=6)


@given(st.integers(0, 30), st.integers(0, 30))
def test_mcnemar_is_the_two_sided_binomial_sum(one, other):
    total, fewer = one + other, min(one, other)

    tail = sum(comb(total, k) for k in range(fewer + 1)) / 2**total

    assert mcnemar(one, other) == pytest.approx(min(1.0, 2 * tail))


# VassarStats' exact values, against which statsmodels tests its own.
@pytest.mark.parametrize(
    ("one", "other", "p"),
    [(70, 59, 0.378688), (80, 59, 0.089452), (30, 60, 0.00206), (10, 30, 0.002221), (9, 9, 1.0)],
)
def test_mcnemar_gives_published_values(one, other, p):
    assert mcnemar(one, other) == pytest.approx(p, abs=1e-6)


def test_models_that_never_disagree_do_not_differ():
    assert mcnemar(0, 0) == 1.0


@given(scores, scores)
def test_violations_of_both_directions_sum_to_one(first, second):
    forth = almost_stochastic_order(first, second)
    back = almost_stochastic_order(second, first)

    assert forth.violation + back.violation == pytest.approx(1.0)
    assert 0 <= forth.violation <= forth.bound <= 1


def test_violation_is_the_share_of_squared_distance_worked_by_hand():
    order = almost_stochastic_order([0.1, 0.5, 0.9], [0.2, 0.4, 0.6])

    assert order.violation == pytest.approx(0.01 / (0.01 + 0.01 + 0.09))


def test_samples_of_different_size_are_compared_between_all_their_steps():
    order = almost_stochastic_order([0.0, 1.0], [0.5, 0.5, 0.5, 0.5])

    assert order.violation == pytest.approx(0.5)
    assert almost_stochastic_order([0, 1, 1], [0, 1]).violation == 0.0


def test_equal_arms_are_rarely_called_almost_stochastically_larger():
    first, second = np.random.default_rng(0).normal(0.6, 0.02, (2, 300, 12))

    bounds = [almost_stochastic_order(a, b).bound for a, b in zip(first, second, strict=True)]

    assert np.mean([bound < 0.2 for bound in bounds]) <= 0.1


def test_bca_over_six_seeds_covers_far_less_than_it_promises():
    assert 0.80 < simulated_coverage(bca_interval, 6, simulations=300) < 0.91


def test_the_interval_of_the_sign_flip_test_keeps_its_promise_over_six_seeds():
    coverage = simulated_coverage(lambda study: paired_summary(study).interval, 6)

    assert coverage > 0.94


def test_bca_approaches_its_promise_with_many_seeds():
    assert simulated_coverage(bca_interval, 60, simulations=200) > 0.9


def test_bca_of_equal_differences_is_a_point():
    assert bca_interval([0.01] * 6) == (0.01, 0.01)


@pytest.mark.parametrize("values", [[], [0.1], [0.1, float("nan")], [[0.1, 0.2]]])
def test_scores_that_cannot_be_compared_are_refused(values):
    with pytest.raises(ValueError, match="at least two finite numbers"):
        bca_interval(values)
