import os
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgbert import GraphError, read_graph
from kgbert.graph.serialization import load_graph, save_graph
from kgbert.graph.storage.builder import GraphBuilder
from tests.support.five_entities import OBO, expected


def test_a_saved_graph_opens_as_it_was(tmp_path):
    path = tmp_path / "five.obo"
    path.write_text(OBO)
    graph = read_graph(path)

    loaded = load_graph(save_graph(graph, tmp_path / "graph.safetensors"))

    assert loaded == graph
    assert (loaded.source, loaded.version, loaded.licence) == (str(path), "", "")
    assert loaded.replaced == graph.replaced == {"EX:0000009": "EX:0000002"}
    assert loaded.notes == graph.notes
    assert loaded.entity("EX:0000004") == graph.entity("EX:0000004")


def test_a_loaded_graph_lies_in_a_mapped_file(tmp_path):
    loaded = load_graph(save_graph(expected(), tmp_path / "graph.safetensors"))

    base = loaded.heads
    while not isinstance(base, np.memmap):
        base = base.base

    assert isinstance(base, np.memmap)


def test_the_file_holds_no_pickle(tmp_path):
    path = save_graph(expected(), tmp_path / "graph.safetensors")

    with pytest.raises((pickle.UnpicklingError, EOFError, KeyError, ValueError)):
        pickle.loads(path.read_bytes())


def test_a_missing_file_is_refused_with_the_remedy(tmp_path):
    with pytest.raises(GraphError, match=r"absent\.safetensors: no such file.*save_graph\("):
        load_graph(tmp_path / "absent.safetensors")


@given(share=st.floats(0, 0.999))
def test_a_truncated_file_is_refused_wherever_it_ends(share, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cut")
    path = save_graph(expected(), folder / "graph.safetensors")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])

    with pytest.raises(GraphError, match="damaged"):
        load_graph(path)


@given(share=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_is_noticed_or_does_not_matter(share, bit, tmp_path_factory):
    path = save_graph(expected(), tmp_path_factory.mktemp("flipped") / "graph.safetensors")
    content = bytearray(path.read_bytes())
    content[int(len(content) * share)] ^= 1 << bit
    path.write_bytes(content)

    try:
        loaded = load_graph(path)
    except GraphError:
        loaded = None

    assert loaded in (None, expected())


def test_a_flipped_bit_in_a_column_is_noticed(tmp_path):
    path = save_graph(expected(), tmp_path / "graph.safetensors")
    content = path.read_bytes()
    assert content.count(b"fever") == 1
    path.write_bytes(content.replace(b"fever", b"fevec"))

    with pytest.raises(GraphError, match="not what was written"):
        load_graph(path)


def test_a_file_of_something_else_is_refused(tmp_path):
    path = tmp_path / "graph.safetensors"
    path.write_text(OBO)

    with pytest.raises(GraphError, match="not a graph that kgbert saved"):
        load_graph(path)


def test_a_failed_save_leaves_the_old_file_untouched(tmp_path, monkeypatch):
    path = save_graph(expected(), tmp_path / "graph.safetensors")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="could not write"):
        save_graph(GraphBuilder().build(), path)
    monkeypatch.undo()

    assert load_graph(path) == expected()
    assert [file.name for file in tmp_path.iterdir()] == ["graph.safetensors"]


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(
    names=st.lists(st.tuples(texts, texts, st.sampled_from(["preferred", "exact"]), texts)),
    edges=st.lists(st.tuples(texts, texts, texts)),
)
def test_any_graph_survives_saving(names, edges, tmp_path_factory):
    builder = GraphBuilder()
    for entity, text, scope, language in names:
        builder.add_name(entity, text, scope, language)
    for head, relation, tail in edges:
        builder.add_edge(head, relation, tail)
    graph = builder.build(source="made up")

    loaded = load_graph(save_graph(graph, tmp_path_factory.mktemp("any") / "g.safetensors"))

    assert loaded == graph
