"""The score of an explained answer is that of what the task predicts."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from kgbert.data import Example
from kgbert.encoding.processor import KGBertProcessor
from kgbert.explanation.explain import explain
from kgbert.models.task_models import (
    KGBertForEntityLinking,
    KGBertForEventExtraction,
    KGBertForQuestionAnswering,
)
from kgbert.tasks.base import ExplainedAnswer
from kgbert.tasks.registry import TASKS
from kgbert.training.pipeline import KGBertPipeline
from tests.explanation.conftest import TEXT
from tests.support.encoder_decoders import fused_pair, tokenizer_of
from tests.support.errors import raises
from tests.support.tiny import ExactLinker, perturb, tiny_features, tiny_graph, tiny_processor


@pytest.fixture
def answering(fused):
    settings = {"max_answer_length": 30, "may_have_no_answer": True}
    options = {"labels": ["start", "end"], "task_settings": settings}
    fitted = perturb(fused("bert", KGBertForQuestionAnswering, **options))
    return KGBertPipeline(fitted, tiny_processor(), TASKS["question-answering"])


def test_a_span_competes_with_all_others_of_its_window(answering):
    task, processor = answering.task, answering.processor
    (encoded,) = task.encode([Example(TEXT, others=("which?",))], processor)
    ends = torch.randn(1, len(encoded.text.offsets), 2)

    def score(name, contrast=""):
        answer = ExplainedAnswer(name, contrast)
        return float(task.answer_scores([ends], answer, encoded, answering.model.config)[0])

    # The tokens of "cough" are c, ##o, ##u, ##g, ##h after the start token, fever, a, n and d.
    scores = ends[0, :, None, 0] + ends[0, None, :, 1]
    pairs = scores.flatten().softmax(0).view_as(scores)
    share = float(pairs[encoded.text.offsets.index((10, 11)), encoded.text.offsets.index((14, 15))])
    nothing = float(pairs[0, 0])
    assert score("10-15 cough") == pytest.approx(np.log(share / (1 - share)), abs=1e-4)
    assert score("no answer") == pytest.approx(np.log(nothing / (1 - nothing)), abs=1e-4)
    assert score("10-15", "no answer") == pytest.approx(np.log(share / nothing), abs=1e-4)


def test_an_answer_to_a_question_is_a_span_of_the_text(answering):
    row = {"text": TEXT, "question": "which?"}
    with raises("answer-is-no-span"):
        explain(answering, [row], answer="cough")
    with raises("span-without-words"):
        explain(answering, [row], answer="900-950")


def test_an_entity_competes_with_the_other_candidates_and_nil(fused):
    fitted = perturb(fused("bert", KGBertForEntityLinking))
    model = KGBertPipeline(fitted, tiny_processor(candidates=4), TASKS["entity-linking"])
    (prediction,) = model([TEXT])

    (explanation,) = explain(model, [TEXT], parts=["mentions", "edges"])

    assert [x.answer for x in explanation.answers] == [
        f"{link.start}-{link.end} {link.entity}" for link in prediction.links
    ]
    for answer, link in zip(explanation.answers, prediction.links, strict=True):
        odds = np.log(link.probability / (1 - link.probability))
        assert answer.score == pytest.approx(odds, abs=1e-3)
    # The candidates of the first mention differ in their edges.
    fever = explanation.answers[0].mentions[0]
    assert any(abs(edge.value) > 1e-6 for entity in fever.entities for edge in entity.edges)


def test_a_generated_word_has_the_odds_of_its_tokens(tmp_path):
    _, fitted = fused_pair(tmp_path, "bert")
    graph = tiny_graph()
    processor = KGBertProcessor.for_model(
        perturb(fitted),
        graph,
        tiny_features(graph),
        tokenizer=tokenizer_of("bert"),
        linker=ExactLinker(graph),
    )
    fitted.config.task_settings = {"max_target_length": 6}
    model = KGBertPipeline(fitted, processor, TASKS["generation"])
    task = model.task
    (encoded,) = task.encode([Example(TEXT)], processor)
    prediction = replace(task.decode([np.array([2])], encoded, None, graph), generated="lung ab")

    def odds_of(prediction):
        batch = task.collate(encoded.units, processor, 0)
        explained = type("Explained", (), {"prediction": prediction, "encoded": encoded})
        with torch.inference_mode():
            return task.explained_outputs(fitted, batch, processor, explained)

    ids = processor.tokenizer("lung ab")["input_ids"]
    start = fitted.config.backbone.decoder_start_token_id
    ids = ids[ids[0] == start :]
    batch = processor([TEXT])
    with torch.inference_mode():
        shares = fitted(**batch, labels=torch.tensor([ids])).logits[0].softmax(-1)
    own = shares[range(len(ids)), ids]
    odds = (own / (1 - own)).log()
    assert odds_of(prediction)[0, 0] == pytest.approx(float(odds[0]), abs=1e-4)
    assert odds_of(prediction)[0, 1] == pytest.approx(float(odds[1:3].mean()), abs=1e-4)
    assert odds_of(replace(prediction, generated="")).shape == (1, 0)
    assert task.answers(prediction, None) == ["1 lung", "2 ab"]


def test_arguments_of_events_are_explained_with_their_trigger(fused):
    task = TASKS["event-extraction"]
    spans = [{"id": "T1", "start": 10, "end": 15, "label": "Sign"}]
    triggers = [{"id": "T2", "start": 0, "end": 5, "label": "Seen"}]
    event = {"id": "E1", "type": "Seen", "trigger": "T2", "args": [["Theme", "T1"]]}
    row = {"text": TEXT, "spans": spans, "triggers": triggers, "events": [event]}
    space = task.label_space([task.read(row)])
    options = {"labels": space.labels, "task_settings": dict(space.settings), "task": task.name}
    fitted = perturb(fused("bert", KGBertForEventExtraction, **options))
    with torch.no_grad():
        # Every word begins a trigger, and every pair is an argument.
        fitted.backbone.trigger.bias[space.labels.index("B-Seen")] += 20
    model = KGBertPipeline(fitted, tiny_processor(), task)
    (encoded,) = task.encode([task.read(row)], model.processor)
    with torch.inference_mode():
        batch = task.collate(encoded.units, model.processor, 0)
        output = fitted(**batch)

    (explanation,) = explain(model, [row], answer="0-5 Seen Theme 10-15", parts=["mentions"])

    # The filler is a trigger itself, the third word.
    (answer,) = explanation.answers
    nothing, theme = output.argument_logits[0, 0, 2].tolist()
    assert answer.score == pytest.approx(theme - nothing, abs=1e-4)
    with raises("answer-is-no-span"):
        explain(model, [row], answer="0-5 Seen Theme 900-905")
