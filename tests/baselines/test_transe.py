import numpy as np
import torch

from kgbert.baselines.ernie import SIZE, transe_vectors
from kgbert.graph.storage.builder import GraphBuilder
from tests.comparison.arms.test_arms import wide_graph
from tests.support.tiny import tiny_graph


def families():
    """Return a graph of two families, whose members have edges to their head alone."""
    builder = GraphBuilder()
    for family in "ab":
        builder.add_name(family, family)
        for number in range(20):
            builder.add_edge(f"{family}{number:02}", "child of", family)
            builder.add_name(f"{family}{number:02}", f"{family} {number}")
    return builder.build(source="families")


def test_entities_with_the_same_edges_get_vectors_alike():
    graph = families()

    vectors = transe_vectors(graph, cache=None).vectors.astype(np.float32)

    near = vectors @ vectors.T
    children = np.array([len(entity) > 1 for entity in graph.entity_ids])
    family = np.array([entity[0] for entity in graph.entity_ids])
    apart = np.not_equal.outer(family, family)
    pairs = np.outer(children, children) & ~np.eye(len(graph), dtype=bool)
    assert vectors.shape == (len(graph), SIZE)
    assert near[pairs & ~apart].mean() > near[pairs & apart].mean() + 10


def test_vectors_are_the_same_again_whatever_random_numbers_were_drawn():
    first = transe_vectors(wide_graph(), cache=None)
    torch.manual_seed(5)
    before = torch.get_rng_state()

    second = transe_vectors(wide_graph(), cache=None)

    assert np.array_equal(first.vectors, second.vectors)
    assert torch.equal(torch.get_rng_state(), before)


def test_vectors_are_trained_once_for_a_graph(tmp_path):
    made = transe_vectors(tiny_graph(), cache=tmp_path)
    (file,) = tmp_path.iterdir()
    written = file.stat().st_mtime_ns

    again = transe_vectors(tiny_graph(), cache=tmp_path)

    assert file.stat().st_mtime_ns == written
    assert np.array_equal(again.vectors, made.vectors)
    assert (again.graph_hash, again.encoder_hash) == (made.graph_hash, made.encoder_hash)


def test_a_graph_without_edges_has_vectors_too():
    builder = GraphBuilder()
    builder.add_name("a", "a")

    assert transe_vectors(builder.build(), cache=None).vectors.shape == (1, SIZE)
