import pytest
import rdflib

from kgbert import read_graph
from tests.support.errors import raises
from tests.support.five_entities import TURTLE

LABEL = '"http://www.w3.org/2000/01/rdf-schema#label"'
STRING = '"http://www.w3.org/2001/XMLSchema#string"'
GOOD = f'["http://a.org/1", {LABEL}, "one", {STRING}, "", ""]\n'


def test_what_rdflib_writes_is_read_as_it_was(tmp_path):
    path = tmp_path / "five.hext"
    dataset = rdflib.Dataset(default_union=True)
    dataset.parse(data=TURTLE, format="turtle")
    dataset.serialize(path, format="hext")

    graph = read_graph(path)

    assert graph == read_graph(rdflib.Graph().parse(data=TURTLE, format="turtle"))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (f'["http://a.org/2", {LABEL}, "x\\ud800", {STRING}, "", ""]', "has half a character"),
        ('["http://a.org/2", "http://www.w3', "is not JSON"),
        ("5", "is not a list"),
        ('["http://a.org/2"]', "is not a list"),
        (f'["http://a.org/2", {LABEL}, 5, {STRING}, "", ""]', "is not a list"),
        (f'[null, {LABEL}, "two", {STRING}, "", ""]', "is not a list"),
    ],
)
def test_a_malformed_line_is_named(line, problem, tmp_path):
    path = tmp_path / "odd.hext"
    path.write_text(f"{GOOD}\n{line}\n")

    with raises("malformed-hextuple") as error:
        read_graph(path)

    assert f"odd.hext, line 3: {line[:60]!r} {problem}" in str(error.value)


def test_languages_and_ill_typed_literals_are_seen(tmp_path):
    path = tmp_path / "odd.hext"
    path.write_text(
        f'["http://a.org/1", {LABEL}, "eins", "langString", "de", null]\n'
        f'["http://a.org/1", {LABEL}, "one", "http://www.w3.org/2001/XMLSchema#integer", null]\n'
    )

    graph = read_graph(path)

    assert [(name.text, name.language) for name in graph.names_of(0)] == [
        ("one", ""),
        ("eins", "de"),
    ]
    assert graph.notes[0].startswith("1 literals do not fit their datatype")
