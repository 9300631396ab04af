"""Counterfactuals change the answer, and the smallest set of changes is found."""

from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest

from kgbert.explanation import counterfactuals
from kgbert.explanation.explain import explain
from kgbert.explanation.parts import edges_of, entities_of
from kgbert.explanation.results import Explanation
from tests.explanation.conftest import TEXT
from tests.support.errors import raises


@pytest.fixture(scope="module")
def decided(planted):
    """Return texts that an edge decides, with their entities and explanations."""
    plan, model = planted
    drawn = [plan.text(number % 2, held_out=True, number=number) for number in range(12)]
    texts = [text for text, _ in drawn]
    found = explain(model, texts, parts=["mentions"], counterfactuals=True)
    return [(entity, each) for (_, entity), each in zip(drawn, found, strict=True)]


def test_one_link_or_edge_turns_what_one_edge_decides(planted, decided):
    plan, _ = planted
    right = 0
    for entity, explanation in decided:
        (change,) = explanation.answers[0].counterfactual.changes
        head, tail = (plan.names[x] for x in plan.decisive_edge(entity))
        names = f"{plan.names[entity]} (EX:{entity:04})", f"{head} → ", f" → {tail}"
        right += any(name in change.description for name in names)
    assert right >= 0.9 * len(decided)


def test_the_prediction_of_a_counterfactual_is_another_one(decided):
    for _, explanation in decided:
        found = explanation.answers[0].counterfactual
        assert found.is_smallest
        assert found.prediction[0].split("(")[0] != explanation.prediction[0].split("(")[0]
        assert found.score < explanation.answers[0].score


def test_no_smaller_set_changes_the_answer(model, scorer_of):
    turned = 0
    for text in (TEXT, "cough and cough of the lung", "fever of the organ"):
        scorer = scorer_of(text)
        (explanation,) = explain(model, [text], parts=["entities"], counterfactuals=True)
        found = explanation.answers[0].counterfactual
        linked = [model.graph.index(x.entity) for x in entities_of(scorer.mentions)]
        edges = {edge for own in edges_of(linked, model.processor).values() for edge in own}
        parts = [*entities_of(scorer.mentions), *edges]
        for size in range(1, len(found.changes)):
            for removed in combinations(parts, size):
                (prediction,) = scorer.predictions([removed])
                assert prediction.label == explanation.answers[0].answer
        turned += bool(found.changes)
    assert turned


def test_without_links_nothing_turns_an_answer(model):
    (explanation,) = explain(model, ["nothing to see"], counterfactuals=True)

    found = explanation.answers[0].counterfactual
    assert found.changes == ()
    assert "no change of links and edges turns it" in "\n".join(explanation.lines())


def test_an_answer_that_is_not_given_is_turned_into_the_prediction(decided, planted):
    _, model = planted
    _, explanation = decided[0]
    other = explanation.answers[0].counterfactual.prediction[0].split()[1]

    (found,) = explain(
        model, [explanation.text], answer=other, parts=["mentions"], counterfactuals=True
    )

    assert other in found.answers[0].counterfactual.prediction[0]


def test_a_swapped_entity_is_predicted_as_if_the_text_named_it(planted):
    plan, model = planted
    text, entity = plan.text(0, held_out=True, number=0)
    other = plan.deciding[1][-1]

    (found,) = explain(
        model, [text], parts=["mentions"], swaps={plan.names[entity]: plan.names[other]}
    )

    (swap,) = found.swaps
    assert (swap.former, swap.entity) == (f"EX:{entity:04}", f"EX:{other:04}")
    assert "ill" in swap.prediction[0]
    assert swap.scores[0] < found.answers[0].score
    assert f"if {plan.names[entity]} were {plan.names[other]}" in "\n".join(found.lines())
    assert Explanation.from_json(found.to_json()) == found


def test_mentions_that_a_text_lacks_are_not_swapped(model):
    (found,) = explain(model, [TEXT], swaps={"lung": "EX:2"}, parts=["mentions"])

    assert found.swaps == ()


def test_a_swap_names_one_entity(model):
    with raises("swap-entity"):
        explain(model, [TEXT], swaps={"cough": "EX:99"})
    with raises("swap-entity"):
        explain(model, [TEXT], swaps={"cough": "fever"})


class Voters:
    """Stands for a scorer whose answer is yes while the parts that stay weigh enough."""

    batch_size = 4

    def __init__(self, weights, needed):
        self.weights, self.needed = weights, needed
        self.answers = [SimpleNamespace(name="yes")]
        task = SimpleNamespace(answers=lambda prediction, config: [prediction])
        self.pipeline = SimpleNamespace(task=task, model=SimpleNamespace(config=None))

    def scores(self, removals):
        total = sum(self.weights.values())
        return np.array([[total - sum(map(self.weights.get, each)) for each in removals]])

    def predictions(self, removals):
        return ["yes" if score > self.needed else "no" for score in self.scores(removals)[0]]

    def smallest(self):
        """Return the size of the smallest set that turns the answer, by trying all."""
        sizes = range(1, len(self.weights) + 1)
        return next(
            size
            for size in sizes
            if "no" in self.predictions(list(combinations(self.weights, size)))
        )


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("most", [5, 1000])
def test_of_several_changes_a_smallest_set_is_found_within_the_limit(seed, most, monkeypatch):
    generator = np.random.default_rng(seed)
    weights = dict(zip("abcdefg", generator.uniform(0.5, 1.5, 7), strict=True))
    scorer = Voters(weights, needed=0.45 * sum(weights.values()))
    monkeypatch.setattr(counterfactuals, "_removable", lambda scorer: list(weights))
    monkeypatch.setattr(counterfactuals, "MAX_CHECKS", most)
    search = counterfactuals._Search(scorer, 0)
    prefixes = [search.parts[:count] for count in range(2, 8)]

    found, is_smallest = search.smaller_than(search.first_of(prefixes))

    assert scorer.predictions([found]) == ["no"]
    assert all(scorer.predictions([[x for x in found if x != one]]) == ["yes"] for one in found)
    assert is_smallest == (most == 1000)
    if is_smallest:
        assert len(found) == scorer.smallest() > 2
