import pickle

import networkx as nx
import numpy as np
import pytest

from kgbert.graph.core.label_hierarchy import LabelHierarchy
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.tasks.metrics import seen_and_unseen_scores
from kgbert.tasks.registry import TASKS
from kgbert.tasks.whole_texts.labels import best_offset

#: Child and parent.
EDGES = (
    ("gout", "joint"),
    ("sprain", "joint"),
    ("joint", "disease"),
    ("flu", "virus"),
    ("virus", "disease"),
    ("chair", "thing"),
)
LABELS = ("gout", "sprain", "joint", "flu", "chair")


def sets(*labels):
    return [frozenset(label.split()) for label in labels]


@pytest.fixture
def hierarchy():
    builder = GraphBuilder()
    for child, parent in EDGES:
        builder.add_name(child, child)
        builder.add_name(parent, parent)
        builder.add_edge(child, "rdfs:subClassOf", parent)
    return LabelHierarchy(builder.build(), {label: label for label in LABELS} | {"none": ""})


def test_the_distance_is_that_of_the_shortest_path(hierarchy):
    tree = nx.Graph([*EDGES, ("disease", "top"), ("thing", "top"), ("none", "top")])

    for first in (*LABELS, "none"):
        for second in (*LABELS, "none"):
            assert hierarchy.distance(first, second) == nx.shortest_path_length(tree, first, second)


def test_right_answers_have_full_scores_and_no_distance(hierarchy):
    scores = hierarchy.scores(
        sets("gout", "flu sprain", "none"), sets("gout", "flu sprain", "none")
    )

    assert scores.pop("error_distance") == 0
    assert set(scores.values()) == {1.0}


def test_a_sibling_is_nearer_than_a_stranger(hierarchy):
    near, far = (hierarchy.scores(sets("gout"), sets(label)) for label in ("sprain", "flu"))

    assert (near["hierarchical_f1"], far["hierarchical_f1"]) == (0.5, 0.0)
    assert (near["error_distance"], far["error_distance"]) == (2, 4)


def test_a_parent_is_precise_and_incomplete(hierarchy):
    scores = hierarchy.scores(sets("gout"), sets("joint"))

    assert (scores["hierarchical_precision"], scores["hierarchical_recall"]) == (1.0, 0.5)
    assert scores["error_distance"] == 1


def test_the_nearest_gold_label_counts(hierarchy):
    assert hierarchy.scores(sets("gout flu"), sets("sprain"))["error_distance"] == 2
    assert hierarchy.scores(sets(""), sets("sprain"))["error_distance"] == 0


def test_a_copy_gives_the_same_scores(hierarchy):
    pair = sets("gout", "flu"), sets("sprain", "none")

    assert pickle.loads(pickle.dumps(hierarchy)).scores(*pair) == hierarchy.scores(*pair)


@pytest.mark.parametrize("relation", ["kept in", "rdfs:subClassOf"])
def test_labels_without_a_common_ancestor_have_no_further_scores(relation):
    builder = GraphBuilder()
    for name, place in (("codeine", "safe"), ("insulin", "fridge")):
        builder.add_name(name, name)
        builder.add_name(place, place)
        builder.add_edge(name, relation, place)
    builder.add_name("drug", "drug")
    pair = sets("codeine", "insulin"), sets("codeine", "codeine")

    unrelated = LabelHierarchy(builder.build(), {"codeine": "codeine", "insulin": "insulin"})
    builder.add_edge("insulin", "rdfs:subClassOf", "drug")
    builder.add_edge("codeine", "rdfs:subClassOf", "drug")
    related = LabelHierarchy(builder.build(), {"codeine": "codeine", "insulin": "insulin"})

    assert unrelated.scores(*pair) == {}
    assert related.scores(*pair)["error_distance"] == 2


def test_two_labels_of_one_entity_are_not_related_by_a_hierarchy(hierarchy):
    twins = LabelHierarchy(hierarchy.graph, {"gout": "gout", "GOUT": "gout"})

    assert not twins.relates_labels
    assert hierarchy.relates_labels


def test_no_label_has_a_lower_score_than_one_below_it(hierarchy):
    labels = ("joint", "gout", "none", "sprain", "flu")

    raised = hierarchy.raised(np.array([0.1, 0.4, 0.9, 0.6, 0.2]), labels)

    assert raised.tolist() == [0.6, 0.4, 0.9, 0.6, 0.2]
    assert hierarchy.raised(np.array([0.8, 0.4]), labels[:2]).tolist() == [0.8, 0.4]


def test_siblings_are_related_without_a_parent_among_them(hierarchy):
    siblings = LabelHierarchy(hierarchy.graph, {"gout": "gout", "sprain": "sprain"})

    assert hierarchy.has_parents
    assert siblings.relates_labels
    assert not siblings.has_parents


@pytest.mark.parametrize("name", ["text-classification", "multi-label-classification"])
def test_grounded_tasks_have_further_scores(name, hierarchy):
    task = TASKS[name]
    answers = [task.gold(encoded_with(x), hierarchy.graph) for x in ("gout", "flu")]

    plain = task.score(answers, answers)
    grounded = task.grounded(hierarchy, ["flu"]).score(answers, answers)

    assert grounded.items() >= plain.items()
    assert grounded["hierarchical_f1"] == 1
    assert task.label_hierarchy is None


def encoded_with(label):
    from kgbert.data import Example
    from kgbert.tasks.base import EncodedExample

    # A tuple with one label suits both tasks' targets.
    return EncodedExample(Example("a text", Target(label)), ())


class Target(str):
    """A label that is also a collection of one label."""

    def __iter__(self):
        yield str(self)


def test_the_harmonic_mean_needs_both():
    untrained = frozenset("b")

    both = seen_and_unseen_scores("aabb", "aaba", untrained)

    assert both["accuracy_seen"] == 1
    assert both["accuracy_unseen"] == 0.5
    assert both["harmonic_mean"] == pytest.approx(2 / 3)
    assert seen_and_unseen_scores("ab", "aa", untrained)["harmonic_mean"] == 0


def harmonic_mean(logits, gold, untrained, offset):
    answers = (logits - offset * ~untrained).argmax(1)
    right, unseen = answers == gold, untrained[gold]
    one, other = right[~unseen].mean(), right[unseen].mean()
    return 2 * one * other / (one + other) if one + other else 0.0


@pytest.mark.parametrize("seed", range(5))
def test_no_offset_is_better_than_the_chosen_one(seed):
    generator = np.random.default_rng(seed)
    gold, untrained = generator.integers(6, size=40), np.arange(6) > 3
    logits = generator.normal(size=(40, 6)) + np.eye(6)[gold] + 2 * ~untrained

    chosen = best_offset(logits, gold.tolist(), untrained)

    best = harmonic_mean(logits, gold, untrained, chosen)
    others = [harmonic_mean(logits, gold, untrained, x) for x in np.linspace(-5, 8, 200)]
    assert best >= max(others)
    assert chosen > 0


def test_without_both_kinds_of_labels_nothing_is_calibrated():
    logits = np.ones((2, 2))

    assert best_offset(logits, [0, 0], np.array([False, True])) == 0
    assert best_offset(logits, [1, 1], np.array([False, True])) == 0
