import numpy as np
import pytest
from scipy.stats import norm

from kgbert.comparison.statistics.power import (
    detectable_effect,
    seeds_needed,
    seeds_to_detect,
    smallest_p,
)
from kgbert.comparison.statistics.sign_flip import holm, paired_summary
from tests.support.errors import raises


@pytest.mark.parametrize("seeds", range(1, 12))
def test_smallest_p_is_that_of_seeds_that_all_agree(seeds):
    assert smallest_p(seeds) == paired_summary([0.01 * (k + 1) for k in range(seeds)]).p


@pytest.mark.parametrize("comparisons", [1, 2, 3, 7, 20])
def test_with_the_seeds_needed_a_family_can_be_significant_and_with_one_less_it_cannot(comparisons):
    seeds = seeds_needed(comparisons)

    assert max(holm([smallest_p(seeds)] * comparisons)) < 0.05
    assert min(holm([smallest_p(seeds - 1)] * comparisons)) >= 0.05


def test_an_empty_family_is_refused():
    with raises("invalid-alpha"):
        seeds_needed(0)


@pytest.mark.parametrize("seeds", [6, 8, 10, 11, 14])
def test_the_detectable_effect_is_found_with_the_stated_power(seeds):
    effect = detectable_effect(0.02, seeds)
    studies = np.random.default_rng(seeds).normal(effect, 0.02, (500, seeds))

    found = np.mean([paired_summary(study).p < 0.05 for study in studies])

    assert found == pytest.approx(0.8, abs=0.055)


def test_with_six_seeds_the_detectable_effect_is_known_in_closed_form():
    all_six_positive = norm.ppf(0.8 ** (1 / 6))

    assert detectable_effect(1.0, 6) == pytest.approx(all_six_positive, rel=0.03)


def test_below_six_seeds_no_effect_is_detectable():
    assert detectable_effect(0.01, 5) is None


@pytest.mark.parametrize("sd", [0.001, 0.01, 0.02, 0.05])
def test_seeds_to_detect_are_the_fewest_whose_detectable_effect_is_that_small(sd):
    seeds = seeds_to_detect(0.01, sd)

    assert detectable_effect(sd, seeds) <= 0.01
    assert seeds == 6 or detectable_effect(sd, seeds - 1) > 0.01


def test_a_gain_of_nothing_cannot_be_detected():
    with raises("invalid-effect"):
        seeds_to_detect(0.0, 0.01)
