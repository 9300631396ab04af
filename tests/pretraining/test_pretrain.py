import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    AutoTokenizer,
    BertForMaskedLM,
    TrainerCallback,
)

from kgbert.features.entity_features import encode_entities
from kgbert.models.task_models import KGBertForSequenceClassification, KGBertModel
from kgbert.pretraining.checkpoint import load_language_model
from kgbert.pretraining.config import MaskingConfig, PretrainingConfig
from kgbert.pretraining.pretrain import pretrain
from kgbert.pretraining.record import pretraining_record
from tests.support.errors import raises
from tests.support.tiny import FAMILIES, tiny_config, tiny_graph, tiny_tokenizer

CORPUS = [
    f"{who} has {what} and {other} in {where}"
    for who in ("she", "he")
    for what in ("fever", "cough", "pneumonia")
    for other in ("loop", "fever", "organ")
    for where in ("the lung", "an organ")
]

QUICK = PretrainingConfig(
    epochs=3,
    batch_size=6,
    learning_rate=3e-3,
    evaluations=3,
    max_length=24,
    held_out=0.3,
    bf16=False,
)

#: The graph only tells which words are masked together.
MASKING = replace(QUICK, options={"injected_layers": []})


class InterruptAt(TrainerCallback):
    def __init__(self, step):
        self.step = step

    def on_step_end(self, args, state, control, **details):
        if state.global_step == self.step:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def backbone(plain_folder):
    return plain_folder("bert", KGBertModel)


@pytest.fixture(scope="module")
def pretrained(backbone, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pretrained") / "encoder"
    return pretrain(CORPUS, backbone=backbone, output=folder, graph=tiny_graph(), config=MASKING)


def card_of(encoder):
    return Path(encoder.folder, "README.md").read_text()


def weights_of(folder):
    return AutoModel.from_pretrained(folder).state_dict()


def test_the_held_out_loss_falls(pretrained):
    before, after = pretrained.record.before_and_after

    assert before.step == 0
    assert after.metrics["loss"] < before.metrics["loss"] - 0.3
    assert after.metrics["domain_loss"] < before.metrics["domain_loss"]
    assert pretrained.record.improved


def test_the_folder_is_an_ordinary_checkpoint(pretrained):
    model, report = AutoModel.from_pretrained(pretrained.folder, output_loading_info=True)
    tokenizer = AutoTokenizer.from_pretrained(pretrained.folder)
    inputs = tokenizer("fever of the lung", return_tensors="pt")

    assert model(**inputs).last_hidden_state.isfinite().all()
    assert not report["missing_keys"]
    assert (
        AutoModelForMaskedLM.from_pretrained(pretrained.folder, output_loading_info=True)[1][
            "missing_keys"
        ]
        == set()
    )


def test_the_pooling_layer_of_the_backbone_is_kept(backbone, pretrained):
    before, after = weights_of(backbone), weights_of(pretrained.folder)

    assert torch.equal(before["pooler.dense.weight"], after["pooler.dense.weight"])
    assert not torch.equal(
        before["embeddings.LayerNorm.weight"], after["embeddings.LayerNorm.weight"]
    )


def test_the_card_and_the_record_say_how_it_was_made(pretrained):
    record = pretraining_record(pretrained.folder)
    card = card_of(pretrained)

    assert record == pretrained.record
    assert record.graph.hash == tiny_graph().hash
    assert record.corpus.texts == len(CORPUS)
    for fact in (record.corpus.hash[:16], record.graph.hash[:16], "masked language modelling"):
        assert fact in card


def test_an_interrupted_pretraining_continues_with_the_same_result(backbone, pretrained, tmp_path):
    call = {"backbone": backbone, "output": tmp_path / "encoder", "graph": tiny_graph()}
    with pytest.raises(KeyboardInterrupt):
        pretrain(CORPUS, **call, config=MASKING, callbacks=[InterruptAt(6)])
    assert list(tmp_path.glob("encoder/unfinished/checkpoints/checkpoint-*"))

    continued = pretrain(CORPUS, **call, config=MASKING)

    assert continued.record.encoder_hash == pretrained.record.encoder_hash
    assert continued.record.evaluations == pretrained.record.evaluations
    assert not (tmp_path / "encoder/unfinished").exists()


def test_another_pretraining_does_not_continue_an_unfinished_one(backbone, tmp_path):
    call = {"backbone": backbone, "output": tmp_path / "encoder"}
    with pytest.raises(KeyboardInterrupt):
        pretrain(CORPUS, **call, config=QUICK, callbacks=[InterruptAt(1)])

    with raises("other-unfinished-pretraining") as error:
        pretrain(CORPUS[1:], **call, config=QUICK)

    assert "another corpus" in str(error.value)


def test_an_encoder_is_never_overwritten(backbone, pretrained):
    before = weights_of(pretrained.folder)

    with raises("output-not-empty"):
        pretrain(CORPUS, backbone=backbone, output=pretrained.folder, config=QUICK)

    assert all(torch.equal(x, before[name]) for name, x in weights_of(pretrained.folder).items())


def test_a_new_head_is_trained_alone_first(backbone, tmp_path):
    config = replace(QUICK, max_steps=2, evaluations=2, head_warmup=1.0)
    encoder = pretrain(CORPUS, backbone=backbone, output=tmp_path / "encoder", config=config)

    before, after = weights_of(backbone), weights_of(encoder.folder)
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert "new" in encoder.record.head


def test_a_second_pretraining_keeps_the_head_and_the_history(pretrained, tmp_path):
    assert load_language_model(pretrained.folder).has_own_head
    config = replace(QUICK, max_steps=1, evaluations=1)

    second = pretrain(CORPUS, backbone=pretrained.folder, output=tmp_path / "second", config=config)

    first_loss = second.record.before_and_after[0].metrics["loss"]
    assert first_loss == pytest.approx(
        pretrained.record.before_and_after[1].metrics["loss"], abs=0.5
    )
    assert second.record.previous == pretrained.record
    assert second.record.total_seconds > pretrained.record.seconds
    assert "Pretrainings in order" in card_of(second)


def test_the_loss_of_accumulated_passes_is_their_mean(backbone, tmp_path):
    sizes = replace(QUICK, batch_size=2, gradient_accumulation=4, max_steps=1, evaluations=1)

    encoder = pretrain(
        CORPUS,
        backbone=backbone,
        output=tmp_path / "encoder",
        masking=MaskingConfig(probability=0.5),
        config=sizes,
    )

    before, after = encoder.record.before_and_after
    assert after.train_loss == pytest.approx(before.metrics["loss"], abs=0.5)


@pytest.mark.parametrize("family", sorted(FAMILIES.keys() - {"bert", "xlnet"}))
def test_backbones_of_other_families_learn(plain_folder, tmp_path, family):
    encoder = pretrain(
        CORPUS,
        backbone=plain_folder(family, KGBertModel),
        output=tmp_path / "encoder",
        config=replace(QUICK, epochs=2, evaluations=1),
    )

    _, report = AutoModel.from_pretrained(encoder.folder, output_loading_info=True)
    assert encoder.record.improved
    assert not {name for name in report["missing_keys"] if "pooler" not in name}


@pytest.mark.parametrize("family", ["xlnet"])
def test_a_backbone_without_a_head_in_transformers_is_refused(
    plain_folder, tmp_path, monkeypatch, family
):
    folder = plain_folder(family, KGBertModel)
    shutil.copytree(folder, tmp_path / family)
    monkeypatch.chdir(tmp_path)

    with raises("no-pretraining-head"):
        pretrain(CORPUS, backbone=family, output=tmp_path / "encoder", config=QUICK)


def test_entities_are_encoded_anew_by_the_pretrained_encoder(backbone, pretrained, tmp_path):
    graph, cache = tiny_graph(), tmp_path / "cache"
    moved = tmp_path / "encoder"
    shutil.copytree(backbone, moved)
    before = encode_entities(graph, str(moved), cache=cache)

    shutil.rmtree(moved)
    shutil.copytree(pretrained.folder, moved)  # other weights in the same folder
    after = encode_entities(graph, str(moved), cache=cache)

    assert before.hash != after.hash
    assert after.hash == encode_entities(graph, pretrained.folder, cache=None).hash
    assert len(list(cache.iterdir())) == 2


def test_the_features_of_a_checkpoint_without_a_pooling_layer_are_found_again(
    plain_folder, tmp_path
):

    BertForMaskedLM(tiny_config("bert")).save_pretrained(tmp_path / "model")
    tiny_tokenizer("bert").save_pretrained(tmp_path / "model")

    for _ in range(2):
        encode_entities(tiny_graph(), str(tmp_path / "model"), cache=tmp_path / "cache")

    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_a_fused_model_starts_from_the_pretrained_encoder(pretrained):
    model = KGBertForSequenceClassification.from_backbone(
        pretrained.folder, tiny_graph(), labels=("a", "b"), feature_size=16
    )

    expected = weights_of(pretrained.folder)["encoder.layer.0.output.dense.weight"]
    assert torch.equal(
        model.backbone.state_dict()["bert.encoder.layer.0.output.dense.weight"], expected
    )


def test_settings_are_json(pretrained):
    content = json.loads(Path(pretrained.folder, "kgbert_pretraining.json").read_text())

    assert content["settings"]["config"]["learning_rate"] == QUICK.learning_rate
