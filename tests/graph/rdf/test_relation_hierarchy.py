import networkx as nx
import pytest

from kgbert import GraphError, ReadOptions, read_graph
from kgbert.graph.rdf import subproperties

TURTLE = """\
@prefix : <http://a.org/> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
"""
EDGES = """\
:insulin rdfs:label "insulin" ; :cures :diabetes ; :eats :sugar .
:diabetes rdfs:label "diabetes" . :sugar rdfs:label "sugar" .
"""
KINDS = """\
:treats a owl:ObjectProperty ; rdfs:label "is good for" .
:cures rdfs:subPropertyOf :helps . :helps rdfs:subPropertyOf :treats , :helps .
"""
OBO = """\
[Term]
id: A:1
name: insulin
relationship: cures A:2
relationship: eats A:3

[Term]
id: A:2
name: diabetes

[Term]
id: A:3
name: sugar

[Typedef]
id: cures
is_a: helps ! helps

[Typedef]
id: helps
is_a: RO:0000001

[Typedef]
id: treats
name: is good for
xref: RO:0000001
"""


def edges_of(graph):
    return {(e, *edge) for e in graph.entity_ids for edge in graph.entity(e).edges}


def relations_of(graph):
    return [relation.rsplit("/", 1)[-1] for relation in graph.relation_ids]


@pytest.mark.parametrize("selected", ["http://a.org/treats", "is good for"])
@pytest.mark.parametrize("place", ["before", "after", "elsewhere"])
def test_who_asks_for_a_relation_gets_its_kinds(place, selected, tmp_path):
    parts = {"before": (KINDS, EDGES), "after": (EDGES, KINDS), "elsewhere": (EDGES,)}[place]
    (tmp_path / "a.ttl").write_text(TURTLE + "".join(parts))
    if place == "elsewhere":
        (tmp_path / "b.ttl").write_text(TURTLE + KINDS)

    graph = read_graph(tmp_path, options=ReadOptions(relations=(selected,)))

    assert edges_of(graph) == {
        ("http://a.org/insulin", "http://a.org/cures", "http://a.org/diabetes")
    }
    assert "edges of kinds of the requested relations are kept: http://a.org/cures" in graph.notes
    assert "1 edge of other relations left out" in graph.notes


def test_who_asks_for_a_kind_does_not_get_what_it_is_a_kind_of(tmp_path):
    path = tmp_path / "a.ttl"
    path.write_text(f"{TURTLE}{EDGES}{KINDS}:insulin :treats :sugar .")

    graph = read_graph(path, options=ReadOptions(relations=("http://a.org/helps",)))

    assert relations_of(graph) == ["cures"]


def test_the_kinds_of_a_relation_are_known_from_obo_too(tmp_path):
    path = tmp_path / "a.obo"
    path.write_text(OBO)
    view = nx.MultiDiGraph(
        typedefs=[
            {"id": "cures", "is_a": ["helps"]},
            {"id": "helps", "is_a": ["RO:0000001"]},
            {"id": "treats", "name": "is good for", "xref": ["RO:0000001"]},
        ]
    )
    view.add_node("A:1", name="insulin")
    view.add_edge("A:1", "A:2", key="cures")
    view.add_edge("A:1", "A:3", key="eats")

    for selected in ("RO:0000001", "is good for"):
        for source in (path, view):
            graph = read_graph(source, options=ReadOptions(relations=(selected,)))
            assert edges_of(graph) == {("A:1", "cures", "A:2")}


def test_a_relation_without_edges_or_kinds_with_edges_is_still_missed(tmp_path):
    path = tmp_path / "a.ttl"
    path.write_text(f"{TURTLE}{EDGES}:cures rdfs:subPropertyOf :helps .")
    options = ReadOptions(relations=("http://a.org/helps", "http://a.org/sees"))

    graph = read_graph(path, options=options)

    missed = [note for note in graph.notes if note.startswith("no edge has")]
    assert missed == ["no edge has the relation http://a.org/sees, which was requested"]
    with pytest.raises(GraphError, match=r"no edge has a relation that was requested"):
        read_graph(path, options=ReadOptions(relations=("http://a.org/sees",)))


@pytest.mark.parametrize("order", ["kinds first", "kinds last"])
def test_statements_that_there_was_no_room_for_are_missed_aloud(order, tmp_path, monkeypatch):
    monkeypatch.setattr(subproperties, "_MOST_PENDING", 0)
    statements = f'{EDGES}:insulin :nick "the hormone" ; :treats :sugar .'
    kinds = f"{KINDS}:nick rdfs:subPropertyOf skos:altLabel ."
    paths = [tmp_path / "a.ttl", tmp_path / "b.ttl"]
    parts = (kinds, statements) if order == "kinds first" else (statements, kinds)
    for path, part in zip(paths, parts, strict=True):
        path.write_text(TURTLE + part)

    graph = read_graph(paths, options=ReadOptions(relations=("http://a.org/treats",)))

    lost = [note for note in graph.notes if "too late" in note]
    if order == "kinds first":
        assert relations_of(graph) == ["cures", "treats"]
        assert "the hormone" in graph.names
        assert lost == []
    else:
        assert relations_of(graph) == ["treats"]
        assert len(lost) == 1
        assert lost[0].startswith(
            "2 statements under http://a.org/cures, http://a.org/nick were left out"
        )


def test_a_kind_of_broader_or_narrower_or_part_of_climbs_as_that_does(tmp_path):
    path = tmp_path / "a.ttl"
    path.write_text(
        f"""{TURTLE}
        :broaderGeneric rdfs:subPropertyOf skos:broader .
        :narrowerGeneric rdfs:subPropertyOf skos:narrower .
        :limbOf rdfs:subPropertyOf <http://purl.obolibrary.org/obo/BFO_0000050> .
        :cat skos:prefLabel "cat" ; :broaderGeneric :animal .
        :animal skos:prefLabel "animal" ; :narrowerGeneric :dog .
        :dog skos:prefLabel "dog" . :paw skos:prefLabel "paw" ; :limbOf :dog .
        """
    )

    graph = read_graph(path, options=ReadOptions(roots=("http://a.org/animal",)))

    assert sorted(graph.names) == ["animal", "cat", "dog", "paw"]
    assert graph.health().depth == 2
    assert {("http://a.org/dog", "skos:broader", "http://a.org/animal")} <= edges_of(graph)
    assert "1 edge of http://a.org/limbOf, a kind of BFO:0000050, read as that too" in graph.notes


def test_the_domain_of_a_kind_of_type_makes_no_instances(tmp_path):
    path = tmp_path / "a.ttl"
    path.write_text(
        f"""{TURTLE}
        :kind rdfs:subPropertyOf <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> ;
            rdfs:domain :thing ; rdfs:range :text .
        :thing rdfs:label "thing" . :text rdfs:label "text" .
        """
    )

    assert relations_of(read_graph(path)) == ["kind"]


def test_a_kind_of_part_of_climbs_in_obo_and_in_networkx_too(tmp_path):
    path = tmp_path / "a.obo"
    path.write_text(
        "[Term]\nid: A:1\nname: paw\nrelationship: limb_of A:2\n\n"
        "[Term]\nid: A:2\nname: dog\n\n"
        "[Typedef]\nid: limb_of\nis_a: side_of\n\n"
        "[Typedef]\nid: side_of\nis_a: part_of\n\n"
        "[Typedef]\nid: part_of\nxref: BFO:0000050\n"
    )
    view = nx.MultiDiGraph(
        typedefs=[
            {"id": "limb_of", "is_a": ["side_of"]},
            {"id": "side_of", "is_a": ["part_of"]},
            {"id": "part_of", "xref": ["BFO:0000050"]},
        ]
    )
    view.add_node("A:1", name="paw")
    view.add_node("A:2", name="dog")
    view.add_edge("A:1", "A:2", key="limb_of")

    for source in (path, view):
        assert edges_of(read_graph(source)) == {
            ("A:1", "limb_of", "A:2"),
            ("A:1", "BFO:0000050", "A:2"),
        }


def test_a_kind_of_narrower_may_be_an_edge_of_networkx():
    view = nx.DiGraph(typedefs=[{"id": "contains", "is_a": "skos:narrower"}])
    view.add_edge("animal", "dog", relation="contains")

    assert edges_of(read_graph(view)) == {
        ("animal", "contains", "dog"),
        ("dog", "skos:broader", "animal"),
    }
