import pytest

from kgbert.features.entity_features import encode_entities
from kgbert.features.label_sets import encode_label_sets
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.linking.embedding.training import train_linker
from kgbert.linking.factory import make_linker
from kgbert.models.task_models import KGBertModel
from kgbert.pretraining.ontology import pretrain_on_graph
from kgbert.pretraining.pretrain import pretrain
from tests.support.errors import raises
from tests.support.tiny import tiny_graph


@pytest.fixture(scope="module")
def folder(plain_folder):
    return str(plain_folder("bert", KGBertModel))


def japanese_graph():
    builder = GraphBuilder()
    for entity, names in {"EX:1": ("発熱 ア", "高熱 イ"), "EX:2": ("咳 ウ", "咳嗽 エ")}.items():
        builder.add_entity(entity)
        for name in names:
            builder.add_name(entity, name, scope="preferred" if name is names[0] else "exact")
    return builder.build()


def encode_labels(graph, folder, _):
    encode_label_sets(graph, {"a": "EX:1", "b": "EX:2"}, folder, cache=None)


GRAPH_PATHS = {
    "entity features": lambda graph, folder, _: encode_entities(graph, folder, cache=None),
    "label sets": encode_labels,
    "description linker": lambda graph, folder, _: make_linker(graph, f"description:{folder}")(
        ["fever and cough"]
    ),
    "embedding linker": lambda graph, folder, _: make_linker(graph, f"embedding:{folder}"),
    "linker training": lambda graph, folder, _: train_linker(graph, folder),
    "pretraining": lambda graph, folder, path: pretrain_on_graph(
        graph, backbone=folder, output=path / "encoder"
    ),
}


@pytest.mark.parametrize("path", GRAPH_PATHS)
def test_a_graph_of_unknown_tokens_is_refused(folder, tmp_path, path):
    with raises("unknown-tokens"):
        GRAPH_PATHS[path](japanese_graph(), folder, tmp_path)


def test_a_corpus_of_unknown_tokens_is_refused(folder, tmp_path):
    texts = [f"発熱 と 咳 {'熱 ' * number}" for number in range(12)]

    with raises("unknown-tokens"):
        pretrain(texts, backbone=folder, output=tmp_path / "encoder")


def test_a_description_linker_refuses_texts_of_unknown_tokens(folder):
    linker = make_linker(tiny_graph(), f"description:{folder}")

    with raises("unknown-tokens"):
        linker(["発 熱 と 咳 " * 10] * 2)


def test_cached_vectors_do_not_hide_that_the_tokens_are_unknown(folder, tmp_path, monkeypatch):
    module = "kgbert.features.entity_features.check_graph_is_known"
    with monkeypatch.context() as patched:
        patched.setattr(module, lambda *_: None)
        encode_entities(japanese_graph(), folder, cache=tmp_path)

    with raises("unknown-tokens"):
        encode_entities(japanese_graph(), folder, cache=tmp_path)
