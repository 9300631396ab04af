from kgbert.data import Example, Span
from kgbert.tasks.registry import TASKS
from kgbert.tasks.token_classification import untagged, word_tags
from tests.support.tiny import tiny_processor

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
