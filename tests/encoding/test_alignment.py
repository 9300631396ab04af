import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgbert.encoding.alignment import align
from kgbert.linking.mention import Candidate, Mention
from tests.support.errors import raises
from tests.support.tiny import FAMILIES, tiny_graph, tiny_tokenizer

GRAPH = tiny_graph()

#: FACTS.md A16: case folding that changes lengths, combining marks, emoji, odd blanks.
ODD = ["İX fever", "cafe\u0301 fever", "😀fever", "𝔸pha fever", "straße\u00a0fever", "\u200bfever "]

texts = st.one_of(
    st.sampled_from(ODD),
    st.text(st.sampled_from("fevr lung.é😀İ\u0301\u00a0\n"), max_size=25),
)


def mention(start, end, *entities, score=1.0):
    return Mention(start, end, tuple(Candidate(entity, score) for entity in entities))


def encoded(family, text):
    found = tiny_tokenizer(family)([text], return_offsets_mapping=True, truncation=True)
    return found["offset_mapping"][0]


@given(texts, st.data())
@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_token_is_linked_exactly_if_it_shares_a_character_with_a_mention(family, text, data):
    start = data.draw(st.integers(0, max(0, len(text) - 1)))
    end = data.draw(st.integers(start + 1, max(start + 1, len(text))))
    offsets = encoded(family, text)
    read = len(offsets) - 1 if family == "xlnet" else 0

    links = align(offsets, [mention(start, end, "EX:1")], GRAPH, read)

    wanted = set(range(start, end))
    inside = {i for i, (a, b) in enumerate(offsets) if wanted & set(range(a, b))}
    assert set(links.tokens) == (inside | {read} if inside else set())
    assert set(links.entities) <= {GRAPH.index("EX:1")}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("text", ODD)
def test_a_mention_in_odd_unicode_reaches_its_tokens(family, text):
    start = text.index("fever")
    offsets = encoded(family, text)

    links = align(offsets, [mention(start, start + 5, "EX:1")], GRAPH, 0)

    covered = {at for token in links.tokens for at in range(*offsets[token])}
    assert set(range(start, start + 5)) <= covered


def test_a_combining_mark_outside_its_token_loses_no_link():
    text = "cafe\u0301"

    links = align(encoded("bert", text), [mention(0, 5, "EX:1")], GRAPH, 0)

    assert len(links.tokens) > 1


def test_truncated_mentions_are_left_out_and_unknown_entities_reported():
    offsets = [(0, 0), (0, 5), (0, 0)]
    mentions = [
        mention(0, 5, "EX:1"),
        mention(0, 5, "EX:none", "EX:nor"),
        mention(0, 5, "EX:none", "EX:1"),
        mention(0, 5),
        mention(9, 12, "EX:1"),
    ]

    links = align(offsets, mentions, GRAPH, 0)

    assert links.unknown == ("EX:none",)
    assert links.tokens.tolist() == [0, 1]


def test_every_candidate_is_linked_with_its_best_score():
    mentions = [mention(0, 5, "EX:1", "EX:8", score=0.5), mention(0, 3, "EX:1", score=0.75)]

    links = align([(0, 0), (0, 5)], mentions, GRAPH, 0)

    assert links.tokens.tolist() == [0, 0, 1, 1]
    assert links.entities.tolist() == [GRAPH.index("EX:1"), GRAPH.index("EX:8")] * 2
    assert links.scores.tolist() == [0.75, 0.5] * 2


@given(
    st.permutations([mention(0, 5, "EX:1", "EX:8"), mention(6, 9, "EX:2"), mention(2, 7, "EX:3")])
)
def test_the_order_of_mentions_is_irrelevant(mentions):
    offsets = [(0, 0), (0, 5), (5, 7), (7, 9), (0, 0)]

    links, others = (align(offsets, each, GRAPH, 0) for each in (mentions, sorted(mentions)))

    assert links.tokens.tolist() == others.tokens.tolist()
    assert links.entities.tolist() == others.entities.tolist()
    assert links.scores.tolist() == others.scores.tolist()


@pytest.mark.parametrize("score", [-0.1, 1.5, float("nan")])
def test_a_score_that_is_no_share_is_refused(score):
    with raises("score-out-of-range"):
        align([(0, 5)], [mention(0, 5, "EX:1", score=score)], GRAPH, 0)
