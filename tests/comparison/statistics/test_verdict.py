from dataclasses import replace
from statistics import stdev

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgbert.comparison.statistics.power import seeds_to_detect
from kgbert.comparison.statistics.sign_flip import paired_summary
from kgbert.comparison.statistics.verdict import Evidence, judge

GAINS = [0.031, 0.019, 0.042, 0.028, 0.035, 0.031]
NOTHING = [0.011, -0.012, 0.004, -0.002, 0.007, -0.006]
gains = st.lists(st.integers(-40, 40).map(lambda x: x / 1000), min_size=1, max_size=8)


def evidence(over_plain, over_shuffled=(), requested=None):
    return Evidence(
        main="knowledge",
        baseline="plain",
        control="shuffled" if len(over_shuffled) else "",
        metric="accuracy",
        over_baseline=paired_summary(over_plain) if len(over_plain) else None,
        over_control=paired_summary(over_shuffled) if len(over_shuffled) else None,
        seeds=len(over_plain) if requested is None else requested,
        seed_hint="Run the same command with --seeds 6 or more.",
    )


def losses(values):
    return [-value for value in values]


def test_better_than_plain_and_than_shuffled_helps():
    verdict = judge(evidence(GAINS, [gain + 0.005 for gain in GAINS]))

    assert verdict.outcome == "helps"
    assert verdict.sentence == (
        "Knowledge helps: +3.1 points of accuracy over plain [1.9, 4.2] and +3.6 over shuffled "
        "entities [2.4, 4.7]; better than plain on 6 of 6 seeds."
    )


def test_a_rival_that_is_better_still_is_named():
    rival = {"rival": "label-names", "rival_over_main": paired_summary(GAINS)}

    for found in (evidence(GAINS, GAINS), evidence(GAINS[:2])):
        named = judge(replace(found, **rival)).sentence
        assert named == (
            f"{judge(found).sentence} The best arm is label-names: +3.1 over knowledge "
            "[1.9, 4.2], p = 0.031."
        )


def test_better_than_plain_but_not_than_shuffled_is_no_evidence():
    verdict = judge(evidence(GAINS, NOTHING))

    assert verdict.outcome == "no evidence"
    assert "+3.1 points of accuracy over plain" in verdict.sentence
    assert "but shuffled entities may do as well (0.0 over them" in verdict.sentence


def test_the_sentence_states_worse_than_shuffled():
    verdict = judge(evidence(GAINS, losses(GAINS)))

    assert verdict.outcome == "no evidence"
    assert "shuffled entities do even better (-3.1 over them" in verdict.sentence


def test_better_than_shuffled_but_not_than_plain_states_that_wrong_knowledge_harms():
    verdict = judge(evidence(NOTHING, GAINS))

    assert verdict.outcome == "no evidence"
    assert "beats shuffled entities (+3.1 [1.9, 4.2]), so wrong knowledge" in verdict.sentence


def test_without_a_control_nothing_helps():
    verdict = judge(evidence(GAINS))

    assert verdict.outcome == "no evidence"
    assert "add the arm 'shuffled'" in verdict.sentence


@pytest.mark.parametrize("over_shuffled", [GAINS, NOTHING, ()])
def test_worse_than_plain_hurts_whatever_the_control_does(over_shuffled):
    verdict = judge(evidence(losses(GAINS), over_shuffled))

    assert verdict.outcome == "hurts"
    assert verdict.sentence == (
        "Knowledge hurts: -3.1 points of accuracy against plain [-4.2, -1.9]; "
        "worse on 6 of 6 seeds."
    )


def test_noisy_seeds_say_how_many_would_show_a_gain_of_one_point():
    noisy = [0.02, -0.02, 0.03, -0.01, 0.02, -0.02]

    verdict = judge(evidence(noisy, GAINS))

    needed = seeds_to_detect(0.01, stdev(noisy))
    assert verdict.outcome == "no evidence"
    assert f"to see a gain of 1 point you would need about {needed} seeds" in verdict.sentence


def test_quiet_seeds_rule_a_gain_of_one_point_out():
    verdict = judge(evidence([value / 10 for value in NOTHING], NOTHING))

    assert "a gain of 1 point or more is ruled out (at 95 %)" in verdict.sentence


def test_an_arm_that_changed_nothing_is_sent_to_its_links():
    verdict = judge(evidence([0.0] * 6, GAINS))

    assert verdict.outcome == "no evidence"
    assert "gave the same accuracy as plain on all 6 seeds" in verdict.sentence
    assert "kgbert inspect" in verdict.sentence


@pytest.mark.parametrize("count", range(6))
def test_below_six_seeds_there_are_too_few_and_the_remedy_is_named(count):
    verdict = judge(evidence(GAINS[:count], GAINS[:count]))

    assert verdict.outcome == "too few seeds"
    assert f"{count} complete, 6 needed" in verdict.sentence
    assert verdict.sentence.endswith("Run the same command with --seeds 6 or more.")


def test_the_remedy_for_failed_seeds_is_to_run_again():
    verdict = judge(evidence(GAINS[:5], GAINS[:5], requested=6))

    assert verdict.outcome == "too few seeds"
    assert verdict.sentence.endswith("Run the same command again to fill in the missing ones.")


@given(gains, st.data())
def test_the_rules_hold_for_any_differences(over_plain, data):
    size = len(over_plain)
    over_shuffled = data.draw(
        st.lists(st.sampled_from(GAINS + NOTHING), min_size=size, max_size=size)
    )
    plain, shuffled = paired_summary(over_plain), paired_summary(over_shuffled)

    outcome = judge(evidence(over_plain, over_shuffled)).outcome

    better = [s.p < 0.05 and s.mean > 0 for s in (plain, shuffled)]
    assert (outcome == "too few seeds") == (size < 6)
    assert (outcome == "helps") == (size >= 6 and all(better))
    assert (outcome == "hurts") == (plain.p < 0.05 and plain.mean < 0)


@pytest.mark.parametrize("seeds", [6, 10])
def test_without_an_effect_the_verdict_is_helps_or_hurts_in_at_most_five_percent(seeds):
    scores = np.random.default_rng(seeds).normal(0.6, 0.02, (1000, 3, seeds))

    outcomes = [
        judge(evidence(knowledge - plain, knowledge - shuffled)).outcome
        for plain, knowledge, shuffled in scores
    ]

    assert np.mean([outcome in ("helps", "hurts") for outcome in outcomes]) <= 0.05


def test_twice_the_detectable_effect_is_found_in_at_least_ninety_five_percent():
    generator = np.random.default_rng(0)
    plain, shuffled = generator.normal(2 * 1.777 * 0.02, 0.02, (2, 500, 6))

    outcomes = [judge(evidence(a, b)).outcome for a, b in zip(plain, shuffled, strict=True)]

    assert np.mean([outcome == "helps" for outcome in outcomes]) >= 0.95
