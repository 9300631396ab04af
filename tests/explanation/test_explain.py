import json

import pytest

from kgbert.explanation.explain import explain
from kgbert.explanation.methods import METHODS
from kgbert.explanation.results import Explanation
from kgbert.tasks.registry import TASKS
from kgbert.training.pipeline import KGBertPipeline
from tests.explanation.conftest import TEXT
from tests.support.errors import raises
from tests.support.tiny import perturb, tiny_processor

every_method = pytest.mark.parametrize("method", METHODS)


@every_method
def test_each_mention_and_its_candidates_are_explained(model, method):
    (explanation,) = explain(model, [TEXT], method=method)

    (answer,) = explanation.answers
    assert [mention.text for mention in answer.mentions] == ["fever", "cough", "pneumonia"]
    assert [len(mention.entities) for mention in answer.mentions] == [2, 1, 1]
    assert all(mention.value is not None for mention in answer.mentions)
    assert all(x.value is not None for mention in answer.mentions for x in mention.entities)


@every_method
def test_words_and_edges_are_explained_if_the_method_can(model, method):
    (answer,) = explain(model, [TEXT], method=method)[0].answers

    edges = [x for mention in answer.mentions for entity in mention.entities for x in entity.edges]
    assert bool(answer.words) == ("words" in METHODS[method].kinds)
    assert bool(edges) == ("edges" in METHODS[method].kinds)


def test_words_are_those_of_the_text(model):
    (answer,) = explain(model, [TEXT])[0].answers

    assert [word.text for word in answer.words] == TEXT.split()
    assert all(TEXT[word.start : word.end] == word.text for word in answer.words)


def test_edges_are_named_and_belong_to_their_entity(model):
    (answer,) = explain(model, [TEXT])[0].answers

    fever = answer.mentions[0].entities[0]
    assert {edge.description for edge in fever.edges} == {
        "fever → is → symptom",
        "pneumonia → has → fever",
    }
    assert all(fever.entity in (edge.head, edge.tail) for edge in fever.edges)


def test_at_most_so_many_edges_are_explained(model):
    (answer,) = explain(model, [TEXT], max_edges=2)[0].answers

    edges = [x for mention in answer.mentions for entity in mention.entities for x in entity.edges]
    assert len(edges) == 2


def test_only_the_named_kinds_of_parts_are_explained(model):
    (answer,) = explain(model, [TEXT], parts=["entities"])[0].answers

    assert not answer.words
    assert all(mention.value is None for mention in answer.mentions)
    assert all(x.value is not None for mention in answer.mentions for x in mention.entities)


def test_the_graph_contributes_the_difference_to_the_model_without_it(model):
    (explanation,) = explain(model, [TEXT])

    with model.model.without_knowledge():
        (unaided,) = model([TEXT])
    (answer,) = explanation.answers
    assert explanation.prediction_without_graph == tuple(unaided.lines())
    assert answer.graph_contribution == answer.score - answer.score_without_graph
    assert answer.graph_contribution != 0


def test_a_text_without_links_has_no_mentions_and_no_contribution_of_the_graph(model):
    (explanation,) = explain(model, ["nothing to see"])

    (answer,) = explanation.answers
    assert answer.mentions == ()
    assert answer.graph_contribution == pytest.approx(0, abs=1e-6)
    assert [word.text for word in answer.words] == ["nothing", "to", "see"]


def test_a_contrast_changes_sign_with_its_order(model):
    (one,) = explain(model, [TEXT], answer="ill", contrast="well")
    (other,) = explain(model, [TEXT], answer="well", contrast="ill")

    values = [[x.value for x in each.answers[0].mentions] for each in (one, other)]
    assert values[0] == pytest.approx([-value for value in values[1]], abs=1e-6)
    assert one.answers[0].score == pytest.approx(-other.answers[0].score, abs=1e-6)


def test_precomputed_vectors_are_not_used(model):
    before = explain(model, [TEXT])[0].answers[0].score

    model.processor.use_vectors(model.model.precompute(model.processor))

    assert explain(model, [TEXT])[0].answers[0].score == before
    assert model.processor.vectors is not None


def test_an_explanation_survives_json(model):
    (explanation,) = explain(model, [TEXT], method="shapley")

    assert Explanation.from_json(json.loads(json.dumps(explanation.to_json()))) == explanation


def test_lines_show_each_mention_and_the_answer_without_the_graph(model):
    (explanation,) = explain(model, [TEXT])

    shown = "\n".join(explanation.lines())
    assert all(f"  {mention.text}" in shown for mention in explanation.answers[0].mentions)
    assert "without the graph: label" in shown


def test_progress_counts_texts(model):
    counts = []

    explain(model, [TEXT, "a lung"], progress=lambda done, total: counts.append((done, total)))

    assert counts == [(1, 2), (2, 2)]


def test_an_unknown_answer_is_refused(model):
    with raises("unknown-answer"):
        explain(model, [TEXT], answer="healthy")


def test_an_unknown_kind_of_part_is_refused(model):
    with raises("unknown-name"):
        explain(model, [TEXT], parts=["sentences"])


def test_a_single_text_is_refused(model):
    with pytest.raises(TypeError, match="a list of texts is needed"):
        explain(model, TEXT)


def test_a_model_that_reads_appended_tokens_is_refused(model):
    processor = tiny_processor()
    processor.expander = type("Expander", (), {"name": "kbert"})()
    with raises("expanded-texts"):
        explain(KGBertPipeline(model.model, processor, model.task), [TEXT])


def test_a_regression_has_no_contrast(fused):
    fitted = perturb(fused(labels=["value"]))
    fitted.config.task_settings = {"mean": 1.0, "deviation": 2.0}
    model = KGBertPipeline(fitted, tiny_processor(), TASKS["regression"])

    with raises("no-contrast"):
        explain(model, [TEXT], contrast="other")
