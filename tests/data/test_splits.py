import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgbert.data import Example, Span
from kgbert.data.splits import Split, check_split, drawn_split, fixed_split
from kgbert.tasks.registry import TASKS
from tests.support.errors import raises

TASK = TASKS["text-classification"]


def labelled(count):
    return [Example(f"text {i}", "ab"[i % 2], id=f"document {i // 2}") for i in range(count)]


@given(seed=st.integers(0, 2**32), count=st.integers(20, 80))
def test_every_text_is_in_one_part(seed, count):
    parts = drawn_split(labelled(count), task=TASK)(seed).parts()

    assert sorted(x.text for part in parts for x in part) == sorted(x.text for x in labelled(count))


@given(seed=st.integers(0, 2**32))
def test_texts_of_one_document_stay_together(seed):
    train, validation, test = (
        {x.id for x in p} for p in drawn_split(labelled(40), task=TASK)(seed).parts()
    )

    assert train.isdisjoint(validation | test)
    assert validation.isdisjoint(test)


def test_a_seed_draws_the_same_split_again_and_another_seed_another():
    draw = drawn_split(labelled(40), task=TASK)

    assert draw(1).hash == drawn_split(labelled(40), task=TASK)(1).hash
    assert draw(1).hash != draw(2).hash


@pytest.mark.parametrize("seed", range(8))
def test_labels_that_training_lacks_are_excluded(seed):
    rare = Example("rare", spans=(Span(0, 4, "Rare"),))
    common = [Example(f"sign {i}", spans=(Span(0, 4, "Sign"),)) for i in range(20)]

    split = drawn_split([rare, *common], task=TASKS["token-classification"])(seed)

    known = {span.label for example in split.train for span in example.spans}
    for part in split.parts():
        assert {span.label for example in part for span in example.spans} <= known


def test_too_few_texts_are_refused():
    with raises("too-few-groups"):
        drawn_split([Example(f"text {i}", "ab"[i % 2]) for i in range(9)], task=TASK)


def test_an_empty_part_is_named():
    texts = labelled(4)

    with raises("empty-part"):
        check_split(Split(texts, [], texts), TASK)


def test_official_parts_are_checked_for_unknown_labels():
    texts = labelled(4)

    with pytest.raises(ValueError, match=r"test: 'c' \(1\) unknown to train"):
        fixed_split(texts, texts, [Example("x", "c")], task=TASK)
