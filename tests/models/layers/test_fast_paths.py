from collections import defaultdict

import pytest
import torch
from hypothesis import given, settings

from kgbert.models.config import POOLINGS
from kgbert.models.layers import fast_paths as link_tables
from kgbert.models.layers.fast_paths import (
    TableLayout,
    dense_link_table,
    prefers_dense,
    readout_table,
)
from kgbert.models.layers.knowledge_attention import Links
from tests.models.layers.test_knowledge_attention import KNOWLEDGE, layer, linked
from tests.support.tiny import TEXTS, loss_of, perturb, run, tiny_processor

#: What another order of summing may change in single precision.
TOLERANCE = 1e-6


def layout_of(links):
    """Return where links stand in tables, found one by one."""
    positions, entities = defaultdict(list), defaultdict(list)
    slots = [
        numbered(positions[row], place) for place, row in enumerate(links.batch_index.tolist())
    ]
    rows = links.batch_index[links.query_index].tolist()
    columns = [
        numbered(entities[row], node)
        for row, node in zip(rows, links.node_index.tolist(), strict=True)
    ]
    size = tuple(max(map(len, found.values()), default=0) for found in (positions, entities))
    return TableLayout(integers(slots), integers(columns), size)


def numbered(known, one):
    if one not in known:
        known.append(one)
    return known.index(one)


def integers(numbers):
    return torch.tensor(numbers, dtype=torch.int64)


def tables_of(links, tokens, entities):
    texts, width = tokens.shape[:2]
    return dense_link_table(links, layout_of(links), nodes=len(entities), texts=texts, width=width)


def last_token_of(links, tokens):
    texts, width = tokens.shape[:2]
    last = torch.full((texts,), width - 1)
    return readout_table(links, layout_of(links), last, width=width)


@given(linked())
@settings(max_examples=50)
def test_a_table_reads_what_following_each_link_reads(case):
    tokens, entities, links = case
    attention = layer()

    read = attention.forward_dense(tokens, entities, *tables_of(links, tokens, entities))

    followed, _ = attention(tokens, entities, links)
    assert torch.allclose(read, followed, atol=TOLERANCE)


@given(linked())
@settings(max_examples=50)
def test_what_entities_have_absorbed_is_read_as_their_vectors_are(case):
    tokens, entities, links = case
    attention = layer(heads=1)
    expected, shares = attention(tokens, entities, links)

    folded = attention.fold_projections(entities)
    followed, same_shares = attention(tokens, folded, links)
    read = attention.forward_dense(tokens, folded, *tables_of(links, tokens, entities))

    assert torch.allclose(followed, expected, atol=TOLERANCE)
    assert torch.allclose(same_shares, shares, atol=TOLERANCE)
    assert torch.allclose(read, expected, atol=TOLERANCE)


@given(linked())
@settings(max_examples=50)
def test_a_table_gives_the_same_gradients(case):
    tokens, entities, links = case
    attention = layer()
    tokens.requires_grad_()
    entities.requires_grad_()
    learnt = [tokens, entities, *attention.parameters()]

    read = attention.forward_dense(tokens, entities, *tables_of(links, tokens, entities))
    ours = torch.autograd.grad(read.pow(2).sum(), learnt)

    theirs = torch.autograd.grad(attention(tokens, entities, links)[0].pow(2).sum(), learnt)
    for own, other in zip(ours, theirs, strict=True):
        assert torch.allclose(own, other, atol=1e-5, rtol=1e-4)


@given(linked())
@settings(max_examples=50)
def test_reading_once_a_text_changes_one_token_of_each_and_that_alike(case):
    tokens, entities, links = case
    texts, width = tokens.shape[:2]
    attention = layer()

    read = attention.forward_readout(tokens, entities, *last_token_of(links, tokens))

    followed, _ = attention(tokens, entities, links)
    assert torch.equal(read[:, :-1], tokens[:, :-1])
    assert torch.allclose(read[:, -1], followed[:, -1], atol=TOLERANCE)
    linked_texts = set(
        links.batch_index[links.query_index][links.token_index[links.query_index] == width - 1]
    )
    for text in set(range(texts)) - {int(text) for text in linked_texts}:
        assert torch.equal(read[text], tokens[text])


@given(linked())
@settings(max_examples=50)
def test_reading_once_a_text_gives_the_same_gradients(case):
    tokens, entities, links = case
    attention = layer()
    tokens.requires_grad_()
    entities.requires_grad_()
    learnt = [tokens, entities, *attention.parameters()]

    read = attention.forward_readout(tokens, entities, *last_token_of(links, tokens))
    ours = torch.autograd.grad(read[:, -1].pow(2).sum(), learnt)

    followed = attention(tokens, entities, links)[0]
    theirs = torch.autograd.grad(followed[:, -1].pow(2).sum(), learnt)
    for own, other in zip(ours, theirs, strict=True):
        assert torch.allclose(own, other, atol=1e-5, rtol=1e-4)


def test_two_links_from_one_place_to_one_entity_add_up_and_hidden_ones_do_not_count():
    tokens, entities = torch.randn(1, 3, 8), torch.randn(2, KNOWLEDGE)
    links = Links(
        torch.tensor([0]),
        torch.tensor([1]),
        torch.tensor([0, 0, 0]),
        torch.tensor([1, 1, 0]),
        torch.tensor([0.3, 0.4, 0.0]).log(),
    )
    attention = layer()

    table = tables_of(links, tokens, entities)
    read = attention.forward_dense(tokens, entities, *table)

    filled = table.scores[0, 0, 0].exp().tolist()
    assert dict(zip(table.nodes.tolist(), filled, strict=True)) == pytest.approx(
        {0: 0, 1: 0.7, 2: 1}
    )
    assert torch.allclose(read, attention(tokens, entities, links)[0], atol=TOLERANCE)


def test_a_table_that_outgrows_its_links_is_not_worth_it():
    def is_worth_it(texts, positions, entities, links):
        of_link = torch.zeros(links, dtype=torch.int64)
        found = Links(of_link, of_link, of_link, of_link, of_link.float())
        layout = TableLayout(of_link, of_link, (positions, entities))
        return prefers_dense(found, layout, texts, 32)

    assert is_worth_it(32, positions=20, entities=12, links=3_000)
    # One text with all the links would make tables as large for all the others.
    assert not is_worth_it(32, positions=500, entities=200, links=3_000)
    # And one with all the entities, as many keys and values.
    assert not is_worth_it(25, positions=2, entities=2_000, links=2_048)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_model_answers_and_learns_alike_with_and_without_tables(fused, monkeypatch, pooling):
    model = perturb(fused(pooling=pooling))
    batch = tiny_processor()(TEXTS)

    def answered():
        model.zero_grad()
        loss_of(model, batch).backward()
        gradients = [x.grad.clone() for x in model.parameters() if x.grad is not None]
        return run(model, batch).logits, gradients

    with_tables, gradients = answered()
    monkeypatch.setattr(link_tables, "CELLS_PER_LINK_FEATURE", -1)
    without, expected = answered()

    assert torch.allclose(with_tables, without, atol=TOLERANCE)
    for own, other in zip(gradients, expected, strict=True):
        assert torch.allclose(own, other, atol=1e-5)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_recording_the_attention_changes_no_answer(fused, pooling):
    model = perturb(fused(pooling=pooling))
    batch = tiny_processor()(TEXTS)

    with model.record_attention():
        recorded = run(model, batch).logits

    assert torch.allclose(recorded, run(model, batch).logits, atol=TOLERANCE)
