from dataclasses import replace

import pytest
import torch

from kgbert.data import Example, Span
from kgbert.linking.factory import make_linker
from kgbert.models.task_models import KGBertForSequenceClassification, KGBertForTokenClassification
from kgbert.tasks.registry import TASKS
from kgbert.training.config import Regularization
from kgbert.training.overfitting.augmentation import VERSIONS, Augmenter
from kgbert.training.overfitting.regularization import (
    balanced_class_weights,
    class_loss,
    l1_norm,
    layer_depths,
    regularized,
)
from kgbert.training.trainer import fine_tune, optimizer_of
from tests.support.errors import raises
from tests.support.tiny import BLOCKS, tiny_processor
from tests.training.test_trainer import LABELS, TAGGED, TRAIN, arguments, weights

TEXT_TASK = TASKS["text-classification"]


@pytest.fixture
def model(fused):
    return fused(id2label=dict(enumerate(LABELS)), label2id={x: i for i, x in enumerate(LABELS)})


def trained(model, folder, train=TRAIN, **options):
    changes = {"num_train_epochs": 1, **options.pop("changes", {})}
    chosen = Regularization(**options)
    fine_tune(
        model,
        tiny_processor(),
        train,
        train,
        arguments=arguments(folder, **changes),
        regularization=chosen,
        task=TASKS["text-classification" if train is TRAIN else "token-classification"],
    )
    return model


@pytest.mark.parametrize(
    "options",
    [
        {"dropout": 1.0},
        {"frozen_layers": -1},
        {"layer_rate_decay": 0.0},
        {"label_smoothing": 1.5},
        {"l1": -1.0},
        {"synonym_replacement": 0.6, "sibling_replacement": 0.6},
    ],
    ids=lambda options: next(iter(options)),
)
def test_a_value_out_of_range_is_refused(options):
    with raises("regularization-out-of-range"):
        Regularization(**options)


def test_frozen_layers_and_embeddings_keep_their_weights(model, tmp_path):
    before = weights(model)

    trained(model, tmp_path, frozen_layers=1)

    changed = {name for name, x in weights(model).items() if not torch.equal(x, before[name])}
    assert not [x for x in changed if "embeddings" in x or ".layer.0." in x]
    assert {f".layer.{i}." for i in range(1, BLOCKS)} <= {
        f".layer.{x.split('.layer.')[1].split('.')[0]}." for x in changed if ".layer." in x
    }
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_more_layers_than_there_are_cannot_be_frozen(model):
    with raises("too-many-frozen-layers"), regularized(model, Regularization(frozen_layers=9)):
        pass


def test_shared_layers_cannot_be_frozen(fused):
    with raises("shared-blocks"), regularized(fused("albert"), Regularization(frozen_layers=1)):
        pass


@pytest.mark.parametrize("family", ["bert", "distilbert", "gpt2", "modernbert", "xlnet"])
def test_depth_grows_from_the_embeddings_to_the_last_block(fused, family):
    model = fused(family)
    depths = layer_depths(model)
    named = dict(model.backbone.base_model.named_parameters())

    lowest = ("word_embedding", "tok_embeddings", "wte")
    embeddings = [
        depths[id(x)] for name, x in named.items() if any(part in name for part in lowest)
    ]

    assert set(embeddings) == {0}
    assert sorted(set(depths.values())) == list(range(BLOCKS + 1))


def test_lower_blocks_learn_at_lower_rates(model, tmp_path):
    chosen = Regularization(layer_rate_decay=0.5)

    optimizer = optimizer_of(model, arguments(tmp_path), 1e-2, chosen)

    rates = {id(x): group["lr"] for group in optimizer.param_groups for x in group["params"]}
    depths = layer_depths(model)
    assert {depths[each]: rates[each] for each in depths} == pytest.approx(
        {depth: 1e-3 * 0.5 ** (BLOCKS - depth) for depth in range(BLOCKS + 1)}
    )


@pytest.mark.parametrize("family", ["bert", "distilbert", "modernbert", "xlnet"])
def test_dropout_holds_in_the_encoder_and_only_in_the_training(fused, family):
    model = fused(family).train()
    batch = tiny_processor(family)(["fever and cough"])

    def outputs():
        torch.manual_seed(0)
        return model(**batch).logits

    before = outputs()
    with regularized(model, Regularization(dropout=0.5)):
        changed = outputs()

    assert not torch.allclose(before, changed)
    assert torch.equal(before, outputs())


def test_smoothing_and_weights_change_the_cross_entropy_as_defined():
    logits, targets = torch.randn(6, 3), torch.tensor([0, 1, 2, 0, -100, 1])
    class_weights = torch.tensor([1.0, 2.0, 3.0])

    found = class_loss(logits, targets, weights=class_weights, smoothing=0.2)

    expected = torch.nn.CrossEntropyLoss(class_weights, label_smoothing=0.2)(logits, targets)
    assert found == expected


def test_labels_without_training_texts_are_no_part_of_the_loss():
    logits, targets = torch.randn(4, 3), torch.tensor([0, 2, 1, 2])

    found = class_loss(logits, targets, untrained=[1], smoothing=0.1)

    kept = torch.tensor([0, 1, -100, 1])
    expected = torch.nn.functional.cross_entropy(logits[:, [0, 2]], kept, label_smoothing=0.1)
    assert found == expected


def test_rare_labels_weigh_more():
    assert balanced_class_weights([0] * 6 + [1] * 2, 3).tolist() == pytest.approx([4 / 9, 4 / 3, 1])


class LossOnly:
    """Records the loss of the first step."""

    def __init__(self, monkeypatch):
        from kgbert.training.trainer import TaskTrainer

        self.losses, original = [], TaskTrainer.compute_loss

        def compute_loss(trainer, model, inputs, *rest, **more):
            loss = original(trainer, model, inputs, *rest, **more)
            self.losses.append((loss if torch.is_tensor(loss) else loss[0]).item())
            return loss

        monkeypatch.setattr(TaskTrainer, "compute_loss", compute_loss)


def first_loss(fused, folder, monkeypatch, train=TRAIN, **options):
    kind = KGBertForSequenceClassification if train is TRAIN else KGBertForTokenClassification
    labels = LABELS if train is TRAIN else ("O", "B-Sign", "I-Sign")
    model = fused(
        kind=kind,
        knowledge_dropout=0.0,
        link_dropout=0.0,
        id2label=dict(enumerate(labels)),
        label2id={x: i for i, x in enumerate(labels)},
    )
    norm = l1_norm(model).item()
    with monkeypatch.context() as patch:
        recorder = LossOnly(patch)
        trained(model, folder, train, dropout=0.0, **options)
    return recorder.losses[0], norm


@pytest.mark.parametrize("train", [TRAIN, TAGGED], ids=["texts", "tokens"])
def test_each_measure_of_the_loss_changes_it(fused, tmp_path, monkeypatch, train):
    def loss(**options):
        return first_loss(fused, tmp_path, monkeypatch, train, **options)

    plain, norm = loss()

    assert loss()[0] == plain
    assert loss(l1=1e-3)[0] == pytest.approx(plain + 1e-3 * norm, rel=1e-4)
    assert loss(label_smoothing=0.3)[0] != plain
    if train is TAGGED:  # the labels of the texts are balanced
        assert loss(class_weights="balanced")[0] != plain


@pytest.mark.parametrize("options", [{"label_smoothing": 0.1}, {"class_weights": "balanced"}])
def test_a_loss_without_classes_is_not_smoothed(options):
    with raises("loss-without-classes"):
        Regularization(**options).check(TASKS["regression"])


@pytest.mark.parametrize("name", ["question-answering", "generation"])
def test_texts_whose_words_are_the_target_are_not_rewritten(name):
    with raises("task-not-augmentable"):
        Regularization(synonym_replacement=0.1).check(TASKS[name])


FEVER = Example("Fever, no cough", "ill", spans=(Span(0, 5, "Sign", "EX:2"), Span(10, 15, "Sign")))


def versions(graph, example, **options):
    linker = make_linker(graph, "dictionary")
    augmenter = Augmenter(graph, linker, Regularization(**options), seed=0)
    return [version[0] for version in augmenter.versions([example])]


def test_a_mention_is_replaced_by_another_name_and_spans_move_along(graph):
    example = Example("a lung infection, fever", "ill", spans=(Span(18, 23, "Sign"),))

    (first, *others) = versions(graph, example, synonym_replacement=0.99)

    assert first.text == "a pneumonia, fever"
    assert [first.text[x.start : x.end] for x in first.spans] == ["fever"]
    assert first.target == "ill"
    assert len(others) == VERSIONS - 1


def test_a_mention_is_replaced_by_a_sibling_which_becomes_the_entity_of_its_span(graph):
    texts = versions(graph, FEVER, sibling_replacement=0.99)

    assert texts[0].text == "Cough, no fever"
    assert texts[0].spans == (Span(0, 5, "Sign", "EX:3"), Span(10, 15, "Sign"))


def test_words_that_cross_the_border_of_a_span_stay(graph):
    example = Example("lung infection", "ill", spans=(Span(0, 4, "Place"),))

    assert versions(graph, example, synonym_replacement=0.99) == [example] * VERSIONS


def test_without_other_names_nothing_is_replaced(graph):
    assert versions(graph, Example("a cough"), synonym_replacement=0.99)[0].text == "a cough"


def test_shares_are_kept_and_a_seed_gives_the_same_texts(graph):
    examples = [Example(f"pneumonia {i}") for i in range(100)]
    linker = make_linker(graph, "dictionary")
    augmenter = Augmenter(graph, linker, Regularization(synonym_replacement=0.3), seed=0)

    first, second, *_ = augmenter.versions(examples)

    replaced = sum(x.text.startswith("lung infection") for x in first)
    assert 20 < replaced < 40
    assert first != second
    assert augmenter.versions(examples)[0] == first
    assert replace(augmenter, seed=1).versions(examples)[0] != first


def test_all_links_of_a_hidden_entity_disappear_together():
    processor = tiny_processor()
    text = processor.encode([Example("fever fever cough lung pneumonia organ")])[0]
    chosen = Regularization(entity_dropout=0.5)
    augmenter = Augmenter(processor.graph, processor.linker, chosen, seed=0)

    hidden = augmenter.hide_entities(text, 0, 0)

    kept, all_entities = set(hidden.links.entities.tolist()), text.links.entities.tolist()
    assert 0 < len(kept) < len(set(all_entities))
    assert hidden.links.entities.tolist() == [x for x in all_entities if x in kept]


def test_augmented_texts_can_be_learnt(fused, tmp_path):
    model = fused(id2label=dict(enumerate(LABELS)), label2id={x: i for i, x in enumerate(LABELS)})

    trained(model, tmp_path, sibling_replacement=0.5, entity_dropout=0.3)

    assert all(x.isfinite().all() for x in model.state_dict().values())
