from dataclasses import replace

import numpy as np
import pytest
import torch

import kgbert
from kgbert.cli.main import main
from kgbert.encoding.neighbor_sampling import NeighborSampler
from kgbert.features.entity_features import EntityFeatures
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.models.task_models import KGBertModel
from kgbert.pretraining.checkpoint import load_language_model
from kgbert.pretraining.edge_targets import hide_edges
from kgbert.pretraining.link_prediction import EdgeBatches, EdgeCollator, pretrain_graph_encoder
from kgbert.pretraining.pretrain import pretrain
from kgbert.pretraining.texts.graph_reading import fuse
from kgbert.pretraining.texts.masking import MaskedLMCollator
from tests.pretraining.test_graph_reading import QUICK_MASK, READING, knowledge_of, rows_of
from tests.pretraining.test_pretrain import CORPUS, InterruptAt
from tests.support.errors import raises
from tests.support.tiny import (
    FEATURES,
    TINY,
    run,
    tiny_features,
    tiny_graph,
    tiny_processor,
    tokens_of,
)

EDGES = kgbert.PretrainingConfig(
    epochs=20,
    batch_size=64,
    learning_rate=1e-2,
    held_out=0.1,
    evaluations=2,
    bf16=False,
    options=READING.options,
)


def cycle_graph(size=40):
    """Return a graph in which each entity precedes the next one, also by an inverse relation."""
    builder = GraphBuilder()
    for number in range(size):
        builder.add_name(f"EX:{number}", f"number {number}")
        builder.add_edge(f"EX:{number}", "precedes", f"EX:{(number + 1) % size}")
        builder.add_edge(f"EX:{(number + 1) % size}", "follows", f"EX:{number}")
    return builder.build(source="cycle")


def opposite_graph(size=80):
    """Return a graph of pairs of entities."""
    builder = GraphBuilder()
    for number in range(size):
        for side in ("left", "right"):
            builder.add_name(f"EX:{side}{number}", f"{side} {number}")
        builder.add_edge(f"EX:left{number}", "opposite", f"EX:right{number}")
    return builder.build(source="pairs")


def opposite_features(graph):
    """Return random features; an entity differs from its partner in the sign of every second."""
    random, signs = np.random.default_rng(0), np.tile([1, -1], FEATURES // 2)
    vectors = np.zeros((len(graph), FEATURES), np.float16)
    for head, tail in zip(graph.heads, graph.tails, strict=True):
        vectors[head] = random.normal(size=FEATURES)
        vectors[tail] = vectors[head] * signs
    return EntityFeatures(vectors, "random", "pairs", graph.hash)


@pytest.fixture(scope="module")
def backbone(plain_folder):
    return plain_folder("bert", KGBertModel)


@pytest.fixture(scope="module")
def pretrained(backbone, tmp_path_factory):
    graph, folder = opposite_graph(), tmp_path_factory.mktemp("pretrained") / "encoder"
    return pretrain_graph_encoder(
        graph, backbone=backbone, output=folder, features=opposite_features(graph), config=EDGES
    )


def pairs_of(nodes, edge_index):
    return {tuple(sorted(nodes[edge].tolist())) for edge in np.asarray(edge_index).T}


def test_nothing_between_the_ends_of_a_hidden_edge_remains():
    sampler = NeighborSampler(cycle_graph(), fan_out=8, hops=2)
    sampled = sampler.sample(np.arange(0, 40, 2))

    hidden = hide_edges(sampled, sampler, np.random.default_rng(0))

    left, edges = hidden.subgraph, hidden.targets["target_edges"]
    targets = pairs_of(left.nodes, edges[:, :2].T)
    assert targets
    assert pairs_of(left.nodes, left.edge_index) == (
        pairs_of(sampled.nodes, sampled.edge_index) - targets
    )
    assert [nodes for nodes, _ in left.hop_sizes] == [nodes for nodes, _ in sampled.hop_sizes]
    assert sum(count for _, count in left.hop_sizes) == len(left.edge_types)


def test_other_senders_never_have_the_edge():
    graph = cycle_graph(6)
    sampler = NeighborSampler(graph, fan_out=8, hops=1)
    sampled = sampler.sample(np.arange(6))

    targets = hide_edges(sampled, sampler, np.random.default_rng(1)).targets

    known = set(zip(sampled.edge_index[0], sampled.edge_index[1], sampled.edge_types, strict=True))
    negatives = targets["target_negatives"]
    for (sender, receiver, relation), others in zip(
        targets["target_edges"], negatives, strict=True
    ):
        assert (sender, receiver, relation) in known
        assert not {(x, receiver, relation) for x in others if x >= 0} & known
    assert (negatives < 0).any()


def test_held_out_edges_are_in_no_message_and_no_target_of_the_training():
    graph = cycle_graph()
    batches = EdgeBatches(NeighborSampler(graph, hops=2), EDGES)
    collate = EdgeCollator(batches, tiny_features(graph))
    held_out = {tuple(sorted(edge)) for edge in batches.held_out[:, :2].tolist()}

    seen = set()
    for index in range(len(batches)):
        batch = batches[index]
        entities = np.unique(batch.edges[:, :2])
        sampled = batches.sampler.sample(entities, batch.epoch)
        seen |= pairs_of(sampled.nodes, collate([batch])["edge_index"])
        seen |= {tuple(sorted(edge)) for edge in batch.edges[:, :2].tolist()}

    assert len(held_out) == 4
    assert len(seen) == 36
    assert not seen & held_out


def test_held_out_edges_are_predicted_after_training(pretrained):
    before, after = pretrained.record.before_and_after

    assert before.metrics["accuracy"] < 0.4
    assert after.metrics["accuracy"] > 0.7
    assert "link prediction" in pretrained.record.description


def test_fine_tuning_starts_from_the_graph_encoder_with_the_output_of_the_backbone(
    backbone, pretrained
):
    graph = opposite_graph()
    model, again, plain = (
        KGBertModel.from_backbone(folder, graph, **TINY).eval()
        for folder in (pretrained.folder, pretrained.folder, backbone)
    )

    own, other, fresh = map(knowledge_of, (model, again, plain))
    for name in ("graph_encoder.layer_scale", "graph_encoder.project.weight"):
        assert torch.equal(own[name], other[name])
        assert not torch.equal(own[name], fresh[name])
    assert not own["injections.layer_3.gate"].any()
    batch = tiny_processor("bert")(["fever of the lung"])
    with model.without_knowledge(), plain.without_knowledge():
        states = [run(x, tokens_of(batch)).last_hidden_state for x in (model, plain)]
    assert torch.equal(*states)


def test_an_interrupted_training_continues_with_the_same_result(backbone, pretrained, tmp_path):
    graph = opposite_graph()
    call = {
        "backbone": backbone,
        "output": tmp_path / "encoder",
        "features": opposite_features(graph),
    }
    with pytest.raises(KeyboardInterrupt):
        pretrain_graph_encoder(graph, **call, config=EDGES, callbacks=[InterruptAt(30)])

    continued = pretrain_graph_encoder(graph, **call, config=EDGES)

    assert continued.record.evaluations == pretrained.record.evaluations


def test_edges_are_predicted_as_a_second_loss(backbone, tmp_path):
    call = {"backbone": backbone, "graph": tiny_graph(), "features": tiny_features(tiny_graph())}
    config = replace(READING, max_steps=8, evaluations=1)
    encoders = [
        pretrain(
            CORPUS,
            **call,
            output=tmp_path / str(weight),
            config=replace(config, link_prediction=weight),
        )
        for weight in (0.0, 1.0)
    ]

    without, both = (encoder.record.before_and_after for encoder in encoders)
    assert both[0].metrics["loss"] == without[0].metrics["loss"]
    assert "edge_loss" not in without[0].metrics
    assert both[1].metrics["edge_loss"] < both[0].metrics["edge_loss"]
    assert "and link prediction" in encoders[1].record.objective


def test_an_output_with_edges_can_be_made_anew_by_distributed_training(backbone, tmp_path):
    graph, checkpoint = tiny_graph(), load_language_model(backbone)
    config = replace(READING, link_prediction=1.0)
    fused = fuse(checkpoint, graph, tiny_features(graph), masking=QUICK_MASK, config=config)
    draws = rows_of(tmp_path, "bert", graph)
    batch = MaskedLMCollator(checkpoint.tokenizer, QUICK_MASK, fused.reader)(draws)
    del batch["in_mention"]

    output = fused.model(**batch)

    assert output.loss.isfinite()
    assert len(output.edge_losses) == len(batch["target_edges"]) > 0
    assert torch.equal(type(output)(**output).edge_losses, output.edge_losses)


def test_a_graph_with_one_edge_is_refused(backbone, tmp_path):
    builder = GraphBuilder()
    builder.add_edge("EX:1", "is", "EX:2")

    with raises("too-few-edges"):
        pretrain_graph_encoder(builder.build(), backbone=backbone, output=tmp_path / "encoder")


def test_edges_cannot_be_predicted_without_a_graph_encoder(backbone, tmp_path):
    config = replace(READING, link_prediction=1.0, options={**READING.options, "fusion": "ernie"})

    with raises("link-prediction-without-vectors"):
        pretrain(
            CORPUS,
            backbone=backbone,
            graph=tiny_graph(),
            output=tmp_path / "encoder",
            config=config,
        )


@pytest.mark.parametrize("given", [{}, {"graph": tiny_graph()}])
def test_edges_of_a_graph_that_is_not_read_cannot_be_predicted(backbone, tmp_path, given):
    config = replace(READING, link_prediction=1.0, options={"injected_layers": []})

    with raises("edges-without-graph"):
        pretrain(CORPUS, backbone=backbone, output=tmp_path / "encoder", config=config, **given)


def test_link_prediction_and_pairs_exclude_each_other(capsys):
    options = ["--graph", "graph.csv", "--pairs", "synonym", "--link-prediction", "1"]

    assert main(["pretrain", *options, "--backbone", "none"]) == 1
    assert "leave out one" in capsys.readouterr().err


def test_the_graph_encoder_is_trained_from_the_command_line(backbone, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "signs.csv").write_text(
        "subject,predicate,object\nfever,is,sign\ncough,is,sign\nchill,is,sign\n"
    )

    options = ["--max-steps", "2", "--evaluations", "1", "--batch-size", "4"]
    command = ["pretrain", "--graph", "signs.csv", "--link-prediction", "1", *options]

    assert main([*command, "--backbone", backbone, "--output", "links"]) == 0
    record = kgbert.pretraining_record("links")
    assert record.objective == "link prediction by the graph encoder"
    assert record.encoder_hash == record.backbone_hash
