import pytest

from kgbert import ReadOptions, read_graph
from kgbert.graph.files.source import Source
from kgbert.graph.rdf.default_names import finalize
from kgbert.graph.rdf.statements import Statements
from kgbert.graph.readers.oxigraph import add_with_oxigraph
from kgbert.graph.readers.rdf import add_with_rdflib

HEADER = """\
@prefix : <http://a.org/tools#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix oboInOwl: <http://www.geneontology.org/formats/oboInOwl#> .
:Drill a owl:Class ; rdfs:label "drill" .
:Auger a owl:Class ; rdfs:label "auger" .
"""
DRILL, AUGER = "http://a.org/tools#Drill", "http://a.org/tools#Auger"


def graph_of(tmp_path, statements, **options):
    path = tmp_path / "tools.ttl"
    path.write_text(HEADER + statements)
    return read_graph(path, options=ReadOptions(**options), cache=None)


@pytest.mark.parametrize(
    "predicate", ["oboInOwl:hasDefinition", ":definition", ":has_definition", ":textDefinition"]
)
def test_definitions_are_read_under_common_properties(predicate, tmp_path):
    graph = graph_of(tmp_path, f':Drill {predicate} "It makes holes." ; rdfs:comment "Dull." .')

    assert graph.entity(DRILL).definition == "It makes holes."


@pytest.mark.parametrize("predicate", [":alternate_name", ":exactSynonym", ":altLabel", ":alias"])
def test_synonyms_are_read_under_properties_with_a_standard_local_name(predicate, tmp_path):
    graph = graph_of(tmp_path, f':Drill {predicate} "hole maker" .')

    assert [name.text for name in graph.entity(DRILL).names] == ["drill", "hole maker"]
    assert any("by the property's name" in note for note in graph.notes)


def test_a_label_outranks_a_property_that_is_called_name(tmp_path):
    graph = graph_of(tmp_path, ':Drill :name "Aaa" .')

    assert graph.entity(DRILL).name == "drill"


@pytest.mark.parametrize(
    "statement",
    [
        ":Auger a owl:DeprecatedClass .",
        ":Auger owl:deprecated true .",
        ":Auger :isObsolete true .",
        ":Auger :deprecated 'yes' .",
    ],
)
def test_what_is_obsolete_is_left_out(statement, tmp_path):
    assert AUGER not in graph_of(tmp_path, statement)


@pytest.mark.parametrize("predicate", ["oboInOwl:replacedBy", ":replaced_by", ":termReplacedBy"])
@pytest.mark.parametrize("target", [":Drill", '"http://a.org/tools#Drill"'])
def test_what_replaces_an_obsolete_entity_is_found(predicate, target, tmp_path):
    graph = graph_of(tmp_path, f":Auger owl:deprecated true ; {predicate} {target} .")

    assert graph.entity(AUGER).id == DRILL


def test_options_name_the_properties_of_an_ontology(tmp_path):
    graph = graph_of(
        tmp_path,
        ':Drill :p1 "borer" ; :p2 "brace" ; :p3 "It makes holes." .\n'
        ":Auger :p4 true ; :p5 :Drill .",
        label="http://a.org/tools#p1",
        synonym="http://a.org/tools#p2",
        definition="http://a.org/tools#p3",
        deprecation="http://a.org/tools#p4",
        replacement="http://a.org/tools#p5",
    )

    assert graph.entity(DRILL).name == "borer"
    assert [name.text for name in graph.entity(DRILL).names] == ["borer", "brace", "drill"]
    assert graph.entity(DRILL).definition == "It makes holes."
    assert graph.entity(AUGER).id == DRILL
    assert not graph.unused_properties


def test_text_properties_that_are_not_used_are_counted(tmp_path):
    graph = graph_of(tmp_path, ':Drill :note "oil it" , "dry it" ; :weight "2 kg" .')

    assert graph.unused_properties == {
        "http://a.org/tools#note": 2,
        "http://a.org/tools#weight": 1,
    }
    assert "http://a.org/tools#note 2; http://a.org/tools#weight 1" in " ".join(
        str(graph.health()).split()
    )


def test_dropped_edges_are_counted_by_reason_with_an_example(tmp_path):
    graph = graph_of(
        tmp_path,
        ":Drill rdfs:seeAlso <http://a.org/page> ; :uses <http://b.org/17> , :Auger .\n"
        ":Auger a :Auger .",
    )

    reasons = {reason: (count, example) for reason, count, example in graph.dropped_edges}
    assert reasons["rdfs:seeAlso is metadata"] == (1, f"{DRILL} http://a.org/page")
    assert reasons["an end is not described in the graph"] == (
        1,
        f"{DRILL} http://a.org/tools#uses http://b.org/17",
    )
    assert reasons["rdf:type from an entity to itself"] == (1, f"{AUGER} rdf:type {AUGER}")
    assert graph.health().cycles.count == 0
    assert "dropped 1 edge: rdfs:seeAlso is metadata" in str(graph.health())


def test_what_only_properties_and_provenance_point_at_is_no_entity(tmp_path):
    graph = graph_of(
        tmp_path,
        "@prefix prov: <http://www.w3.org/ns/prov#> .\n"
        ":uses a owl:ObjectProperty ; :documentedAt :pages-number .\n"
        ":Drill prov:wasDerivedFrom :pages-date .",
    )

    assert list(graph.names) == ["auger", "drill"]


def test_targets_of_narrower_that_are_not_described_are_no_entities(tmp_path):
    graph = graph_of(
        tmp_path,
        "@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n"
        ":Drill skos:narrower :Auger , <http://b.org/12> ; skos:narrowMatch <http://b.org/13> .",
    )

    assert len(graph) == 2
    assert graph.entity(AUGER).edges == (("skos:broader", DRILL),)
    assert (1, "skos:narrowMatch", "http://b.org/13") in list(graph.references)


def test_the_members_of_a_disjoint_union_are_below_it(tmp_path):
    graph = graph_of(tmp_path, ":Tool rdfs:label 't' ; owl:disjointUnionOf ( :Drill :Auger ) .")

    for member in (DRILL, AUGER):
        assert graph.entity(member).edges == (("rdfs:subClassOf", "http://a.org/tools#Tool"),)


def test_edges_to_replaced_entities_follow_chains(tmp_path):
    graph = graph_of(
        tmp_path,
        ":Old owl:deprecated true ; oboInOwl:replacedBy :Older .\n"
        ":Older owl:deprecated true ; oboInOwl:replacedBy :Drill .\n"
        ":Auger rdfs:subClassOf :Old .",
    )

    assert graph.entity(AUGER).edges == (("rdfs:subClassOf", DRILL),)
    assert graph.entity("http://a.org/tools#Old").id == DRILL


def test_very_many_pairs_of_domains_and_ranges_make_no_edges(tmp_path):
    ends = "".join(f":p rdfs:domain :d{i} ; rdfs:range :r{i} .\n" for i in range(200))

    graph = graph_of(tmp_path, ":p a owl:ObjectProperty .\n" + ends)

    assert not len(graph.heads)
    assert ("more than 10,000 pairs of a domain and a range", 40_000) in [
        edges[:2] for edges in graph.dropped_edges
    ]


@pytest.mark.parametrize("add", [add_with_rdflib, add_with_oxigraph])
def test_the_first_preferred_name_in_the_file_is_the_preferred_one(add, tmp_path):
    path = tmp_path / "tools.ttl"
    path.write_text(
        HEADER.replace('rdfs:label "drill"', 'rdfs:label "drill" , "borer" , "awl"')
        + ':Drill rdfs:label "aaa"@de , "Bohrer"@de .'
    )
    statements = Statements(ReadOptions())
    add("turtle", Source(path), statements)

    graph = finalize(statements, "tools").build()

    preferred = [name.text for name in graph.entity(DRILL).names if name.scope == "preferred"]
    assert preferred == ["drill", "aaa"]


def test_matches_that_are_written_as_text_are_references(tmp_path):
    graph = graph_of(
        tmp_path,
        "@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n"
        ':Drill skos:exactMatch "MESH:D1" .',
    )

    assert list(graph.references) == [(1, "skos:exactMatch", "MESH:D1")]
    assert not graph.unused_properties


def test_definitions_beside_a_better_one_are_noted(tmp_path):
    graph = graph_of(
        tmp_path,
        "@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n"
        ':Drill skos:definition "It makes holes." , "It turns." ; rdfs:comment "Dull." .\n'
        ':Auger rdfs:comment "A drill." .',
    )

    assert graph.entity(DRILL).definition == "It makes holes."
    assert graph.entity(AUGER).definition == "A drill."
    assert graph.unused_properties == {"skos:definition": 1}
    note = "1 text under rdfs:comment not used: their entities have another definition"
    assert note in graph.notes


def test_named_collections_and_schemes_are_noted(tmp_path):
    graph = graph_of(
        tmp_path,
        "@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n"
        ':Tools a skos:Collection ; skos:prefLabel "tools" ; skos:member :Drill .',
    )

    assert "tools" not in graph.names
    assert any(note.endswith("such as that of http://a.org/tools#Tools") for note in graph.notes)


PREFIXES = """\
@prefix adms: <http://www.w3.org/ns/adms#> .
@prefix dcterms: <http://purl.org/dc/terms/> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> .
@prefix prov: <http://www.w3.org/ns/prov#> .
@prefix schema: <http://schema.org/> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
"""


@pytest.mark.parametrize(
    "predicate",
    [
        *("owl:sameAs", "owl:equivalentClass", "skos:closeMatch", "schema:sameAs", ":sameAs"),
        *("schema:image", "schema:url", "schema:mainEntityOfPage", "foaf:maker"),
        *("dcterms:type", "dcterms:isPartOf", "dcterms:accessRights"),
        "<http://dbpedia.org/ontology/wikiPageExternalLink>",
    ],
)
def test_undescribed_objects_of_references_are_no_entities(predicate, tmp_path):
    graph = graph_of(
        tmp_path, f"{PREFIXES}:Drill {predicate} <http://b.org/current> ; :uses :Bit ."
    )

    assert list(graph.names) == ["auger", "bit", "drill"]
    assert [target for _, _, target in graph.references] == ["http://b.org/current"]
    assert [dropped[:2] for dropped in graph.dropped_edges] == [
        ("an end is not described in the graph", 1)
    ]


@pytest.mark.parametrize(
    "predicate",
    [
        "adms:status",
        "<http://purl.org/iso25964/skos-thes#status>",
        "<http://metadataregistry.org/uri/profile/regap/status>",
    ],
)
def test_the_status_of_a_term_is_metadata(predicate, tmp_path):
    graph = graph_of(tmp_path, f"{PREFIXES}:Drill {predicate} <http://b.org/current> .")

    assert list(graph.names) == ["auger", "drill"]
    assert [count for _, count, _ in graph.dropped_edges] == [1]


def test_described_objects_of_references_are_entities(tmp_path):
    graph = graph_of(tmp_path, f"{PREFIXES}:Drill owl:sameAs :Auger ; dcterms:isPartOf :Auger .")

    assert [relation for relation, _ in graph.entity(DRILL).edges] == [
        "http://purl.org/dc/terms/isPartOf",
        "owl:sameAs",
    ]


@pytest.mark.parametrize(
    "address",
    ["http://b.org/drill.png", "http://b.org", "http://b.org/get?id=drill", "mailto:bob@b.org"],
)
def test_undescribed_documents_and_addresses_are_no_entities(address, tmp_path):
    graph = graph_of(tmp_path, f":Drill :shown <{address}> .")

    assert list(graph.names) == ["auger", "drill"]


def test_activities_of_provenance_and_its_classes_are_no_entities(tmp_path):
    graph = graph_of(
        tmp_path,
        f'{PREFIXES}:Drill a prov:Entity ; :made :run . :run a prov:Activity ; rdfs:label "run" .',
    )

    assert list(graph.names) == ["auger", "drill"]


def test_an_entity_above_or_equal_to_itself_is_no_cycle(tmp_path):
    graph = graph_of(
        tmp_path, ":Drill rdfs:subClassOf :Drill ; owl:equivalentClass :Drill ; :bores :Drill ."
    )

    assert graph.entity(DRILL).edges == (("http://a.org/tools#bores", DRILL),)
    assert {dropped[:2] for dropped in graph.dropped_edges} == {
        ("rdfs:subClassOf from an entity to itself", 1),
        ("owl:equivalentClass from an entity to itself", 1),
    }
    assert graph.health().cycles.count == 0


@pytest.mark.parametrize("marker", ["owl:DeprecatedClass", "oboInOwl:ObsoleteClass"])
def test_subclasses_of_the_class_of_obsolete_ones_are_obsolete(marker, tmp_path):
    graph = graph_of(tmp_path, f":Auger rdfs:subClassOf {marker} , :Drill .")

    assert list(graph.entity_ids) == [DRILL]
    assert graph.replaced == {AUGER: ""}


def test_an_edge_from_an_obsolete_entity_is_an_example_of_dropped_ones(tmp_path):
    graph = graph_of(tmp_path, ":Auger owl:deprecated true ; rdfs:subClassOf :Drill .")

    assert graph.dropped_edges == (
        (
            "an end is a relation, obsolete, or part of the metadata",
            1,
            f"{AUGER} rdfs:subClassOf {DRILL}",
        ),
    )


def test_what_replaces_an_entity_that_is_not_obsolete_is_counted(tmp_path):
    graph = graph_of(tmp_path, ":Auger oboInOwl:replacedBy :Drill .")

    assert AUGER in graph
    assert graph.dropped_edges == (
        ("a replacement of what is not obsolete", 1, f"{AUGER} {DRILL}"),
    )


@pytest.mark.parametrize(
    "vocabulary",
    [
        "http://purl.org/iso25964/skos-thes#{}er{}",
        "https://d-nb.info/standards/elementset/gnd#{}erTerm{}",
    ],
)
@pytest.mark.parametrize("kind", ["Generic", "Instantial", "Partitive"])
def test_kinds_of_broader_in_other_vocabularies_are_a_hierarchy(vocabulary, kind, tmp_path):
    broader, narrower = (vocabulary.format(side, kind) for side in ("broad", "narrow"))

    graph = graph_of(
        tmp_path, f":Auger <{broader}> :Drill . :Auger <{narrower}> :Bit . :Bit rdfs:label 'bit' ."
    )

    assert ("skos:broader", DRILL) in graph.entity(AUGER).edges
    assert ("skos:broader", AUGER) in graph.entity("http://a.org/tools#Bit").edges


@pytest.mark.parametrize(
    "statement",
    [":Auger skos:broaderTransitive :Drill .", ":Drill skos:narrowerTransitive :Auger ."],
)
def test_transitive_relations_are_a_hierarchy_where_nothing_states_direct_ones(statement, tmp_path):
    graph = graph_of(tmp_path, PREFIXES + statement)

    assert graph.entity(AUGER).edges == (("skos:broader", DRILL),)


def test_transitive_relations_are_metadata_beside_direct_ones(tmp_path):
    graph = graph_of(
        tmp_path,
        f"{PREFIXES}:Auger skos:broader :Drill ; skos:broaderTransitive :Drill , :Tool .\n"
        ":Tool rdfs:label 'tool' .",
    )

    assert graph.entity(AUGER).edges == (("skos:broader", DRILL),)
    assert [dropped[:2] for dropped in graph.dropped_edges] == [
        ("skos:broaderTransitive is metadata", 2)
    ]


@pytest.mark.parametrize("axiom", ["owl:oneOf ( {} )", "owl:equivalentClass [ owl:oneOf ( {} ) ]"])
def test_the_members_of_an_enumeration_are_its_instances(axiom, tmp_path):
    graph = graph_of(tmp_path, f":Tool rdfs:label 'tool' ; {axiom.format(':Drill :Auger')} .")

    for member in (DRILL, AUGER):
        assert graph.entity(member).edges == (("rdf:type", "http://a.org/tools#Tool"),)
