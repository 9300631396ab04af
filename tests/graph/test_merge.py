from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgbert import (
    GraphError,
    ReadOptions,
    list_cards,
    load_graph,
    merge_graphs,
    read_graph,
    save_graph,
)
from kgbert.graph.cards import is_shareable
from kgbert.graph.mappings import read_mappings
from kgbert.graph.merge import join
from kgbert.graph.storage.builder import GraphBuilder
from tests.support.errors import raises
from tests.support.five_entities import OBO, expected

FEVERS = """\
format-version: 1.4

[Term]
id: F:0000001
name: febrile state
def: "Being hot." []
synonym: "pyrexia" EXACT []
xref: EX:0000002
relationship: affects EX:0000003

[Term]
id: F:0000002
name: ague
is_a: F:0000001
property_value: skos:exactMatch http://elsewhere.org/ague
"""
TABLE = """\
#mapping_set_id: https://example.org/set
#curie_map:
#  EX: "http://purl.obolibrary.org/obo/EX_"
#  fev: http://purl.obolibrary.org/obo/F_
#mapping_tool: by hand
subject_id\tpredicate_id\tobject_id\tmapping_justification
EX:0000002\tskos:exactMatch\tfev:0000001\tsemapv:ManualMappingCuration
EX:0000004\tskos:broadMatch\tfev:0000002\tsemapv:ManualMappingCuration
"""


@pytest.fixture
def files(tmp_path):
    paths = tmp_path / "five.obo", tmp_path / "fevers.obo", tmp_path / "map.sssom.tsv"
    for path, content in zip(paths, (OBO, FEVERS, TABLE), strict=True):
        path.write_text(content)
    return paths


def test_a_code_gives_way_to_the_name_that_another_source_has(tmp_path):
    (tmp_path / "edges.csv").write_text("child,parent\nD1,D2\nheart,D2\nD3,D2\n")
    (tmp_path / "names.csv").write_text("id,name\nD1,fever\nD2,sign\nheart,cardia\n")

    graph = merge_graphs([read_graph(tmp_path / name) for name in ("edges.csv", "names.csv")])

    first = {entity: graph.name(place) for place, entity in enumerate(graph.entity_ids)}
    assert first == {"D1": "fever", "D2": "sign", "D3": "D3", "heart": "heart"}


@pytest.fixture
def graphs(files):
    return {"five": read_graph(files[0]), "fevers": read_graph(files[1])}


def named(*pairs, edges=()):
    builder = GraphBuilder()
    for entity, name in pairs:
        builder.add_name(entity, name)
    for edge in edges:
        builder.add_edge(*edge)
    return builder.build()


def test_a_cross_reference_joins_with_the_option(graphs):
    apart = merge_graphs(graphs)
    joined = merge_graphs(graphs, match_on=["xref"])

    assert (len(apart), len(joined)) == (7, 6)
    assert "F:0000001" not in joined
    assert joined.entity("F:0000001") == joined.entity("EX:0000002")


def test_the_first_graph_names_and_defines_what_is_joined(graphs):
    fever = merge_graphs(graphs, match_on=["xref"]).entity("EX:0000002")

    assert fever.name == "fever"
    assert {(name.text, name.scope) for name in fever.names} == {
        ("fever", "preferred"),
        ("febrile state", "exact"),
        ("pyrexia", "exact"),
        ("high temperature", "related"),
    }
    assert fever.definition == "Being hot."


def test_the_order_of_the_graphs_decides_which_id_stays(graphs):
    turned = merge_graphs(dict(reversed(graphs.items())), match_on=["xref"])

    assert dict(turned.replaced) == {"EX:0000002": "F:0000001", "EX:0000009": "F:0000001"}
    assert turned.entity("EX:0000002").name == "febrile state"


def test_entities_and_edges_remember_their_sources(graphs):
    graph = merge_graphs(graphs, match_on=["xref"])

    of_entity = {
        entity: graph.origins.of_entity(index) for index, entity in enumerate(graph.entity_ids)
    }
    assert of_entity["EX:0000001"] == ("five",)
    assert of_entity["EX:0000002"] == graph.entity("F:0000001").sources == ("five", "fevers")
    assert of_entity["F:0000002"] == ("fevers",)
    ague = int(graph.edge_offsets[graph.index("F:0000002")])
    assert graph.origins.of_edge(ague) == ("fevers",)
    assert len(graph.origins.edges) == len(graph.heads)


def test_an_edge_that_led_into_the_other_graph_becomes_one(graphs):
    graph = merge_graphs(graphs, match_on=["xref"])

    assert ("affects", "EX:0000003") in graph.entity("EX:0000002").edges
    assert "affects" not in graph.references.relation_ids


def test_what_leads_elsewhere_is_kept_for_the_next_merger(graphs):
    graph = merge_graphs(graphs, match_on=["xref"])
    elsewhere = named(("http://elsewhere.org/ague", "intermittent fever"))

    again = merge_graphs([graph, elsewhere])

    assert again.entity("http://elsewhere.org/ague").id == "F:0000002"
    assert again.origins.sources == ("five", "fevers", "graph 2")


def test_a_mapping_table_joins_by_its_exact_matches(graphs, files):
    exact = merge_graphs(graphs, mapping=files[2])
    broad = merge_graphs(graphs, mapping=files[2], match_on=["skos:broadMatch"])

    assert exact == merge_graphs(graphs, match_on=["xref"])
    assert broad.entity("F:0000002").id == "EX:0000004"


def test_several_files_are_merged_where_the_options_say_so(graphs, files):
    by_xref = read_graph(list(files[:2]), options=ReadOptions(match_on=("xref",)))
    by_table = read_graph(list(files[:2]), options=ReadOptions(mapping=str(files[2])))
    as_one = read_graph(list(files[:2]))

    assert by_xref == by_table == merge_graphs(graphs, match_on=["xref"])
    assert as_one.origins is None
    assert "F:0000001" in as_one


@pytest.mark.parametrize("predicate", ["owl:sameAs", "owl:equivalentClass", "skos:exactMatch"])
def test_rdf_statements_join_by_default(predicate, tmp_path):
    path = tmp_path / "other.ttl"
    path.write_text(
        "@prefix owl: <http://www.w3.org/2002/07/owl#> .\n"
        "@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n"
        f'<http://a.org/x> skos:prefLabel "heat" ; {predicate} '
        "<http://purl.obolibrary.org/obo/EX_0000002> ."
    )

    graph = merge_graphs([expected(), read_graph(path)])

    assert graph.entity("http://a.org/x").id == "EX:0000002"
    assert len(graph) == 5


def test_ids_are_recognised_under_their_other_spellings():
    fever = named(("DOID:1", "fever"))
    builder = GraphBuilder()
    builder.add_name("X:1", "heat")
    builder.add_reference("X:1", "skos:exactMatch", "MSH:D005334")

    graph = merge_graphs(
        [named(("http://id.nlm.nih.gov/mesh/D005334", "Fever")), fever, builder.build()]
    )

    assert graph.entity("X:1").name == "Fever"


def test_a_reference_to_an_obsolete_id_finds_what_replaced_it(files):
    old = FEVERS.replace("xref: EX:0000002", "xref: EX:0000009")
    files[1].write_text(old)

    graph = merge_graphs([read_graph(path) for path in files[:2]], match_on=["xref"])

    assert graph.entity("F:0000001").id == "EX:0000002"


def test_two_entities_of_one_source_stay_two():
    cold = named(("A:1", "cold"), ("A:2", "rhinitis"))
    other = named(
        ("B:1", "common cold"),
        edges=[("B:1", "skos:exactMatch", "A:1"), ("B:1", "skos:exactMatch", "A:2")],
    )

    graph = merge_graphs([cold, other])

    assert len(graph) == 3
    assert any("2 statements that entities are the same not followed" in n for n in graph.notes)
    assert graph.entity("B:1").edges == (("skos:exactMatch", "A:1"), ("skos:exactMatch", "A:2"))


def test_what_joined_two_entities_is_no_edge_of_the_one():
    loop = named(("A:1", "cold"), edges=[("A:1", "likes", "A:1")])
    other = named(("B:1", "common cold"), edges=[("B:1", "owl:sameAs", "A:1")])

    graph = merge_graphs([loop, other])

    assert graph.entity("A:1").edges == (("likes", "A:1"),)


def test_a_merged_graph_survives_the_cache_and_the_views(graphs, tmp_path):
    graph = merge_graphs(graphs, match_on=["xref"])

    loaded = load_graph(save_graph(graph, tmp_path / "graph.safetensors"))
    views = [read_graph(graph.to_networkx()), read_graph(graph.to_pyg())]

    for again in (loaded, *views):
        assert again == graph
        assert again.entity("EX:0000002").sources == ("five", "fevers")
        assert again.origins.of_edge(0) == graph.origins.of_edge(0)
        assert list(again.references) == list(graph.references)


def test_references_are_no_part_of_the_hash(files):
    without = FEVERS.replace("xref: EX:0000002\n", "")
    files[2].write_text(without)

    assert read_graph(files[2], format="obo").hash == read_graph(files[1]).hash


def test_licences_and_versions_of_all_sources_hold():
    first, second = GraphBuilder(), GraphBuilder()
    for builder, name in ((first, "A:1"), (second, "B:1")):
        builder.add_name(name, "x")
        builder.version, builder.licence = "2026", f"licence of {name}"

    graph = merge_graphs({"a": first.build(), "b": second.build()})

    assert graph.licence == "licence of A:1; licence of B:1"
    assert graph.version == "a 2026; b 2026"


def test_merging_nothing_is_refused():
    with raises("no-graphs"):
        merge_graphs([])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("subject_id\tobject_id\na\tb\n", r"no column predicate_id \(columns: subject_id"),
        ("", r"no column subject_id and no predicate_id and no object_id \(columns: none"),
        (TABLE + "EX:0000001\t\tfev:1\t\n", r"map\.sssom\.tsv, line 9: a mapping without its pred"),
    ],
)
def test_a_damaged_mapping_table_is_refused(content, message, files):
    files[2].write_text(content)

    with pytest.raises(GraphError, match=message):
        read_mappings(files[2])


def test_a_missing_mapping_table_is_refused(tmp_path):
    with pytest.raises(GraphError, match="no such mapping table"):
        merge_graphs([expected()], mapping=tmp_path / "absent.tsv")


def test_negated_mappings_are_left_out(files):
    files[2].write_text(
        "subject_id,predicate_id,object_id,predicate_modifier\n"
        "a:1,skos:exactMatch,b:1,Not\n"
        "a:2,skos:exactMatch,b:2,\n"
    )

    assert read_mappings(files[2]) == [("a:2", "skos:exactMatch", "b:2")]


entities = st.integers(0, 4).map(str)
pairs = st.lists(st.tuples(entities, entities))
homes = st.fixed_dictionaries({str(number): st.integers(0, 2) for number in range(5)})


@given(pairs=pairs, homes=homes, seed=st.randoms())
def test_joining_depends_on_no_order_and_keeps_each_homes_ids_apart(pairs, homes, seed):
    joined, conflicts = join(pairs, homes)
    shuffled = list(pairs)
    seed.shuffle(shuffled)

    assert len({(home, joined.get(entity, entity)) for entity, home in homes.items()}) == len(homes)
    assert join(shuffled, homes) == (joined, conflicts)
    assert not joined.keys() & set(joined.values())
    assert all(homes[winner] < homes[loser] for loser, winner in joined.items())


@pytest.mark.parametrize("order", [1, -1])
def test_the_home_of_an_id_is_the_graph_with_most_statements(order):
    heart = named(("A:1", "heart"), ("A:1", "cor"))
    stub = named(("B:1", "hjerte"), ("A:1", "A:1"), edges=[("B:1", "owl:sameAs", "A:1")])

    graph = merge_graphs([heart, stub][::order])

    assert graph.entity("B:1") == graph.entity("A:1")
    assert list(graph.entity_ids) == [["A:1"], ["B:1"]][order < 0]


@given(names=st.sets(st.text("abc", min_size=1, max_size=3), min_size=1))
def test_a_graph_merged_with_itself_has_the_same_content(names):
    graph = named(*((f"X:{name}", name) for name in names))

    assert merge_graphs([graph, graph]) == merge_graphs([graph]) == graph


def test_what_may_not_be_shared_may_not_be_shared_merged():
    closed = next(card for card in list_cards().values() if not card.shareable)
    builder = GraphBuilder()
    builder.add_name("U:1", "x")
    builder.licence = closed.licence
    free = replace(expected(), licence="CC0-1.0")

    assert is_shareable(free)
    assert not is_shareable(merge_graphs([free, builder.build()]))


def test_the_note_of_a_merge_counts_ids_in_common_apart_from_what_was_joined():
    graph = merge_graphs({"a": named(("X:1", "fever"), ("X:2", "cough")), "b": named(("X:2", "c"))})

    assert graph.notes[0].startswith(
        "1 entity met under the same id in another source, and 0 entities joined"
    )
