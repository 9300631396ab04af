import copy

import numpy as np
import pytest
import torch

from kgbert.data import Example
from kgbert.explanation import examples
from kgbert.explanation.examples import head_vectors
from kgbert.explanation.explain import explain
from kgbert.models.task_models import KGBertForSequenceClassification, KGBertForTokenClassification
from kgbert.tasks.registry import TASKS
from kgbert.training.pipeline import KGBertPipeline
from tests.explanation.conftest import TEXT
from tests.explanation.planted import LABELS
from tests.support.tiny import TEXTS, perturb, tiny_processor

PARTS = {"parts": ["mentions"]}


def test_texts_with_the_same_decision_are_nearest(planted):
    plan, model = planted
    drawn = [
        (number % 2, plan.text(number % 2, held_out=False, number=number)[0])
        for number in range(40)
    ]
    given = [Example(text, LABELS[label]) for label, text in drawn]
    asked = [
        (number % 2, plan.text(number % 2, held_out=True, number=number)[0]) for number in range(10)
    ]

    found = explain(model, [text for _, text in asked], examples=given, **PARTS)

    answers = [[x.answer for x in each.examples[:3]] for each in found]
    assert all(len(each) == 3 for each in answers)
    right = [
        x == LABELS[label] for each, (label, _) in zip(answers, asked, strict=True) for x in each
    ]
    assert np.mean(right) >= 0.9


def test_the_text_itself_is_left_out_and_shared_entities_are_named(model):
    (explanation,) = explain(model, [TEXT], examples=[TEXT, "cough cough", "nothing"], **PARTS)

    by_text = {x.text: x for x in explanation.examples}
    assert set(by_text) == {"cough cough", "nothing"}
    assert by_text["cough cough"].shared_entities == ("cough",)
    # Two candidates of fever, cough and pneumonia.
    assert by_text["cough cough"].overlap == 1 / 4
    assert by_text["nothing"].answer == ""
    assert by_text["nothing"].influence is None
    assert "read like" in "\n".join(explanation.lines())


def test_training_texts_with_the_same_answer_have_most_influence(planted, monkeypatch):
    plan, model = planted
    monkeypatch.setattr(examples, "COMPARED", 24)
    monkeypatch.setattr(examples, "NEAREST", 24)
    given = [
        Example(plan.text(number % 3, held_out=False, number=number)[0], LABELS[number % 3])
        for number in range(24)
    ]

    found = explain(model, [plan.text(1, held_out=True, number=5)[0]], examples=given, **PARTS)

    ranked = sorted(found[0].examples, key=lambda x: -x.influence)
    assert len(ranked) == len(given)
    assert [x.answer for x in ranked].index(LABELS[0]) >= 6
    assert np.mean([x.answer == LABELS[1] for x in ranked[:8]]) >= 0.75


def test_a_training_step_on_a_text_changes_the_score_as_its_influence_says(model):
    labels = {"cough cough": "ill", "a lung": "well", "nothing": "dead"}
    given = [Example(text, label) for text, label in labels.items()]
    (explanation,) = explain(model, [TEXT], examples=given, **PARTS)
    (answer,) = explanation.answers

    assert len(explanation.examples) == 3
    for example in explanation.examples:
        changed = copy.deepcopy(model.model)
        label = torch.tensor([["ill", "well", "dead"].index(labels[example.text])])
        loss = changed(**model.processor([example.text]), labels=label).loss
        weights = list(changed.parameters())
        steps = torch.autograd.grad(loss, weights, allow_unused=True, materialize_grads=True)
        length = torch.cat([step.flatten() for step in steps]).norm()
        with torch.no_grad():
            for weight, step in zip(weights, steps, strict=True):
                weight -= 0.01 * step / length
        other = KGBertPipeline(changed, model.processor, model.task)
        (after,) = explain(other, [TEXT], answer=answer.answer, **PARTS)
        assert np.sign(after.answers[0].score - answer.score) == np.sign(example.influence)
        assert abs(example.influence) > 0.01


@pytest.mark.parametrize("family", ["bert", "gpt2", "xlnet", "albert"])
@pytest.mark.parametrize("kind", [KGBertForSequenceClassification, KGBertForTokenClassification])
def test_the_vector_of_a_text_does_not_depend_on_its_batch(fused, family, kind):
    fitted = perturb(fused(family, kind, labels=["O", "B-Sign", "I-Sign"]))
    name = "text" if kind is KGBertForSequenceClassification else "token"
    model = KGBertPipeline(fitted, tiny_processor(family), TASKS[f"{name}-classification"])
    encoded = model.task.encode([Example(text) for text in TEXTS], model.processor)

    together = head_vectors(model, encoded)

    alone = np.concatenate([head_vectors(model, [each]) for each in encoded])
    assert together == pytest.approx(alone, abs=1e-4)
    assert len(np.unique(together.round(3), axis=0)) == len(TEXTS)
