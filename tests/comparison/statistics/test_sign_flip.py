from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import permutation_test, ttest_1samp

from kgbert.comparison.statistics.sign_flip import clustered_summary, holm, paired_summary
from tests.support.errors import raises

differences = st.lists(st.integers(-50, 50).map(lambda x: x / 1000), min_size=6, max_size=10)

# Darwin's pairs of cross- and self-fertilised plants; Fisher (The Design of Experiments, 1935,
# section 21) counts 863 of the 32,768 sums at least as great as the 314 observed.
DARWIN = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]


def test_fishers_count_for_darwins_plants_is_reproduced():
    summary = paired_summary(DARWIN)

    assert summary.p == 2 * 863 / 32_768
    assert summary.mean * 15 == pytest.approx(314)


def test_p_is_that_of_scipys_exact_permutation_test():
    values = np.array([12, -3, 7, 7, 20, -1, 5, 9])

    reference = permutation_test(
        (values, np.zeros(8)),
        lambda one, other, axis: np.sum(one - other, axis=axis),
        permutation_type="samples",
        n_resamples=np.inf,
    )

    assert paired_summary(values / 1000).p == reference.pvalue


@given(differences)
def test_p_counts_the_sign_patterns_as_extreme_as_the_observed(values):
    whole = np.round(np.array(values) * 1000).astype(int)

    sums = np.array(list(product([1, -1], repeat=len(whole)))) @ whole

    assert paired_summary(values).p == np.mean(np.abs(sums) >= abs(whole.sum()))


@given(differences)
def test_interval_contains_zero_exactly_if_the_test_does_not_reject(values):
    summary = paired_summary(values)

    low, high = summary.interval

    assert (low <= 0 <= high) == (summary.p > 0.05)


@given(differences, st.integers(-30, 30))
def test_interval_moves_with_the_differences(values, shift):
    moved = paired_summary([value + shift / 1000 for value in values])

    expected = [limit + shift / 1000 for limit in paired_summary(values).interval]

    assert moved.interval == pytest.approx(expected)


@given(differences)
def test_swapping_the_arms_mirrors_everything_but_p(values):
    one, other = paired_summary(values), paired_summary([-value for value in values])

    assert one.p == other.p
    assert one.mean == pytest.approx(-other.mean)
    assert one.interval == pytest.approx([-other.interval[1], -other.interval[0]])
    assert (one.wins, one.losses) == (other.losses, other.wins)


@given(differences, st.randoms())
def test_order_of_the_seeds_does_not_matter(values, random):
    mixed = random.sample(values, len(values))

    assert paired_summary(mixed).p == paired_summary(values).p
    assert paired_summary(mixed).interval == pytest.approx(paired_summary(values).interval)


def test_interval_of_six_pairs_reaches_from_the_smallest_to_the_greatest():
    summary = paired_summary([0.3, 0.1, 0.2, 0.6, 0.5, 0.4])

    assert summary.interval == (0.1, 0.6)


@pytest.mark.parametrize("count", range(1, 6))
def test_fewer_than_six_pairs_allow_no_interval(count):
    summary = paired_summary([0.1] * count)

    assert summary.interval is None
    assert summary.p == 2.0 ** (1 - count)


def test_a_single_pair_has_no_spread():
    assert paired_summary([0.1]).sd is None


def test_equal_runs_give_p_one():
    summary = paired_summary([0.0] * 6)

    assert (summary.p, summary.interval, summary.wins, summary.losses) == (1.0, (0.0, 0.0), 0, 0)


@pytest.mark.parametrize("count", [6, 8, 11])
def test_five_percent_of_null_studies_are_called_significant_at_most(count):
    noise = np.random.default_rng(count).standard_t(3, (1500, count))

    rejected = np.mean([paired_summary(row).p < 0.05 for row in noise])

    attained = np.floor(0.025 * 2**count) / 2 ** (count - 1)
    assert rejected == pytest.approx(attained, abs=0.017)


@pytest.mark.parametrize("count", [6, 9, 12])
def test_interval_covers_the_true_difference_as_often_as_promised(count):
    studies = np.random.default_rng(count).normal(0.02, 0.01, (1500, count))

    limits = np.array([paired_summary(row).interval for row in studies])

    covered = np.mean((limits[:, 0] <= 0.02) & (limits[:, 1] >= 0.02))
    assert covered == pytest.approx(1 - np.floor(0.025 * 2**count) / 2 ** (count - 1), abs=0.017)


def test_beyond_twenty_pairs_a_fixed_sample_of_patterns_gives_nearly_the_t_test():
    values = np.random.default_rng(3).normal(0.004, 0.01, 22)

    sampled = paired_summary(values)

    assert not sampled.exact
    assert sampled.p == pytest.approx(ttest_1samp(values, 0).pvalue, abs=0.01)
    assert sampled.interval == pytest.approx(
        ttest_1samp(values, 0).confidence_interval(), abs=0.0005
    )
    assert paired_summary(values) == sampled


@pytest.mark.parametrize("values", [[], [0.1, float("nan")], [float("inf")] * 6])
def test_differences_that_cannot_be_tested_are_refused(values):
    with raises("invalid-differences"):
        paired_summary(values)


def test_confidence_in_percent_is_refused():
    with raises("invalid-confidence"):
        paired_summary([0.1] * 6, confidence=95.0)


@given(differences)
def test_clusters_of_one_item_are_plain_pairs(values):
    assert clustered_summary(values, range(len(values))) == paired_summary(values)


def test_items_of_a_cluster_do_not_count_as_independent():
    values, documents = [1, 1, 1, 1, 0, 1] * 10, list("abcdef") * 10

    clustered = clustered_summary(values, documents)

    assert clustered.count == 6
    assert clustered.mean == pytest.approx(50 / 60)
    assert clustered.p > 100 * clustered_summary(values, range(60)).p


def test_larger_clusters_weigh_more():
    assert clustered_summary([1, 1, 1, 0], list("aaab")).mean == 0.75


def test_every_item_needs_a_cluster():
    with pytest.raises(ValueError, match="2 differences but 1 clusters"):
        clustered_summary([1, 0], ["a"])


def test_holm_agrees_with_the_step_down_rule_worked_by_hand():
    assert holm([0.01, 0.02, 0.03, 0.005]) == pytest.approx([0.03, 0.04, 0.04, 0.02])


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_keeps_the_order_and_never_lowers_a_p_value(p_values):
    adjusted = holm(p_values)

    assert all(new >= old for new, old in zip(adjusted, p_values, strict=True))
    assert np.argsort(p_values, kind="stable").tolist() == sorted(
        range(len(adjusted)), key=lambda at: (adjusted[at], p_values[at], at)
    )
