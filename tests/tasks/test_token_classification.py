import torch

from kgbert.data import Example, Span
from kgbert.tasks.base import ExplainedAnswer
from kgbert.tasks.registry import TASKS
from kgbert.tasks.token_classification import untagged, word_tags
from tests.support.errors import raises
from tests.support.tiny import config_with, tiny_processor

TASK = TASKS["token-classification"]


def answers_of(example):
    """Return the gold tags of a text, and the tags of a perfect model."""
    processor = tiny_processor()
    (encoded,) = TASK.encode([example], processor)
    return TASK.gold(encoded, processor.graph), word_tags(example, encoded.text)


def recall(expected, answered):
    return TASK.score([expected], [answered])["recall"]


def test_a_perfect_tagger_finds_all_spans_that_words_can_represent():
    example = Example("fever of the lung", spans=(Span(0, 5, "sign"), Span(9, 17, "place")))

    expected, answered = answers_of(example)

    assert expected == answered == ["B-sign", "O", "B-place", "I-place"]
    assert recall(expected, answered) == 1


def test_a_span_whose_words_belong_to_another_span_is_missed():
    example = Example("fever", spans=(Span(0, 2, "sign"), Span(3, 5, "sign")))

    expected, answered = answers_of(example)

    assert answered == ["B-sign"]
    assert recall(expected, answered) == 0.5


def test_a_span_that_was_cut_off_is_missed():
    example = Example("fever of the lung", spans=(Span(0, 5, "sign"), Span(9, 17, "place")))
    processor = tiny_processor(max_length=4)

    (encoded,) = TASK.encode([example], processor)

    assert untagged(example, encoded.text) == [Span(9, 17, "place")]
    expected = TASK.gold(encoded, processor.graph)
    assert recall(expected, word_tags(example, encoded.text)) == 0.5


def spans_scored(answer):
    encoded = TASK.encode([Example("fever and cough")], tiny_processor())[0]
    outputs = torch.randn(
        2, len(encoded.text.offsets), 3, generator=torch.Generator().manual_seed(0)
    )
    config = config_with(("O", "B-Sign", "I-Sign"))
    return outputs, TASK.answer_scores([outputs], answer, encoded, config)


def test_the_score_of_a_span_is_the_mean_over_its_words():
    _, span = spans_scored(ExplainedAnswer("0-9 Sign", "O"))
    outputs, word = spans_scored(ExplainedAnswer("0-5 Sign", "O"))

    assert torch.allclose(word, outputs[:, 1, 1] - outputs[:, 1, 0])
    assert not torch.allclose(span, word)


def test_an_answer_that_is_no_span_is_refused():
    with raises("answer-is-no-span"):
        spans_scored(ExplainedAnswer("Sign"))


def test_a_span_without_words_is_refused():
    with raises("span-without-words"):
        spans_scored(ExplainedAnswer("90-95 Sign"))


def test_discontinuous_spans_are_refused_with_their_number():
    spans = (Span(0, 18, "site", fragments=((0, 4), (15, 18))), Span(9, 14, "side"))

    with raises("discontinuous-spans"):
        TASK.check([Example("left and right arm", spans=spans)])
