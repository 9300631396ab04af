import pytest

from kgbert.data import Example, Span
from kgbert.tasks.registry import TASKS

TASK = TASKS["text-classification"]


def test_labels_come_in_order_and_without_repetition():
    train = [Example("a", "ill"), Example("b", "well"), Example("c", "ill")]

    TASK.check(train, train[:1], train[1:])

    assert TASK.label_space(train).labels == ("ill", "well")


def test_one_kind_of_span_is_enough_for_tokens():
    texts = [Example("a fever", spans=(Span(2, 7, "Sign"),))]

    TASKS["token-classification"].check(texts)


@pytest.mark.parametrize(
    ("train", "message"),
    [
        ([Example("a", "ill"), Example("b", "ill")], "all 2 texts have the label 'ill', so there"),
        ([Example("a"), Example("b")], "none of the 2 texts has a label or a span"),
        ([], "none of the 0 texts has a label"),
        ([Example("a", "ill"), Example("b")], r"train: text 2 \('b'\) has no label while others"),
    ],
)
def test_labels_that_teach_nothing_are_refused(train, message):
    with pytest.raises(ValueError, match=message):
        TASK.check(train)


@pytest.mark.parametrize("part", ["validation", "test"])
def test_labels_unknown_to_train_are_named_with_their_part(part):
    train = [Example("a", "ill"), Example("b", "well")]
    held_out = [Example("c", "dead"), Example("d", "dead"), Example("e", "ill")]

    with pytest.raises(ValueError, match=rf"{part}: 'dead' \(2\) unknown to train, which knows"):
        TASK.check(train, **{part: held_out})


def test_a_text_without_arguments_among_relations_is_refused():
    related = Example("a to b", "x", arguments=(Span(0, 1, "head"), Span(5, 6, "tail")))
    other = Example("c", "y")

    with pytest.raises(
        ValueError, match=r"validation: text 1 \('c'\) lacks the positions of the two"
    ):
        TASKS["relation-classification"].check([related, related], [other])
