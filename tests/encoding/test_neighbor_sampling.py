import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgbert.encoding.length_grouping import LengthGroupedSampler
from kgbert.encoding.neighbor_sampling import NeighborSampler
from kgbert.graph.storage.builder import GraphBuilder
from tests.support.errors import raises


@st.composite
def graphs(draw):
    """Any small graph: cycles, loops, parallel edges and lone entities included."""
    size = draw(st.integers(1, 8))
    builder = GraphBuilder()
    for entity in range(size):
        builder.add_entity(f"{entity}")
    entity = st.integers(0, size - 1).map(str)
    for edge in draw(st.lists(st.tuples(entity, st.sampled_from("rst"), entity), max_size=30)):
        builder.add_edge(*edge)
    return builder.build()


def sampled(data, graph, **options):
    options = {
        "fan_out": data.draw(st.integers(1, 4)),
        "hops": data.draw(st.integers(0, 3)),
        "seed": data.draw(st.integers(0, 3)),
        **options,
    }
    seeds = data.draw(st.lists(st.integers(0, len(graph) - 1)))
    epoch = data.draw(st.integers(0, 3))
    sampler = NeighborSampler(graph, **options)
    return sampler, np.array(seeds, np.int64), epoch


def edges_of(found):
    """Return what was drawn as (receiver, type, sender) in entity indices."""
    senders, receivers = found.nodes[found.edge_index]
    return sorted(zip(receivers.tolist(), found.edge_types.tolist(), senders.tolist(), strict=True))


@given(graphs(), st.data())
def test_every_drawn_edge_is_in_the_graph_with_its_relation_and_direction(graph, data):
    sampler, seeds, epoch = sampled(data, graph)
    relations = len(graph.relation_ids)
    there = set(zip(graph.heads.tolist(), graph.relations.tolist(), graph.tails.tolist()))  # noqa: B905

    drawn = edges_of(sampler.sample(seeds, epoch))

    assert len(set(drawn)) == len(drawn)
    for receiver, kind, sender in drawn:
        forward = (receiver, kind, sender)
        backward = (sender, kind - relations, receiver)
        assert (forward if kind < relations else backward) in there


@given(graphs(), st.data())
def test_a_node_draws_as_many_neighbours_as_it_has_up_to_the_fan_out(graph, data):
    sampler, seeds, epoch = sampled(data, graph, hops=1)
    degree = np.bincount(np.concatenate([graph.heads, graph.tails]), minlength=len(graph))

    drawn = edges_of(sampler.sample(seeds, epoch))

    for seed in set(seeds.tolist()):
        count = sum(receiver == seed for receiver, *_ in drawn)
        assert count == min(sampler.fan_out, degree[seed])


@given(graphs(), st.data())
def test_what_a_node_draws_does_not_depend_on_what_else_is_sampled(graph, data):
    sampler, seeds, epoch = sampled(data, graph)
    others = np.array(data.draw(st.lists(st.integers(0, len(graph) - 1))), np.int64)

    alone = edges_of(sampler.sample(seeds, epoch))
    together = edges_of(sampler.sample(np.concatenate([others, seeds]), epoch))

    assert set(alone) <= set(together)
    expanded = {receiver for receiver, *_ in alone}
    assert [edge for edge in together if edge[0] in expanded] == alone


@given(graphs(), st.data())
def test_the_order_and_repetition_of_entities_is_irrelevant(graph, data):
    sampler, seeds, epoch = sampled(data, graph)
    twice = np.array(data.draw(st.permutations([*seeds, *seeds])), np.int64)

    once, again = sampler.sample(seeds, epoch), sampler.sample(twice, epoch)

    assert np.array_equal(once.nodes, again.nodes)
    assert np.array_equal(once.edge_index, again.edge_index)
    assert np.array_equal(once.edge_types, again.edge_types)


@given(graphs(), st.data())
def test_nodes_are_in_hop_order_with_the_requested_entities_first(graph, data):
    sampler, seeds, epoch = sampled(data, graph)

    found = sampler.sample(seeds, epoch)

    hops = np.split(found.nodes, np.cumsum([nodes for nodes, _ in found.hop_sizes]))
    assert len(found.hop_sizes) == sampler.hops + 1
    assert hops[0].tolist() == sorted(set(seeds.tolist()))
    assert all((np.diff(hop) > 0).all() for hop in hops)
    assert len(set(found.nodes.tolist())) == len(found.nodes)
    assert len(hops[-1]) == 0


@given(graphs(), st.data())
def test_the_edges_of_a_hop_lead_into_what_the_hop_before_added(graph, data):
    sampler, seeds, epoch = sampled(data, graph)

    found = sampler.sample(seeds, epoch)

    nodes, edges = np.array(found.hop_sizes).T
    hop_of_node, hop_of_edge = (np.repeat(np.arange(len(size)), size) for size in (nodes, edges))
    senders, receivers = found.edge_index
    assert found.edge_index.shape == (2, len(found.edge_types))
    assert (hop_of_node[receivers] == hop_of_edge - 1).all()
    assert (hop_of_node[senders] <= hop_of_edge).all()


@given(graphs(), st.data())
def test_edges_join_nodes_that_are_there(graph, data):
    sampler, seeds, epoch = sampled(data, graph)

    found = sampler.sample(seeds, epoch)

    assert ((found.edge_index >= 0) & (found.edge_index < len(found.nodes))).all()


@given(graphs(), st.data())
def test_a_wide_fan_out_finds_all_that_is_near(graph, data):
    sampler, seeds, epoch = sampled(data, graph, fan_out=100, hops=2)

    found = set(sampler.sample(seeds, epoch).nodes.tolist())

    near = reach = set(seeds.tolist())
    for _ in range(2):
        pairs = list(zip(graph.heads.tolist(), graph.tails.tolist(), strict=True))
        reach = {b for a, b in pairs if a in reach} | {a for a, b in pairs if b in reach}
        near = near | reach
    assert found == near


def test_epochs_and_seeds_draw_others_until_all_were_seen():
    builder = GraphBuilder()
    for entity in range(41):
        builder.add_entity(f"{entity:02}")
    for entity in range(1, 41):
        builder.add_edge("00", "r", f"{entity:02}")
    graph = builder.build()

    def drawn(seed, epoch):
        sampler = NeighborSampler(graph, fan_out=4, hops=1, seed=seed)
        return frozenset(sampler.sample(np.array([0]), epoch).nodes.tolist())

    by_epoch = [drawn(0, epoch) for epoch in range(100)]
    assert by_epoch[0] != by_epoch[1]
    assert drawn(0, 0) != drawn(1, 0)
    assert frozenset.union(*by_epoch) == set(range(41))
    assert by_epoch == [drawn(0, epoch) for epoch in range(100)]


@pytest.mark.parametrize("options", [{"fan_out": 0}, {"hops": -1}])
def test_sizes_that_cannot_be_drawn_are_refused(graph, options):
    with raises("invalid-sampling"):
        NeighborSampler(graph, **options)


@given(st.lists(st.integers(1, 50), min_size=1), st.integers(1, 8), st.integers(0, 5))
def test_every_text_is_seen_once_in_an_epoch_in_an_order_of_its_own(lengths, batch, seed):
    sampler = LengthGroupedSampler(lengths, batch, seed=seed)

    first = list(sampler)
    sampler.set_epoch(1)

    assert sorted(first) == sorted(sampler) == list(range(len(lengths)))
    assert list(sampler) == list(sampler)
    assert first == list(LengthGroupedSampler(lengths, batch, seed=seed))
