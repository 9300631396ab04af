import pytest
import torch

from kgbert.models.config import POOLINGS
from kgbert.models.layers.graph_encoder import ENCODERS
from tests.support.tiny import (
    BLOCKS,
    EVERY_MODEL,
    FAMILIES,
    TEXTS,
    inputs_for,
    loss_of,
    perturb,
    run,
    states,
    tiny_processor,
    tokens_of,
    trained,
)


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize(("family", "kind"), EVERY_MODEL)
def test_texts_without_links_are_computed_as_with_knowledge_switched_off(
    fused, family, kind, pooling
):
    model = trained(fused(family, kind, pooling=pooling), family)
    batch = tiny_processor(family)(inputs_for(kind))
    unlinked = TEXTS.index("nothing to see")

    ours = run(model, batch, output_hidden_states=True)
    with model.without_knowledge():
        off = run(model, batch, output_hidden_states=True)

    for on, without in zip(ours.hidden_states, off.hidden_states, strict=True):
        assert torch.equal(on[unlinked], without[unlinked])
    assert torch.equal(states(ours)[unlinked], states(off)[unlinked])
    assert not torch.allclose(states(ours), states(off), atol=1e-4)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_a_batch_without_any_link_is_computed_as_with_knowledge_switched_off(fused, encoder):
    model = trained(fused(graph_encoder=encoder))
    batch = tiny_processor()(["nothing to see", "", "nor here"])

    ours = run(model, batch)
    with model.without_knowledge():
        off = run(model, batch)

    assert torch.equal(ours.logits, off.logits)


@pytest.mark.parametrize("family", FAMILIES)
def test_hidden_states_are_recorded_after_the_injection_and_only_linked_positions_change(
    fused, family
):
    model = perturb(fused(family))
    batch = tiny_processor(family)(TEXTS)

    on = run(model, batch, output_hidden_states=True).hidden_states
    with model.without_knowledge():
        off = run(model, batch, output_hidden_states=True).hidden_states

    changed = (on[1] != off[1]).any(-1).nonzero().tolist()
    linked = (
        torch.stack([batch["link_batch_index"], batch["link_token_index"]], 1)
        .unique(dim=0)
        .tolist()
    )
    assert torch.equal(on[0], off[0])
    assert changed == linked


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_positions_links_share_at_most_all_of_its_attention(fused, encoder, pooling):
    model = perturb(fused(graph_encoder=encoder, pooling=pooling))
    batch = tiny_processor()(TEXTS)

    with model.record_attention() as weights:
        run(model, batch)

    assert set(weights) == set(model.injections)
    for shares in weights.values():
        total = torch.zeros(len(batch["link_batch_index"]), shares.shape[1])
        total.index_add_(0, batch["link_query_index"], shares)
        assert (shares > 0).all()
        assert (total < 1).all()


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize(("family", "kind"), EVERY_MODEL)
def test_batch_mates_and_padding_change_nothing(fused, family, kind, pooling):
    model = perturb(fused(family, kind, pooling=pooling))
    processor = tiny_processor(family)

    together = states(run(model, processor(inputs_for(kind))))

    for row, text in enumerate(inputs_for(kind)):
        alone = states(run(model, processor([text])))[0]
        own = together[row]
        if own.dim() == 2:
            own = own[-len(alone) :] if processor.pads_left else own[: len(alone)]
        assert torch.allclose(own, alone, atol=1e-5)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_the_order_of_nodes_edges_links_positions_and_rows_changes_nothing(fused, encoder):
    model = perturb(fused(graph_encoder=encoder, pooling="mean"))
    batch = tiny_processor()(TEXTS)

    shuffled, rows = in_another_order(batch)

    assert torch.allclose(run(model, shuffled).logits, run(model, batch).logits[rows], atol=1e-5)


def in_another_order(batch):
    """Return an equivalent batch, and which of the old rows each of its rows is."""
    generator = torch.Generator().manual_seed(5)

    def order(size):
        return torch.randperm(size, generator=generator)

    rows, nodes = order(len(batch["input_ids"])), order(len(batch["node_features"]))
    edges, links = order(len(batch["edge_types"])), order(len(batch["link_node_index"]))
    positions = order(len(batch["link_batch_index"]))
    assert min(map(len, (rows, nodes, edges, links, positions))) > 1
    return {name: tensor[rows] for name, tensor in tokens_of(batch).items()} | {
        "node_features": batch["node_features"][nodes],
        "edge_index": nodes.argsort()[batch["edge_index"][:, edges]],
        "edge_types": batch["edge_types"][edges],
        "link_batch_index": rows.argsort()[batch["link_batch_index"][positions]],
        "link_token_index": batch["link_token_index"][positions],
        "link_query_index": positions.argsort()[batch["link_query_index"][links]],
        "link_node_index": nodes.argsort()[batch["link_node_index"][links]],
        "link_scores": batch["link_scores"][links],
        "link_row_index": batch["link_row_index"][positions],
        "link_col_index": batch["link_col_index"][links],
        "table_size": batch["table_size"],
    }, rows


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize(("family", "kind"), EVERY_MODEL)
def test_after_one_step_every_injection_and_the_graph_encoder_have_a_gradient(
    fused, family, kind, pooling
):
    model = trained(fused(family, kind, pooling=pooling), family, steps=1).train()

    loss_of(model, tiny_processor(family)(inputs_for(kind))).backward()

    injections = {name.split(".")[0] for name, _ in model.injections.named_parameters()}
    assert injections == set(model.injections) >= {"layer_1", f"layer_{BLOCKS}"}
    assert silent_parameters(model) == []


@pytest.mark.parametrize("encoder", ENCODERS)
def test_after_one_step_every_part_of_every_graph_encoder_has_a_gradient(fused, encoder):
    model = trained(fused(graph_encoder=encoder), steps=1).train()

    loss_of(model, tiny_processor()(TEXTS)).backward()

    assert silent_parameters(model) == []


def silent_parameters(model):
    """Return the parameters of the knowledge part that the loss does not reach."""
    return [
        name
        for name, parameter in model.named_parameters()
        if name.startswith(("injections.", "graph_encoder."))
        and (parameter.grad is None or not parameter.grad.any())
    ]


@pytest.mark.parametrize(("family", "kind"), EVERY_MODEL)
def test_it_runs_in_bfloat16_and_leaves_the_default_type_alone(fused, family, kind):
    batch = tiny_processor(family)(inputs_for(kind))
    model = perturb(fused(family, kind))
    expected = states(run(model, batch))

    with torch.autocast("cpu", torch.bfloat16):
        cast = states(run(model, batch))
    whole = states(run(model.bfloat16(), batch))

    assert torch.get_default_dtype() == torch.float32
    assert whole.dtype == torch.bfloat16
    assert torch.allclose(cast.float(), expected, atol=0.2)
    assert torch.allclose(whole.float(), expected, atol=0.2)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_every_graph_encoder_trains_in_bfloat16(fused, encoder):
    batch = tiny_processor()(TEXTS)
    autocast, whole = (perturb(fused(graph_encoder=encoder)).train() for _ in range(2))

    with torch.autocast("cpu", torch.bfloat16):
        loss_of(autocast, batch).backward()
    loss_of(whole.bfloat16(), batch).backward()

    assert silent_parameters(autocast) == silent_parameters(whole) == []


def test_every_channel_learns_from_vectors_that_are_shorter_than_the_states(fused):
    model = fused(knowledge_size=8, knowledge_heads=2).train()

    loss_of(model, tiny_processor()(TEXTS)).backward()

    gates = [x.grad for name, x in model.named_parameters() if name.endswith(".gate")]
    assert gates
    assert all((gate != 0).all() for gate in gates)
