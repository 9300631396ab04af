import pytest

from kgbert import read_graph
from tests.support.errors import raises


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "list.txt"
        path.write_text(content)
        return path

    return write


def test_a_list_of_names_is_a_graph_without_edges(write):
    graph = read_graph(write("# drugs\naspirin\n acetylsalicylic  acid \n\n"))

    assert sorted(graph.names) == ["acetylsalicylic acid", "aspirin"]
    assert any("list of names" in note for note in graph.notes)


@pytest.mark.parametrize(
    "text",
    [
        "Dear reader.\nThis is a letter.\n",
        "One line only\n",
        "What is it?\nA poem\n",
        "a b c\nd e f\n",
    ],
)
def test_a_text_is_no_list_of_names(text, write):
    with raises("unknown-format"):
        read_graph(write(text))


def test_paths_are_a_hierarchy_in_which_a_name_may_recur(write):
    graph = read_graph(write("Animals\nAnimals > Food\nBabies > Food\nBabies > Food > Milk\n"))

    milk = graph.entity("Babies > Food > Milk")
    assert milk.name == "Milk"
    assert milk.edges == (("rdfs:subClassOf", "Babies > Food"),)
    assert len(graph) == 5


def test_the_numbers_of_a_taxonomy_are_its_ids(write):
    graph = read_graph(
        write("# Version 1\n1 - Clothing\n2 - Clothing > Shoes\n3 - Clothing > Hats\n")
    )

    assert graph.entity("2").edges == (("rdfs:subClassOf", "1"),)
    assert graph.entity("2").name == "Shoes"


def test_the_header_of_a_list_is_no_name(write):
    assert sorted(read_graph(write("name\naspirin\nibuprofen\n")).names) == ["aspirin", "ibuprofen"]


@pytest.mark.parametrize("unit", ["\t", "  ", "    "])
def test_indented_lines_are_below_the_line_above(unit, write):
    text = f"Animals\n{unit}Dogs\n{unit * 2}Big poodles\n{unit}Cats\nPlants\n{unit}Dogs\n"

    graph = read_graph(write(text))

    poodles = graph.entity("Animals > Dogs > Big poodles")
    assert (poodles.name, poodles.edges) == (
        "Big poodles",
        (("rdfs:subClassOf", "Animals > Dogs"),),
    )
    assert graph.entity("Plants > Dogs").edges == (("rdfs:subClassOf", "Plants"),)
    assert any("read as an outline" in note for note in graph.notes)


@pytest.mark.parametrize(
    "text", ["aspirin\n acid\n", "aspirin\n\t\t\tacid\n", "aspirin\n  acid\n   salt\n"]
)
def test_lines_that_are_only_shifted_are_a_list(text, write):
    graph = read_graph(write(text))

    assert {"acid", "aspirin"} <= set(graph.names)
    assert len(graph.heads) == 0


@pytest.mark.parametrize("header", ["names", "Begriff", "category", "Bezeichnung"])
def test_the_header_of_a_list_is_noted(header, write):
    graph = read_graph(write(f"{header}\naspirin\nibuprofen\n"))

    assert sorted(graph.names) == ["aspirin", "ibuprofen"]
    assert any(f"{header!r} names the others" in note for note in graph.notes)


def test_the_first_line_of_an_outline_is_no_header(write):
    assert "Category" in list(read_graph(write("Category\n\tA\n\tB\n")).names)


def test_the_header_of_paths_is_no_step(write):
    graph = read_graph(write("path\nA\nA > B\nA > B > C\n"))

    assert sorted(graph.names) == ["A", "B", "C"]
    assert len(graph.heads) == 2
