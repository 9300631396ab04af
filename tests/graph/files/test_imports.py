import zipfile

import pytest

from kgbert import read_graph
from kgbert.graph.files.imports import CATALOG, _entries
from tests.support.errors import raises
from tests.support.five_entities import OBO, TURTLE, WRITERS, expected

HEADER = """\
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
"""
ANIMALS = (
    HEADER
    + """\
<http://a.org/animals/> a owl:Ontology ; owl:imports <http://a.org/plants/> .
<http://a.org/cow> a owl:Class ; rdfs:label "cow" ; rdfs:subClassOf
  [ owl:onProperty <http://a.org/eats> ; owl:someValuesFrom <http://a.org/grass> ] .
"""
)
PLANTS = (
    HEADER
    + """\
<http://a.org/plants/> a owl:Ontology ; owl:imports <http://a.org/animals/> , <http://b.org/soil> .
<http://a.org/grass> a owl:Class ; rdfs:label "grass" .
<http://a.org/eats> a owl:ObjectProperty ; rdfs:label "feeds on" .
"""
)


def catalog(name, uri):
    return f"""<?xml version="1.0"?>
<catalog prefer="public" xmlns="urn:oasis:names:tc:entity:xmlns:xml:catalog">
    <uri id="x" name="{name}" uri="{uri}"/>
</catalog>"""


def is_the_whole_farm(graph):
    return (
        sorted(graph.names) == ["cow", "grass"]
        and graph.entity("http://a.org/cow").edges == (("http://a.org/eats", "http://a.org/grass"),)
        and graph.relation_names == ("feeds on",)
    )


def test_a_folder_is_read_as_one_graph(tmp_path):
    (tmp_path / "animals.ttl").write_text(ANIMALS)
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "plants.ttl").write_text(PLANTS)
    (tmp_path / "README.md").write_text("# Not a graph")

    assert is_the_whole_farm(read_graph(tmp_path))


def test_an_import_is_found_through_the_catalog(tmp_path):
    (tmp_path / "animals.ttl").write_text(ANIMALS)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "green.ttl").write_text(PLANTS)
    (tmp_path / CATALOG).write_text(catalog("http://a.org/plants/", "./elsewhere/green.ttl"))

    assert is_the_whole_farm(read_graph(tmp_path / "animals.ttl"))


def test_an_import_is_found_beside_the_file(tmp_path):
    (tmp_path / "animals.ttl").write_text(ANIMALS)
    (tmp_path / "plants.ttl").write_text(PLANTS)

    assert is_the_whole_farm(read_graph(tmp_path / "animals.ttl"))


def test_imports_that_are_not_there_are_listed(tmp_path):
    (tmp_path / "animals.ttl").write_text(ANIMALS)
    (tmp_path / "plants.ttl").write_text(PLANTS)

    notes = read_graph(tmp_path / "animals.ttl").notes

    assert "1 imported ontologies are not here, and nothing is fetched: http://b.org/soil" in notes


@pytest.mark.parametrize("uri", ["../secret.ttl", "{outside}/secret.ttl"])
def test_a_catalog_does_not_lead_out_of_its_folder(uri, tmp_path):
    folder = tmp_path / "ontology"
    folder.mkdir()
    (tmp_path / "secret.ttl").write_text(PLANTS)
    (folder / "animals.ttl").write_text(ANIMALS)
    (folder / CATALOG).write_text(catalog("http://a.org/plants/", uri.format(outside=tmp_path)))

    graph = read_graph(folder / "animals.ttl")

    assert graph.relation_names == ("eats",)
    assert "http://a.org/plants/" in graph.notes[0]


def test_a_catalog_that_attacks_is_refused(tmp_path):
    (tmp_path / "animals.ttl").write_text(ANIMALS)
    attack = catalog("http://a.org/plants/", "./x.ttl").replace(
        "<catalog", '<!DOCTYPE c [<!ENTITY e SYSTEM "file:///etc/hostname">]><catalog', 1
    )
    (tmp_path / CATALOG).write_text(attack)

    with raises("unsafe-xml-entity"):
        read_graph(tmp_path / "animals.ttl")


@pytest.mark.parametrize("content", [None, "notes.txt"])
def test_the_error_of_a_folder_without_graphs_lists_its_content(content, tmp_path):
    if content:
        (tmp_path / content).write_text("nothing")

    with raises("no-graph-files"):
        read_graph(tmp_path)


def test_several_files_of_different_formats_are_one_graph(tmp_path):
    half = TURTLE.replace("rdfs:subClassOf obo:EX_0000005", "a owl:Class")
    (tmp_path / "half.ttl").write_text(half)

    graph = read_graph([tmp_path / "half.ttl", WRITERS["obo"](tmp_path)])

    assert graph == expected()


def test_the_members_of_an_archive_are_one_graph(tmp_path):
    path = tmp_path / "farm.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("animals.ttl", ANIMALS)
        archive.writestr("inner/plants.ttl", PLANTS)

    assert is_the_whole_farm(read_graph(path))


def test_a_file_that_is_named_twice_is_read_once(tmp_path):
    path = tmp_path / "five.obo"
    path.write_text(OBO)

    assert read_graph([path, path]) == expected()


def test_a_folder_of_tables_is_one_graph_unless_an_ontology_lies_there(tmp_path):
    (tmp_path / "nodes.csv").write_text("id,name\n1,heart\n2,organ\n")
    (tmp_path / "edges.tsv").write_text("source\ttarget\ttype\n1\t2\tis_a\n")

    assert list(read_graph(tmp_path).names) == ["heart", "organ"]

    (tmp_path / "animals.ttl").write_text(ANIMALS)
    assert "heart" not in read_graph(tmp_path).names


@pytest.mark.parametrize("name", ["a" * 5000, "a" * 250, "a%00b"])
def test_an_import_that_is_no_file_name_is_not_found(name, tmp_path):
    (tmp_path / "animals.ttl").write_text(ANIMALS.replace("plants/", name))

    assert "cow" in read_graph(tmp_path / "animals.ttl").names


@pytest.mark.parametrize("uri", ["a\0b", "a" * 5000])
def test_a_catalog_entry_that_is_no_file_name_is_passed_over(uri, tmp_path):
    (tmp_path / "animals.ttl").write_text(ANIMALS)
    entries = _entries(catalog("http://a.org/plants/", uri).encode(), tmp_path)

    assert entries == []


def test_a_link_that_leaves_the_folder_is_not_read(tmp_path, caplog):
    folder = tmp_path / "ontology"
    folder.mkdir()
    (folder / "animals.ttl").write_text(ANIMALS)
    (tmp_path / "plants.ttl").write_text(PLANTS)
    (folder / "plants.ttl").symlink_to(tmp_path / "plants.ttl")

    graph = read_graph(folder)

    assert graph.relation_names == ("eats",)
    assert "leaves the folder" in caplog.text
