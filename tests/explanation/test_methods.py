"""Properties that define each method."""

import numpy as np
import pytest

from kgbert.data import Example
from kgbert.explanation import methods
from kgbert.explanation.methods import integrated_gradients, removal, shapley
from kgbert.explanation.parts import EdgePart, EntityPart, MentionPart, entities_of, words_of
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.models.task_models import KGBertForSequenceClassification
from kgbert.tasks.registry import TASKS
from kgbert.training.pipeline import KGBertPipeline
from tests.explanation.conftest import TEXT
from tests.support.tiny import FAMILIES, perturb, tiny_graph, tiny_processor


def mention_parts(scorer):
    return [MentionPart(x.start, x.end) for x in scorer.mentions]


def test_without_any_mention_the_answer_is_that_without_the_graph(scorer_of):
    scorer = scorer_of()

    scores = scorer.scores([mention_parts(scorer)])

    assert scores[:, 0] == pytest.approx(scorer.score_without_graph(), abs=1e-6)


def test_a_mention_without_its_candidates_is_no_mention(scorer_of):
    scorer = scorer_of()
    (fever, *_) = scorer.mentions
    candidates = entities_of([fever])
    assert len(candidates) == 2

    removed = scorer.scores([[MentionPart(fever.start, fever.end)], candidates])

    assert removed[:, 0] == pytest.approx(removed[:, 1], abs=1e-6)


def test_the_only_candidate_of_a_mention_is_computed_once(scorer_of):
    scorer = scorer_of("a lung")
    scorer.scores([[MentionPart(2, 6)]])
    computed = scorer.computed

    scorer.scores([[EntityPart(2, 6, "EX:4")]])

    assert scorer.computed == computed


def test_variants_of_a_batch_do_not_change_each_other(scorer_of):
    together, alone = scorer_of(), scorer_of(batch_size=1)
    parts = [*mention_parts(together), *words_of(together.encoded), EdgePart(0, 0, 1)]
    removals = [(), *[(part,) for part in parts], parts]

    assert together.scores(removals) == pytest.approx(alone.scores(removals), abs=1e-5)


def test_removing_an_edge_equals_a_graph_without_it(model, scorer_of):
    graph = tiny_graph()
    removed = EdgePart(0, graph.relation_ids.index("has"), 1)
    builder = GraphBuilder()
    for index in range(len(graph)):
        builder.add_name(graph.entity_ids[index], graph.name(index))
    for head, relation, tail in zip(graph.heads, graph.relations, graph.tails, strict=True):
        if EdgePart(int(head), int(relation), int(tail)) != removed:
            ends = graph.entity_ids[int(head)], graph.entity_ids[int(tail)]
            builder.add_edge(ends[0], graph.relation_ids[int(relation)], ends[1])
    smaller = tiny_processor()
    smaller.sampler.graph = builder.build(source="without an edge")
    assert smaller.sampler.graph.relation_ids == graph.relation_ids

    scores = scorer_of().scores([(), (removed,)])

    expected = scorer_of(pipeline=KGBertPipeline(model.model, smaller, model.task)).score()
    assert scores[:, 1] == pytest.approx(expected, abs=1e-6)
    assert abs(scores[:, 1] - scores[:, 0]).max() > 1e-5


def test_shapley_values_add_up(scorer_of):
    scorer = scorer_of()
    parts = mention_parts(scorer)

    found = shapley(scorer, parts)

    whole = scorer.scores([(), parts])
    assert found.values.sum(1) == pytest.approx(whole[:, 0] - whole[:, 1], abs=1e-6)
    assert found.errors is None


def test_sampled_shapley_values_are_within_their_error(scorer_of, monkeypatch):
    scorer = scorer_of()
    parts = mention_parts(scorer)
    exact = shapley(scorer, parts).values

    monkeypatch.setattr(methods, "EXACT", 0)
    sampled = shapley(scorer, parts)

    assert sampled.values.sum() == pytest.approx(exact.sum(), abs=1e-6)
    assert (abs(sampled.values - exact) <= 4 * sampled.errors + 1e-6).all()


def test_two_mentions_that_say_the_same_share_a_shapley_value(scorer_of):
    scorer = scorer_of("cough cough")
    parts = mention_parts(scorer)

    values = shapley(scorer, parts).values

    assert len(parts) == 2
    assert abs(values.sum(1)) == pytest.approx(abs(scorer.score() - scorer.scores([parts])[:, 0]))


@pytest.mark.parametrize("family", FAMILIES)
def test_integrated_gradients_add_up_to_masking_all_words(fused, scorer_of, family):
    labels = {"labels": ["ill", "well", "dead"]}
    fitted = perturb(fused(family, KGBertForSequenceClassification, **labels))
    pipeline = KGBertPipeline(fitted, tiny_processor(family), TASKS["text-classification"])
    scorer = scorer_of("nothing to see", pipeline=pipeline)
    words = words_of(scorer.encoded)

    found = integrated_gradients(scorer, words)

    if pipeline.processor.tokenizer.mask_token_id is None:
        pytest.skip("the words are hidden, not masked")
    change = scorer.score() - scorer.scores([words])[:, 0]
    assert found.values.sum(1) == pytest.approx(change, abs=0.02)


def test_a_question_and_its_choices_have_common_parts(fused):
    from kgbert.models.task_models import KGBertForMultipleChoice

    fitted = perturb(fused("bert", KGBertForMultipleChoice, labels=["score"]))
    pipeline = KGBertPipeline(fitted, tiny_processor(), TASKS["multiple-choice"])
    (encoded,) = pipeline.task.encode(
        [Example("is fever of a lung?", others=("cough", "organ"))], pipeline.processor
    )

    words = [encoded.example.joined[word.start : word.end] for word in words_of(encoded)]

    assert words == ["is", "fever", "of", "a", "lung", "?", "cough", "organ"]


def test_masked_words_keep_the_links(scorer_of):
    scorer = scorer_of(TEXT)

    values = removal(scorer, words_of(scorer.encoded)).values

    assert np.isfinite(values).all()
    assert scorer.scores([words_of(scorer.encoded)]) != pytest.approx(
        scorer.scores([[*words_of(scorer.encoded), *mention_parts(scorer)]])
    )
