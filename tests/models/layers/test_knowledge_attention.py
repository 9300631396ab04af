import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kgbert.models.layers.knowledge_attention import GATE_LR_MULTIPLIER, KnowledgeAttention, Links

HIDDEN, KNOWLEDGE, HEADS = 8, 8, 2


def layer(heads=HEADS):
    """Return a layer whose gate is not shut any more."""
    torch.manual_seed(0)
    made = KnowledgeAttention(HIDDEN, KNOWLEDGE, heads, 0.0).eval()
    torch.nn.init.normal_(made.null_key)
    torch.nn.init.uniform_(made.gate, 0.01, 0.1)
    return made


@st.composite
def linked(draw):
    """Tokens, entities, and any links between them."""
    batch, tokens, nodes = (draw(st.integers(1, 4)) for _ in range(3))
    places = draw(st.sets(st.tuples(st.integers(0, batch - 1), st.integers(0, tokens - 1))))
    rows = [row for row, _ in sorted(places)]
    columns = [token for _, token in sorted(places)]
    pair = st.tuples(st.integers(0, max(0, len(rows) - 1)), st.integers(0, nodes - 1))
    pairs = sorted(draw(st.sets(pair))) if rows else []
    torch.manual_seed(draw(st.integers(0, 99)))
    links = Links(
        torch.tensor(rows, dtype=torch.int64),
        torch.tensor(columns, dtype=torch.int64),
        torch.tensor([position for position, _ in pairs], dtype=torch.int64),
        torch.tensor([node for _, node in pairs], dtype=torch.int64),
        torch.rand(len(pairs)).log(),
    )
    return torch.randn(batch, tokens, HIDDEN), torch.randn(nodes, KNOWLEDGE), links


@given(linked())
@settings(max_examples=50)
def test_a_position_spends_its_attention_on_its_links_and_the_null_entity(case):
    tokens, entities, links = case

    _, weights = layer()(tokens, entities, links)

    total = torch.zeros(len(links.batch_index), HEADS).index_add(0, links.query_index, weights)
    assert (weights >= 0).all()
    assert (total < 1).all()


@given(linked())
@settings(max_examples=50)
def test_exactly_the_positions_with_links_change(case):
    tokens, entities, links = case

    changed, _ = layer()(tokens, entities, links)

    found = {tuple(place) for place in (changed != tokens).any(-1).nonzero().tolist()}
    places = list(zip(links.batch_index.tolist(), links.token_index.tolist(), strict=True))
    assert found == {places[position] for position in links.query_index.tolist()}


@given(linked())
@settings(max_examples=50)
def test_it_equals_a_dense_softmax_over_the_candidates_and_the_null_entity(case):
    tokens, entities, links = case
    attention = layer()

    changed, _ = attention(tokens, entities, links)

    for position in range(len(links.batch_index)):
        at = links.batch_index[position], links.token_index[position]
        own = links.query_index == position
        assert torch.allclose(
            changed[at],
            dense(attention, tokens[at], entities[links.node_index[own]], links.scores[own]),
            atol=1e-5,
        )


def dense(attention, token, candidates, scores):
    """Compute one position by the formula of the class's docstring."""
    size = KNOWLEDGE // HEADS
    query = attention.query(attention.norm(token)).view(HEADS, size)
    keys = torch.cat([attention.key(candidates), attention.null_key.unsqueeze(0)])
    values = torch.cat([attention.value(candidates), torch.zeros(1, KNOWLEDGE)])
    match = torch.einsum("hd,nhd->nh", query, keys.view(-1, HEADS, size)) / size**0.5
    weights = (match + torch.cat([scores, torch.zeros(1)]).unsqueeze(1)).softmax(0)
    read = torch.einsum("nh,nhd->hd", weights, values.view(-1, HEADS, size))
    return token + GATE_LR_MULTIPLIER * attention.gate * attention.output(read.flatten())


@pytest.mark.parametrize("score", [-1e4, -torch.inf])
def test_extreme_scores_give_finite_gradients(score):
    tokens = torch.randn(1, 2, HIDDEN, requires_grad=True)
    entities = torch.randn(2, KNOWLEDGE, requires_grad=True)
    links = Links(
        torch.tensor([0]),
        torch.tensor([1]),
        torch.tensor([0, 0]),
        torch.tensor([0, 1]),
        torch.tensor([score, 0.0]),
    )

    changed, weights = layer()(tokens, entities, links)
    changed.sum().backward()

    assert weights[0].max() < 1e-6
    assert torch.isfinite(tokens.grad).all()
    assert torch.isfinite(entities.grad).all()
    assert entities.grad[1].any()
