from kgbert.comparison.checks.slices import slices_of
from kgbert.data import Example, Span
from kgbert.data.splits import Split
from kgbert.tasks.registry import TASKS
from tests.support.small_study import small_study, split_of, tagged
from tests.support.tiny import tiny_processor


def parts(study, split):
    encoded = study.task.encode(split.test, tiny_processor())
    return {part.name: part for part in slices_of(study, split, encoded)}


def test_texts_are_divided_by_what_they_mention(tmp_path):
    train = [Example("fever here", "a"), Example("nothing", "b")]
    test = [Example("fever", "a"), Example("cough", "a"), Example("nothing", "b")]

    found = parts(small_study(tmp_path), Split(train, train, test))

    assert list(found["linked"].positions) == [0, 1]
    assert list(found["unlinked"].positions) == [2]
    assert list(found["mentions seen in training"].positions) == [0]
    assert list(found["mentions unseen in training"].positions) == [1]
    assert list(found["ambiguous mentions"].positions) == [0]  # two entities are named fever
    assert list(found["class: a"].positions) == [0, 1]


def test_parts_without_a_text_are_left_out(tmp_path):
    train = [Example("nothing", "a"), Example("zzz", "b")]

    found = parts(small_study(tmp_path), Split(train, train, train))

    assert set(found) == {"unlinked", "class: a", "class: b"}


def test_spans_are_divided_by_whether_their_words_were_one_in_training(tmp_path):
    train = [Example("Fever", spans=(Span(0, 5, "Sign"),))]
    test = [Example("fever cough", spans=(Span(0, 5, "Sign"), Span(6, 11, "Sign")))]

    found = parts(
        small_study(tmp_path, task=TASKS["token-classification"]), Split(train, train, test)
    )

    answer = ["B-Sign", "B-Sign"]
    assert found["names seen in training"].view(0, answer) == ["B-Sign", "O"]
    assert found["names unseen in training"].view(0, answer) == ["O", "B-Sign"]


def test_spans_of_every_class_count_in_their_own_part_only(tmp_path):
    test = [Example("fever of lung", spans=(Span(0, 5, "Sign"), Span(9, 13, "Place")))]

    found = parts(
        small_study(tmp_path, task=TASKS["token-classification"]), Split(test, test, test)
    )

    answer = ["B-Sign", "I-Sign", "B-Place"]
    assert found["class: Sign"].view(0, answer) == ["B-Sign", "I-Sign", "O"]
    assert found["class: Place"].view(0, answer) == ["O", "O", "B-Place"]
    assert found["class: Sign"].size == 1


def test_one_class_of_spans_is_no_part(tmp_path):
    found = parts(small_study(tmp_path, task=TASKS["token-classification"]), split_of(tagged)(0))

    assert not [name for name in found if name.startswith("class: ")]
