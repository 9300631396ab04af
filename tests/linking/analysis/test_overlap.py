from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgbert.linking.analysis.overlap import ENOUGH, LITTLE, RULE, OverlapStatistics, assess_overlap

OUTCOMES = ("none", "too little", "doubtful", "enough")
GOOD = OverlapStatistics(texts=500, linked=0.8, specific=0.7, generic=0.1, isolated=0.1)

shares = st.floats(0, 1)


@pytest.mark.parametrize(
    ("overlap", "outcome"),
    [
        (GOOD, "enough"),
        (replace(GOOD, linked=0.0, specific=0.0), "none"),
        (replace(GOOD, specific=0.0), "too little"),
        (replace(GOOD, specific=LITTLE - 0.01), "too little"),
        (replace(GOOD, specific=LITTLE), "doubtful"),
        (replace(GOOD, specific=ENOUGH), "enough"),
        (replace(GOOD, generic=0.4), "doubtful"),
        (replace(GOOD, isolated=0.6), "doubtful"),
        (replace(GOOD, texts=10), "too few texts"),
    ],
)
def test_the_rule_decides(overlap, outcome):
    assert assess_overlap(overlap).outcome == outcome


@given(shares, shares, shares, shares)
def test_more_overlap_never_lowers_the_assessment(specific, more, generic, isolated):
    low, high = sorted((specific, more))
    overlap = replace(GOOD, generic=generic, isolated=isolated)

    before, after = (
        assess_overlap(replace(overlap, specific=share)).outcome for share in (low, high)
    )

    assert OUTCOMES.index(before) <= OUTCOMES.index(after)


def test_a_doubt_is_given_with_its_reason():
    assessment = str(assess_overlap(replace(GOOD, generic=0.4, isolated=0.6)))

    assert "40% of the mentions are generic words" in assessment
    assert "60% of the mentions are of entities without edges and definition" in assessment


def test_a_graph_that_no_text_mentions_cannot_help():
    assessment = assess_overlap(replace(GOOD, linked=0.0, specific=0.0))

    assert assessment.sentence.startswith("Injection cannot help")
    assert assessment.reasons == ()


def test_the_rule_is_called_a_rule_of_thumb():
    assert assess_overlap(GOOD).rule == RULE
    assert "rule of thumb" in RULE
    assert "kgbert compare" in RULE
