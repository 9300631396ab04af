"""LoRA on the backbone with full training of the head and the knowledge modules through peft."""

import logging

import peft
import pytest
import torch

from kgbert.models.fusions import FUSIONS
from kgbert.models.task_models import (
    KGBertForEntityLinking,
    KGBertForRelationClassification,
    KGBertForSequenceClassification,
    KGBertForTokenClassification,
    KGBertModel,
)
from kgbert.training.trainer import default_arguments, fine_tune
from tests.support.tiny import FEATURES, TEXTS, loss_of, run, save_plain, tiny_graph, tiny_processor
from tests.training.test_trainer import LABELS, TRAIN

#: The backbone's own attention: the knowledge attention has maps of these names, too.
TARGETS = r"backbone\..*\.(query|value)"

#: What vectors in half precision may change, after large steps.
HALF = 2e-3


@pytest.fixture
def fused(tmp_path):
    def make(kind=KGBertForSequenceClassification, labels=(), **options):
        folder = save_plain(tmp_path, "bert", kind)
        options = {"feature_size": FEATURES, "pooling": "mean"} | options
        return kind.from_backbone(folder, tiny_graph(), labels=labels, **options)

    return make


def adapted(model, **options):
    options = {"target_modules": TARGETS, "r": 4, "lora_alpha": 32} | options
    return peft.get_peft_model(model, peft.LoraConfig(**options))


def moved(model, batch, steps=5):
    """Take large steps on what is to be trained."""
    torch.manual_seed(0)
    weights = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(weights, 0.02)
    model.train()
    for _ in range(steps):
        optimiser.zero_grad()
        loss_of(model, batch).backward()
        optimiser.step()
    return model.eval()


@pytest.mark.parametrize("shape", [{}, {"knowledge_heads": 1, "knowledge_size": 32}])
def test_knowledge_is_learnt_saved_and_merged_beside_lora(fused, shape, tmp_path):
    model, processor = fused(**shape), tiny_processor()
    batch = processor(TEXTS)
    plain = run(model.eval(), batch).logits
    with_lora = adapted(model, modules_to_save=model.new_modules)
    assert torch.equal(run(with_lora, batch).logits, plain)

    answer = run(moved(with_lora, batch), batch).logits

    unreached = [
        name
        for name, parameter in with_lora.named_parameters()
        if parameter.requires_grad and (parameter.grad is None or not parameter.grad.any())
    ]
    assert not unreached
    with model.without_knowledge():
        assert (run(with_lora, batch).logits - answer).abs().max() > 0.05
    with with_lora.disable_adapter():
        assert torch.equal(run(with_lora, batch).logits, plain)
    with_lora.save_pretrained(tmp_path / "adapter")
    again = peft.PeftModel.from_pretrained(fused(**shape), tmp_path / "adapter")
    assert torch.equal(run(again.eval(), batch).logits, answer)
    merged = with_lora.merge_and_unload()
    merged.save_pretrained(tmp_path / "merged")
    loaded = type(merged).from_pretrained(tmp_path / "merged").eval()
    assert torch.allclose(run(loaded, batch).logits, answer, atol=1e-5)
    processor.use_vectors(loaded.precompute(processor))
    assert torch.allclose(run(loaded, processor(TEXTS)).logits, answer, atol=HALF)


def test_lora_on_the_maps_of_the_knowledge_attention_takes_effect(fused):
    # By names alone, as most people type them; the readout has a shortcut for plain maps.
    model, batch = fused(), tiny_processor()(TEXTS)
    moved(model, batch)
    with_lora = adapted(model, target_modules=["key", "value"])

    answer = run(moved(with_lora, batch), batch).logits

    readout = model.injections["readout"]
    assert all(x.lora_B["default"].weight.any() for x in (readout.key, readout.value))
    assert torch.allclose(run(with_lora.merge_and_unload(), batch).logits, answer, atol=1e-5)


def test_gates_frozen_at_zero_cause_one_warning(fused, caplog):
    model = fused()
    with_lora = adapted(model, target_modules=["query", "value"])

    with caplog.at_level(logging.WARNING):
        with_lora.train()
        with_lora.train()

    assert caplog.text.count("modules_to_save=model.new_modules") == 1


@pytest.mark.parametrize("fusion", FUSIONS)
def test_trained_or_trainable_knowledge_causes_no_warning(fused, fusion, caplog):
    model, batch = fused(fusion=fusion), tiny_processor()(TEXTS)

    with caplog.at_level(logging.WARNING):
        adapted(moved(model, batch)).train()
        again = fused(fusion=fusion)
        adapted(again, modules_to_save=again.new_modules).train()

    assert "frozen" not in caplog.text


@pytest.mark.parametrize(
    ("kind", "head"),
    [
        (KGBertForSequenceClassification, ["backbone.classifier"]),
        (KGBertForTokenClassification, ["backbone.classifier"]),
        (KGBertForRelationClassification, ["backbone.relation"]),
        (KGBertForEntityLinking, []),
        (KGBertModel, []),
    ],
)
def test_new_modules_are_the_head_and_all_that_no_checkpoint_has(fused, kind, head):
    model = fused(kind, pooling="head", injected_layers=[-1])

    new = ["injections.layer_3", "graph_encoder"]
    assert model.new_modules == head + new + ["scorer"] * (kind is KGBertForEntityLinking)
    old = set(model.backbone.base_model.parameters())
    assert old.isdisjoint(x for name in new for x in model.get_submodule(name).parameters())


def test_fine_tune_trains_the_model_that_peft_has_changed(fused, tmp_path):
    model, processor = fused(labels=LABELS), tiny_processor()
    with_lora = adapted(model, modules_to_save=model.new_modules)
    embedding = model.backbone.bert.embeddings.word_embeddings.weight.clone()

    training = fine_tune(
        model,
        processor,
        TRAIN,
        TRAIN,
        arguments=default_arguments(tmp_path, num_train_epochs=12, learning_rate=0.01, bf16=False),
        head_learning_rate=0.01,
        patience=12,
    )

    assert training.metrics["accuracy"] > 0.6
    assert torch.equal(model.backbone.bert.embeddings.word_embeddings.weight, embedding)
    merged = with_lora.merge_and_unload().eval()
    assert merged is model
    assert merged.injections["readout"].gate.any()
