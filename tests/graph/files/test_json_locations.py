import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgbert import GraphError, read_graph
from kgbert.graph.core.options import ReadOptions
from kgbert.graph.files.json_locations import locate_error
from kgbert.graph.files.source import Source
from kgbert.graph.rdf.statements import Statements
from kgbert.graph.readers.rdf import add_with_rdflib

CONTEXT = {"label": "http://www.w3.org/2000/01/rdf-schema#label"}


def document(**heart):
    nodes = [{"@id": f"http://a.org/{i}", "label": f"organ {i}"} for i in range(9)]
    nodes[5] |= heart
    return json.dumps({"@context": CONTEXT, "@graph": nodes}, indent=1)


@pytest.mark.parametrize(
    ("heart", "place"),
    [
        ({"@id": 5}, r"line 27, @graph\[5\]\.@id: "),
        ({"@type": ["http://a.org/Organ", 5]}, r"line 31, @graph\[5\]\.@type\[1\]: "),
        ({"label": {"@value": "heart", "@language": 5}}, r"line 30, @graph\[5\]\.label\.@language"),
    ],
)
def test_a_mistake_is_found_where_it_is(heart, place, tmp_path):
    path = tmp_path / "organs.jsonld"
    path.write_text(document(**heart))

    with pytest.raises(GraphError, match=rf"organs\.jsonld: not valid json-ld \({place}.*Correct"):
        read_graph(path)


def test_a_mistake_in_the_context_is_found_there(tmp_path):
    path = tmp_path / "organs.jsonld"
    path.write_text(document().replace('"label":', '"part": 5,\n"label":', 1))

    with pytest.raises(GraphError, match=r"line 3, @context\.part: "):
        read_graph(path)


def test_what_rdflib_refuses_is_found_too(tmp_path):
    path = tmp_path / "organs.jsonld"
    path.write_text(document(**{"@reverse": 5}))

    with pytest.raises(GraphError, match=r"line 29, @graph\[5\]\.@reverse: "):
        add_with_rdflib("json-ld", Source(path), Statements(ReadOptions()))


def test_what_only_several_parts_make_wrong_is_found_in_what_holds_them():
    found = locate_error(
        b'[0,\n{"a": 1, "b": 2}]', lambda text: "ab" * (b'a"' in text and b'b"' in text)
    )

    assert found == "line 2, [1]: ab"


def test_of_a_key_that_is_there_twice_the_last_is_meant():
    found = locate_error(b'{"a": {"b": 1},\n"a": {"c": 5}}', lambda text: "5" * (b"5" in text))

    assert found == "line 2, a.c: 5"


@given(
    st.recursive(
        st.none() | st.integers(0, 4) | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4)
        ),
    ),
    st.sampled_from([None, 0, 2]),
)
def test_every_mistake_has_a_line(value, indent):
    content = json.dumps({"some": value, "wrong": [1, 777]}, indent=indent, ensure_ascii=False)

    found = locate_error(content.encode(), lambda text: "seven" * (b"777" in text))

    line = content[: content.rindex("777")].count("\n") + 1
    assert found == f"line {line}, wrong[1]: seven"


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ('{"graphs": 5}', 1),
        ('{"graphs": [\n5]}', 2),
        ('{"graphs": [{"nodes": [{"id": "a"},\n{"lbl": "b"}]}]}', 2),
        ('{"graphs": [{"nodes": [],\n"edges": [\n{"sub": "a", "pred": "is_a"}]}]}', 3),
    ],
)
def test_missing_parts_of_obo_graphs_are_located(wrong, line, tmp_path):
    path = tmp_path / "five.json"
    path.write_text(wrong)

    with pytest.raises(GraphError, match=rf"five\.json, line {line}: JSON, but not an OBO graph"):
        read_graph(path, format="obographs")


def test_a_remote_context_is_located(tmp_path):
    path = tmp_path / "far.jsonld"
    path.write_text('{"@graph": [{},\n{"@context": [{},\n"http://a.org/context"]}]}')

    with pytest.raises(GraphError, match=r"far\.jsonld, line 2: its @context is 'http://a\.org"):
        read_graph(path)
