import numpy as np
import pytest

from kgbert.data import Example
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
    examples = [Example(text, LABELS[label]) for label, text in drawn]
    asked = [
        (number % 2, plan.text(number % 2, held_out=True, number=number)[0]) for number in range(10)
    ]

    found = explain(model, [text for _, text in asked], examples=examples, **PARTS)

    answers = [[x.answer for x in each.examples] for each in found]
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
    assert "read like" in "\n".join(explanation.lines())


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
