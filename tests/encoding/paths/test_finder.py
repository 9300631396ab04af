"""Paths against a brute-force search with networkx."""

import pickle
from collections import Counter, defaultdict
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest

from kgbert.encoding.paths.finder import DOWN, MAX_FAN_OUT, SAME, UP, PathFinder
from kgbert.graph.storage.builder import GraphBuilder
from tests.support.errors import raises

IS_A = "rdfs:subClassOf"
SIZE = 9


def random_graph(seed, edges):
    generator = np.random.default_rng(seed)
    builder = GraphBuilder()
    for node in range(SIZE):
        builder.add_name(f"n{node}", f"node {node}")
    for _ in range(edges):
        head, tail = generator.integers(SIZE, size=2)
        builder.add_edge(f"n{head}", generator.choice([IS_A, "treats", "part of"]), f"n{tail}")
    return builder.build()


def step_graph(graph):
    """Return all steps as a graph with one edge for each step."""
    steps, hierarchy = nx.MultiDiGraph(), nx.DiGraph()
    steps.add_nodes_from(range(len(graph)))
    hierarchy.add_nodes_from(range(len(graph)))
    columns = (graph.heads, graph.relations, graph.tails)
    for head, relation, tail in zip(*(x.tolist() for x in columns), strict=True):
        name = graph.relation_names[relation]
        if head != tail and graph.relation_ids[relation] == IS_A:
            hierarchy.add_edge(head, tail)
        elif head != tail:
            steps.add_edge(head, tail, key=name)
            steps.add_edge(tail, head, key=f"{name}^-1")
    for node in hierarchy:
        for above in nx.descendants(hierarchy, node):
            steps.add_edge(node, above, key=UP)
            steps.add_edge(above, node, key=DOWN)
    return steps


def inverse(name):
    if name in (UP, DOWN):
        return DOWN if name == UP else UP
    return name.removesuffix("^-1") if name.endswith("^-1") else f"{name}^-1"


def brute_force(graph, longest, max_fan_out):
    """Return the number of paths by (source, target, type)."""
    steps, found = step_graph(graph), Counter()
    fan_out = defaultdict(int)
    for head, _, name in steps.edges(keys=True):
        fan_out[head, name] += 1

    def ends(head, name, tail):
        return fan_out[head, name] <= max_fan_out, fan_out[tail, inverse(name)] <= max_fan_out

    for source in steps:
        found[source, source, SAME] = 1
        for target in set(steps) - {source}:
            for path in nx.all_simple_edge_paths(steps, source, target, cutoff=longest):
                names = [name for *_, name in path]
                bounded = [ends(head, name, tail) for head, tail, name in path]
                if len(path) == 1:
                    keep = names[0] not in (UP, DOWN) or any(bounded[0])
                else:
                    keep = all(map(all, bounded))
                if keep and not any(x == y and x in (UP, DOWN) for x, y in pairwise(names)):
                    found[source, target, " · ".join(names)] += 1
    return found


def all_paths(finder):
    everything = range(len(finder.graph))
    found = finder.find(list(everything), finder.index(everything))
    rows = zip(*(x.tolist() for x in found[:3]), strict=True)
    return Counter((source, target, finder.name(code)) for source, target, code in rows), found


@pytest.mark.parametrize("max_fan_out", [MAX_FAN_OUT, 2, 1])
@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_the_paths_are_those_of_a_brute_force_search(seed, steps, max_fan_out):
    graph = random_graph(seed, edges=10)

    found, _ = all_paths(PathFinder(graph, steps=steps, max_fan_out=max_fan_out))

    assert found == brute_force(graph, steps, max_fan_out)


def test_the_stations_of_a_path_are_joined_by_its_steps():
    graph = random_graph(0, edges=12)
    finder, steps = PathFinder(graph, steps=3), step_graph(graph)

    _, found = all_paths(finder)

    for source, target, code, stations in zip(*(x.tolist() for x in found), strict=True):
        nodes = [source, *(x for x in stations if x >= 0), target]
        names = finder.name(code).split(" · ") if code else []
        assert len(nodes) == len(names) + 1 or source == target
        for head, tail, name in zip(nodes, nodes[1:], names, strict=False):
            assert steps.has_edge(head, tail, key=name)


def test_codes_and_names_of_types_belong_together():
    finder = PathFinder(random_graph(1, edges=12), steps=3)
    _, found = all_paths(finder)

    codes = np.unique(found.types)

    assert [finder.code(finder.name(code)) for code in codes.tolist()] == codes.tolist()
    lengths = [len(finder.name(x).split(" · ")) if x else 0 for x in codes.tolist()]
    assert finder.lengths(codes).tolist() == lengths
    assert finder.code("cures") is None


def test_targets_without_entity_have_no_paths():
    finder = PathFinder(random_graph(0, edges=12))

    found = finder.find(range(SIZE), finder.index([-1, 3, -1, 3]))

    assert set(found.targets.tolist()) == {1, 3}


def test_nothing_leads_from_nowhere():
    finder = PathFinder(random_graph(0, edges=0))

    assert not len(finder.find([], finder.index([0])).types)
    assert not len(finder.find([0], finder.index([])).types)
    assert finder.find([0], finder.index([0, 1])).targets.tolist() == [0]


def test_relations_with_one_name_are_told_apart():
    builder = GraphBuilder()
    for relation in ("EX:1", "EX:2"):
        builder.add_edge("a", relation, "b")
        builder.add_relation(relation, "part of")
    graph = builder.build()

    names = PathFinder(graph).step_names

    assert len(set(names)) == len(names)


@pytest.mark.parametrize("steps", [0, 4])
def test_paths_have_one_to_three_steps(steps):
    with raises("path-steps"):
        PathFinder(random_graph(0, edges=1), steps=steps)


def test_a_copied_finder_finds_the_same():
    finder = PathFinder(random_graph(2, edges=12), steps=3, max_fan_out=2)

    assert all_paths(pickle.loads(pickle.dumps(finder)))[0] == all_paths(finder)[0]


def test_relations_of_one_name_are_one_step():
    merged, apart = GraphBuilder(), GraphBuilder()
    for node in "abcd":
        merged.add_name(node, node)
        apart.add_name(node, node)
    for head, relation, tail in (
        ("a", "may treat", "b"),
        ("a", "treats", "b"),
        ("a", "treats", "c"),
        ("b", "may treat", "d"),
        ("c", "causes", "d"),
    ):
        apart.add_edge(head, relation, tail)
        merged.add_edge(head, relation.replace("may treat", "treats"), tail)
    one, graph = PathFinder(merged.build()), apart.build()
    names = ["treats" if "treat" in name else name for name in graph.relation_names]
    other = PathFinder(graph, relation_names=names)

    def found(finder):
        paths = finder.find(range(4), finder.index(range(4)))
        types = map(finder.name, paths.types.tolist())
        return Counter(zip(paths.sources.tolist(), paths.targets.tolist(), types, strict=True))

    assert found(other) == found(one)
    assert other.code("treats · causes") is not None
