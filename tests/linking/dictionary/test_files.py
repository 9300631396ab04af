import pytest

from kgbert.graph.storage.builder import GraphBuilder
from kgbert.linking.dictionary.files import load_linker, save_linker
from kgbert.linking.dictionary.linker import DictionaryLinker
from tests.support.errors import raises

TEXTS = ["skin neoplasm with fevers", "", "Pneumonia, then a tumour of the skin"]


@pytest.fixture
def names():
    builder = GraphBuilder()
    for entity, name in (("E:1", "Neoplasms, Skin"), ("E:2", "fever"), ("E:3", "pneumonia")):
        builder.add_name(entity, name)
    return builder.build()


def test_saved_linker_answers_as_before(names, tmp_path):
    linker = DictionaryLinker(names, max_candidates=2, overlaps="nested")
    path = save_linker(linker, tmp_path / "linker.safetensors")

    opened = load_linker(names, path)

    assert opened.settings == linker.settings
    assert opened(TEXTS) == linker(TEXTS)
    assert len(opened(TEXTS)[0]) == 2


def test_linker_of_another_graph_is_refused(names, tmp_path):
    path = save_linker(DictionaryLinker(GraphBuilder().build()), tmp_path / "linker.safetensors")

    with raises("linker-of-another-graph"):
        load_linker(names, path)


def test_missing_file_names_the_remedy(names, tmp_path):
    with raises("missing-linker-file"):
        load_linker(names, tmp_path / "none")


@pytest.mark.parametrize("content", [b"", b"abc", b"\xff" * 64, b"\x02\0\0\0\0\0\0\0{}"], ids=repr)
def test_damaged_file_is_refused(names, tmp_path, content):
    path = tmp_path / "linker.safetensors"
    path.write_bytes(content)

    with pytest.raises(ValueError, match="damaged"):
        load_linker(names, path)


def test_linker_of_a_graph_without_names_links_nothing(tmp_path):
    empty = GraphBuilder().build()
    path = save_linker(DictionaryLinker(empty), tmp_path / "linker.safetensors")

    assert load_linker(empty, path)(TEXTS) == [[], [], []]
