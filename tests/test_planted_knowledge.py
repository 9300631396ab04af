"""A task whose answer is only in the graph: the class of a text is a property of its entity."""

import numpy as np
import pytest
import transformers
from tiny import FEATURES, ExactLinker, save_plain, tiny_tokenizer

from kgbert.batching.features import EntityFeatures
from kgbert.batching.processor import KGBertProcessor
from kgbert.comparing.arms import ARMS
from kgbert.graph.builder import GraphBuilder
from kgbert.modeling.encoders import ENCODERS
from kgbert.modeling.models import KGBertForSequenceClassification
from kgbert.texts import Example
from kgbert.training.answers import answer
from kgbert.training.fine_tune import default_arguments, fine_tune
from kgbert.training.tasks import TASKS

#: Texts, of which the last hundred are tested and the hundred before them decide when to stop.
SIZE = 600

CLASSES = ("red", "green", "blue")
TEMPLATES = ("the {} is here", "a case of {}", "{} was seen", "no other than {}")


def planted(hops):
    """Return a graph and texts: ``hops`` edges away from an entity stands what it is.

    Names are meaningless and unique, so that nothing learnt of one says anything of another.
    """
    generator = np.random.default_rng(0)
    letters = np.array(list("abcdefghiklmnoprstuvz"))
    names = sorted({"".join(word) for word in generator.choice(letters, (2 * SIZE, 6))})
    generator.shuffle(names)
    builder = GraphBuilder()
    for colour in CLASSES:
        builder.add_name(colour, f"colour {colour}")
    examples = []
    for number in range(SIZE):
        entity, label = f"E:{number:03}", CLASSES[generator.integers(3)]
        builder.add_name(entity, names[number])
        last = entity
        for step in range(1, hops):
            builder.add_entity(f"M:{number:03}.{step}")
            builder.add_edge(last, "leads to", f"M:{number:03}.{step}")
            last = f"M:{number:03}.{step}"
        builder.add_edge(last, "is", label)
        examples.append(Example(TEMPLATES[number % len(TEMPLATES)].format(names[number]), label))
    return builder.build(source="planted"), examples


def features(graph):
    """Return random vectors, of which only those of the colours can be learnt."""
    vectors = np.random.default_rng(1).normal(size=(len(graph), FEATURES)).astype(np.float16)
    return EntityFeatures(vectors, "random", "", graph.hash)


def accuracy(arm, hops, folder, **options):
    graph, examples = planted(hops)
    linker = ExactLinker(graph)
    processor = KGBertProcessor(
        tiny_tokenizer("bert"),
        graph,
        features(graph),
        linker=ARMS[arm].relink(linker, graph, 0),
        max_length=40,
    )
    transformers.set_seed(0)
    plain = save_plain(folder, "bert", KGBertForSequenceClassification)
    model = KGBertForSequenceClassification.from_backbone(
        plain,
        graph,
        labels=CLASSES,
        feature_size=FEATURES,
        knowledge_size=32,
        **ARMS[arm].options | options,
    )
    train, validation, test = examples[:-200], examples[-200:-100], examples[-100:]
    arguments = default_arguments(
        folder / "run",
        num_train_epochs=12,
        per_device_train_batch_size=16,
        learning_rate=1e-3,
        bf16=False,
        use_cpu=True,
        save_only_model=True,
    )
    fine_tune(
        model,
        processor,
        train,
        validation,
        arguments=arguments,
        head_learning_rate=5e-3,
        patience=12,
    )
    encoded = processor.encode([example.text for example in test])
    found = answer(model, processor, encoded, TASKS["text-classification"])
    right = [x.label == y for x, y in zip(test, found, strict=True)]
    return sum(right) / len(right)


@pytest.mark.slow
@pytest.mark.parametrize("hops", [1, 2])
@pytest.mark.parametrize("encoder", sorted(set(ENCODERS) - {"none"}))
def test_knowledge_answers_what_only_the_graph_knows(encoder, hops, tmp_path):
    assert accuracy("knowledge", hops, tmp_path, graph_encoder=encoder) > 0.95


@pytest.mark.slow
@pytest.mark.parametrize("hops", [1, 2])
@pytest.mark.parametrize("arm", ["plain", "shuffled", "no edges"])
def test_without_the_right_knowledge_answers_stay_at_chance(arm, hops, tmp_path):
    assert accuracy(arm, hops, tmp_path) < 0.5


@pytest.mark.slow
def test_knowledge_one_hop_too_far_is_not_seen(tmp_path):
    assert accuracy("knowledge", 2, tmp_path, graph_layers=1) < 0.5
