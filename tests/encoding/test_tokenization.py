import pytest

from kgbert.data import Example
from tests.support.errors import raises
from tests.support.tiny import FAMILIES, tiny_processor

PAIR = Example("fever and cough", others=("pneumonia in a lung",))


def tokens_by_text(text):
    """Return the tokens of the characters of each of the two texts."""
    start = text.text.index("\n")
    inside = [i for i, (first, end) in enumerate(text.offsets) if end > first]
    return [i for i in inside if text.offsets[i][1] <= start], [
        i for i in inside if text.offsets[i][1] > start + 1
    ]


@pytest.mark.parametrize("family", FAMILIES)
def test_mentions_of_both_texts_are_linked_at_their_own_tokens(family):
    (text,) = tiny_processor(family).encode([PAIR])

    assert text.text == PAIR.joined
    words = [text.text[mention.start : mention.end] for mention in text.mentions]
    assert words == ["fever", "cough", "pneumonia", "lung"]
    first, second = tokens_by_text(text)
    linked = set(text.links.tokens.tolist())
    assert linked & set(first)
    assert linked & set(second)
    for token in linked - {0, len(text.offsets) - 1}:
        start, end = text.offsets[token]
        assert any(x.start < end and start < x.end for x in text.mentions)


@pytest.mark.parametrize("family", FAMILIES)
def test_truncation_keeps_both_texts_of_a_pair(family):
    pair = Example("fever", others=("pneumonia " * 40,))

    (text,) = tiny_processor(family, max_length=20).encode([pair])

    assert len(text.offsets) == 20
    first, second = tokens_by_text(text)
    assert text.offsets[first[-1]][1] == len("fever")
    assert second


def test_the_second_text_has_the_token_type_of_the_tokenizer():
    processor = tiny_processor("bert")
    processor.tokenizer.model_input_names = ["input_ids", "attention_mask", "token_type_ids"]

    (text,) = processor.encode([PAIR])

    first, second = tokens_by_text(text)
    types = text.tokens["token_type_ids"]
    assert {types[token] for token in first} == {0}
    assert {types[token] for token in second} == {1}


def test_single_texts_and_pairs_keep_their_order():
    texts = ["fever", PAIR, "a lung", PAIR]

    encoded = tiny_processor().encode(texts)

    assert [text.text for text in encoded] == ["fever", PAIR.joined, "a lung", PAIR.joined]
    alone = [tiny_processor().encode([text])[0].tokens for text in texts]
    assert [text.tokens for text in encoded] == alone


def test_the_words_of_a_pair_are_numbered_through():
    (text,) = tiny_processor().encode([PAIR])

    words = [word for word in text.word_ids if word is not None]
    assert sorted(set(words)) == list(range(7))
    assert words == sorted(words)


def test_three_texts_are_not_one_input():
    with raises("too-many-texts"):
        tiny_processor().encode([Example("a", others=("b", "c"))])
