"""What the graph says about a mention, as evidence for the tags of its words."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import kgbert
from kgbert.comparison.arms.arm import RunInputs
from kgbert.comparison.arms.links import OneEntityLinker
from kgbert.comparison.arms.registry import ARMS
from kgbert.comparison.run import check_arms, run_arm
from kgbert.comparison.study import Study
from kgbert.data import Example, Span
from kgbert.encoding.alignment import TokenEntityLinks
from kgbert.encoding.encoded import EncodedText
from kgbert.encoding.paths.finder import PathFinder
from kgbert.encoding.paths.kinds import path_features
from kgbert.explanation.explain import explain
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.linking.factory import make_linker
from kgbert.linking.mention import Candidate, Mention
from kgbert.tasks.registry import TASKS
from kgbert.tasks.token_classification import words_of
from kgbert.training.config import Regularization, TrainingConfig
from kgbert.training.evidence.words import fit_word_evidence
from kgbert.training.pipeline import KGBertPipeline
from kgbert.training.train import TrainingInputs, build_model, train_on
from tests.support.errors import raises
from tests.support.planted.word_classes import LABELS, NAMES, SIZE, class_graph, tagged_split
from tests.support.small_study import SHARED
from tests.support.tiny import tiny_features

TASK = TASKS["token-classification"]

CONFIG = TrainingConfig(1e-3, 2e-2, 3, 8, patience=3, max_length=40, options=SHARED)

pytestmark = pytest.mark.usefixtures("small_features")


def inputs_of(arm, backbone, split=None):
    graph, split = class_graph(), split or tagged_split()
    features, linker = tiny_features(graph), make_linker(graph, "dictionary")
    given = RunInputs(graph, features, linker, backbone, split.parts(), TASK, path_steps=1)
    given = ARMS[arm].transform(given, 0)
    return TrainingInputs(
        TASK, given.graph, given.features, given.linker, backbone, path_steps=given.path_steps
    )


@pytest.fixture(scope="module")
def trained(backbone):
    """Return a model of an arm."""
    known = {}

    def train(arm="paths"):
        if arm not in known:
            # Controls are compared with the arm that injects nothing.
            options = ARMS[arm].options if arm in ("plain", "knowledge") else ARMS["paths"].options
            config = replace(CONFIG, options={**SHARED, **options})
            known[arm] = train_on(inputs_of(arm, backbone), tagged_split(), config=config)
        return known[arm]

    return train


def untrained(backbone, split, **options):
    config = replace(CONFIG, options={**SHARED, "injected_layers": [], **options})
    return build_model(inputs_of("paths", backbone, split), split.train, config, seed=0)


def test_classes_tell_the_labels_of_names_that_training_never_saw(trained):
    controls = ("plain", "mention-only", "no-edges", "shuffled")

    assert trained("paths").test_metrics["f1"] > 0.95
    for arm in controls:
        assert trained(arm).test_metrics["f1"] < 0.85, arm


def test_the_weights_are_fitted_before_training(backbone):
    model, processor = untrained(backbone, tagged_split())
    examples = TASK.encode(tagged_split().test, processor)

    answers = KGBertPipeline(model, processor, TASK)(tagged_split().test)

    gold = [TASK.gold(each, processor.graph) for each in examples]
    assert TASK.score(gold, [each.answer for each in answers])["f1"] > 0.95


def test_mentions_that_say_nothing_about_tags_have_no_weight(backbone):
    # All words of half of the texts are tagged, whether or not they are mentions.
    texts = []
    for number in range(48):
        text = NAMES[number] if number % 4 < 2 else "other words"
        end = text.index(" ")
        spans = Span(0, end, "Word"), Span(end + 1, len(text), "Word")
        texts.append(Example(text, spans=spans * (number // 8 % 2)))

    model, _ = untrained(backbone, replace(tagged_split(), train=texts))

    assert not model.path_scorer.weight.any()
    assert not model.get_submodule(model.output_layer).bias.any()


def labelled(examples, label):
    return [replace(x, spans=(replace(x.spans[0], label=label),)) for x in examples]


def test_one_label_and_labels_of_texts_that_are_not_read_are_learnt(backbone, monkeypatch):
    monkeypatch.setattr("kgbert.training.evidence.words.MAX_TEXTS", 12)
    texts = tagged_split().train
    same = labelled(texts, "Drug")
    rare = [*labelled(texts[:-2], "Drug"), *labelled(texts[-2:-1], "Rare"), same[-1]]

    for texts in (same, rare):
        model, _ = untrained(backbone, replace(tagged_split(), train=texts))
        weights = model.path_scorer.weights
        assert weights.isfinite().all()
        labels = model.config.labels
        first = weights[model.config.path_types.index("first word of any entity")]
        assert labels[int(first.argmax())] == "B-Drug"


def test_without_mentions_a_text_has_the_scores_of_the_head(trained):
    model, processor = trained().model, trained().processor
    batch = processor(["nothing that the graph knows"])

    with torch.no_grad():
        scored = model(**batch).logits
        with model.without_knowledge():
            expected = model(**batch).logits

    assert torch.equal(scored, expected)


def test_with_all_weights_at_zero_it_is_the_ordinary_head(trained):
    model, processor = trained("knowledge").model, trained("knowledge").processor
    batch = processor([x.text for x in tagged_split().test])
    ordinary = {key: value for key, value in batch.items() if not key.startswith("path_")}
    scorer, model.path_scorer = model.path_scorer, None
    try:
        with torch.no_grad():
            expected = model(**ordinary).logits
    finally:
        model.path_scorer = scorer

    with torch.no_grad():
        weights = scorer.weight.clone()
        scored = model(**batch).logits
        scorer.weight.zero_()
        zero = model(**batch).logits
        scorer.weight.copy_(weights)

    assert torch.equal(zero, expected)
    assert not torch.equal(scored, expected)


def test_the_batch_does_not_change_the_answers(trained):
    model, processor = trained().model, trained().processor
    texts = [x.text for x in tagged_split().test[:4]] + [" ".join(NAMES[:5])]
    batch = processor(texts)

    with torch.no_grad():
        together = model(**batch).logits
        alone = [model(**processor([text])).logits[0] for text in texts]

    for row, expected in zip(together, alone, strict=True):
        torch.testing.assert_close(row[: len(expected)], expected, atol=1e-5, rtol=1e-5)


def test_batches_of_few_shapes_have_the_same_answers(trained):
    model, processor = trained("knowledge").model, trained("knowledge").processor
    batch = processor([x.text for x in tagged_split().test[:4]])
    padded = kgbert.pad_to_buckets(batch, model.read_position)

    with torch.no_grad():
        expected, found = model(**batch).logits, model(**padded).logits

    assert len(padded["path_cells"]) > len(batch["path_cells"])
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_padding_on_the_left_moves_the_mentions(trained):
    processor = trained().processor
    encoded = processor.encode([f"the {NAMES[0]}", f"the {NAMES[1]} again and again"])
    paths, width = processor.paths, len(encoded[1].offsets)
    shift = width - len(encoded[0].offsets)

    left = paths.arrays(encoded, width, [shift, 0])["path_cells"]
    right = paths.arrays(encoded, width, [0, 0])["path_cells"]

    count = len(encoded[0].paths.targets)
    assert shift
    assert (left[:count] - right[:count] == shift).all()
    assert (left[count:] == right[count:]).all()


def test_each_word_of_a_mention_has_the_type_of_its_place(trained):
    processor = trained().processor
    (encoded,) = processor.encode([f"the {NAMES[0]} again"])

    found = {
        (encoded.text[slice(*encoded.offsets[token])][:1], processor.paths.types[kind])
        for token, kind in zip(encoded.paths.targets, encoded.paths.types, strict=True)
    }

    first, second = (word[:1] for word in NAMES[0].split())
    label = f"C:{LABELS[0]}"
    assert {(first, f"first word of {label}"), (second, f"further word of {label}")} <= found
    assert (first, "first word of any entity") in found
    assert np.allclose(encoded.paths.values, 1.0)


def features_of(graph, *, steps=1, types=()):
    return path_features(PathFinder(graph, steps=steps), "words", types)


def test_a_path_of_two_steps_is_shown_as_it_was_found():
    builder = GraphBuilder()
    for entity in ("D", "X:1", "L:1", "L:2", *(f"D:{number}" for number in range(300))):
        builder.add_name(entity, entity)
    for number in range(300):
        builder.add_edge(f"D:{number}", "rdfs:subClassOf", "D")
    builder.add_edge("X:1", "treats", "D:7")
    builder.add_edge("X:1", "made in", "L:1")
    builder.add_edge("L:1", "part of", "L:2")
    graph = builder.build()
    finder = PathFinder(graph, steps=2)
    ids, start = graph.entity_ids, graph.index("X:1")

    reached = {ids[x]: finder.path_to(start, x) for x in finder.reached(start)}

    # The hierarchy below D is too wide for the second step.
    assert set(reached) == {"X:1", "D:7", "L:1", "L:2"}
    stations, name = reached["L:2"]
    assert [ids[x] for x in stations] == ["X:1", "L:1", "L:2"]
    assert name == "made in · part of"
    assert reached["X:1"][1] == "same"
    assert "D" in {ids[x] for x in PathFinder(graph, steps=1).reached(graph.index("D:7"))}


def test_the_entities_of_another_graph_are_found_by_the_spelling_of_their_ids():
    builder = GraphBuilder()
    builder.add_name("http://purl.obolibrary.org/obo/DOID_4", "disease")
    graph = builder.build()
    mention = Mention(0, 7, (Candidate(graph.entity_ids[0], 1.0),))
    text = EncodedText("disease", {}, [(0, 7)], [0], [mention], TokenEntityLinks())

    counted = features_of(graph, types=("first word of DOID:4",)).count(text)

    assert counted.types.tolist() == [0]


def test_a_blank_before_a_word_has_no_evidence():
    graph = class_graph()
    name, entity = NAMES[0], "E:0"
    text = f"a {name}"
    mention = Mention(2, len(text), (Candidate(entity, 1.0),))
    cut = 2 + name.index(" ")
    # The blank between both words of the name is a word of its own.
    offsets = [(0, 1), (1, 2), (2, cut), (cut, cut + 1), (cut + 1, len(text))]
    encoded = EncodedText(text, {}, offsets, [0, 1, 1, 2, 3], [mention], TokenEntityLinks())
    types = ("first word of any entity", "further word of any entity")

    counted = features_of(graph, types=types).count(encoded)

    words = [word.token for word in words_of(Example(text), encoded)]
    assert words[1:] == counted.targets.tolist() == [2, 4]
    assert counted.types.tolist() == [0, 1]


def test_mentions_are_as_certain_in_the_control_as_in_the_model(backbone):
    graph = class_graph()
    known = tuple(Candidate(f"E:{number}", 0.5) for number in range(2))
    mentions = [Mention(0, 3, known), Mention(4, 7, (Candidate("unknown", 1.0),))]

    ((first, second),) = OneEntityLinker(lambda texts: [mentions], graph)(["abc def"])

    assert first.candidates == (Candidate(graph.entity_ids[0], 1.0),)
    assert second == mentions[1]


def test_a_head_that_has_learnt_gets_no_evidence(backbone):
    model, processor = untrained(backbone, tagged_split())
    with torch.no_grad():
        model.path_scorer.weight.zero_()
        model.get_submodule(model.output_layer).bias.fill_(0.5)

    fit_word_evidence(model, processor, TASK, tagged_split().train)

    assert not model.path_scorer.weight.any()
    assert not model.path_scorer.weight.requires_grad


def test_a_saved_model_finds_the_same(trained, tmp_path):
    examples = tagged_split().test

    saved = kgbert.pipeline(trained().save(tmp_path / "model"))

    for before, after in zip(trained().predict(examples), saved(examples), strict=True):
        assert before.answer == after.answer
        assert before.paths == after.paths


def test_a_prediction_names_the_class_that_counted(trained):
    (prediction,) = trained().predict([tagged_split().test[0]])

    number = next(n for n in range(SIZE) if NAMES[n] in prediction.text)
    names = {step for path in prediction.paths for step in path.steps}
    assert NAMES[number] in names
    assert any(path.answer == f"B-{LABELS[number]}" for path in prediction.paths)
    lines = [path.line() for path in prediction.paths]
    assert any("(first word of any entity)" in line for line in lines)
    assert any(f"→ class of the {LABELS[number]}" in line for line in lines)


def test_an_explanation_removes_the_types_of_a_word(trained):
    text = tagged_split().test[0]
    (answer,) = trained().predict([text])
    pipeline = KGBertPipeline(trained().model, trained().processor, TASK)

    (explanation,) = explain(pipeline, [text])

    assert answer.spans
    assert any(path.value > 0 for each in explanation.answers for path in each.paths)


def test_hidden_entities_are_no_evidence(backbone):
    config = replace(CONFIG, regularization=Regularization(entity_dropout=0.9), epochs=1)

    model = train_on(inputs_of("paths", backbone), tagged_split(), config=config)

    assert np.isfinite(list(model.training.metrics.values())).all()


def test_the_dictionary_tags_mentions_without_an_encoder(backbone, tmp_path):
    graph, linker = class_graph(), make_linker(class_graph(), "dictionary")
    study = Study(
        name="classes",
        folder=tmp_path,
        graph=graph,
        features=tiny_features(graph),
        backbone=backbone,
        linker=linker,
        task=TASK,
        split=lambda seed: tagged_split(),
        path_steps=1,
        arms=[ARMS["dictionary"]],
        seeds=range(1),
        training_configs={"default": CONFIG},
    )

    record = run_arm(study, ARMS["dictionary"], 0).record

    assert record.metrics["f1"] > 0.95
    assert 0 < record.cost.parameters < 1000
    with raises("paths-not-counted-in-study"):
        check_arms(replace(study, path_steps=0))


def test_the_dictionary_is_for_tags():
    with raises("arm-without-tags"):
        ARMS["dictionary"].transform(
            RunInputs(*[None] * 5, TASKS["text-classification"], path_steps=1), 0
        )


def test_the_steps_are_one_unless_a_number_is_given(backbone):
    texts = tagged_split()
    data = {"train": texts.train, "validation": texts.validation, "test": texts.test}
    options = {"backbone": backbone, "task": TASK.name, "config": replace(CONFIG, epochs=1)}

    assert kgbert.train(class_graph(), data, **options).model.config.path_steps == 1
    assert kgbert.train(class_graph(), data, paths=0, **options).model.path_scorer is None
    with raises("paths-of-words-without-lengths"):
        inputs_of("path-counts", backbone)
