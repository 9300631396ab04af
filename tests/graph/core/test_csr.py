from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgbert.encoding.neighbor_sampling import NeighborSampler
from kgbert.graph.core import csr as rows
from tests.encoding.test_neighbor_sampling import graphs
from tests.support.tiny import tiny_graph


def as_sorted_triples(graph):
    """Return every edge in both directions as (receiver, type, sender), sorted."""
    relations = len(graph.relation_ids)
    heads, kinds, tails = (x.tolist() for x in (graph.heads, graph.relations, graph.tails))
    forward = zip(heads, kinds, tails, strict=True)
    backward = zip(tails, (kind + relations for kind in kinds), heads, strict=True)
    return sorted([*forward, *backward])


@given(graphs(), st.randoms(use_true_random=False))
def test_rows_hold_every_edge_twice_sorted_whatever_the_order_of_the_edges(graph, random):
    order = np.array(random.sample(range(len(graph.heads)), len(graph.heads)), np.int64)
    columns = ("heads", "relations", "tails")
    shuffled = replace(graph, **{name: getattr(graph, name)[order] for name in columns})

    for found in (rows.build_adjacency(graph), rows.build_adjacency(shuffled)):
        receivers = np.repeat(np.arange(len(graph)), np.diff(found.offsets))
        triples = zip(receivers.tolist(), found.types.tolist(), found.senders.tolist(), strict=True)
        assert list(triples) == as_sorted_triples(graph)


@pytest.fixture
def kept(monkeypatch, tmp_path):
    """Let rows of any graph be kept, and return the folder where."""
    monkeypatch.setattr(rows, "LARGE", 0)
    monkeypatch.setattr(rows, "CACHE", tmp_path)
    return tmp_path


def test_rows_of_a_large_graph_are_sorted_once_and_then_mapped(kept, monkeypatch):
    graph = tiny_graph()
    in_memory = rows.build_adjacency(graph)
    rows.load_adjacency(graph)
    monkeypatch.delattr(rows, "build_adjacency")

    mapped = rows.load_adjacency(graph)

    assert [path.stem for path in kept.iterdir()] == [graph.hash[:32]]
    for name, column in vars(in_memory).items():
        assert np.array_equal(getattr(mapped, name), column)
        assert not getattr(mapped, name).flags.owndata


def test_a_sampler_draws_the_same_from_mapped_rows(kept):
    graph = tiny_graph()
    expected = NeighborSampler(graph, fan_out=2)
    expected.rows = rows.build_adjacency(graph)

    found = NeighborSampler(graph, fan_out=2).sample(np.array([0, 3]), 1)

    assert np.array_equal(found.edge_index, expected.sample(np.array([0, 3]), 1).edge_index)
    assert np.array_equal(found.edge_types, expected.sample(np.array([0, 3]), 1).edge_types)


def test_a_damaged_cache_file_is_made_again(kept):
    rows.load_adjacency(tiny_graph())
    [path] = kept.iterdir()
    path.write_bytes(path.read_bytes()[:-8])

    loaded = rows.load_adjacency(tiny_graph())

    built = rows.build_adjacency(tiny_graph())
    assert all(np.array_equal(getattr(loaded, name), x) for name, x in vars(built).items())


def test_rows_that_cannot_be_kept_are_used_all_the_same(kept, monkeypatch, caplog):
    def full(*arguments):
        raise OSError("No space left on device")

    monkeypatch.setattr(rows, "save_matrices", full)
    graph = tiny_graph()

    found = rows.load_adjacency(graph)

    assert np.array_equal(found.senders, rows.build_adjacency(graph).senders)
    assert "No space left on device" in caplog.text
    assert not list(kept.iterdir())
