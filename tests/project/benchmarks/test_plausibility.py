import pytest

from benchmarks.explanation.plausibility import (
    average_precision,
    balanced,
    ranked,
    spans_of_pairs,
)
from kgbert.data import Example, Span

DRUG, OTHER_DRUG, ILLNESS = (
    Span(0, 4, "Chemical", "D1"),
    Span(6, 9, "Chemical", "D2"),
    Span(12, 15, "Disease", "D3|D4"),
)


def test_the_rationale_is_the_spans_of_pairs_that_are_both_in_the_sentence():
    spans = DRUG, OTHER_DRUG, ILLNESS

    assert spans_of_pairs(spans, [("D1", "D4"), ("D2", "D9")]) == (DRUG, ILLNESS)
    assert spans_of_pairs(spans, [("D2", "D9")]) == ()


def test_a_rationale_that_is_ranked_first_has_full_precision():
    parts = [(0, 4, 0.9), (6, 9, -0.5), (10, 11, 0.2)]

    best, worst = ranked(parts, [DRUG]), ranked(parts, [OTHER_DRUG])

    assert best.precision == 1
    assert worst.precision == pytest.approx(1 / 3)
    assert best.share == pytest.approx(1 / 3)
    # The mean of 1, 1/2 and 1/3.
    assert best.random == pytest.approx(11 / 18, abs=0.1)


def test_sentences_in_which_all_or_no_parts_are_gold_are_not_ranked():
    assert ranked([(0, 4, 0.9)], [DRUG]) is None
    assert ranked([(5, 6, 0.9), (10, 11, 0.1)], [DRUG]) is None
    assert ranked([], [DRUG]) is None


def test_the_average_precision_counts_the_places_of_what_is_relevant():
    assert average_precision([False, True, True]) == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_a_sample_has_as_many_sentences_of_each_label():
    sentences = [Example(str(i), ("induces", "other")[i > 2]) for i in range(10)]

    assert [x.target for x in balanced(sentences, 4)] == ["induces"] * 2 + ["other"] * 2
