import math
from copy import copy

import pytest
import torch

from kgbert.data import Example, Span
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.models.config import POOLINGS
from kgbert.models.layers.graph_encoder import ENCODERS
from kgbert.models.task_models import KGBertForSequenceClassification, KGBertForTokenClassification
from kgbert.tasks.question_answering import AnswerSpan
from kgbert.tasks.registry import TASKS, task_of_model
from kgbert.tasks.whole_texts.text_classification import TextClassification
from kgbert.training import trainer
from kgbert.training.dataset import EvaluationExamples, KGBertCollator, TrainingExamples
from kgbert.training.trainer import default_arguments, fine_tune
from tests.support.errors import raises
from tests.support.tiny import (
    CLASSES,
    LONGEST,
    TEXTS,
    config_with,
    loss_of,
    tiny_graph,
    tiny_processor,
)

LABELS = ("ill", "well")

TRAIN = [
    Example(text, label)
    for text, label in (
        ("fever and cough", "ill"),
        ("a cough, a fever", "ill"),
        ("the lung is fine", "well"),
        ("symptom of all", "ill"),
        ("organ and loop", "well"),
        ("nothing to see", "well"),
    )
]

TAGGED = [
    Example("a fever in all", spans=(Span(2, 7, "Sign"),)),
    Example("cough", spans=(Span(0, 5, "Sign"),)),
    Example("lung, fever and the rest of it", spans=(Span(6, 11, "Sign"),)),
]

#: The difference is which of the two is the head.
RELATED = [
    Example(text, label, arguments=(Span(*head, "head"), Span(*tail, "tail")))
    for text, one, other in (
        ("fever, cough", (0, 5), (7, 12)),
        ("the lung in a loop", (4, 8), (14, 18)),
        ("organ or symptom", (0, 5), (9, 16)),
    )
    for label, head, tail in (("there", one, other), ("back", other, one))
]

#: Two entities are called fever, and what is meant by a loop the graph does not know.
LINKED = [
    Example(text, spans=tuple(Span(start, end, "Sign", entity) for start, end, entity in spans))
    for text, *spans in (
        ("fever and cough", (0, 5, "EX:1"), (10, 15, "EX:2")),
        ("a cough, a fever", (2, 7, "EX:2"), (11, 16, "EX:1")),
        ("in a loop of fever", (5, 9, "EX:99"), (13, 18, "EX:8")),
        ("loop, loop", (0, 4, "EX:99"), (6, 10, "EX:99")),
    )
]

TEXTS_OF = {
    "text-classification": TRAIN,
    "token-classification": TAGGED,
    "relation-classification": RELATED,
    "entity-linking": LINKED,
    "multi-label-classification": [
        Example(example.text, (example.target, "all")) for example in TRAIN
    ],
    "regression": [Example(x.text, float(x.target == "ill")) for x in TRAIN],
    "multiple-choice": [
        Example(x.text, i % 2, others=("no", "yes", "no")[i % 2 ^ 1 :][:2])
        for i, x in enumerate(TRAIN)
    ],
    "question-answering": [
        Example(x.text, (AnswerSpan(0, len(x.text)),), others=("what",)) for x in TRAIN
    ],
}


def arguments(folder, **changes):
    quick = {
        "num_train_epochs": 3,
        "per_device_train_batch_size": 2,
        "learning_rate": 1e-3,
        "bf16": False,
        "use_cpu": True,
        "seed": 5,
    }
    return default_arguments(folder, **quick | changes)


def tune(model, folder, family="bert", train=TRAIN, **options):
    changes = options.pop("changes", {})
    return fine_tune(
        model,
        tiny_processor(family, **task_of_model(model).processor_options),
        train,
        train,
        arguments=arguments(folder, **changes),
        **options,
    )


def weights(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def assert_equal(found, expected):
    assert found.keys() == expected.keys()
    assert [name for name, x in expected.items() if not torch.equal(found[name], x)] == []


def test_a_copy_of_a_model_trained_in_bfloat16_computes_with_its_own_modules(fused, tmp_path):
    model = fused(labels=LABELS)
    tune(model, tmp_path, changes={"bf16": True, "num_train_epochs": 1})

    assert copy(model).forward.__self__ is not model
    assert next(model.parameters()).dtype == torch.float32


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("encoder", ENCODERS)
def test_one_batch_is_learnt_by_heart(fused, encoder, pooling):
    model = fused(graph_encoder=encoder, pooling=pooling).train()
    batch = tiny_processor()(TEXTS)
    optimiser = torch.optim.AdamW(model.parameters(), 3e-3)
    losses = []

    for _ in range(60):
        optimiser.zero_grad()
        loss = loss_of(model, batch)
        loss.backward()
        optimiser.step()
        losses.append(float(loss))

    assert losses[0] > 0.8
    assert min(losses[-10:]) < 0.1


@pytest.mark.parametrize(
    ("family", "task"),
    [
        pytest.param(*case, id="-".join(case))
        # The tests of tasks train BERT for each. A tiny XLNet, which has another layout, needs many
        # more epochs to find answers.
        for case in [
            ("bert", "text-classification"),
            ("bert", "question-answering"),
            *(("xlnet", task) for task in TEXTS_OF if task != "question-answering"),
        ]
    ],
)
def test_every_task_of_an_encoder_is_learnt_and_scored(fused, tmp_path, family, task):
    examples = TEXTS_OF[task]
    space = TASKS[task].label_space(examples)
    model = fused(
        family,
        TASKS[task].model_class,
        labels=space.labels,
        head=space.head,
        task=task,
        task_settings=dict(space.settings),
    )

    training = tune(
        model,
        tmp_path,
        family,
        examples,
        head_learning_rate=1e-2,
        patience=20,
        changes={"num_train_epochs": 20, "learning_rate": 3e-3},
    )

    assert training.metrics[TASKS[task].metric] == pytest.approx(1.0, abs=0.02)
    assert training.history[-1]["train_loss"] < training.history[0]["train_loss"] / 2


def test_tasks_with_more_than_one_output_a_text_are_trained_in_their_own_tests():
    others = {"generation", "relation-extraction", "event-extraction"}

    assert set(TASKS) - set(TEXTS_OF) == others


def test_the_last_good_epochs_weights_are_kept_and_training_stops_early(
    fused, tmp_path, monkeypatch
):
    # With six texts, a share of 0.9 has a standard error of 0.12.
    scores = iter([0.2, 0.9, 0.7, 0.8, 0.1, 0.6, 0.7, 0.0])
    seen = []
    monkeypatch.setattr(trainer, "LEARNING_LOSS", math.inf)

    def score(task, gold, predicted):
        seen.append(weights(model))
        return {"accuracy": next(scores)}

    monkeypatch.setattr(TextClassification, "score", score)
    model = fused(labels=LABELS)

    training = tune(
        model,
        tmp_path,
        head_learning_rate=1e-1,
        patience=3,
        changes={"num_train_epochs": 9, "learning_rate": 3e-3},
    )

    assert training.best_epoch == 4
    assert training.metrics == {"accuracy": 0.8}
    history = [epoch["validation"] for epoch in training.history]
    assert history == [0.2, 0.9, 0.7, 0.8, 0.1, 0.6, 0.7]
    assert_equal(weights(model), seen[3])


def test_the_first_epoch_with_a_perfect_score_is_kept(fused, tmp_path, monkeypatch):
    scores = iter([0.2, 1.0, 1.0, 0.9, 1.0, 1.0])
    monkeypatch.setattr(trainer, "LEARNING_LOSS", math.inf)
    monkeypatch.setattr(
        TextClassification, "score", lambda task, *answers: {"accuracy": next(scores)}
    )

    training = tune(fused(labels=LABELS), tmp_path, patience=3, changes={"num_train_epochs": 6})

    assert training.best_epoch == 2
    assert len(training.history) == 5


def test_a_training_does_not_stop_before_its_loss_falls(fused, tmp_path, monkeypatch):
    scores = iter([0.9, 0.4, 0.3, 0.2, 0.1])
    monkeypatch.setattr(
        TextClassification, "score", lambda task, *answers: {"accuracy": next(scores)}
    )

    training = tune(
        fused(labels=LABELS),
        tmp_path,
        head_learning_rate=1e-9,
        patience=2,
        changes={"num_train_epochs": 5, "learning_rate": 1e-9},
    )

    assert len(training.history) == 5
    assert training.best_epoch == 1


def test_a_resumed_training_ends_like_one_without_interruption(fused, tmp_path):
    whole, broken, resumed = (fused(labels=LABELS) for _ in range(3))
    options = {"patience": 9, "changes": {"num_train_epochs": 4}}
    expected = tune(whole, tmp_path / "whole", **options)

    with pytest.raises(KeyboardInterrupt):
        interrupted(broken, tmp_path / "broken", after=2, **options)
    training = tune(resumed, tmp_path / "broken", resume=True, **options)

    assert training.history == expected.history
    assert_equal(weights(resumed), weights(whole))


def interrupted(model, folder, *, after, **options):
    """Train, and stop in the first step after ``after`` epochs."""
    steps = after * len(TRAIN) // 2
    calls = []

    def stop(*call):
        calls.append(model.training)
        if sum(calls) > steps:
            raise KeyboardInterrupt

    model.register_forward_hook(stop)
    tune(model, folder, **options)


def test_shuffling_does_not_depend_on_what_else_draws_random_numbers(fused, tmp_path, monkeypatch):
    orders = []
    collate = KGBertCollator.__call__

    def watched(self, items):
        if items[0].epoch:
            orders[-1].append([item.unit[0].text for item in items])
        return collate(self, items)

    monkeypatch.setattr(KGBertCollator, "__call__", watched)
    for options in ({}, {"injected_layers": []}, {"knowledge_dropout": 0.9}):
        orders.append([])
        tune(fused(labels=LABELS, **options), tmp_path, patience=9)

    assert orders[0] == orders[1] == orders[2]
    assert orders[0][:3] != orders[0][3:6]


def test_a_backbone_too_short_for_the_processor_is_refused(fused, tmp_path):
    with pytest.raises(ValueError, match=rf"up to 512 tokens, but this bert takes {LONGEST}"):
        fine_tune(
            fused(labels=LABELS),
            tiny_processor(max_length=None),
            TRAIN,
            TRAIN,
            arguments=arguments(tmp_path),
        )


def test_a_processor_that_looks_less_far_than_the_model_is_refused(fused, tmp_path):
    with raises("hops-mismatch"):
        fine_tune(
            fused(labels=LABELS),
            tiny_processor(hops=1),
            TRAIN,
            TRAIN,
            arguments=arguments(tmp_path),
        )


def test_a_model_of_another_graph_is_refused(fused, tmp_path):
    model = fused(labels=LABELS)
    builder = GraphBuilder()
    builder.add_entity("other")
    model.config.graph_hash = builder.build().hash

    with pytest.raises(ValueError, match=r"was made for the graph .* train anew with this graph"):
        tune(model, tmp_path)
    assert model.config.graph_hash != tiny_graph().hash


def test_one_label_and_unknown_labels_are_refused(fused, tmp_path):
    model, processor = fused(labels=LABELS), tiny_processor()

    with pytest.raises(ValueError, match="all 2 texts have the label 'ill'"):
        fine_tune(model, processor, TRAIN[:2], TRAIN, arguments=arguments(tmp_path))
    held_out = [Example("fever", "dead")]
    with pytest.raises(ValueError, match=r"validation: 'dead' \(1\) unknown to train"):
        fine_tune(model, processor, TRAIN, held_out, arguments=arguments(tmp_path))


def test_arguments_that_keep_no_best_epoch_are_refused(fused, tmp_path):
    with pytest.raises(ValueError, match=r"with logging_strategy=.* start from default_arguments"):
        tune(fused(labels=LABELS), tmp_path, changes={"logging_strategy": "steps"})


def test_evaluation_always_draws_the_same_neighbours_and_training_never_those():
    task = TASKS["text-classification"]
    held_out = EvaluationExamples(task, tiny_processor(), TRAIN)
    training = TrainingExamples(task, tiny_processor(), TRAIN, config_with(LABELS))

    training.set_epoch(0)

    assert held_out[0].epoch == 0
    assert training[0].epoch == 1


def test_gradients_are_accumulated_to_the_mean(fused, tmp_path):
    together, apart = fused(labels=LABELS), fused(labels=LABELS)
    for model in (together, apart):
        model.config.link_dropout = 0.0
        for module in model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
    losses = {
        name: tune(model, tmp_path / name, changes=changes | {"num_train_epochs": 1}).history[0]
        for name, model, changes in (
            ("together", together, {"per_device_train_batch_size": 6}),
            (
                "apart",
                apart,
                {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 3},
            ),
        )
    }

    assert losses["apart"]["train_loss"] == pytest.approx(
        losses["together"]["train_loss"], rel=1e-3
    )


def test_the_classes_are_those_of_the_tasks():
    assert {task.model_class for task in TASKS.values()} < set(CLASSES)
    assert {KGBertForSequenceClassification, KGBertForTokenClassification} <= set(CLASSES)
