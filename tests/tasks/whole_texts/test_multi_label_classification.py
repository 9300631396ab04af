import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score
from sklearn.preprocessing import MultiLabelBinarizer

from kgbert.data import Example
from kgbert.linking.factory import make_linker
from kgbert.tasks.base import ExplainedAnswer
from kgbert.tasks.metrics import best_threshold
from kgbert.tasks.registry import detect_task
from kgbert.tasks.whole_texts.multi_label_classification import (
    LabelsAnswer,
    LabelsPrediction,
    MultiLabelClassification,
    ScoredLabel,
    multi_label_scores,
)
from kgbert.training.config import TrainingConfig
from kgbert.training.train import TrainingInputs, build_model
from kgbert.training.trainer import default_arguments, fine_tune
from tests.support.errors import raises
from tests.support.overfitting import overfitted_answers
from tests.support.tiny import save_plain, tiny_features, tiny_graph

TASK = MultiLabelClassification()

CONFIG = TrainingConfig(max_length=40, options={"injected_layers": []})

TRAIN = [
    Example("fever and cough", ("cough", "fever")),
    Example("a cough", ("cough",)),
    Example("a fever", ("fever",)),
    Example("the lung", ()),
]

LABEL_SETS = st.frozensets(st.sampled_from("abcd"))


#: Some label is expected or given; else scikit-learn leaves F1 undefined.
PAIRS = st.lists(st.tuples(LABEL_SETS, LABEL_SETS), min_size=1).filter(
    lambda pairs: any(gold or answered for gold, answered in pairs)
)


@pytest.mark.parametrize(
    "cell", ["earn|trade", "earn; trade", "trade, earn,", '["earn", "trade"]', ["trade", "earn"]]
)
def test_labels_are_read_from_lists_and_from_cells(cell):
    assert TASK.read({"text": "x", "labels": cell}).target == ("earn", "trade")


@pytest.mark.parametrize("cell", ["", None, [], "[]"])
def test_a_text_may_have_no_label(cell):
    assert TASK.read({"text": "x", "labels": cell}).target == ()


def test_a_text_without_the_column_is_unlabelled():
    assert TASK.read({"text": "x"}).target is None


@pytest.mark.parametrize("cell", ['["earn"', {"a": 1}, 7, [["a"]]])
def test_labels_that_are_no_list_are_refused(cell):
    with raises("labels-not-a-list"):
        TASK.read({"text": "x", "labels": cell})


def test_a_column_of_labels_poses_the_task():
    assert detect_task([{"text": "x", "labels": "a|b"}]).name == TASK.name


def test_a_training_text_without_labels_column_is_refused():
    with raises("missing-labels"):
        TASK.check([*TRAIN, Example("x")])


def test_a_label_that_training_lacks_is_refused():
    with raises("unknown-label"):
        TASK.check(TRAIN, [Example("x", ("flu",))])


@given(PAIRS)
def test_f1_is_that_of_scikit_learn(pairs):
    gold, given_labels = zip(*pairs, strict=True)
    answers = [LabelsAnswer(x, tuple(sorted(x)) + tuple(set("abcd") - x)) for x in given_labels]
    used = ["abcd".index(label) for label in frozenset().union(*gold, *given_labels)]
    binarizer = MultiLabelBinarizer(classes=list("abcd"))
    right, answered = binarizer.fit_transform(gold), binarizer.transform(given_labels)

    scores = multi_label_scores(list(map(LabelsAnswer.of, gold)), answers)

    for name, average in (("micro_f1", "micro"), ("macro_f1", "macro")):
        expected = f1_score(right, answered, average=average, labels=used, zero_division=0)
        assert scores[name] == pytest.approx(float(expected))


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=30))
def test_no_threshold_is_better_than_the_best(pairs):
    probabilities, gold = (np.array(column) for column in zip(*pairs, strict=True))

    def f1(threshold):
        answered = probabilities >= threshold
        total = answered.sum() + gold.sum()
        return 2 * (answered & gold).sum() / total if total else 0.0

    best = f1(best_threshold(probabilities[:, None], gold[:, None]))

    assert best >= max(f1(each) for each in (0.0, 0.5, *probabilities)) - 1e-6


def test_a_model_learns_to_give_several_labels_and_none(tmp_path):
    answers = overfitted_answers(TASK, TRAIN, tmp_path)

    assert [sorted(answer.labels) for answer in answers] == [list(x.target) for x in TRAIN]


@pytest.fixture
def inputs(tmp_path):
    """A plain model's training on 40 texts, of which 4 are "rare" and 10 are "odd"."""
    targets = [("rare",) if i % 10 == 0 else ("odd",) if i % 4 == 1 else () for i in range(40)]
    examples = [Example(f"fever {i}", target) for i, target in enumerate(targets)]
    backbone = save_plain(tmp_path, "bert", TASK.model_class)
    graph = tiny_graph()
    linker = make_linker(graph, "dictionary")
    return TrainingInputs(TASK, graph, tiny_features(graph), linker, backbone), examples


def test_a_new_head_starts_with_the_shares_of_the_labels(inputs):
    model, _ = build_model(*inputs, CONFIG, seed=0)

    bias = model.backbone.classifier.bias.tolist()
    assert dict(zip(model.config.labels, bias, strict=True)) == {
        "odd": pytest.approx(math.log(10.5 / 30.5)),
        "rare": pytest.approx(math.log(4.5 / 36.5)),
    }


def test_a_head_that_has_learnt_keeps_its_bias(inputs):
    model, _ = build_model(*inputs, CONFIG, seed=0)
    before = model.backbone.classifier.bias.tolist()

    model.set_output_bias(np.array([1.0, 2.0]))

    assert model.backbone.classifier.bias.tolist() == before


def test_epochs_are_compared_by_the_answers_above_the_best_threshold(inputs, tmp_path):
    _, examples = inputs
    model, processor = build_model(*inputs, CONFIG, seed=0)
    arguments = default_arguments(
        tmp_path / "run", num_train_epochs=1, learning_rate=1e-9, use_cpu=True, bf16=False
    )

    training = fine_tune(
        model, processor, examples, examples, arguments=arguments, head_learning_rate=1e-9
    )

    # No label is likelier than its share of the texts.
    assert model.config.task_settings["threshold"] < 0.5
    assert training.history[0]["validation"] == training.metrics["micro_f1"] > 0


def test_a_prediction_is_written_a_line_a_label_or_with_the_nearest_label():
    ranking = (ScoredLabel("earn", 0.8), ScoredLabel("trade", 0.3))

    some, none = (LabelsPrediction("a text", x, ranking) for x in (ranking[:1], ()))

    assert list(some.lines()) == ["label earn  (80%)"]
    assert list(none.lines()) == ["no label  (nearest: earn, 80%)"]


def test_the_score_of_a_label_in_a_contrast_is_the_difference_of_their_log_odds():
    outputs = [torch.tensor([[2.0, -1.0, 0.5]])]
    config = SimpleNamespace(id2label={0: "a", 1: "b", 2: "c"}, labels=["a", "b", "c"])

    def score(*answer):
        return TASK.answer_scores(outputs, ExplainedAnswer(*answer), None, config).tolist()

    assert (score("a"), score("a", "b"), score("b", "a")) == ([2.0], [3.0], [-3.0])


def test_a_ranking_has_all_predicted_labels_and_else_the_most_probable_ones(monkeypatch):
    monkeypatch.setattr("kgbert.tasks.whole_texts.multi_label_classification.MOST_RANKED", 2)
    config = SimpleNamespace(id2label=dict(enumerate("abcd")), task_settings={"threshold": 0.5})
    encoded = SimpleNamespace(example=Example("a text"))

    few, many = (
        TASK.decode([np.array(logits)], encoded, config, None)
        for logits in ([-1.0, 3.0, -2.0, -3.0], [1.0, 3.0, 2.0, -3.0])
    )

    assert [x.label for x in few.ranking] == ["b", "a"]
    assert [x.label for x in many.ranking] == [x.label for x in many.labels] == ["b", "c", "a"]
