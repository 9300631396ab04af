"""What decides is known: the recommended method ranks it first, and believes the weights."""

import copy

import numpy as np
import pytest

from kgbert.explanation import faithfulness
from kgbert.explanation.explain import explain
from kgbert.explanation.faithfulness import (
    evaluate_explanations,
    rank_correlation,
    with_random_weights,
)
from kgbert.explanation.methods import METHODS
from kgbert.explanation.parts import EDGES
from kgbert.linking.mention import Candidate
from kgbert.training.pipeline import KGBertPipeline
from tests.explanation.planted import LABELS, NEITHER

CASES = 40


@pytest.fixture(scope="module")
def cases(planted):
    """Return texts that the model answers correctly, each with the entity that decides."""
    plan, model = planted
    drawn = [
        (number % 2, *plan.text(number % 2, held_out=True, number=number))
        for number in range(CASES)
    ]
    assert NEITHER not in {label for label, _, _ in drawn}
    predictions = model([text for _, text, _ in drawn])
    right = [
        (text, entity)
        for (label, text, entity), prediction in zip(drawn, predictions, strict=True)
        if prediction.label == LABELS[label]
    ]
    assert len(right) >= 0.8 * CASES
    return right


def explained(model, cases, **options):
    return [each.answers[0] for each in explain(model, [text for text, _ in cases], **options)]


@pytest.mark.parametrize("method", ["removal", "shapley", "integrated-gradients"])
def test_the_deciding_mention_is_ranked_first(planted, cases, method):
    _, model = planted

    answers = explained(model, cases, method=method, parts=["mentions"])

    first = [
        max(answer.mentions, key=lambda x: x.value).entities[0].entity == f"EX:{entity:04}"
        for answer, (_, entity) in zip(answers, cases, strict=True)
    ]
    assert np.mean(first) >= 0.95


@pytest.mark.parametrize("method", ["removal", "shapley"])
def test_the_deciding_edge_is_ranked_first(planted, cases, method):
    plan, model = planted

    answers = explained(model, cases, method=method, parts=["mentions", "edges"])

    assert np.mean(deciding_edge_is_first(plan, answers, cases)) >= 0.95


def deciding_edge_is_first(plan, answers, cases):
    first = []
    for answer, (_, entity) in zip(answers, cases, strict=True):
        edges = [x for mention in answer.mentions for x in mention.entities[0].edges]
        largest = max(edges, key=lambda x: x.value)
        head, tail = plan.decisive_edge(entity)
        first.append((largest.head, largest.tail) == (f"EX:{head:04}", f"EX:{tail:04}"))
    return first


def test_a_method_for_edges_is_recommended_and_ranks_the_deciding_edge_first(
    planted, cases, monkeypatch
):
    plan, model = planted
    monkeypatch.setattr(faithfulness, "RANDOM_ORDERS", 3)
    methods = ["removal", "shapley"]
    texts = [text for text, _ in cases[:20]]

    report = evaluate_explanations(model, texts, parts=["edges"], methods=methods)

    method = report.best_method("edges")
    answers = explained(model, cases, method=method, parts=["mentions", "edges"])
    assert np.mean(deciding_edge_is_first(plan, answers, cases)) >= 0.95


def test_no_method_is_recommended_for_words_that_change_nothing(planted, cases, monkeypatch):
    _, model = planted
    monkeypatch.setattr(faithfulness, "RANDOM_ORDERS", 3)

    report = evaluate_explanations(model, [text for text, _ in cases[:20]], parts=["words"])

    # The words are names of entities, and only their links and edges decide.
    assert report.best_method("words") is None
    assert report.conclusion("words").startswith("nothing can be told")


class TwoCandidates:
    """Links each mention to a second entity, which decides nothing, as well."""

    def __init__(self, linker, plan):
        self.linker, self.others = linker, [f"EX:{entity:04}" for entity in plan.others]

    def __call__(self, texts):
        return [[self._with_other(mention) for mention in found] for found in self.linker(texts)]

    def _with_other(self, mention):
        own = {candidate.entity for candidate in mention.candidates}
        other = next(x for x in self.others[mention.start :] if x not in own)
        return mention._replace(candidates=(*mention.candidates, Candidate(other, 0.5)))


@pytest.fixture(scope="module")
def ambiguous(planted):
    plan, model = planted
    processor = copy.copy(model.processor)
    processor.linker = TwoCandidates(processor.linker, plan)
    return KGBertPipeline(model.model, processor, model.task)


@pytest.mark.parametrize("kind", ["mentions", "entities"])
def test_the_recommended_method_ranks_what_decides_first(
    planted, cases, ambiguous, kind, monkeypatch
):
    model = ambiguous if kind == "entities" else planted[1]
    monkeypatch.setattr(faithfulness, "RANDOM_ORDERS", 3)
    report = evaluate_explanations(model, [text for text, _ in cases[:20]], parts=[kind])
    method = report.best_method(kind)
    assert method is not None

    answers = explained(model, cases, method=method, parts=["mentions", "entities"])

    first = []
    for answer, (_, entity) in zip(answers, cases, strict=True):
        entities = [x for mention in answer.mentions for x in mention.entities]
        largest = max(entities, key=lambda x: x.value)
        first.append(largest.entity == f"EX:{entity:04}")
    assert np.mean(first) >= 0.95


@pytest.mark.parametrize("method", [name for name in METHODS if name != "random"])
def test_explanations_change_when_weights_are_randomised(planted, cases, method):
    _, model = planted
    options = {"method": method, "parts": ["mentions", "edges"], "answer": LABELS[0]}

    before = explained(model, cases[:16], **options)
    after = explained(with_random_weights(model), cases[:16], **options)

    sees_edges = EDGES in METHODS[method].kinds
    for values_of, is_seen in ((mention_values, True), (edge_values, sees_edges)):
        pairs = [(values_of(x), values_of(y)) for x, y in zip(before, after, strict=True)]
        found = [rank_correlation(*map(np.atleast_2d, pair)) for pair in pairs if any(pair[0])]
        assert bool(found) == is_seen
        assert not found or np.mean(found) < 0.5


def mention_values(answer):
    return [mention.value for mention in answer.mentions]


def edge_values(answer):
    edges = [x for mention in answer.mentions for x in mention.entities[0].edges]
    return [x.value for x in sorted(edges, key=lambda x: (x.head, x.relation, x.tail))]
