"""Labels that are entities: training, zero-shot prediction, new labels, saving."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

import kgbert
from kgbert.data import Example, Span
from kgbert.explanation.explain import explain
from kgbert.features import feature_sources
from kgbert.features.label_sets import LabelSets, LexicalIndex, encode_label_sets
from kgbert.tasks.base import ExplainedAnswer
from kgbert.training.config import TrainingConfig
from kgbert.training.evidence.grounding import ground_task
from kgbert.training.evidence.scale import fit_binary
from kgbert.training.train import TrainingInputs, build_model, grounded_task
from kgbert.utils.paths import LABEL_SETS_FILE
from kgbert.utils.progress import LOG_REPORTER
from tests.support.errors import raises
from tests.support.planted.label_children import CHILDREN, NAMES, label_graph, labelled_texts
from tests.support.small_study import SHARED
from tests.support.tiny import tiny_features

CONFIG = TrainingConfig(epochs=2, batch_size=8, max_length=40, options=SHARED)


pytestmark = pytest.mark.usefixtures("small_features")


def accuracy(pipeline, examples):
    answers = [x.answer for x in pipeline([x.text for x in examples])]
    return np.mean([answer == x.target for answer, x in zip(answers, examples, strict=True)])


def test_texts_get_the_label_whose_child_they_name_without_training(backbone):
    examples = labelled_texts(*CHILDREN)

    pipeline = kgbert.zero_shot(label_graph(), list(CHILDREN), backbone=backbone)

    assert accuracy(pipeline, examples) > 0.9
    (prediction,) = pipeline(["tuba"])
    nearest = prediction.nearest_labels[0]
    assert (nearest.label, nearest.kind) == ("L:2", "child")


def test_the_text_of_the_label_that_the_text_chose_is_ranked_first(backbone):
    pipeline = kgbert.zero_shot(label_graph(), list(CHILDREN), backbone=backbone)
    children = [child for own in CHILDREN.values() for child in own]

    found = explain(pipeline, children, parts=["labels"])

    first = [each.answers[0].labels[0] for each in found]
    assert np.mean([x.text == child for x, child in zip(first, children, strict=True)]) >= 0.95
    assert all(x.value > 0 and x.kind == "child" for x in first)
    shown = "\n".join(found[0].lines())
    assert "L:1: child 'quartz'" in shown


def test_a_hidden_text_of_a_label_is_missing_in_its_scores(backbone):
    pipeline = kgbert.zero_shot(label_graph(), list(CHILDREN), backbone=backbone)
    smaller = kgbert.GraphEditor(label_graph())
    smaller.retire("L:2.0")
    without = pipeline.with_graph(smaller.build())

    (found,) = explain(pipeline, ["tuba"], parts=["labels"], answer="L:2", contrast="L:1")

    (expected,) = explain(without, ["tuba"], parts=["labels"], answer="L:2", contrast="L:1")
    (tuba,) = [x for x in found.answers[0].labels if x.text == "tuba"]
    score = found.answers[0].score - tuba.value
    assert score == pytest.approx(expected.answers[0].score, abs=0.05)


@pytest.fixture(scope="module")
def tagged(backbone):
    """Return texts whose spans are named like a child of their type, and a model that tags them."""
    texts = [
        Example(f"a {child}", spans=(Span(2, 2 + len(child), label),), id=child)
        for label, children in CHILDREN.items()
        for child in children
    ]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(
            feature_sources, "encode_entities", lambda graph, _, **rest: tiny_features(graph)
        )
        trained = kgbert.train(
            label_graph(),
            {"train": texts, "validation": texts, "test": texts},
            backbone=backbone,
            task="token-classification",
            ground="labels",
            paths=0,
            config=replace(CONFIG, epochs=6, encoder_learning_rate=2e-3),
        )
    return texts, trained


def test_the_text_of_the_type_that_a_span_chose_is_ranked_first(tagged):
    texts, trained = tagged
    predictions = trained.predict([x.text for x in texts])
    right = [
        example
        for example, prediction in zip(texts, predictions, strict=True)
        if [(x.start, x.end, x.label) for x in prediction.spans]
        == [(x.start, x.end, x.label) for x in example.spans]
    ]
    assert len(right) >= 0.6 * len(texts)

    found = explain(trained, [x.text for x in right], parts=["labels"])

    labels = [each.answers[0].labels for each in found]
    assert np.mean([x[0].text == text.id for x, text in zip(labels, right, strict=True)]) >= 0.95
    # The tags of a type share its texts, each of which is one part.
    for shown in labels:
        assert len({(x.label, x.text) for x in shown}) == len(shown)
        assert {x.label for x in shown} == set(CHILDREN)


def test_a_hidden_text_of_a_type_is_missing_for_each_of_its_tags(tagged):
    _, trained = tagged
    sets, task = trained.processor.label_sets, trained.task
    (found,) = explain(trained, ["a tuba"], parts=["labels"], answer="2-6 L:2", contrast="L:1")
    (encoded,) = task.encode([Example("a tuba")], trained.processor)
    places = [place for place, text in enumerate(sets.texts) if text == "tuba"]

    def hide(scorer, arguments):
        return (arguments[0].index_fill(-1, torch.tensor(places), -torch.inf),)

    handle = trained.model.label_scorer.register_forward_pre_hook(hide)
    with torch.inference_mode():
        batch = task.collate(encoded.units, trained.processor, 0)
        outputs = task.compute_outputs(trained.model.eval(), batch, trained.processor)
    handle.remove()

    (tuba,) = [x for x in found.answers[0].labels if x.text == "tuba"]
    answer = ExplainedAnswer("2-6 L:2", "L:1")
    expected = task.answer_scores([outputs], answer, encoded, trained.model.config)
    assert len(places) == 2
    assert found.answers[0].score - tuba.value == pytest.approx(float(expected), abs=1e-3)


def test_names_of_labels_alone_do_not_tell_them(backbone):
    graph = label_graph()
    sets = encode_label_sets(graph, {x: x for x in CHILDREN}, backbone, kinds=["name"], cache=None)

    assert sets.texts == tuple(NAMES.values())


def test_labels_without_entity_are_refused(backbone):
    with raises("label-without-entity"):
        kgbert.zero_shot(label_graph(), ["L:1", "L:9"], backbone=backbone)
    with raises("too-few-labels"):
        kgbert.zero_shot(label_graph(), ["L:1"], backbone=backbone)
    with raises("no-grounded-label"):
        texts = [Example(x.text, f"other {x.target}") for x in labelled_texts("L:1", "L:2")]
        kgbert.train(
            label_graph(), texts, backbone=backbone, task="text-classification", ground="labels"
        )


def train(backbone, texts, **options):
    return kgbert.train(
        label_graph(),
        texts,
        validation=texts[::3],
        test=texts[1::3],
        backbone=backbone,
        task="text-classification",
        config=CONFIG,
        **options,
    )


def test_labels_without_training_texts_are_predicted(backbone):
    everything = {label: label for label in CHILDREN}

    trained = train(backbone, labelled_texts("L:1", "L:2"), ground=everything)

    assert trained.model.config.untrained_labels == ["L:3", "L:4"]
    assert accuracy(trained.predict, labelled_texts("L:3", "L:4")) > 0.7


def test_the_bias_towards_trained_labels_is_calibrated_and_reported(backbone, tmp_path):
    texts = labelled_texts(*CHILDREN)

    trained = kgbert.train(
        label_graph(),
        labelled_texts("L:1", "L:2"),
        validation=texts,
        test=texts,
        backbone=backbone,
        task="text-classification",
        config=replace(CONFIG, epochs=1),
        ground={label: label for label in CHILDREN},
    )

    scores = trained.test_metrics
    assert scores["harmonic_mean"] >= min(scores["accuracy_seen"], scores["accuracy_unseen"])
    assert "seen_offset" in trained.model.config.task_settings
    assert "hierarchical_f1" not in scores  # no hierarchy relates the labels
    saved = kgbert.pipeline(trained.save(tmp_path / "model")).evaluate(texts)
    for name, value in scores.items():
        assert saved.metrics[name] == pytest.approx(value, abs=1e-6)


def test_tags_of_types_with_training_spans_are_trained():
    task = kgbert.TASKS["token-classification"].declaring(["L:1", "L:2"])
    train = [Example("a tuba", spans=(Span(2, 6, "L:1"),))]
    grounding = kgbert.ground(["L:1", "L:2"], label_graph())

    grounded = grounded_task(task, label_graph(), grounding, train)

    assert list(grounded.label_space(train).labels) == ["O", "B-L:1", "I-L:1"]
    assert not list(grounded.untrained_labels)


def test_texts_that_mention_no_entity_are_learnt_with_grounded_labels(backbone):
    reporter = Messages()
    texts = [Example(f"word {n}", label) for n in range(4) for label in ("L:1", "L:2")]

    trained = train(backbone, texts, ground="labels", reporter=reporter)

    assert any("no training text mentions an entity" in message for message in reporter.messages)
    assert trained.predict(["tuba"])[0].nearest_labels
    with raises("nothing-linked"):
        train(backbone, texts, ground=None)


@pytest.mark.parametrize(
    ("names", "is_grounded"), [({}, True), ({"L:3": "war", "L:4": "sea"}, True),
                               ({"L:2": "hope", "L:3": "war", "L:4": "sea"}, False)],
)  # fmt: skip
def test_labels_are_grounded_where_at_least_half_are_entities(names, is_grounded):
    reporter, task = Messages(), kgbert.TASKS["text-classification"]
    texts = [replace(x, target=names.get(x.target, x.target)) for x in labelled_texts(*CHILDREN)]

    grounding = ground_task(task, texts, label_graph(), "auto", reporter)

    assert bool(grounding) == is_grounded
    assert len(reporter.messages) == is_grounded


def test_types_of_spans_are_not_grounded_by_default():
    task, texts = kgbert.TASKS["token-classification"], [Example("x", spans=(Span(0, 1, "L:1"),))]

    assert ground_task(task, texts, label_graph(), "auto") is None
    assert ground_task(task, texts, label_graph(), "labels").entities == {"L:1": "L:1"}


class Messages(type(LOG_REPORTER)):
    def __init__(self):
        self.messages = []

    def message(self, text):
        self.messages.append(text)


def test_the_saved_model_predicts_the_same(backbone, tmp_path):
    examples = labelled_texts("L:1", "L:2", "L:3")
    trained = train(backbone, examples, ground="labels")
    texts = [x.text for x in examples]

    saved = kgbert.pipeline(trained.save(tmp_path / "model"))

    for before, after in zip(trained.predict(texts), saved(texts), strict=True):
        assert before.answer == after.answer
        assert before.probability == pytest.approx(after.probability, abs=1e-5)
        assert [x.label for x in before.nearest_labels] == [x.label for x in after.nearest_labels]


def test_a_saved_model_without_its_label_vectors_is_refused(backbone, tmp_path):
    folder = train(backbone, labelled_texts("L:1", "L:2"), ground="labels").save(tmp_path / "model")
    for name in ("label_sets.safetensors", "kgbert_checksums.json"):
        (folder / name).unlink()

    with raises("missing-label-vectors"):
        kgbert.load_model(folder)


def test_new_labels_need_no_training(backbone):
    trained = train(backbone, labelled_texts("L:1", "L:2"), ground="labels")
    pipeline = kgbert.training.pipeline.KGBertPipeline(
        trained.model, trained.processor, trained.task
    )
    seen = [x.text for x in labelled_texts("L:1", "L:2")]

    wider = pipeline.with_labels(CHILDREN.keys())

    assert accuracy(wider, labelled_texts("L:3", "L:4")) > 0.7
    # What was learnt about the labels that stay is kept.
    same = wider.with_labels(["L:1", "L:2"])
    for before, after in zip(pipeline(seen), same(seen), strict=True):
        assert before.probability == pytest.approx(after.probability, abs=1e-5)


def test_other_models_have_no_new_labels(backbone):
    trained = train(backbone, labelled_texts("L:1", "L:2"), ground=None)
    pipeline = kgbert.training.pipeline.KGBertPipeline(
        trained.model, trained.processor, trained.task
    )

    with raises("labels-not-grounded"):
        pipeline.with_labels(["L:1", "L:2", "L:3"])


def test_labels_above_a_predicted_one_are_added_if_asked(backbone):
    labels = ["L:1", "L:1.0", "L:2", "L:2.1"]
    pipeline = kgbert.zero_shot(
        label_graph(), labels, backbone=backbone, task="multi-label-classification"
    )
    closed = pipeline.with_parents()
    (encoded,) = closed.task.encode([Example("quartz")], closed.processor)
    logits = [
        np.array([-2.0, 1.0, -1.0, -3.0])[[labels.index(x) for x in closed.model.config.labels]]
    ]

    alone, with_parents = (
        each.task.decode(logits, encoded, closed.model.config, closed.graph)
        for each in (pipeline, closed)
    )

    assert alone.answer.labels == {"L:1.0"}
    assert with_parents.answer.labels == {"L:1", "L:1.0"}
    assert [x.label for x in with_parents.ranking] == ["L:1", "L:1.0", "L:2", "L:2.1"]


def test_parents_are_added_only_where_labels_have_some(backbone):
    single = kgbert.zero_shot(label_graph(), list(CHILDREN), backbone=backbone)
    unrelated = kgbert.zero_shot(
        label_graph(), list(CHILDREN), backbone=backbone, task="multi-label-classification"
    )

    with raises("not-multi-label"):
        single.with_parents()
    with raises("no-parents"):
        unrelated.with_parents()


def test_several_labels_a_text(backbone):
    texts = [
        Example(f"a {one} with {two}", tuple(sorted((a, b))))
        for a, b in (("L:1", "L:2"), ("L:3", "L:4"), ("L:1", "L:4"))
        for one, two in zip(CHILDREN[a], CHILDREN[b], strict=True)
    ]

    trained = kgbert.train(
        label_graph(),
        texts,
        validation=texts,
        test=texts,
        backbone=backbone,
        task="multi-label-classification",
        ground="labels",
        config=CONFIG,
    )

    assert trained.test_metrics["r_precision"] > 0.8


def test_with_the_scale_at_zero_it_is_the_ordinary_head(backbone):
    trained = train(backbone, labelled_texts("L:1", "L:2"), ground="labels")
    model, batch = trained.model.eval(), trained.processor(["a tuba", "a quartz"])

    with torch.no_grad():
        scored = model(**batch).logits
        model.label_scorer.scale.zero_()
        ordinary = model(**batch).logits
        config = type(model.config)(**{**model.config.to_dict(), "label_vectors": False})
        head = type(model)(config)
        head.load_state_dict(model.state_dict(), strict=False)
        expected = head.eval()(**batch).logits

    assert torch.equal(ordinary, expected)
    assert not torch.equal(scored, expected)


def test_a_graph_that_is_left_out_leaves_no_text_of_a_label_in_the_folder(backbone, tmp_path):
    labels = {"L:1": "L:1", "gems": "L:1.0"}
    pipeline = kgbert.zero_shot(label_graph(), labels, backbone=backbone)
    folder = pipeline.save(tmp_path / "model", include_graph=False)

    again = kgbert.pipeline(folder, graph=label_graph())

    held = b"".join(x.read_bytes() for x in folder.iterdir() if not x.name.startswith("tokenizer"))
    assert not [name for name in (*CHILDREN["L:1"], NAMES["L:1"]) if name.encode() in held]
    assert again.processor.label_sets.texts == pipeline.processor.label_sets.texts
    texts = ["a quartz", "a tuba"]
    assert [str(x) for x in again(texts)] == [str(x) for x in pipeline(texts)]
    assert not any(LabelSets.load(folder / LABEL_SETS_FILE).texts)


def test_damaged_label_vectors_are_refused(backbone, tmp_path):
    sets = encode_label_sets(label_graph(), {"L:1": "L:1"}, backbone, cache=None)
    path = tmp_path / "sets.safetensors"
    sets.save(path)
    assert LabelSets.load(path).texts == sets.texts
    path.write_bytes(path.read_bytes()[:-8])

    with raises("damaged-label-vectors"):
        LabelSets.load(path)


def test_spelling_counts_from_zero_to_one(backbone):
    sets = encode_label_sets(label_graph(), {x: x for x in CHILDREN}, backbone, cache=None)
    index = LexicalIndex(sets.spread({"none": None, **{x: x for x in CHILDREN}}))

    similarities = index(["fiddle", "zzz"])

    assert similarities.shape == (2, 5)
    assert similarities[0].argmax() == 2
    assert similarities[0].max() == pytest.approx(1, abs=1e-3)
    assert np.array_equal(pickle.loads(pickle.dumps(index))(["fiddle", "zzz"]), similarities)
    assert not similarities[1].any()
    assert not similarities[:, 0].any()


def test_similarity_counts_where_it_tells_the_training_texts_apart(backbone):
    told, other = (train(backbone, texts, ground="labels") for texts in (
        labelled_texts(*CHILDREN),
        [replace(x, target=f"L:{1 + n % 2}") for n, x in enumerate(labelled_texts(*CHILDREN))],
    ))  # fmt: skip

    assert told.model.label_scorer.scale > 5
    assert other.model.label_scorer.scale < 0.1


@pytest.mark.parametrize("shift", [-1.0, 0.0, 0.4])
def test_scale_and_offset_of_several_labels_separate_them(shift):
    generator = np.random.default_rng(0)
    has_label = generator.random((80, 5)) < 0.3
    scores = np.where(has_label, 0.7, 0.2) + 0.1 * generator.standard_normal((80, 5)) + shift

    def fit(scores, has_label):
        nothing = csr_matrix((has_label.size, 0))
        values = has_label.ravel(), scores.ravel(), nothing, np.zeros(0), np.ones(has_label.size)
        return fit_binary(*values)

    scale, intercept, _ = fit(scores, has_label)

    assert 10 < scale < 60
    assert 0.3 + shift < -intercept / scale < 0.6 + shift
    assert fit(generator.standard_normal((80, 5)), has_label).scale == 0
    assert fit(scores, np.zeros_like(has_label)).scale == 0


def test_without_the_graph_labels_are_not_compared(backbone):
    trained = train(backbone, labelled_texts("L:1", "L:2"), ground="labels")
    model, batch = trained.model.eval(), trained.processor(["a word"])

    with torch.no_grad(), model.without_knowledge():
        disabled = model(**batch).logits
    model.label_scorer.scale.data.zero_()

    with torch.no_grad(), model.without_knowledge():
        assert torch.equal(model(**batch).logits, disabled)
    with torch.no_grad():
        assert torch.equal(model(**batch).logits, disabled)


def test_numbers_are_not_grounded_even_if_an_entity_is_called_value():
    builder = kgbert.GraphBuilder()
    builder.add_name("V:1", "value")
    graph, task = builder.build(), kgbert.TASKS["regression"]
    texts = [Example("a", 1.0), Example("b", 2.0)]

    assert ground_task(task, texts, graph, "auto") is None
    with raises("task-not-groundable"):
        ground_task(task, texts, graph, "labels")


def test_a_label_that_another_seed_lacks_is_described_by_its_own_words(backbone):
    grounding = kgbert.ground(["L:1", "L:2"], label_graph())
    inputs = TrainingInputs(
        kgbert.TASKS["text-classification"],
        label_graph(),
        tiny_features(label_graph()),
        kgbert.make_linker(label_graph(), "dictionary"),
        backbone,
        grounding=grounding,
    )

    _, processor = build_model(inputs, labelled_texts("L:1", "L:2", "L:3"), CONFIG, seed=0)

    assert processor.label_sets.labels == ("L:1", "L:2", "L:3")
    assert processor.label_sets.entities == ("L:1", "L:2", "")


def test_new_labels_are_compared_where_training_did_not_compare(backbone, caplog):
    texts = [replace(x, target=f"L:{1 + n % 2}") for n, x in enumerate(labelled_texts(*CHILDREN))]
    trained = train(backbone, texts, ground="labels")
    pipeline = kgbert.training.pipeline.KGBertPipeline(
        trained.model, trained.processor, trained.task
    )

    other = pipeline.with_labels(["L:3", "L:4"])

    assert "did not tell the training texts apart" in caplog.text
    assert accuracy(other, labelled_texts("L:3", "L:4")) > 0.7
