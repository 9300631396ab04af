"""A task whose answer is only in the graph: the class of a text is a property of its entity."""

from functools import partial

import numpy as np
import pytest
import transformers

from kgbert.comparison.arms.arm import RunInputs
from kgbert.comparison.arms.registry import ARMS
from kgbert.data import Example, Span
from kgbert.encoding.processor import KGBertProcessor
from kgbert.features import entity_features
from kgbert.features.entity_features import EntityFeatures
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.models.layers.graph_encoder import ENCODERS
from kgbert.models.task_models import KGBertForSequenceClassification
from kgbert.tasks.registry import TASKS
from kgbert.training.inference import predict
from kgbert.training.trainer import default_arguments, fine_tune
from tests.support.tiny import FEATURES, ExactLinker, save_plain, tiny_tokenizer

TASK = TASKS["text-classification"]

#: Texts, of which the last hundred are tested and the hundred before them decide when to stop.
SIZE = 600

CLASSES = ("red", "green", "blue")
TEMPLATES = ("the {} is here", "a case of {}", "{} was seen", "no other than {}")


def planted(hops):
    """Return a graph and texts: ``hops`` edges away from an entity stands what it is.

    Names are meaningless and unique, so that nothing learnt of one says anything of another.
    """
    builder, examples = GraphBuilder(), []
    for colour in CLASSES:
        builder.add_name(colour, f"colour {colour}")
    for number, (name, label) in enumerate(named()):
        last = f"E:{number:03}"
        for step in range(1, hops):
            builder.add_entity(f"M:{number:03}.{step}")
            builder.add_edge(last, "leads to", f"M:{number:03}.{step}")
            last = f"M:{number:03}.{step}"
        builder.add_edge(last, "is", label)
        examples.append(told(builder, number, name, label))
    return builder.build(source="planted"), examples


def planted_relations():
    """Return a graph and texts: an entity has to do with every colour, but is only one of them."""
    builder, examples = GraphBuilder(), []
    for colour in CLASSES:
        builder.add_name(colour, f"colour {colour}")
    for number, (name, label) in enumerate(named()):
        for colour in CLASSES:
            relation = "is" if colour == label else "is not"
            builder.add_edge(f"E:{number:03}", relation, colour)
        examples.append(told(builder, number, name, label))
    return builder.build(source="planted relations"), examples


def named():
    """Return names that mean nothing, each with its colour."""
    generator = np.random.default_rng(0)
    letters = np.array(list("abcdefghiklmnoprstuvz"))
    names = sorted({"".join(word) for word in generator.choice(letters, (2 * SIZE, 6))})
    generator.shuffle(names)
    return [(names[number], CLASSES[generator.integers(3)]) for number in range(SIZE)]


def told(builder, number, name, label):
    """Name an entity, and return a text about it; its span says which entity that is."""
    entity, template = f"E:{number:03}", TEMPLATES[number % len(TEMPLATES)]
    builder.add_name(entity, name)
    start = template.index("{")
    return Example(template.format(name), label, (Span(start, start + len(name), "Thing", entity),))


def features(graph):
    """Return random vectors, of which only those of the colours can be learnt."""
    vectors = np.random.default_rng(1).normal(size=(len(graph), FEATURES)).astype(np.float16)
    return EntityFeatures(vectors, "random", "", graph.hash)


def accuracy(arm, task, folder, linker=ExactLinker, epochs=8, **options):
    graph, examples = task
    plain = save_plain(folder, "bert", KGBertForSequenceClassification)
    parts = examples[:-200], examples[-200:-100], examples[-100:]
    inputs = RunInputs(graph, features(graph), linker(graph), plain, parts, TASK)
    inputs = ARMS[arm].transform(inputs, 0)
    processor = KGBertProcessor(
        tiny_tokenizer("bert"),
        inputs.graph,
        inputs.features,
        linker=inputs.linker,
        max_length=40,
        expander=inputs.expander,
    )
    transformers.set_seed(0)
    model = KGBertForSequenceClassification.from_backbone(
        plain,
        inputs.graph,
        labels=CLASSES,
        feature_size=inputs.features.vectors.shape[1],
        knowledge_size=32,
        **ARMS[arm].options | options,
    )
    arguments = default_arguments(
        folder / "run",
        num_train_epochs=epochs,
        per_device_train_batch_size=32,
        learning_rate=3e-3,
        bf16=False,
        use_cpu=True,
        save_only_model=True,
    )
    train, validation, test = inputs.parts
    fine_tune(
        model,
        processor,
        train,
        validation,
        arguments=arguments,
        head_learning_rate=1e-2,
        patience=epochs,
    )
    found = predict(model, processor, TASK, TASK.encode(test, processor))
    right = [x.target == y.label for x, y in zip(test, found, strict=True)]
    return sum(right) / len(right)


@pytest.mark.slow
@pytest.mark.parametrize("encoder", sorted(set(ENCODERS) - {"none"}))
def test_knowledge_answers_what_only_the_graph_knows(encoder, tmp_path):
    assert accuracy("knowledge", planted(2), tmp_path, graph_encoder=encoder) > 0.95


@pytest.mark.slow
def test_knowledge_is_seen_at_a_distance_of_one_edge(tmp_path):
    assert accuracy("knowledge", planted(1), tmp_path) > 0.95


@pytest.mark.slow
@pytest.mark.parametrize(("arm", "hops"), [("plain", 1), ("shuffled", 2), ("no-edges", 1)])
def test_without_the_right_knowledge_answers_stay_at_chance(arm, hops, tmp_path):
    assert accuracy(arm, planted(hops), tmp_path) < 0.5


@pytest.mark.slow
@pytest.mark.parametrize("arm", ["rewired-edges", "names-only", "mention-only", "dummy"])
def test_controls_without_the_right_edges_stay_at_chance(arm, tmp_path, monkeypatch):
    encode = partial(entity_features.encode_entities, cache=None)
    monkeypatch.setattr(entity_features, "encode_entities", encode)

    assert accuracy(arm, planted(1), tmp_path) < 0.5


@pytest.mark.slow
@pytest.mark.parametrize("arm", ["random-features", "on2vec"])
def test_edges_alone_are_enough_where_they_hold_the_answer(arm, tmp_path):
    assert accuracy(arm, planted(1), tmp_path) > 0.95


@pytest.mark.slow
def test_wrong_links_cost_about_their_share(tmp_path):
    assert 0.5 < accuracy("noisy-links", planted(1), tmp_path) < 0.92


@pytest.mark.slow
def test_shuffled_relations_lose_what_only_relations_tell(tmp_path):
    known, shuffled = (
        accuracy(arm, planted_relations(), tmp_path / arm, epochs=12)
        for arm in ("knowledge", "shuffled-relations")
    )

    assert known > 0.95
    assert shuffled < 0.5


@pytest.mark.slow
def test_oracle_links_answer_where_the_linker_finds_nothing(tmp_path):
    assert accuracy("knowledge", planted(1), tmp_path / "none", FindsNothing) < 0.5
    assert accuracy("oracle-links", planted(1), tmp_path / "gold", FindsNothing) > 0.95


class FindsNothing:
    def __init__(self, graph):
        pass

    def __call__(self, texts):
        return [[] for _ in texts]


@pytest.mark.slow
def test_knowledge_one_hop_too_far_is_not_seen(tmp_path):
    assert accuracy("knowledge", planted(2), tmp_path, graph_layers=1) < 0.5
