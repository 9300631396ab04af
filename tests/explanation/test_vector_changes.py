"""Erased elements of vectors, and gradients of the vectors that a model reads."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from kgbert.data import Example
from kgbert.encoding.processor import KGBertProcessor
from kgbert.explanation.explain import answers_of
from kgbert.explanation.methods import integrated_gradients
from kgbert.explanation.parts import MentionPart, WordPart, entities_of, words_of
from kgbert.explanation.scorer import AnswerScorer
from kgbert.models.task_models import KGBertForMultipleChoice
from kgbert.tasks.registry import TASKS
from kgbert.training.pipeline import KGBertPipeline
from tests.explanation.conftest import TEXT
from tests.support.encoder_decoders import ENCODER_DECODERS, fused_pair, tokenizer_of
from tests.support.tiny import ExactLinker, perturb, tiny_features, tiny_graph, tiny_processor


def mentions_of(scorer):
    return [MentionPart(x.start, x.end) for x in scorer.mentions]


def test_vectors_of_which_all_elements_are_kept_give_the_score_of_the_text(scorer_of):
    scorer = scorer_of()

    for parts in (words_of(scorer.encoded), mentions_of(scorer), entities_of(scorer.mentions)):
        kept = scorer.erased_scores(parts, np.ones((2, len(parts))), [0, 1])
        assert kept == pytest.approx(np.tile(scorer.score()[:, None], 2), abs=1e-5)


def test_the_same_seed_erases_the_same_elements_in_batches_of_any_size(scorer_of):
    together, alone = scorer_of(), scorer_of(batch_size=1)
    seeds = [0, 1, 0]

    for parts in (words_of(together.encoded), mentions_of(together)):
        kept = np.full((3, len(parts)), 0.5)
        scores = together.erased_scores(parts, kept, seeds)
        assert scores == pytest.approx(alone.erased_scores(parts, kept, seeds), abs=1e-5)
        assert scores[:, 0] == pytest.approx(scores[:, 2], abs=1e-6)
        assert scores[:, 0] != pytest.approx(scores[:, 1], abs=1e-6)


def test_erased_entity_vectors_are_zero_and_keep_their_links(scorer_of):
    scorer, other = scorer_of(), scorer_of()
    other.vectors.complete = torch.zeros_like(scorer.vectors.complete)
    parts = mentions_of(scorer)

    scores = scorer.erased_scores(parts, np.zeros((1, len(parts))), [0])

    assert scores[:, 0] == pytest.approx(other.score(), abs=1e-5)
    assert scores[:, 0] != pytest.approx(scorer.score_without_graph(), abs=1e-5)


def test_mentions_of_an_entity_share_the_mean_of_their_probabilities(scorer_of):
    scorer = scorer_of("cough cough")

    scores = scorer.erased_scores(mentions_of(scorer), np.array([[1.0, 0.2], [0.6, 0.6]]), [0, 0])

    assert scores[:, 0] == pytest.approx(scores[:, 1], abs=1e-6)
    assert scores[:, 0] != pytest.approx(scorer.score(), abs=1e-6)


@pytest.mark.parametrize(("family", "token"), [("bert", "fever"), ("xlnet", "▁fever")])
def test_a_word_is_erased_in_each_of_several_texts_of_any_length(fused, family, token):
    fitted = perturb(fused(family, KGBertForMultipleChoice, labels=["score"]))
    with torch.no_grad():
        # Random tokens hardly change the answer.
        for parameter in fitted.parameters():
            parameter *= 4
    pipeline = KGBertPipeline(fitted, tiny_processor(family), TASKS["multiple-choice"])
    example = Example("is fever of a lung?", others=("cough", "an organ that hurts"))
    (encoded,) = pipeline.task.encode([example], pipeline.processor)
    prediction = pipeline.predict_encoded([encoded])[0]
    scorer = AnswerScorer(pipeline, encoded, prediction, answers_of(pipeline, prediction))
    fever = WordPart(3, 8)
    assert fever in words_of(encoded)
    complete = scorer.score()

    erased = scorer.erased_scores([fever], np.zeros((2, 1)), [0, 1])

    # The embedding of its only token is zero, of which the padding on the left shifts the place.
    number = pipeline.processor.tokenizer.convert_tokens_to_ids(token)
    with torch.no_grad():
        fitted.get_input_embeddings().weight[number] = 0
    assert erased == pytest.approx(np.tile(scorer.fresh().score()[:, None], 2), abs=1e-5)
    assert erased[:, 0] != pytest.approx(complete, abs=1e-4)


@pytest.mark.parametrize("family", ENCODER_DECODERS)
def test_gradients_reach_the_text_that_an_encoder_decoder_reads(tmp_path, family):
    _, fitted = fused_pair(tmp_path, family)
    graph = tiny_graph()
    processor = KGBertProcessor.for_model(
        perturb(fitted),
        graph,
        tiny_features(graph),
        tokenizer=tokenizer_of(family),
        linker=ExactLinker(graph),
    )
    pipeline = KGBertPipeline(fitted, processor, TASKS["generation"])
    (encoded,) = pipeline.task.encode([Example(TEXT)], processor)
    prediction = pipeline.predict_encoded([encoded])[0]
    prediction = replace(prediction, generated="lung ab")
    scorer = AnswerScorer(pipeline, encoded, prediction, answers_of(pipeline, prediction))

    found = integrated_gradients(scorer, words_of(encoded))

    assert found.values.shape == (2, len(TEXT.split()))
    assert (found.values != 0).all()
