import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import AutoModelForSequenceClassification

from kgbert.encoding.precomputed_vectors import EntityVectors
from kgbert.encoding.sampling_map import SamplingMap
from kgbert.features.entity_features import EntityFeatures
from kgbert.models.config import POOLINGS
from kgbert.models.heads.relation import PairClassifier
from kgbert.models.layers.graph_encoder import ENCODERS
from kgbert.models.layers.knowledge_attention import AlignedLinear
from kgbert.models.task_models import KGBertForSequenceClassification, KGBertModel
from kgbert.utils.errors import KGBertError
from kgbert.utils.safetensors_io import save_matrices
from tests.support.errors import raises
from tests.support.tiny import (
    EVERY_MODEL,
    TEXTS,
    TINY,
    inputs_for,
    perturb,
    run,
    states,
    tiny_graph,
    tiny_processor,
    tokens_of,
)


def reloaded(model, folder):
    model.save_pretrained(folder)
    return type(model).from_pretrained(folder, output_loading_info=True)


@pytest.mark.parametrize(("family", "kind"), EVERY_MODEL)
def test_a_saved_model_answers_exactly_as_before(fused, tmp_path, family, kind):
    model = perturb(fused(family, kind, pooling="mean"))
    batch = tiny_processor(family)(inputs_for(kind))

    again, report = reloaded(model, tmp_path)

    assert not any(report.values()), report
    assert torch.equal(states(run(again.eval(), batch)), states(run(model, batch)))


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("pooling", POOLINGS)
def test_every_tensor_survives_saving(fused, tmp_path, encoder, pooling):
    model = perturb(fused(graph_encoder=encoder, pooling=pooling))

    again, report = reloaded(model, tmp_path)

    before, after = model.state_dict(), again.state_dict()
    assert not any(report.values()), report
    assert before.keys() == after.keys()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())


@pytest.mark.parametrize(
    ("family", "kind"),
    [case for case in EVERY_MODEL if case.values[1].auto_class is not PairClassifier],
)
def test_the_auto_class_of_the_task_loads_it(fused, tmp_path, family, kind):
    model = perturb(fused(family, kind))
    batch = tiny_processor(family)(TEXTS)
    model.save_pretrained(tmp_path)

    again = kind.auto_class.from_pretrained(tmp_path).eval()

    assert type(again) is kind
    assert torch.equal(states(run(again, batch)), states(run(model, batch)))


def test_labels_and_options_survive_saving(fused, tmp_path):
    model = fused(labels=["well", "ill", "dead"], pooling="mean", graph_layers=1)

    again, _ = reloaded(model, tmp_path)

    kept = ("id2label", "pooling", "graph_layers", "relations", "graph_hash", "injected_layers")
    for name in kept:
        assert getattr(again.config, name) == getattr(model.config, name), name
    assert again.config.backbone.to_dict() == model.config.backbone.to_dict()


@pytest.mark.parametrize("encoder", ENCODERS)
def test_a_checkpoint_without_the_knowledge_part_gets_a_fresh_one_if_that_is_allowed(
    fused, tmp_path, encoder
):
    strip(perturb(fused(graph_encoder=encoder, pooling="mean")), tmp_path)
    batch = tiny_processor()(TEXTS)

    loaded, report = KGBertForSequenceClassification.from_pretrained(
        tmp_path, output_loading_info=True, strict=False
    )

    with loaded.eval().without_knowledge():
        without = run(loaded, batch).logits
    assert torch.equal(run(loaded, batch).logits, without)
    assert {name.split(".")[0] for name in report["missing_keys"]} == {
        "graph_encoder",
        "injections",
    }
    for name, module in loaded.named_modules():
        if not name.startswith("backbone"):
            assert_initialised(name, module)


def change_weights(folder, change):
    """Replace the saved tensors by what a function makes of them."""
    tensors = change(load_file(folder / "model.safetensors"))
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda x: {k: v for k, v in x.items() if "injections" not in k}, "incomplete-weights"),
        (lambda x: {k: v for k, v in x.items() if "classifier" not in k}, "incomplete-weights"),
        (lambda x: x | {"injections.layer_9.gate": torch.zeros(3)}, "incomplete-weights"),
        (lambda x: x | {"injections.layer_1.gate": torch.zeros(3)}, "incomplete-weights"),
        (lambda x: {k: v * torch.nan for k, v in x.items()}, "non-finite-weights"),
    ],
)
@pytest.mark.parametrize(
    "auto_class", [KGBertForSequenceClassification, AutoModelForSequenceClassification]
)
def test_weights_that_are_not_those_of_the_configuration_are_refused(
    fused, tmp_path, auto_class, change, code
):
    fused().save_pretrained(tmp_path / "model")
    change_weights(tmp_path / "model", change)

    with raises(code):
        auto_class.from_pretrained(tmp_path / "model")


def test_weights_that_were_cut_are_refused_by_the_name_of_their_file(fused, tmp_path):
    fused().save_pretrained(tmp_path / "model")
    weights = tmp_path / "model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])

    with raises("damaged-weights") as caught:
        KGBertForSequenceClassification.from_pretrained(tmp_path / "model")

    assert "model.safetensors" in str(caught.value)


def test_a_configuration_with_fewer_relations_than_its_weights_is_refused(fused, tmp_path):
    fused().save_pretrained(tmp_path / "model")
    path = tmp_path / "model" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"relations": []}))

    with raises("incomplete-weights"):
        KGBertForSequenceClassification.from_pretrained(tmp_path / "model")


def strip(model, folder):
    """Save a model without the tensors of its knowledge part."""
    model.save_pretrained(folder)
    tensors = load_file(folder / "model.safetensors")
    kept = {name: x for name, x in tensors.items() if name.startswith("backbone.")}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})


def assert_initialised(name, module):
    """Uninitialised memory contains anything: zeros, huge numbers, not a number."""
    for part, tensor in (*module.named_parameters(recurse=False), *module.named_buffers("", False)):
        where = f"{name}.{part}"
        if part in ("gate", "layer_scale"):
            assert not tensor.any(), where
        elif isinstance(module, AlignedLinear) and part == "weight":
            aligned, added = tensor.split([min(tensor.shape), tensor.shape[0] - min(tensor.shape)])
            assert torch.equal(aligned, torch.eye(*aligned.shape)), where
            assert added.std() > 0.01 if module.padding_std and len(added) else not added.any()
        elif isinstance(module, nn.LayerNorm):
            assert (tensor == (part == "weight")).all(), where
        elif part == "bias":
            assert (tensor.abs() < 1).all(), where
        else:
            assert 0.001 < tensor.std() < 1, where


@pytest.mark.parametrize("encoder", ENCODERS)
def test_a_new_model_is_initialised_as_one_loaded_without_its_knowledge_part(fused, encoder):
    for name, module in fused(graph_encoder=encoder, pooling="mean").named_modules():
        if not name.startswith("backbone"):
            assert_initialised(name, module)


def test_a_half_precision_checkpoint_loads_as_it_is(fused, tmp_path):
    perturb(fused()).bfloat16().save_pretrained(tmp_path)

    loaded = AutoModelForSequenceClassification.from_pretrained(tmp_path, dtype=torch.bfloat16)

    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.bfloat16}
    assert run(loaded, tiny_processor()(TEXTS)).logits.dtype == torch.bfloat16


def test_a_plain_checkpoint_saved_in_half_precision_gives_a_model_in_float32(
    fused, plain, tmp_path
):
    plain().bfloat16().save_pretrained(tmp_path)

    model = KGBertForSequenceClassification.from_backbone(str(tmp_path), tiny_graph(), **TINY)

    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_knowledge_does_not_reach_the_saved_backbone(fused, plain, tmp_path):
    batch = tokens_of(tiny_processor()(TEXTS))
    model = perturb(fused())

    model.backbone.save_pretrained(tmp_path)
    alone = AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()

    assert torch.equal(run(alone, batch).logits, run(plain(), batch).logits)


@pytest.mark.parametrize(
    ("load", "code"),
    [
        (EntityVectors.load, "foreign-vectors"),
        (EntityFeatures.load, "foreign-features"),
    ],
)
def test_vectors_of_another_version_are_refused(load, code, tmp_path):
    save_matrices(
        tmp_path / "v.safetensors", {"vectors": np.zeros((1, 2), np.float32)}, {"encoders": "old"}
    )

    with raises(code):
        load(tmp_path / "v.safetensors")


def test_a_sampling_map_of_another_graph_is_refused(tmp_path):
    matrices = {"keys": np.zeros(1, np.int64), "relations": np.zeros(1, np.int64)}
    for name, about in (("fits not", {"model_relations": "3"}), ("has no count", {})):
        path = tmp_path / f"{name}.safetensors"
        save_matrices(path, matrices, about)
        with pytest.raises(KGBertError) as caught:
            SamplingMap.load(path, tiny_graph())
        assert path.name in str(caught.value)


def test_label_vectors_and_paths_need_a_head_that_can_read_them(fused):
    model = fused(kind=KGBertModel)

    with raises("labels-not-groundable"):
        model._add_label_scorer()
    with raises("answers-without-paths"):
        model.add_path_scorer(["is_a"])
