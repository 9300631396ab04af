"""Paths in the graph as evidence: training, controls, saving, explanation."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import kgbert
from kgbert.comparison.arms.arm import RunInputs
from kgbert.comparison.arms.registry import ARMS
from kgbert.data import Example
from kgbert.explanation.explain import explain
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.linking.factory import make_linker
from kgbert.linking.grounding import ground
from kgbert.tasks.registry import TASKS
from kgbert.training.checks import check_fit
from kgbert.training.config import Regularization, TrainingConfig
from kgbert.training.dataset import TrainingExamples
from kgbert.training.evidence.grounding import steps_of_paths
from kgbert.training.overfitting.augmentation import Augmenter
from kgbert.training.pipeline import KGBertPipeline
from kgbert.training.train import TrainingInputs, train_on
from tests.support.errors import raises
from tests.support.planted.paths import EXAMPLES, LABELS, path_graph, path_split, path_task
from tests.support.small_study import SHARED
from tests.support.tiny import tiny_features

CONFIG = TrainingConfig(1e-3, 2e-2, 4, 8, patience=4, max_length=40, options=SHARED)

every_task = pytest.mark.parametrize("name", EXAMPLES)


pytestmark = pytest.mark.usefixtures("small_features")


@pytest.fixture(scope="module")
def trained(backbone):
    """Return a model of an arm for a task."""
    graph, known = path_graph(), {}

    def train(name, arm="paths"):
        if (name, arm) in known:
            return known[name, arm]
        task, split = path_task(name), path_split(name)
        grounding = ground(LABELS, graph) if name == "text-classification" else None
        features, linker = tiny_features(graph), make_linker(graph, "dictionary")
        given = RunInputs(
            graph, features, linker, backbone, split.parts(), task, None, grounding, path_steps=2
        )
        # Rewired edges are compared with the same arm as the others.
        options = ARMS["paths" if arm == "rewired-edges" else arm].options
        given = ARMS[arm].transform(given, 0)
        inputs = TrainingInputs(
            task, given.graph, features, linker, backbone, None, grounding, path_steps=2
        )
        config = replace(CONFIG, options={**SHARED, **options})
        known[name, arm] = train_on(inputs, split, config=config)
        return known[name, arm]

    return train


@every_task
def test_relations_tell_what_names_and_numbers_of_edges_do_not(name, trained):
    scores = {
        arm: next(iter(trained(name, arm).test_metrics.values()))
        for arm in ("paths", "plain", "rewired-edges", "path-counts")
    }

    assert scores.pop("paths") > 0.9
    assert max(scores.values()) < 0.8, scores


@every_task
def test_a_saved_model_finds_the_same_paths(name, trained, tmp_path):
    model = trained(name)
    examples = path_split(name).test

    saved = kgbert.pipeline(model.save(tmp_path / "model"))

    for before, after in zip(model.predict(examples), saved(examples), strict=True):
        assert before.answer == after.answer
        assert before.paths == after.paths


@every_task
def test_with_all_weights_at_zero_it_is_the_ordinary_head(name, trained):
    model, task, processor = trained(name).model, path_task(name), trained(name).processor
    batch = task.collate(
        [u for x in task.encode(path_split(name).test, processor) for u in x.units], processor, 0
    )
    ordinary = {key: value for key, value in batch.items() if not key.startswith("path_")}

    with torch.no_grad():
        weights = model.path_scorer.weight.clone()
        scored = model(**batch).logits
        model.path_scorer.weight.zero_()
        zero = model(**batch).logits
        model.path_scorer.weight.copy_(weights)
        with model.without_knowledge():
            expected = model(**ordinary).logits

    assert torch.equal(zero, expected)
    assert not torch.equal(scored, expected)


def test_a_prediction_shows_the_paths_that_carried_weight(trained):
    example = path_split("text-classification").test[0]

    (prediction,) = trained("text-classification").predict([example])

    first = max(prediction.paths, key=lambda path: path.contribution)
    name = example.text.split()[1]
    assert first.answer == prediction.label
    assert first.kind == "has part · found in"
    assert first.steps[0] == name
    assert first.steps[1::2] == ("has part", "found in")
    assert first.line().startswith("+")
    sizes = [abs(path.contribution) for path in prediction.paths]
    assert sizes == sorted(sizes, reverse=True)


def test_an_explanation_shows_paths_and_removes_them_with_their_mention(trained):
    model = trained("text-classification")
    example = path_split("text-classification").test[0]
    pipeline = KGBertPipeline(model.model, model.processor, model.task)

    (found,) = explain(pipeline, [example], parts=["mentions"])

    assert any(line.startswith("  path ") for line in found.lines())
    (mention,) = found.answers[0].mentions
    # Without its mention, a text has no paths, which all else is equal to.
    assert mention.value == pytest.approx(found.answers[0].graph_contribution, abs=1e-4)
    assert mention.value > 0.5


#: One of these relations is the last of the deciding path, by task.
DECIDING = {
    "text-classification": ("found in", "absent from"),
    "multiple-choice": ("healed by", "harmed by"),
    "relation-classification": ("healed by", "harmed by"),
    "pair classification": ("healed by", "harmed by"),
    "pair regression": ("healed by", "harmed by"),
}


@pytest.mark.parametrize("method", ["removal", "shapley"])
@every_task
def test_the_deciding_path_is_ranked_first(name, method, trained):
    model, examples = trained(name), path_split(name).test
    pipeline = KGBertPipeline(model.model, model.processor, model.task)

    found = explain(pipeline, examples, parts=["paths"], method=method)

    first = [each.answers[0].paths[0] for each in found]
    # A path may also lower a number.
    assert all(abs(path.value) > 0.3 for path in first)
    assert name == "pair regression" or all(path.value > 0 for path in first)
    assert np.mean([path.steps[-2] in DECIDING[name] for path in first]) >= 0.95


def test_a_batch_does_not_change_the_paths_of_a_text(trained):
    model = trained("text-classification")
    texts = [*path_split("text-classification").test, Example("nothing linked")]

    together = model.predict(texts)

    for text, prediction in zip(texts, together, strict=True):
        (alone,) = model.predict([text])
        assert alone.probability == pytest.approx(prediction.probability, abs=1e-5)
        assert [x.kind for x in alone.paths] == [x.kind for x in prediction.paths]
    assert not together[-1].paths


def test_every_type_of_path_gets_a_gradient(trained):
    model, processor = model_of(trained("text-classification"))
    batch = processor([x.text for x in path_split("text-classification").train])
    model.zero_grad()

    model(**batch, labels=torch.zeros(len(batch["input_ids"]), dtype=torch.int64)).loss.backward()

    used = np.unique(batch["path_types"].numpy())
    assert len(used) > 2
    assert model.path_scorer.weight.grad[used].abs().min() > 0


def test_new_labels_are_scored_by_the_same_paths(backbone):
    graph, split = path_graph(), path_split("text-classification")
    model = kgbert.train(
        graph,
        {"train": split.train, "validation": split.validation, "test": split.test},
        backbone=backbone,
        task="text-classification",
        ground="labels",
        paths=2,
        config=replace(CONFIG, epochs=1),
    )
    pipeline = KGBertPipeline(model.model, model.processor, model.task)

    swapped = pipeline.with_labels({"other": "L:1", "one": "L:0"})

    named = {"L:0": "one", "L:1": "other"}
    for before, after in zip(pipeline(split.test), swapped(split.test), strict=True):
        own = {(named[x.answer], x.kind): x.contribution for x in before.paths}
        for path in after.paths:
            assert own[path.answer, path.kind] == pytest.approx(path.contribution, abs=1e-5)


def test_what_has_no_paths_is_refused(backbone, trained):
    split = path_split("text-classification")
    texts = {"train": split.train, "validation": split.validation, "test": split.test}
    options = {"backbone": backbone, "task": "text-classification"}

    with raises("paths-without-grounding"):
        kgbert.train(path_graph(), texts, paths=2, ground=None, **options)
    with raises("path-steps"):
        kgbert.train(path_graph(), texts, paths=4, ground="labels", **options)
    with raises("task-without-paths"):
        steps_of_paths(TASKS["relation-extraction"], 2, split.train, None)
    model, processor = model_of(trained("text-classification"))
    batch = processor(["the lung"])
    with raises("batch-without-paths"):
        model(**{key: value for key, value in batch.items() if not key.startswith("path_")})
    with raises("other-path-types"):
        check_fit(model.config, plain_processor(processor))


def model_of(trained):
    return trained.model, trained.processor


def plain_processor(processor):
    return kgbert.KGBertProcessor(
        processor.tokenizer, processor.graph, processor.features, hops=2, max_length=40
    )


def test_texts_that_were_encoded_before_are_refused(trained):
    processor = trained("text-classification").processor
    (text,) = processor.encode(["nothing"])

    with raises("paths-not-counted"):
        processor.collate([replace(text, paths=None)])


def test_an_equal_graph_with_other_relation_ids_gives_the_same_paths(trained):
    model, examples = trained("text-classification"), path_split("text-classification").test
    pipeline = KGBertPipeline(model.model, model.processor, model.task)
    renamed = path_graph(part_relation="EX:consists")

    mapping = {x: x for x in renamed.relation_ids} | {"EX:consists": "has part"}

    other = pipeline.with_graph(renamed, relation_mapping=mapping)
    back = other.with_graph(path_graph())

    for before, *afters in zip(pipeline(examples), other(examples), back(examples), strict=True):
        for after in afters:
            assert before.probability == pytest.approx(after.probability, abs=1e-5)
            assert before.paths == after.paths


def test_a_graph_without_a_relation_of_any_path_is_refused(trained):
    model = trained("text-classification")
    builder = GraphBuilder()
    for entity in ("L:0", "L:1"):
        builder.add_name(entity, entity)
    builder.add_edge("L:0", "resembles", "L:1")

    assert not model.model.injections
    with raises("no-known-relation"):
        model.with_graph(builder.build(source="other relations"))


def test_hidden_entities_have_no_paths(trained):
    model, processor = model_of(trained("text-classification"))
    task, train = TASKS["text-classification"], path_split("text-classification").train
    augmenter = Augmenter(
        processor.graph, processor.linker, Regularization(entity_dropout=0.5), seed=0
    )

    examples = TrainingExamples(task, processor, train, model.config, augmenter=augmenter)

    texts = [text for unit in examples.units for text in unit]
    unlinked = [text for text in texts if not len(text.links.tokens)]
    assert 0 < len(unlinked) < len(texts)
    assert all(not len(text.paths.types) for text in unlinked)
    assert any(len(text.paths.types) for text in texts)
