"""What decides is known: the recommended method ranks it first, and believes the weights."""

import copy

import numpy as np
import pytest
import torch

from kgbert.explanation.explain import explain
from kgbert.explanation.methods import METHODS
from kgbert.training.pipeline import KGBertPipeline
from tests.explanation.planted import LABELS, NEITHER

CASES = 40


@pytest.fixture(scope="module")
def cases(planted):
    """Return texts that the model answers correctly, each with the entity that decides."""
    plan, model = planted
    drawn = [(label, *plan.text(label, held_out=True)) for label in [0, 1] * (CASES // 2)]
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


def test_the_deciding_edge_is_ranked_first(planted, cases):
    plan, model = planted

    answers = explained(model, cases, parts=["mentions", "edges"])

    first = []
    for answer, (_, entity) in zip(answers, cases, strict=True):
        edges = [x for mention in answer.mentions for x in mention.entities[0].edges]
        largest = max(edges, key=lambda x: x.value)
        head, tail = plan.decisive_edge(entity)
        first.append((largest.head, largest.tail) == (f"EX:{head:04}", f"EX:{tail:04}"))
    assert np.mean(first) >= 0.95


@pytest.mark.parametrize("method", [name for name in METHODS if name != "random"])
def test_explanations_change_when_weights_are_randomised(planted, cases, method):
    _, model = planted
    randomised = copy.deepcopy(model.model)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in randomised.parameters():
            order = torch.randperm(parameter.numel(), generator=generator)
            parameter.copy_(parameter.flatten()[order].view(parameter.shape))
    options = {"method": method, "parts": ["mentions"], "answer": LABELS[0]}

    before = explained(model, cases, **options)
    other = KGBertPipeline(randomised, model.processor, model.task)
    after = explained(other, cases, **options)

    values = [[[x.value for x in y.mentions] for y in each] for each in (before, after)]
    same_first = np.mean(np.argmax(values[0], 1) == np.argmax(values[1], 1))
    # Three mentions: one in three by chance.
    assert same_first < 0.75
