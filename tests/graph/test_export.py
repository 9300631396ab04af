import networkx as nx
import pytest
import rdflib
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric.data import Data

from kgbert import GraphError, read_graph
from kgbert.graph.core.graph import SCOPES
from kgbert.graph.core.identifiers import compact, to_iri
from kgbert.graph.storage.builder import GraphBuilder
from tests.support.five_entities import OBO, expected

VIEWS = {
    "networkx": lambda graph: graph.to_networkx(),
    "rdflib": lambda graph: graph.to_rdflib(),
    "pyg": lambda graph: graph.to_pyg(),
}

ids = st.sampled_from(
    ["HP:0000001", "MESH:D01", "http://a.org/b#C", "heart attack", "眼睛", "%41", "x:", "obo:X_1"]
) | st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=5)
words = st.text(st.characters(categories=["L", "P"]), min_size=1, max_size=5)
languages = st.sampled_from(["", "en", "de", "zh-hant"])
relations = st.sampled_from(["rdfs:subClassOf", "BFO:0000050", "treats", "http://a.org/knows"])


@st.composite
def graphs(draw):
    builder = GraphBuilder()
    entities = draw(st.lists(ids, min_size=1, max_size=6, unique=True))
    for entity in entities:
        builder.add_entity(entity, draw(st.just("") | words))
        builder.add_name(entity, draw(words), draw(st.sampled_from(SCOPES)), draw(languages))
    one_of = st.sampled_from(entities)
    for head, relation, tail in draw(st.lists(st.tuples(one_of, relations, one_of), max_size=6)):
        builder.add_edge(head, relation, tail)
        builder.add_relation(relation, {"rdfs:subClassOf": "is a"}.get(relation, "has"))
    return builder.build()


@pytest.mark.parametrize("view", VIEWS)
@given(graph=graphs())
def test_a_graph_survives_the_way_there_and_back(view, graph):
    assert read_graph(VIEWS[view](graph)) == graph


@given(graph=graphs())
def test_a_graph_survives_turtle(graph, tmp_path_factory):
    path = tmp_path_factory.mktemp("view") / "graph.ttl"
    path.write_text(graph.to_rdflib().serialize(format="turtle"), encoding="utf-8")

    assert read_graph(path) == graph


@pytest.mark.parametrize("view", VIEWS)
def test_version_licence_and_replacements_survive(view, tmp_path):
    path = tmp_path / "five.obo"
    header = "data-version: 2026-11\nproperty_value: dcterms:license https://a.org/free\n"
    path.write_text(OBO.replace("ontology: ex\n", header))
    graph = read_graph(path)

    again = read_graph(VIEWS[view](graph))

    assert (again.version, again.licence) == ("2026-11", "https://a.org/free")
    assert again.replaced == {"EX:0000009": "EX:0000002"}


@given(ids)
def test_every_id_has_an_iri_of_its_own(entity):
    iri = to_iri(entity)

    assert compact(iri) == entity
    assert " " not in iri


def test_views_are_of_their_library():
    graph = expected()

    assert isinstance(graph.to_networkx(), nx.MultiDiGraph)
    assert isinstance(graph.to_rdflib(), rdflib.Graph)
    assert isinstance(graph.to_pyg(), Data)


def test_pyg_edges_point_at_the_listed_entities():
    data = expected().to_pyg()

    triples = {
        (data.entity_ids[head], data.relation_ids[kind], data.entity_ids[tail])
        for head, tail, kind in zip(*data.edge_index.tolist(), data.edge_type.tolist(), strict=True)
    }

    assert ("EX:0000004", "BFO:0000050", "EX:0000003") in triples
    assert data.validate()


def test_pyg_data_without_ids_is_refused():
    with pytest.raises(GraphError, match=r"no entity_ids and no relation_ids"):
        read_graph(Data(num_nodes=3))
