import json

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgbert import GraphError, read_graph

ODD = [1, 2.5, True, ["a", 3, None], [["text", "exact"]], {"a": 1}, [["text", "odd", "en"]], [[]]]
KEYS = [
    *("name", "names", "synonyms", "definition", "comment", "xref", "references", "sources"),
    *("replaced", "typedefs", "version", "licence", "merged", "relation", "relation_name"),
]


def graph_with(attributes):
    graph = nx.MultiDiGraph(**attributes)
    graph.add_node("a", **{"label": "fever", **attributes})
    graph.add_node("b", label="sign")
    graph.add_edge("a", "b", **attributes)
    return graph


@pytest.mark.parametrize("odd", ODD, ids=repr)
@pytest.mark.parametrize("key", KEYS)
def test_attributes_of_any_type_are_borne(key, odd):
    graph = read_graph(graph_with({key: odd, "merged": True}))

    assert [len(graph), len(graph.heads)] == [2, 1]


@given(
    st.dictionaries(
        st.sampled_from(KEYS),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=3),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.text(max_size=3), inner, max_size=3)
            ),
        ),
    )
)
def test_a_file_of_any_attributes_is_read_or_refused(tmp_path_factory, attributes):
    path = tmp_path_factory.mktemp("odd") / "graph.json"
    content = nx.node_link_data(graph_with(attributes), edges="edges")
    path.write_text(json.dumps(content))

    try:
        read_graph(path)
    except GraphError:
        pass
    else:
        assert len(read_graph(path)) == 2


def test_names_that_are_plain_strings_are_names():
    graph = nx.DiGraph()
    graph.add_node("a", names=["aspirin", "ASA"])

    assert sorted(read_graph(graph).names) == ["ASA", "aspirin"]


@pytest.mark.parametrize(
    ("synonyms", "scopes"),
    [
        ("pyrexia|heat", {"pyrexia": "exact", "heat": "exact"}),
        ('"pyrexia" NARROW []', {"pyrexia": "narrow"}),
        ([("pyrexia", "broad", "en"), 7], {"pyrexia": "broad", "7": "exact"}),
    ],
)
def test_synonyms_may_be_written_in_several_ways(synonyms, scopes):
    graph = nx.Graph()
    graph.add_node("a", name="fever", synonyms=synonyms)

    found = {name.text: name.scope for name in read_graph(graph).entity("a").names}

    assert found == {"fever": "preferred", **scopes}


@pytest.mark.parametrize("mark", [True, "true", 1])
def test_an_obsolete_node_is_no_entity_and_its_replacement_is_known(mark):
    nodes = nx.DiGraph()
    nodes.add_node("X:1", name="ague", is_obsolete=mark, replaced_by=["X:2"])
    nodes.add_node("X:2", name="fever")
    nodes.add_node("X:3", name="sign", is_obsolete=False)

    graph = read_graph(nodes)

    assert set(graph.entity_ids) == {"X:2", "X:3"}
    assert graph.replaced == {"X:1": "X:2"}
