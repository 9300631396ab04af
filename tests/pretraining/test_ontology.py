from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import AutoModel, TrainerCallback

from kgbert.graph.storage.builder import GraphBuilder
from kgbert.linking.embedding.name_encoder import NameEncoder
from kgbert.models.task_models import KGBertModel
from kgbert.pretraining.config import PretrainingConfig
from kgbert.pretraining.contrastive import TEMPERATURE, info_nce
from kgbert.pretraining.ontology import pretrain_on_graph
from kgbert.pretraining.pairs import (
    DEFAULT_PAIRS,
    PAIR_KINDS,
    PairBatches,
    PairTexts,
    split_entities,
)
from kgbert.utils.errors import GraphError
from tests.support.errors import raises
from tests.support.planted.synonyms import aliased
from tests.support.tiny import tiny_graph

QUICK = PretrainingConfig(
    epochs=12,
    batch_size=16,
    learning_rate=3e-3,
    evaluations=4,
    max_length=24,
    held_out=0.2,
    bf16=False,
)


#: The name of rdfs:subClassOf in graphs without another one.
IS_A = "rdfs:subClassOf"


@pytest.fixture(scope="module")
def backbone(plain_folder):
    return plain_folder("bert", KGBertModel)


@pytest.fixture(scope="module")
def pretrained(backbone, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pretrained") / "encoder"
    return pretrain_on_graph(
        aliased(30), backbone=backbone, output=folder, pairs=["synonym"], config=QUICK
    )


def held_out_accuracy(folder, graph):
    """Return the share of held-out names whose synonym is the nearest of all synonyms."""
    _, held_out = split_entities(PairTexts(graph, ["synonym"]), QUICK)
    encoder = NameEncoder.from_pretrained(folder)
    names = [[name.text for name in graph.names_of(entity)] for entity in range(len(graph))]
    left, right = (encoder.encode([pair[side] for pair in names]) for side in (0, 1))
    nearest = (left[held_out] @ right.T).argmax(1)
    return float((nearest == torch.tensor(held_out)).float().mean())


def test_synonyms_of_held_out_entities_are_drawn_together(backbone, pretrained):
    before = held_out_accuracy(backbone, aliased(30))

    assert held_out_accuracy(pretrained.folder, aliased(30)) > before + 0.4
    assert pretrained.record.improved
    assert pretrained.record.before_and_after[1].metrics["accuracy"] > 0.7


def test_pairs_with_themselves_teach_nothing_about_synonyms(backbone, pretrained, tmp_path):
    config = replace(QUICK, epochs=3, evaluations=2)

    control = pretrain_on_graph(
        aliased(30), backbone=backbone, output=tmp_path / "e", pairs=["identity"], config=config
    )

    accuracy = held_out_accuracy(control.folder, aliased(30))
    assert accuracy < held_out_accuracy(pretrained.folder, aliased(30)) - 0.4


def test_an_interrupted_pretraining_continues_with_the_same_result(backbone, pretrained, tmp_path):
    class Interrupt(TrainerCallback):
        def on_step_end(self, args, state, control, **details):
            if state.global_step == 8:
                raise KeyboardInterrupt

    call = {"backbone": backbone, "output": tmp_path / "e", "pairs": ["synonym"], "config": QUICK}
    with pytest.raises(KeyboardInterrupt):
        pretrain_on_graph(aliased(30), **call, callbacks=[Interrupt()])

    continued = pretrain_on_graph(aliased(30), **call)

    assert continued.record.encoder_hash == pretrained.record.encoder_hash
    assert continued.record.evaluations == pretrained.record.evaluations


@pytest.mark.parametrize("family", ["xlnet", "albert"])
def test_backbones_of_other_families_learn(plain_folder, tmp_path, family):
    encoder = pretrain_on_graph(
        aliased(30),
        backbone=plain_folder(family, KGBertModel),
        output=tmp_path / "encoder",
        pairs=["synonym"],
        config=replace(QUICK, epochs=4, evaluations=1),
    )

    _, report = AutoModel.from_pretrained(encoder.folder, output_loading_info=True)
    assert encoder.record.improved
    assert not report["missing_keys"]


def test_the_loss_is_that_of_its_formula():
    left, right = (torch.nn.functional.normalize(torch.randn(4, 5), dim=-1) for _ in range(2))
    ignored = torch.zeros(4, 4, dtype=torch.bool)
    ignored[0, 2] = True

    losses = info_nce(left, right, ignored)

    exp = (left @ right.T / TEMPERATURE).exp().masked_fill(ignored, 0)
    own = exp.diagonal()
    expected = -((own / exp.sum(1)).log() + (own / exp.sum(0)).log()) / 2
    assert torch.allclose(losses, expected, atol=1e-4)


def test_a_name_is_paired_with_its_synonyms_definition_parents_and_relations(graph):
    texts = PairTexts(graph, DEFAULT_PAIRS)

    pairs = texts.draw(set(range(len(graph))), np.random.default_rng(0))

    found = {(graph.entity_ids[pair.entity], pair.left, pair.right) for pair in pairs}
    assert ("EX:2", "high temperature", "A body temperature above the normal.") in found or (
        "EX:2",
        "fever",
        "A body temperature above the normal.",
    ) in found
    assert ("EX:3", "cough", f"{IS_A} symptom") in found
    assert {pair.right for pair in pairs if pair.left == "fever"} <= {
        "high temperature",
        "A body temperature above the normal.",
        f"{IS_A} symptom",
    }
    assert any(right == "located in lung" for _, _, right in found)
    assert texts.count({0}) == {"synonym": 1, "definition": 1, "parent": 0, "relation": 3}


def test_texts_that_are_true_of_an_entity_are_no_negatives(graph):
    texts = PairTexts(graph, ["parent", "synonym"])
    config = replace(QUICK, batch_size=8)

    batch = PairBatches(texts, texts.entities, config)[0]

    for row, pair in enumerate(batch.pairs):
        for column, other in enumerate(batch.pairs):
            shared = other.right == f"{IS_A} symptom" and pair.entity in (1, 2)
            is_excluded = row != column and (pair.entity == other.entity or shared)
            assert batch.no_negatives[row, column] == is_excluded


def test_siblings_share_a_batch():
    builder = GraphBuilder()
    for number in range(100):
        builder.add_name(f"EX:{number}", f"name {number}")
        builder.add_name(f"EX:{number}", f"synonym {number}", "exact")
        builder.add_name(f"EX:P{number % 50}", f"parent {number % 50}")
        builder.add_edge(f"EX:{number}", "rdfs:subClassOf", f"EX:P{number % 50}")
    graph = builder.build()
    texts = PairTexts(graph, ["synonym"])
    batches = PairBatches(texts, texts.entities, replace(QUICK, batch_size=8))

    together = [
        {int(pair.right.split()[1]) % 50 for pair in batches[number].pairs}
        for number in range(len(batches))
    ]

    assert sum(map(len, together)) / len(together) < 6  # of 8 pairs


def test_batches_depend_on_seed_and_position(graph):
    texts = PairTexts(graph, DEFAULT_PAIRS)
    batches, again, other = (
        PairBatches(texts, texts.entities, replace(QUICK, seed=seed)) for seed in (0, 0, 1)
    )

    assert batches[0].pairs == again[0].pairs != other[0].pairs
    assert batches[0].pairs != batches[batches.per_epoch].pairs


def test_the_card_states_the_pairs(pretrained):
    assert pretrained.record.graph.pairs == {"synonym": 24}
    assert pretrained.record.graph.held_out_entities == 6
    assert pretrained.record.objective == "contrastive learning of synonym pairs"


def test_an_own_masked_language_modelling_head_is_kept(tmp_path):
    from transformers import AutoModelForMaskedLM, BertForMaskedLM

    from tests.support.tiny import tiny_config, tiny_tokenizer

    BertForMaskedLM(tiny_config("bert")).save_pretrained(tmp_path / "model")
    tiny_tokenizer("bert").save_pretrained(tmp_path / "model")

    encoder = pretrain_on_graph(
        aliased(30),
        backbone=str(tmp_path / "model"),
        output=tmp_path / "encoder",
        config=replace(QUICK, max_steps=1, evaluations=1),
    )

    _, report = AutoModelForMaskedLM.from_pretrained(encoder.folder, output_loading_info=True)
    assert not report["missing_keys"]


def test_a_graph_without_such_pairs_is_refused(backbone, tmp_path):
    with raises("too-few-pairs", GraphError) as error:
        pretrain_on_graph(
            tiny_graph(), backbone=backbone, output=tmp_path / "encoder", pairs=["definition"]
        )

    assert "parent" not in str(error.value)
    assert "relation" in str(error.value)


def test_an_unknown_kind_of_pair_is_refused(backbone, tmp_path):
    with raises("unknown-name"):
        pretrain_on_graph(
            tiny_graph(), backbone=backbone, output=tmp_path / "encoder", pairs=["synonyms"]
        )


@pytest.mark.parametrize("kind", PAIR_KINDS)
def test_every_kind_of_pair_is_named_in_the_help(kind, capsys):
    from kgbert.cli.main import main

    with pytest.raises(SystemExit):
        main(["pretrain", "--help"])

    assert kind in capsys.readouterr().out
