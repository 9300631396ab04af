import os
import subprocess
import sys

import pytest

from kgbert import GraphError, ReadOptions, read_graph
from kgbert.graph.files.format_detection import detect_format
from kgbert.graph.files.source import Source
from kgbert.graph.readers.registry import READERS
from tests.support.errors import raises
from tests.support.five_entities import OBJECTS, TURTLE, WRITERS, expected
from tests.support.project.plugins import install, install_example


@pytest.mark.parametrize("format_name", WRITERS)
def test_the_same_graph_reads_equal_in_every_format(format_name, tmp_path):
    path = WRITERS[format_name](tmp_path)

    graph = read_graph(path, format=format_name)

    assert graph == expected()


def test_every_format_that_can_hold_the_graph_is_tried():
    # RRF has no scopes, a dictionary no edges, and so on; they have tests of their own.
    others = {"rrf", "dictionary", "records", "tree", "fhir", "stix", "wikidata", "names", "paths"}
    assert READERS.keys() - WRITERS.keys() == others


@pytest.mark.parametrize("kind", OBJECTS)
def test_the_same_graph_reads_equal_from_memory(kind):
    graph = read_graph(OBJECTS[kind]())

    assert graph == expected()


@pytest.mark.parametrize("format_name", WRITERS)
def test_the_format_is_found_by_content(format_name, tmp_path):
    path = WRITERS[format_name](tmp_path)
    renamed = path.rename(tmp_path / "graph.txt")

    found = read_graph(renamed)

    assert found == expected()


@pytest.mark.parametrize("format_name", WRITERS)
def test_the_format_of_a_well_named_file_is_its_own(format_name, tmp_path):
    path = WRITERS[format_name](tmp_path)

    assert detect_format(Source(path)) == format_name


@pytest.mark.parametrize("format_name", ["obo", "turtle", "table"])
def test_obsolete_entities_are_left_out_and_their_replacement_remembered(format_name, tmp_path):
    graph = read_graph(WRITERS[format_name](tmp_path))

    assert "EX:0000009" not in graph
    assert dict(graph.replaced) == ({} if format_name == "table" else {"EX:0000009": "EX:0000002"})


def test_a_missing_file_is_named_with_the_folder_it_was_looked_for_in(tmp_path):
    with pytest.raises(GraphError, match=r"absent\.owl: no such file.*Check the path"):
        read_graph(tmp_path / "absent.owl")


def test_a_similar_file_is_named_instead_of_a_missing_one(tmp_path):
    (tmp_path / "cheese.csv").write_text("subject,predicate,object\nbrie,made of,milk\n")

    with pytest.raises(GraphError, match=r"chese\.csv: no such file; did you mean .*cheese\.csv\?"):
        read_graph(tmp_path / "chese.csv")


@pytest.mark.parametrize("nothing", [[], "", ["five.obo", ""]])
def test_a_source_that_names_nothing_is_refused(nothing):
    with pytest.raises(GraphError, match="no graph is named"):
        read_graph(nothing)


def test_a_web_address_is_not_fetched():
    with pytest.raises(GraphError, match="only databases are fetched"):
        read_graph("https://example.org/onto.owl")


@pytest.mark.parametrize("content", ["", " \n\n", "\ufeff"])
def test_an_empty_file_is_refused(content, tmp_path):
    path = tmp_path / "empty.ttl"
    path.write_text(content, encoding="utf-8")

    with raises("empty-file"):
        read_graph(path)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("<!DOCTYPE html>\n<html><body>404 Not Found</body></html>", "a web page"),
        ('<?xml version="1.0"?><html><body>Log in</body></html>', "a web page"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n", "a pointer of Git LFS"),
    ],
)
def test_what_was_downloaded_in_place_of_the_graph_is_known(content, what, tmp_path):
    path = tmp_path / "hp.owl"
    path.write_text(content)

    with raises("not-the-graph-itself") as error:
        read_graph(path)

    assert what in error.value.message


def test_a_device_is_refused():
    with pytest.raises(GraphError, match="a pipe or a device"):
        read_graph(os.devnull)


def test_the_error_of_an_unrecognised_format_names_the_option(tmp_path):
    path = tmp_path / "poem.txt"
    path.write_text("Shall I compare thee to a summer's day?")

    with raises("unknown-format") as error:
        read_graph(path)

    assert error.value.remedies[0].option == "format"


@pytest.mark.parametrize("format_name", ["xml", "trix", "graphml", "gexf"])
def test_markup_is_recognised_without_a_declaration_of_xml(format_name, tmp_path):
    path = WRITERS[format_name](tmp_path)
    _, _, markup = path.read_text(encoding="utf-8").rpartition("?>")
    path.write_text(markup, encoding="utf-8")

    assert read_graph(path) == read_graph(path, format=format_name)


@pytest.mark.parametrize(
    "content",
    [
        "Prefix(:=<http://a.org/>)\nOntology(<http://a.org/o>\n)",
        '<?xml version="1.0"?>\n<Ontology xmlns="http://www.w3.org/2002/07/owl#"></Ontology>',
        "Prefix: : <http://a.org/>\nOntology: <http://a.org/o>\n",
    ],
)
def test_other_syntaxes_of_owl_are_refused_with_a_converter(content, tmp_path):
    path = tmp_path / "onto.owx"
    path.write_text(content)

    with raises("unsupported-owl-syntax"):
        read_graph(path)


def test_an_unknown_format_name_lists_the_known_ones(tmp_path):
    path = WRITERS["obo"](tmp_path)

    with raises("unknown-name"):
        read_graph(path, format="turtel")


def test_an_object_that_is_no_graph_is_refused():
    with pytest.raises(TypeError, match="a dict is not a graph"):
        read_graph({})


def test_an_ontology_without_labels_names_the_file_and_the_remedy(tmp_path):
    path = tmp_path / "bare.ttl"
    path.write_text("<http://a.org/x> <http://a.org/knows> <http://a.org/y> .")

    with pytest.raises(GraphError) as refusal:
        read_graph(path)

    message = str(refusal.value)
    assert str(path) in message
    assert "rdfs:label" in message
    assert refusal.value.code == "no-names"
    assert "ReadOptions(label=" in message
    assert "http://a.org/x" in message


def test_names_are_created_from_ids_with_the_option(tmp_path):
    path = tmp_path / "bare.nt"
    path.write_text("<http://a.org/LegalPerson> <http://a.org/knows> <http://a.org/some_body> .")

    graph = read_graph(path, options=ReadOptions(name_from_id=True))

    assert list(graph.names) == ["legal person", "some body"]
    assert "2 entities without a label" in graph.notes[0]


def test_names_under_another_property_are_found_when_it_is_named(tmp_path):
    path = tmp_path / "titled.ttl"
    path.write_text('<http://a.org/x> <http://a.org/called> "Xavier" .')

    graph = read_graph(path, options=ReadOptions(label="http://a.org/called"))

    assert graph.name(0) == "Xavier"


def test_reading_obo_and_tables_loads_neither_torch_nor_rdflib(tmp_path):
    obo, table = WRITERS["obo"](tmp_path), WRITERS["table"](tmp_path)
    program = (
        "import sys, kgbert\n"
        f"kgbert.read_graph({str(obo)!r}); kgbert.read_graph({str(table)!r})\n"
        "print({'torch', 'rdflib', 'networkx'} & set(sys.modules))"
    )

    printed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout

    assert printed.strip() == "set()"


def test_a_dictionary_of_names_is_understood(tmp_path):
    path = tmp_path / "medic.txt"
    path.write_text("D000001|OMIM:1||Fever|Pyrexia\nD000002||Gout\n")

    graph = read_graph(path)

    assert [name.text for name in graph.entity("D000001").names] == ["Fever", "Pyrexia"]
    assert graph.replaced == {"OMIM:1": "D000001"}


def test_a_reader_of_ones_own_is_passed_as_the_format(tmp_path):
    path = tmp_path / "names.txt"
    path.write_text("Fever\nGout\n")

    def read_lines(source, statements):
        for line in source.lines():
            statements.builder.add_name(line.strip().lower(), line.strip())

    assert list(read_graph(path, format=read_lines).names) == ["Fever", "Gout"]


def test_a_reader_of_another_package_is_found_by_its_name(tmp_path, monkeypatch):
    install_example(tmp_path, monkeypatch)
    path = tmp_path / "edges.txt"
    path.write_text("fever -> sign\n")

    assert list(read_graph(path, format="arrows").names) == ["fever", "sign"]


def test_a_reader_of_another_package_may_recognise_its_files(tmp_path, monkeypatch):
    module = tmp_path / "starred.py"
    module.write_text(
        "def read(source, statements):\n"
        "    for line in source.lines():\n"
        "        statements.builder.add_name(line.strip('* \\n'), line.strip('* \\n'))\n"
        "read.recognizes = lambda head, suffix: head.startswith('*')\n"
    )
    install(
        tmp_path / "starred", monkeypatch, "starred", {"kgbert.readers": {"star": "starred:read"}}
    )
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / "names.txt"
    path.write_text("* fever\n* gout\n")

    assert list(read_graph(path).names) == ["fever", "gout"]


def test_a_subclass_cycle_is_tolerated(tmp_path):
    path = tmp_path / "cycle.obo"
    path.write_text("[Term]\nid: A:1\nname: a\nis_a: A:2\n\n[Term]\nid: A:2\nname: b\nis_a: A:1\n")

    assert len(read_graph(path).heads) == 2


def test_broken_syntax_names_the_file_and_the_reason(tmp_path):
    path = tmp_path / "broken.ttl"
    path.write_text(TURTLE + "obo:EX_1 rdfs:label .")

    with raises("malformed-rdf"):
        read_graph(path)
