"""What variants have in common is computed once, and changes no score."""

from itertools import product

import numpy as np
import pytest
import torch

from kgbert.explanation.explain import explain
from kgbert.explanation.linked_vectors import LinkedVectors
from kgbert.explanation.parts import (
    EdgePart,
    EntityPart,
    MentionPart,
    edges_of,
    triples,
    without,
    words_of,
)
from kgbert.models.fusions import FUSIONS
from kgbert.models.layers.graph_encoder import ENCODERS
from kgbert.models.task_models import KGBertForSequenceClassification
from kgbert.tasks.registry import TASKS
from kgbert.training.pipeline import KGBertPipeline
from tests.explanation.conftest import TEXT
from tests.support.explanations import values_of
from tests.support.tiny import FAMILIES, TEXTS, perturb, tiny_processor


def pipeline_with(fused, family, **options):
    labels = {"labels": ["ill", "well", "dead"]}
    fitted = perturb(fused(family, KGBertForSequenceClassification, **labels, **options))
    return KGBertPipeline(fitted, tiny_processor(family), TASKS["text-classification"])


def removals_of(scorer):
    mentions = [MentionPart(x.start, x.end) for x in scorer.mentions]
    words = words_of(scorer.encoded)
    first = mentions[0]
    other = [EntityPart(first.start, first.end, "EX:8")]
    return [(), *[(part,) for part in (*mentions, *words[:2])], mentions, other]


CASES = [
    *((family, {}) for family in FAMILIES),
    *product(("bert", "llama"), ({"pooling": "mean"}, {"injected_layers": [2]})),
    *(
        ("bert", {"fusion": fusion, "pooling": "mean"})
        for fusion in FUSIONS
        if fusion != "attention"
    ),
    *(("bert", {"fusion": fusion}) for fusion in ("ernie", "knowbert")),
    *(("bert", {"graph_encoder": encoder}) for encoder in ENCODERS if encoder != "compgcn"),
]


@pytest.mark.parametrize(("family", "options"), CASES)
def test_each_variant_has_the_score_of_its_own_forward_pass(fused, scorer_of, family, options):
    pipeline = pipeline_with(fused, family, **options)
    scorer = scorer_of(TEXT, pipeline=pipeline)
    removals = removals_of(scorer)

    together = scorer.scores(removals)

    (answer,), config = scorer.answers, pipeline.model.config
    for removal, (score,) in zip(removals, together.T, strict=True):
        variant = without(scorer.encoded, removal, pipeline.processor)
        batch = pipeline.task.collate(variant.units, pipeline.processor, 0)
        with torch.inference_mode():
            logits = pipeline.model(**batch).logits
        expected = pipeline.task.answer_scores([logits], answer, scorer.encoded, config)
        assert score == pytest.approx(float(expected), abs=1e-4)


@pytest.mark.parametrize("encoder", [name for name in ENCODERS if name != "none"])
def test_an_entity_without_an_edge_has_the_vector_of_a_graph_without_it(fused, encoder):
    pipeline = pipeline_with(fused, "bert", graph_encoder=encoder)
    vectors = LinkedVectors(pipeline.model, pipeline.processor, np.array([0, 1, 2, 4]))
    found = edges_of(vectors.entities.tolist(), pipeline.processor)
    edges = list(dict.fromkeys(edge for own in found.values() for edge in own))
    sampled = pipeline.processor.sampler.sample(vectors.entities)

    table = vectors.table([frozenset({edge}) for edge in edges])

    for edge, rows in zip(edges, table.rows, strict=True):
        kept = np.array([x != edge for x in triples(sampled, pipeline.graph)])
        expected = pipeline.model.entity_vectors(
            torch.from_numpy(pipeline.processor.features.vectors[sampled.nodes]),
            torch.from_numpy(sampled.edge_index[:, kept]),
            torch.from_numpy(sampled.edge_types[kept]),
            None,
        )
        assert torch.allclose(table.vectors[rows], expected[: len(rows)], atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_several_texts_are_explained_as_each_alone(fused, family):
    pipeline = pipeline_with(fused, family, injected_layers=[2])

    together = explain(pipeline, TEXTS, batch_size=8)

    for one, text in zip(together, TEXTS, strict=True):
        (alone,) = explain(pipeline, [text])
        assert values_of(one) == pytest.approx(values_of(alone), abs=1e-4)


def test_variants_of_several_texts_are_computed_in_one_pass(model, monkeypatch):
    sizes, forward = [], model.model.forward

    def counting(**batch):
        sizes.append(len(batch["input_ids"]))
        return forward(**batch)

    monkeypatch.setattr(model.model, "forward", counting)

    explained = explain(model, TEXTS, parts=["mentions"], batch_size=64)

    variants = sum(each.variants for each in explained)
    assert variants > len(TEXTS)
    # The predictions, the variants, and the scores without the graph.
    assert sizes == [len(TEXTS), variants, len(TEXTS)]


def test_blocks_below_the_knowledge_are_computed_for_one_variant(fused, scorer_of):
    pipeline = pipeline_with(fused, "bert", injected_layers=[2])
    scorer = scorer_of(TEXT, pipeline=pipeline)
    texts = []
    for block in pipeline.model.backbone.bert.encoder.layer:
        attention = block.attention.self
        attention.register_forward_pre_hook(lambda _, given: texts.append(len(given[0])))

    scorer.scores([(), *[(MentionPart(x.start, x.end),) for x in scorer.mentions]])

    assert texts == [1, 1, 4]


def test_without_an_edge_only_the_entities_that_see_it_are_computed(model):
    vectors = LinkedVectors(model.model, model.processor, np.array([1, 2, 4]))
    edges = edges_of(vectors.entities.tolist(), model.processor)

    # The edge of the organ and the lung is far from fever and cough.
    table = vectors.table([frozenset(), frozenset(edges[4]), frozenset([EdgePart(6, 1, 6)])])

    assert table.rows[0].tolist() == table.rows[2].tolist() == [0, 1, 2]
    assert table.rows[1].tolist()[2] >= 3
    assert len(table.vectors) == 3 + (table.rows[1] >= 3).sum()
