import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kgbert.cli.main import main
from kgbert.features.frozen_encoder import weights_hash
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.linking.embedding.loss import multi_similarity
from kgbert.linking.embedding.name_encoder import NameEncoder
from kgbert.linking.embedding.synonyms import batches_of, draw_pairs, synonyms
from kgbert.linking.embedding.training import LinkerTrainingConfig, train_linker
from kgbert.linking.factory import linker_settings, make_linker
from kgbert.models.task_models import KGBertModel
from kgbert.utils.errors import GraphError
from tests.support.errors import raises
from tests.support.planted.synonyms import aliased
from tests.support.tiny import tiny_graph

QUICK = LinkerTrainingConfig(epochs=12, batch_size=16, learning_rate=5e-3, warmup=0.05)


@pytest.fixture(scope="module")
def folder(plain_folder):
    return plain_folder("bert", KGBertModel)


@pytest.fixture(scope="module")
def trained(folder):
    return train_linker(aliased(24), folder, recipe=QUICK)


def loss_by_hand(vectors, entities):
    total = 0.0
    for i, anchor in enumerate(vectors):
        near = {j: float(anchor @ other) for j, other in enumerate(vectors) if j != i}
        positive = {j: s for j, s in near.items() if entities[j] == entities[i]}
        negative = {j: s for j, s in near.items() if entities[j] != entities[i]}
        hard_positive = [
            s for s in positive.values() if negative and s < max(negative.values()) + 0.2
        ]
        hard_negative = [
            s for s in negative.values() if positive and s > min(positive.values()) - 0.2
        ]
        total += math.log1p(sum(math.exp(-2 * (s - 0.5)) for s in hard_positive)) / 2
        total += math.log1p(sum(math.exp(50 * (s - 0.5)) for s in hard_negative)) / 50
    return total / len(vectors)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=8), st.integers(0, 100))
def test_the_loss_is_that_of_its_formula(entities, seed):
    vectors = torch.randn(len(entities), 5, generator=torch.Generator().manual_seed(seed))
    vectors = torch.nn.functional.normalize(vectors, dim=-1)

    loss = multi_similarity(vectors, torch.tensor(entities))

    assert loss.item() == pytest.approx(loss_by_hand(vectors, entities), abs=1e-5)


def test_names_spelt_alike_are_not_driven_apart():
    vectors = torch.nn.functional.normalize(torch.randn(4, 5), dim=-1).requires_grad_()
    same = torch.ones(4, 4, dtype=torch.bool)

    multi_similarity(vectors, torch.tensor([0, 0, 1, 2]), same_name=same).backward()

    assert vectors.grad.abs().max() == 0


def test_well_separated_names_teach_nothing():
    vectors = torch.eye(3).repeat_interleave(2, 0).requires_grad_()

    multi_similarity(vectors, torch.tensor([0, 0, 1, 1, 2, 2])).backward()

    assert vectors.grad.abs().max() == 0


def test_broad_and_narrow_names_are_no_synonyms():
    builder = GraphBuilder()
    for scope in ("preferred", "exact", "related", "broad", "narrow"):
        builder.add_name("EX:1", scope, scope)

    assert synonyms(builder.build()) == {0: ("preferred", "exact", "related")}


@given(st.lists(st.integers(2, 6), min_size=1, max_size=8), st.integers(1, 40), st.integers(0, 9))
def test_pairs_are_of_one_entity_and_no_entity_outweighs_the_others(sizes, most, seed):
    names = {e: tuple(f"{e}-{i}" for i in range(size)) for e, size in enumerate(sizes)}

    pairs = draw_pairs(names, most, np.random.default_rng(seed))

    assert len(pairs) == min(most, sum(sizes) - len(sizes))
    assert len(set(pairs)) == len(pairs)
    for pair in pairs:
        assert pair.left != pair.right
        assert {pair.left, pair.right} <= set(names[pair.entity])
        assert sum(other.entity == pair.entity for other in pairs) < len(names[pair.entity])


@given(st.integers(1, 30), st.integers(1, 9), st.integers(0, 9))
def test_batches_hold_every_pair_once(count, size, seed):
    random = np.random.default_rng(seed)
    names = dict.fromkeys(range(count), ("a", "b", "c"))
    pairs = draw_pairs(names, 1000, random)
    neighbours = {e: [(e + 1) % count, (e + 2) % count] for e in names}

    batches = list(batches_of(pairs, neighbours, size, random))

    assert sorted(map(repr, (pair for batch in batches for pair in batch))) == sorted(
        map(repr, pairs)
    )
    assert all(len(batch) == size for batch in batches[:-1])


def test_similar_entities_share_a_batch():
    random = np.random.default_rng(0)
    pairs = draw_pairs(dict.fromkeys(range(400), ("a", "b")), 1000, random)
    neighbours = {e: [e ^ 1] for e in range(400)}

    batches = list(batches_of(pairs, neighbours, 10, random))

    together = sum(any(y.entity == x.entity ^ 1 for y in batch) for batch in batches for x in batch)
    assert together > 300


def test_training_brings_synonyms_together(trained, folder):
    untrained = make_linker(aliased(24), f"embedding:{folder}")
    first, last = trained.first_and_last_loss

    def nearest_is_right(linker):
        vectors = torch.from_numpy(linker.names.vectors).float()
        _, found = linker.names.nearest(vectors, 1, hidden=torch.arange(len(vectors)))
        return (found[:, 0].numpy() == linker.names.entities).mean()

    assert last < first / 2
    assert nearest_is_right(untrained) < 0.5 < nearest_is_right(trained.linker)


def test_the_same_seed_trains_the_same_linker(trained, folder):
    again = train_linker(aliased(24), folder, recipe=QUICK)

    assert again.losses == trained.losses
    assert (again.linker.names.vectors == trained.linker.names.vectors).all()


def test_held_out_entities_are_reported_and_not_trained_on(trained):
    graph = aliased(24)

    assert len(trained.held_out) == 1
    assert trained.pairs == QUICK.epochs * (len(graph) - 1)


def test_a_cached_encoder_hash_changes_after_training(folder):
    encoder = NameEncoder.from_pretrained(folder)
    before = encoder.hash

    train_linker(aliased(24), encoder, recipe=QUICK)

    assert before != encoder.hash == weights_hash(encoder.model)


def test_a_linker_that_lies_nowhere_cannot_be_described(trained):
    with raises("linker-not-saved"):
        linker_settings(trained.linker)


def test_graph_without_synonyms_gives_a_remedy(folder):
    with raises("too-few-synonyms", GraphError):
        train_linker(tiny_graph(), folder)


@pytest.fixture
def obo(tmp_path):
    terms = "".join(
        f'\n[Term]\nid: EX:{i}\nname: {a}{b}\nsynonym: "{b}{b} {a}" EXACT []\n'
        for i, (a, b) in enumerate(zip("abcdefgh", "ijklmnop", strict=True))
    )
    path = tmp_path / "letters.obo"
    path.write_text(f"format-version: 1.4\n{terms}", encoding="utf-8")
    return str(path)


def test_command_writes_a_linker_that_link_takes(obo, folder, tmp_path, capsys):
    out = str(tmp_path / "linker")
    gold = tmp_path / "gold.jsonl"
    gold.write_text(
        '{"text": "ai", "spans": [{"start": 0, "end": 2, "label": "x", "entity": "EX:0"}]}\n',
        encoding="utf-8",
    )
    options = ["--output", out, "--validation", str(gold), "--batch-size", "4"]

    assert main(["train-linker", obo, "--backbone", folder, *options]) == 0
    output = capsys.readouterr().out
    assert main(["link", obo, "an ai", "--linker", f"embedding:{out}"]) == 0

    assert "8 pairs of synonyms; loss" in output
    assert f"--linker embedding:{out}" in output
    assert "3-5  ai  →  ai (EX:0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--validation", "{texts}"], "no span has an entity"),
        (["--output", "{texts}"], "this is a file; name a folder"),
        (["--output", "{folder}"], "contains other files than a linker of kgbert"),
    ],
)
def test_command_refuses_before_anything_takes_long(
    obo, folder, tmp_path, capsys, options, message
):
    texts = tmp_path / "texts.jsonl"
    texts.write_text('{"text": "a", "spans": []}\n', encoding="utf-8")
    options = [option.format(texts=texts, folder=folder) for option in options]

    assert main(["train-linker", obo, "--backbone", "no/such", *options]) == 1

    assert message in capsys.readouterr().err
