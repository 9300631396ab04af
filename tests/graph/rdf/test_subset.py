import pytest

from kgbert import GraphError, ReadOptions, read_graph
from kgbert.graph.cards import find_card
from kgbert.graph.files.source import Source
from kgbert.graph.rdf.statements import Statements
from kgbert.graph.readers.rdf import read_rdf
from tests.support.five_entities import WRITERS

TONGUES = """\
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
<http://a.org/1> skos:prefLabel "heart"@en , "Herz"@de-AT , "cœur"@fr , "cor" .
"""


@pytest.mark.parametrize(
    ("languages", "names"),
    [
        ((), ["cor", "heart", "Herz", "cœur"]),
        (("en",), ["cor", "heart"]),
        (("DE", "fr"), ["cor", "Herz", "cœur"]),
        (("de-at",), ["cor", "Herz"]),
    ],
)
def test_names_of_other_languages_are_left_out(languages, names, tmp_path):
    path = tmp_path / "tongues.ttl"
    path.write_text(TONGUES)

    graph = read_graph(path, options=ReadOptions(languages=languages))

    assert list(graph.names) == names


def test_languages_that_no_name_has_are_refused(tmp_path):
    path = tmp_path / "tongues.ttl"
    path.write_text(TONGUES.replace(' , "cor"', ""))

    with pytest.raises(GraphError, match=r"in la; they are in de-at, en, fr"):
        read_graph(path, options=ReadOptions(languages=("la",)))


@pytest.mark.parametrize(
    "word", ["part of", "BFO:0000050", "http://purl.obolibrary.org/obo/BFO_0000050"]
)
def test_edges_of_other_relations_are_left_out(word, tmp_path):
    graph = read_graph(WRITERS["obo"](tmp_path), options=ReadOptions(relations=(word,)))

    assert graph.relation_ids == ("BFO:0000050",)
    assert "3 edges of other relations left out" in graph.notes


def test_an_unknown_relation_lists_those_that_are_there(tmp_path):
    with pytest.raises(GraphError, match=r"Relations here: BFO:0000050, rdfs:subClassOf"):
        read_graph(WRITERS["obo"](tmp_path), options=ReadOptions(relations=("eats",)))


def test_what_is_not_below_the_roots_is_left_out(tmp_path):
    graph = read_graph(WRITERS["obo"](tmp_path), options=ReadOptions(roots=("EX:0000005",)))

    assert sorted(graph.names) == ["heart", "heart attack", "infarct", "organ"]


@pytest.mark.parametrize(("radius", "size"), [(0, 1), (1, 3), (2, 5)])
def test_root_radius_counts_edges_in_any_direction(radius, size, tmp_path):
    options = ReadOptions(roots=("EX:0000004",), root_radius=radius)

    assert len(read_graph(WRITERS["obo"](tmp_path), options=options)) == size


@pytest.mark.parametrize(
    "options", [ReadOptions(root_radius=1), ReadOptions(root_radius=-1, roots=("E:1",))]
)
def test_hops_without_roots_and_fewer_than_none_are_refused(options, tmp_path):
    with pytest.raises(GraphError, match="counted from roots that are named"):
        read_graph(WRITERS["obo"](tmp_path), options=options)


def test_an_unknown_root_is_refused(tmp_path):
    with pytest.raises(GraphError, match=r"no entity 'EX:9' to start from.*'EX:0000001'"):
        read_graph(WRITERS["obo"](tmp_path), options=ReadOptions(roots=("EX:9",)))


TRUTHY = """\
<{e}Q1> <{l}label> "heart"@en .
<{e}Q1> <{l}label> "Herz"@de .
<{e}Q1> <http://schema.org/description> "organ that pumps"@en .
<{e}Q1> <{p}P279> <{e}Q2> .
<{e}Q1> <{p}P18> <http://commons.wikimedia.org/wiki/Special:FilePath/Heart%20picture.jpg> .
<{e}Q2> <{l}label> "organ"@en .
<{e}Q3> <{l}label> "Niere"@de .
""".format(
    e="http://www.wikidata.org/entity/",
    p="http://www.wikidata.org/prop/direct/",
    l="http://www.w3.org/2000/01/rdf-schema#",
)


def test_unselected_content_is_not_kept_in_memory_while_wikidata_is_read(tmp_path):
    path = tmp_path / "truthy.nt"
    path.write_text(TRUTHY)
    statements = Statements(find_card("wikidata").options)

    read_rdf("nt", Source(path), statements)
    statements.flush()

    assert not [term for term in statements.builder.terms if "picture" in term or "Herz" in term]


def test_wikidata_is_read_with_its_card(tmp_path):
    path = tmp_path / "truthy.nt"
    path.write_text(TRUTHY)

    graph = read_graph(path, card="wikidata")

    assert [entity[-2:] for entity in graph.entity_ids] == ["Q1", "Q2", "Q3"]
    assert list(graph.names) == ["heart", "organ"]
    assert graph.definitions[0] == "organ that pumps"
    assert {"2 names in other languages left out", "1 edge of other relations left out"} < set(
        graph.notes
    )


def test_a_joining_predicate_is_read_for_any_selected_relations(tmp_path):
    same, part = "http://a.org/same", "http://a.org/part"
    label = "http://www.w3.org/2000/01/rdf-schema#label"
    for name, other in ("a", "b"), ("b", "a"):
        own = f"http://{name}.org/"
        (tmp_path / f"{name}.nt").write_text(
            f'<{own}1> <{label}> "{name}" .\n<{own}2> <{label}> "{name} 2" .\n'
            f"<{own}1> <{part}> <{own}2> .\n<{own}1> <{same}> <http://{other}.org/1> .\n"
        )
    options = ReadOptions(relations=(part,), match_on=(same,))

    graph = read_graph([tmp_path / "a.nt", tmp_path / "b.nt"], options=options)

    assert sorted(graph.names) == ["a", "a 2", "b", "b 2"]
    assert len(graph) == 3


@pytest.mark.parametrize(
    ("label", "note"), [("dcterms:title", "1 name"), ("dcterms:titel", "0 names")]
)
def test_the_number_of_names_of_a_property_is_noted(label, note, tmp_path):
    path = tmp_path / "tongues.ttl"
    title = '<http://a.org/1> <http://purl.org/dc/terms/title> "Heart" .'
    path.write_text(TONGUES + title)

    graph = read_graph(path, options=ReadOptions(label=label))

    assert f"{note} under {label}, which was requested" in graph.notes


def test_edges_from_domains_to_ranges_are_counted(tmp_path):
    path = tmp_path / "schema.ttl"
    path.write_text(
        "@prefix : <http://a.org/> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\n"
        ':a rdfs:label "a" . :b rdfs:label "b" . :p rdfs:domain :a ; rdfs:range :b .'
    )

    graphs = [
        read_graph(path, options=ReadOptions(domain_range_edges=value)) for value in (True, False)
    ]

    assert [len(graph.heads) for graph in graphs] == [1, 0]
    assert graphs[0].notes == ("1 edge from the domains of relations to their ranges",)
