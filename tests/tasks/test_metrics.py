import pytest
from hypothesis import given
from hypothesis import strategies as st
from nervaluate import Evaluator

from kgbert.tasks.generation import Generated
from kgbert.tasks.metrics import (
    NIL,
    UNANNOTATED,
    classification_scores,
    linking_scores,
    span_scores,
)
from kgbert.tasks.multiple_choice import Choice
from kgbert.tasks.question_answering import Answers
from kgbert.tasks.registry import TASKS
from kgbert.tasks.relations.events.scores import EventsAnswer
from kgbert.tasks.relations.events.tree import Argument, Event, Filler
from kgbert.tasks.relations.relation_extraction import Relation
from kgbert.tasks.whole_texts.multi_label_classification import LabelsAnswer

LABELS = ["A", "B", "C"]


@st.composite
def tagged_texts(draw):
    """Return valid gold and predicted BIO tags; scorers differ on invalid ones."""
    lengths = draw(st.lists(st.integers(1, 12), min_size=1, max_size=6))
    return tuple([[*draw(bio(length))] for length in lengths] for _ in range(2))


@st.composite
def bio(draw, length):
    tags = []
    while len(tags) < length:
        label = draw(st.sampled_from(["O", *LABELS]))
        inside = draw(st.integers(0, 3))
        tags += ["O"] if label == "O" else [f"B-{label}", *[f"I-{label}"] * inside]
    return tags[:length]


@given(tagged_texts())
def test_span_scores_equal_those_of_an_independent_scorer(texts):
    expected, predicted = texts
    reference = Evaluator(expected, predicted, tags=LABELS, loader="list").evaluate()
    strict = reference["overall"]["strict"]

    scores = span_scores(expected, predicted)

    assert scores["precision"] == pytest.approx(strict.precision)
    assert scores["recall"] == pytest.approx(strict.recall)
    assert scores["f1"] == pytest.approx(strict.f1)


@given(tagged_texts())
def test_macro_f1_is_the_mean_of_the_scores_of_each_label_alone(texts):
    expected, predicted = texts
    present = {tag[2:] for tags in expected + predicted for tag in tags if tag != "O"}

    def only(label, texts):
        return [[tag if tag.endswith(f"-{label}") else "O" for tag in tags] for tags in texts]

    alone = [span_scores(only(label, expected), only(label, predicted))["f1"] for label in present]

    assert span_scores(expected, predicted)["macro_f1"] == pytest.approx(
        sum(alone) / len(alone) if alone else 0.0
    )


@given(tagged_texts())
def test_predicting_what_was_expected_scores_one(texts):
    expected = [*texts[0], ["B-A"]]

    assert set(span_scores(expected, expected).values()) == {1.0}


def test_no_spans_anywhere_score_zero_without_a_warning(recwarn):
    assert set(span_scores([["O", "O"]], [["O", "O"]]).values()) == {0.0}
    assert not recwarn.list


def test_half_a_span_is_not_found():
    assert span_scores([["B-A", "I-A"]], [["B-A", "O"]])["f1"] == 0.0


def test_texts_with_other_numbers_of_tags_are_refused():
    with pytest.raises(ValueError, match="2 expected tags but 1 predicted ones; give one"):
        span_scores([["O", "O"]], [["O"]])


@given(st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS)), min_size=1))
def test_micro_f1_of_single_labels_is_accuracy(pairs):
    expected, predicted = zip(*pairs, strict=True)

    scores = classification_scores(expected, predicted)

    right = sum(one == other for one, other in pairs)
    assert scores["accuracy"] == pytest.approx(right / len(pairs))
    assert scores["micro_f1"] == pytest.approx(scores["accuracy"])


def test_macro_f1_counts_a_rare_label_as_much_as_a_common_one():
    expected = ["A"] * 9 + ["B"]

    assert classification_scores(expected, ["A"] * 10)["macro_f1"] == pytest.approx(9 / 19)


ANSWERS = {
    "text-classification": ["A"],
    "relation-classification": ["A"],
    "token-classification": [["B-A"]],
    "entity-linking": [["EX:1", NIL, UNANNOTATED]],
    "multi-label-classification": [LabelsAnswer.of("ABCDE")],
    "regression": [0.0, 1.0, 3.0],
    "multiple-choice": [Choice(0, "yes"), Choice(1, "no")],
    "question-answering": [Answers(("a fever",)), Answers(())],
    "relation-extraction": [frozenset({Relation("EX:1", "found in", "EX:4")}), frozenset()],
    "event-extraction": [
        EventsAnswer(
            frozenset({Filler(6, 14, "Binding")}),
            frozenset({Event.of("Binding", 6, 14, [Argument("Theme", Filler(0, 5, "Gene"))])}),
        )
    ],
    "generation": [Generated("the heart and the lung of it", (("heart",),))],
}


@pytest.mark.parametrize("task", TASKS)
def test_every_task_scores_right_answers_best(task):
    scores = TASKS[task].score(ANSWERS[task], ANSWERS[task])

    assert set(scores) == set(TASKS[task].metrics)
    for name, metric in TASKS[task].metrics.items():
        assert scores[name] == pytest.approx(float(metric.greater_is_better))
        assert metric.function(ANSWERS[task], ANSWERS[task]) == scores[name]


def test_linking_is_scored_over_what_is_known_and_nil_as_a_class_of_its_own():
    gold = [["EX:1", "EX:2", NIL], [NIL, UNANNOTATED, "EX:3"]]
    answers = [["EX:1", NIL, NIL], ["EX:9", "EX:9", "EX:3"]]

    scores = linking_scores(gold, answers)

    assert scores["accuracy"] == pytest.approx(3 / 5)
    assert scores["accuracy_in_graph"] == pytest.approx(2 / 3)
    assert scores["nil_precision"] == scores["nil_recall"] == scores["nil_f1"] == 0.5
