import logging
import shutil
import subprocess
import sys

import pytest

from kgbert import ReadOptions, read_graph
from kgbert.graph import read_cache as entry
from tests.support.five_entities import OBO, TURTLE

READ = "import kgbert, sys; print(kgbert.read_graph(sys.argv[1], cache=sys.argv[2]).hash)"


@pytest.fixture(autouse=True)
def _keep_small_graphs_too(monkeypatch):
    monkeypatch.setattr(entry, "_WORTH_KEEPING", 0)


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "five.obo"
    path.write_text(OBO)
    return path


def kept(folder):
    return sorted(path.suffix for path in folder.iterdir()) if folder.exists() else []


def test_a_second_reading_comes_from_the_cache(source, tmp_path, monkeypatch):
    first = read_graph(source, cache=tmp_path / "cache")
    monkeypatch.setattr("kgbert.graph.readers.registry.READERS", {})

    second = read_graph(source, cache=tmp_path / "cache")

    assert second == first
    assert kept(tmp_path / "cache") == [".json", ".safetensors"]


def test_a_changed_source_is_read_anew_and_the_old_graph_removed(source, tmp_path):
    read_graph(source, cache=tmp_path / "cache")
    source.write_text(OBO.replace("name: organ", "name: vessel"))

    graph = read_graph(source, cache=tmp_path / "cache")

    assert "vessel" in list(graph.names)
    assert kept(tmp_path / "cache") == [".json", ".safetensors"]


@pytest.mark.parametrize(
    "options", [ReadOptions(relations=("is_a",)), ReadOptions(languages=("en",))]
)
def test_other_options_are_another_graph(options, source, tmp_path):
    read_graph(source, cache=tmp_path / "cache")

    read_graph(source, options=options, cache=tmp_path / "cache")

    assert kept(tmp_path / "cache") == [".json", ".json", ".safetensors", ".safetensors"]


def test_a_file_added_to_a_folder_is_noticed(source, tmp_path):
    folder = tmp_path / "ontology"
    folder.mkdir()
    shutil.copy(source, folder)
    read_graph(folder, cache=tmp_path / "cache")
    (folder / "more.obo").write_text("[Term]\nid: EX:0000006\nname: more\n")

    assert len(read_graph(folder, cache=tmp_path / "cache")) == 6


def test_an_import_that_appears_is_noticed(tmp_path):
    importing = tmp_path / "importing.ttl"
    importing.write_text(
        TURTLE + "<http://a.org/o> a owl:Ontology ; owl:imports <http://a.org/b> ."
    )
    read_graph(importing, cache=tmp_path / "cache")
    (tmp_path / "b.ttl").write_text(
        '<http://a.org/new> <http://www.w3.org/2000/01/rdf-schema#label> "new" .'
    )

    assert len(read_graph(importing, cache=tmp_path / "cache")) == 6


def test_a_damaged_cache_is_reported_and_read_anew(source, tmp_path, caplog):
    read_graph(source, cache=tmp_path / "cache")
    for path in (tmp_path / "cache").iterdir():
        path.write_bytes(path.read_bytes()[:40])

    with caplog.at_level(logging.WARNING):
        graph = read_graph(source, cache=tmp_path / "cache")

    assert len(graph) == 5
    assert "damaged" in caplog.text


def test_the_cache_can_be_switched_off(source, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    read_graph(source, cache=None)

    assert not (tmp_path / "home").exists()


def test_a_cache_that_cannot_be_written_is_no_error(source, tmp_path, caplog):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")

    graph = read_graph(source, cache=blocked / "cache")

    assert len(graph) == 5
    assert f"the cache folder {blocked / 'cache'} cannot be written to" in caplog.text
    assert "--no-cache" in caplog.text


def test_two_processes_may_read_at_once(source, tmp_path):
    source.write_text(OBO + "".join(f"\n[Term]\nid: X:{i:07}\nname: n{i}\n" for i in range(30_000)))
    command = [sys.executable, "-c", READ, str(source), str(tmp_path / "cache")]

    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    hashes = {process.communicate()[0] for process in processes}

    assert hashes == {read_graph(source, cache=tmp_path / "cache").hash + "\n"}
    assert kept(tmp_path / "cache") == [".json", ".safetensors"]


def test_giants_are_not_hashed_but_their_changes_are_noticed(source, tmp_path, monkeypatch):
    monkeypatch.setattr("kgbert.graph.read_cache._LONG_TO_HASH", 1)
    monkeypatch.setattr("hashlib.file_digest", None)
    before = read_graph(source, cache=tmp_path / "cache")

    source.write_text(source.read_text().replace("fever", "ague!"))
    after = read_graph(source, cache=tmp_path / "cache")

    assert before.entity("EX:0000002").name == "fever"
    assert after.entity("EX:0000002").name == "ague!"


def test_a_graph_whose_file_changes_while_it_is_read_is_not_kept(source, tmp_path, caplog):
    state = entry.ReadFiles()
    state.files[source] = source.stat().st_mtime_ns - 1
    graph = read_graph(source, cache=None)

    with caplog.at_level(logging.WARNING):
        entry.CacheEntry(tmp_path / "cache", "key").keep(graph, state)

    assert "changed while it was read" in caplog.text
    assert kept(tmp_path / "cache") == []


def test_a_file_that_goes_away_while_it_is_read_is_not_kept(source, tmp_path, caplog):
    state = entry.ReadFiles({source: source.stat().st_mtime_ns})
    graph = read_graph(source, cache=None)
    source.unlink()

    with caplog.at_level(logging.WARNING):
        entry.CacheEntry(tmp_path / "cache", "key").keep(graph, state)

    assert f"{source} changed while it was read" in caplog.text


def test_a_cache_that_was_moved_still_answers(source, tmp_path, monkeypatch):
    first = read_graph(source, cache=tmp_path / "cache")
    shutil.move(tmp_path / "cache", tmp_path / "elsewhere")
    monkeypatch.setattr("kgbert.graph.readers.registry.READERS", {})

    assert read_graph(source, cache=tmp_path / "elsewhere") == first


def test_a_cached_graph_cut_anywhere_is_read_anew(source, tmp_path):
    first = read_graph(source, cache=tmp_path / "cache")
    (path,) = (tmp_path / "cache").glob("*.safetensors")
    whole = path.read_bytes()

    for length in (0, 7, 8, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])

        assert read_graph(source, cache=tmp_path / "cache") == first
        assert path.read_bytes() == whole


@pytest.fixture
def parts(source, tmp_path, monkeypatch):
    monkeypatch.setattr(entry, "_WORTH_MERGING_ONCE", 0)
    other = tmp_path / "other.obo"
    other.write_text("[Term]\nid: X:1\nname: pyrexia\nxref: EX:0000002\n")
    return [source, other]


MERGED = ReadOptions(match_on=("xref",))


def test_a_merged_graph_comes_from_the_cache(parts, tmp_path, monkeypatch):
    first = read_graph(parts, options=MERGED, cache=tmp_path / "cache")
    monkeypatch.setattr("kgbert.graph.read.merge_graphs", None)

    second = read_graph(parts, options=MERGED, cache=tmp_path / "cache")

    assert second == first
    assert second.entity("X:1").sources == first.entity("X:1").sources
    assert second.notes == first.notes
    assert second.replaced == first.replaced


def test_a_merged_graph_is_merged_anew_where_a_part_or_the_mapping_changes(parts, tmp_path):
    mapping = tmp_path / "mapping.tsv"
    mapping.write_text("subject_id\tpredicate_id\tobject_id\nX:1\tskos:exactMatch\tEX:0000003\n")
    options = ReadOptions(mapping=str(mapping))
    before = read_graph(parts, options=options, cache=tmp_path / "cache")

    mapping.write_text(mapping.read_text().replace("EX:0000003", "EX:0000002"))
    other_mapping = read_graph(parts, options=options, cache=tmp_path / "cache")
    # The hash of a graph does not count its references, by which graphs are joined.
    by_reference = read_graph(parts, options=MERGED, cache=tmp_path / "cache")
    parts[1].write_text(parts[1].read_text().replace("xref: EX:0000002", "xref: EX:0000004"))
    other_reference = read_graph(parts, options=MERGED, cache=tmp_path / "cache")

    assert [
        graph.entity("X:1").id for graph in (before, other_mapping, by_reference, other_reference)
    ] == ["EX:0000003", "EX:0000002", "EX:0000002", "EX:0000004"]


def test_a_damaged_merged_graph_is_merged_anew(parts, tmp_path, caplog):
    first = read_graph(parts, options=MERGED, cache=tmp_path / "cache")
    for path in (tmp_path / "cache").glob("*.safetensors"):
        path.write_bytes(path.read_bytes()[:-8])

    with caplog.at_level(logging.WARNING):
        assert read_graph(parts, options=MERGED, cache=tmp_path / "cache") == first

    assert "merged anew" in caplog.text


def test_a_merged_graph_that_cannot_be_kept_is_no_error(parts, tmp_path, monkeypatch, caplog):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(entry, "save_graph", full)

    graph = read_graph(parts, options=MERGED, cache=tmp_path / "cache")

    assert graph.entity("X:1").sources
    assert caplog.text.count("No space left on device") == 3  # both parts, and what was merged
