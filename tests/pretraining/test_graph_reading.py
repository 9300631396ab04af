import logging
import shutil
from dataclasses import replace
from itertools import product
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch

import kgbert
from kgbert.features.entity_features import encode_changed_entities, encode_entities
from kgbert.features.feature_sources import gather_features
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.models.task_models import (
    KGBertForMaskedLM,
    KGBertForSequenceClassification,
    KGBertForTokenClassification,
    KGBertModel,
)
from kgbert.pretraining.checkpoint import load_language_model
from kgbert.pretraining.pretrain import pretrain
from kgbert.pretraining.texts.corpus import measure, open_corpus
from kgbert.pretraining.texts.draws import TrainingDraws
from kgbert.pretraining.texts.graph_reading import fuse
from kgbert.pretraining.texts.language_modelling import LanguageModelling
from kgbert.pretraining.texts.masking import IGNORED, MaskedLMCollator
from kgbert.pretraining.texts.token_blocks import (
    RowLayout,
    TextTokenizer,
    TokenBlocks,
    write_blocks,
)
from kgbert.utils.paths import KNOWLEDGE_FILE
from tests.pretraining.test_pretrain import CORPUS, QUICK, InterruptAt
from tests.support.errors import raises
from tests.support.tiny import (
    FAMILIES,
    TINY,
    ExactLinker,
    perturb,
    tiny_features,
    tiny_graph,
    tiny_tokenizer,
)

#: Families with a head for masked language modelling in transformers.
MASKED = [name for name in FAMILIES if name not in ("xlnet", "gpt2", "llama", "qwen2")]

QUICK_MASK = kgbert.MaskingConfig(probability=0.3)
READING = replace(QUICK, options={name: x for name, x in TINY.items() if name != "feature_size"})


@pytest.fixture(scope="module")
def backbone(plain_folder):
    return plain_folder("bert", KGBertModel)


@pytest.fixture(scope="module")
def pretrained(backbone, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pretrained") / "encoder"
    return pretrain(CORPUS, backbone=backbone, output=folder, graph=tiny_graph(), config=READING)


def knowledge_of(model):
    return {
        name: tensor
        for name, tensor in model.state_dict().items()
        if name.startswith(("graph_encoder.", "injections."))
    }


def rows_of(folder, family, graph, *, count=12, **layout):
    """Return draws of linked rows."""
    tokenizer, corpus = tiny_tokenizer(family), open_corpus(CORPUS)
    shape = RowLayout.of(tokenizer, **{"max_length": 40, "packed": True, **layout})
    tokenize = TextTokenizer(tokenizer, ExactLinker(graph), graph, True)
    write_blocks(corpus, measure(corpus, 0.05), tokenize, shape, folder, progress=print)
    draws = TrainingDraws(TokenBlocks(folder / "training"), count, 4, seed=0)
    return [draws[index] for index in range(count)]


@pytest.mark.parametrize("packed", [True, False])
def test_the_links_of_a_row_are_at_the_tokens_of_its_mentions(tmp_path, packed):
    graph, tokenizer = tiny_graph(), tiny_tokenizer("bert")

    draws = rows_of(tmp_path, "bert", graph, packed=packed)

    linked = set()
    for draw in draws:
        links = draw.tokens.entity_links
        assert set(links.tokens.tolist()) == set(draw.tokens.in_mention.nonzero()[0].tolist())
        for token, entity in zip(links.tokens, links.entities, strict=True):
            piece = tokenizer.decode([int(draw.tokens.ids[token])]).lstrip("#")
            assert piece in graph.name(int(entity))
            linked.add(graph.name(int(entity)))
    assert linked == {"fever", "cough", "pneumonia", "loop", "organ", "lung"}


@pytest.mark.parametrize("family", MASKED)
def test_before_training_the_loss_is_that_of_the_plain_model(plain_folder, tmp_path, family):
    graph = tiny_graph()
    checkpoint = load_language_model(plain_folder(family, KGBertModel))
    fused = fuse(checkpoint, graph, tiny_features(graph), masking=QUICK_MASK, config=READING)
    draws = rows_of(tmp_path, family, graph)
    batch = MaskedLMCollator(checkpoint.tokenizer, QUICK_MASK, fused.reader)(draws)
    without = MaskedLMCollator(checkpoint.tokenizer, QUICK_MASK)(draws)
    objective = LanguageModelling()

    with torch.no_grad():
        models = (fused.model.eval(), checkpoint.model.eval())
        losses = [objective.loss(*each) for each in zip(models, (batch, without), strict=True)]
        perturb(fused.model)
        changed = objective.loss(fused.model, batch)

    assert len(batch["link_scores"]) > 0
    assert torch.equal(*losses)
    assert not torch.equal(changed, losses[0])


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_share_of_the_masked_mentions_has_no_links(tmp_path, backbone, share):
    graph, checkpoint = tiny_graph(), load_language_model(backbone)
    fused = fuse(
        checkpoint,
        graph,
        tiny_features(graph),
        masking=replace(QUICK_MASK, hidden_links=share),
        config=READING,
    )
    draws = rows_of(tmp_path, "bert", graph, count=200)

    batch = MaskedLMCollator(checkpoint.tokenizer, QUICK_MASK, fused.reader)(draws)

    linked = torch.zeros_like(batch["in_mention"])
    linked[batch["link_batch_index"], batch["link_token_index"]] = True
    masked = batch["labels"] != IGNORED
    assert linked[batch["in_mention"] & ~masked].all()
    hidden = 1 - linked[batch["in_mention"] & masked].float().mean()
    assert hidden == pytest.approx(share, abs=0.1)


#: Every name of two letters has one of four values; the texts state those of the first names only.
NAMES = ["".join(pair) for pair in product("abcdefghijkl", repeat=2)]
VALUES = dict(zip(NAMES, Random(0).choices("wxyz", k=len(NAMES)), strict=True))


def value_graph():
    builder = GraphBuilder()
    for name, value in VALUES.items():
        builder.add_name(f"EX:{name}", name)
        builder.add_name(f"EX:{value}", value)
        builder.add_edge(f"EX:{name}", "has", f"EX:{value}")
    return builder.build(source="values")


@pytest.mark.parametrize(("layers", "least", "most"), [([1, 2], 0.8, 1.0), ([], 0.0, 0.5)])
def test_a_fact_of_the_graph_is_predicted_only_if_the_graph_is_read(
    backbone, tmp_path, layers, least, most
):
    graph, held_out = value_graph(), NAMES[-30:]
    features, linker = tiny_features(graph), ExactLinker(graph)
    options = {**TINY, "injected_layers": layers, "graph_layers": 1}
    pretrained = pretrain(
        [f"{name} {VALUES[name]}" for name in NAMES[:-30]],
        backbone=backbone,
        output=tmp_path / "encoder",
        graph=graph,
        features=features,
        linker=linker,
        masking=kgbert.MaskingConfig(packing="lines", probability=0.4, hidden_links=1.0),
        config=kgbert.PretrainingConfig(
            epochs=30, batch_size=32, learning_rate=5e-3, head_learning_rate=2e-2,
            head_warmup=0.0, evaluations=2, max_length=16, bf16=False, options=options,
        ),
    )  # fmt: skip
    model = KGBertForMaskedLM.from_backbone(pretrained.folder, graph, **options).eval()
    processor = kgbert.KGBertProcessor(
        tiny_tokenizer("bert"), graph, features, linker=linker, hops=1
    )
    batch = processor([f"{name} {processor.tokenizer.mask_token}" for name in held_out])

    logits = model(**batch).logits[batch["input_ids"] == processor.tokenizer.mask_token_id]

    predicted = processor.tokenizer.convert_ids_to_tokens(logits.argmax(-1))
    right = [word == VALUES[name] for word, name in zip(predicted, held_out, strict=True)]
    assert least <= sum(right) / len(right) <= most


def test_an_interrupted_pretraining_continues_with_the_same_result(backbone, pretrained, tmp_path):
    call = {"backbone": backbone, "output": tmp_path / "encoder", "graph": tiny_graph()}
    with pytest.raises(KeyboardInterrupt):
        pretrain(CORPUS, **call, config=READING, callbacks=[InterruptAt(6)])

    continued = pretrain(CORPUS, **call, config=READING)

    files = [Path(x.folder, KNOWLEDGE_FILE).read_bytes() for x in (continued, pretrained)]
    assert continued.record.encoder_hash == pretrained.record.encoder_hash
    assert continued.record.evaluations == pretrained.record.evaluations
    assert files[0] == files[1]


def test_fine_tuning_starts_from_the_pretrained_injections(pretrained):
    graph = tiny_graph()
    features = encode_entities(graph, pretrained.folder)

    models = [
        kind.from_backbone(pretrained.folder, graph, labels=("a", "b"), **READING.options, **more)
        for kind, more in (
            (KGBertForSequenceClassification, {}),
            (KGBertForTokenClassification, {}),
            (KGBertForSequenceClassification, {"pooling": "mean"}),
        )
    ]

    first = knowledge_of(models[0])
    assert first["injections.layer_3.gate"].any()
    for model in models:
        own = knowledge_of(model)
        assert all(torch.equal(own[name], tensor) for name, tensor in first.items())
    assert not models[2].state_dict()["injections.readout.gate"].any()
    assert features.encoder != pretrained.folder


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"graph_layers": 1}, "graph_layers=2 (here 1)"),
        ({"injected_layers": [3]}, "injections.layer_1"),
        ({"injected_layers": [2, 3]}, "new: injections.layer_2"),
    ],
)
def test_what_another_model_cannot_take_is_said(pretrained, caplog, options, said):
    with caplog.at_level(logging.INFO):
        KGBertModel.from_backbone(
            pretrained.folder, tiny_graph(), **{**READING.options, "feature_size": 32, **options}
        )

    assert said in caplog.text


def test_injection_weights_are_not_used_with_other_features_of_the_same_length(
    pretrained, tmp_path, caplog
):
    graph = tiny_graph()
    vectors = np.random.default_rng(0).normal(size=(len(graph), 32))
    np.savez(tmp_path / "other.npz", ids=np.array(graph.entity_ids, str), vectors=vectors)

    models = [
        KGBertModel.from_backbone(
            pretrained.folder, graph, **READING.options | features.model_options
        )
        for features in (
            gather_features(graph, pretrained.folder, "words")[0],
            gather_features(graph, pretrained.folder, str(tmp_path / "other.npz"))[0],
        )
    ]

    used, unused = (model.state_dict()["injections.layer_3.gate"].any() for model in models)
    assert used
    assert not unused
    (record,) = caplog.records
    assert "feature_encoder_hash=" in record.message
    assert "(here 'file:" in record.message


def test_an_edit_of_the_graph_of_a_pretraining_is_encoded_by_the_encoder_in_use(pretrained):
    other = GraphBuilder()
    other.add_name("EX:0", "organ")
    former = encode_entities(other.build(), pretrained.folder)

    features, _ = encode_changed_entities(tiny_graph(), other.build(), former)

    assert features.encoder_hash == former.encoder_hash
    assert encode_entities(tiny_graph(), pretrained.folder).encoder_hash != former.encoder_hash


def test_a_model_without_injections_takes_none(pretrained, caplog):
    with caplog.at_level(logging.WARNING):
        KGBertModel.from_backbone(pretrained.folder, tiny_graph(), injected_layers=[])

    assert not caplog.text


def test_another_graph_has_features_and_injections_of_its_own(pretrained, graph, caplog):
    features = encode_entities(graph, pretrained.folder)
    model = KGBertModel.from_backbone(pretrained.folder, graph, feature_size=32, **READING.options)

    assert features.encoder == pretrained.folder
    assert not model.state_dict()["injections.layer_3.gate"].any()
    assert "graph_hash" in caplog.text


def test_a_second_pretraining_continues_from_the_injections(pretrained, tmp_path):
    config = replace(READING, max_steps=1, evaluations=1)
    second = pretrain(
        CORPUS, backbone=pretrained.folder, output=tmp_path / "b", graph=tiny_graph(), config=config
    )

    first = second.record.before_and_after[0].metrics["loss"]
    assert first == pytest.approx(pretrained.record.before_and_after[1].metrics["loss"], abs=0.05)


def test_damaged_injection_weights_are_refused(pretrained, tmp_path):
    folder = tmp_path / "encoder"
    shutil.copytree(pretrained.folder, folder)
    (folder / KNOWLEDGE_FILE).write_bytes(b"nothing")

    with raises("damaged-knowledge-weights"):
        KGBertModel.from_backbone(str(folder), tiny_graph(), **READING.options)


def test_a_decoder_does_not_read_the_graph(plain_folder, tmp_path):
    with raises("graph-without-masking"):
        pretrain(
            CORPUS,
            backbone=plain_folder("gpt2", KGBertModel),
            output=tmp_path / "encoder",
            graph=tiny_graph(),
            config=QUICK,
        )


def test_a_pretraining_without_the_graph_says_that_it_keeps_no_injections(
    pretrained, tmp_path, caplog
):
    config = replace(QUICK, max_steps=1, evaluations=1)
    second = pretrain(CORPUS, backbone=pretrained.folder, output=tmp_path / "b", config=config)

    assert not Path(second.folder, KNOWLEDGE_FILE).exists()
    assert "are not kept" in caplog.text
