import pytest
import rdflib

from kgbert import ReadOptions, read_graph
from kgbert.graph.core.identifiers import PREFIXES
from kgbert.graph.files.source import Source
from kgbert.graph.rdf.datatypes import matches_datatype
from kgbert.graph.rdf.statements import Statements
from kgbert.graph.readers.rdf import read_rdf

SKOS_XL = """\
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix xl: <http://www.w3.org/2008/05/skos-xl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix : <http://a.org/> .

:cow a skos:Concept ; xl:prefLabel :l1 , [ a xl:Label ; xl:literalForm "Kuh"@de ] ;
  xl:altLabel :l2 ; xl:hiddenLabel [ xl:literalForm "kow"@en ] ; skos:broader :animal .
:l1 a xl:Label ; xl:literalForm "cow"@en ; rdfs:label "the label of the cow" ;
  xl:labelRelation :l2 .
:l2 xl:literalForm "cattle"@en .
:animal a skos:Concept ; skos:prefLabel "animal"@en ; xl:prefLabel :l3 .
"""
TYPED = """\
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix : <http://a.org/> .

:a rdfs:label "twelve"^^xsd:integer ; rdfs:comment "2025-6-24T18:00:00"^^xsd:dateTime .
:b rdfs:label "b"^^xsd:string ; rdfs:comment "12"^^xsd:integer , "x"^^:ownType .
"""


@pytest.fixture(params=["fast", "rdflib"])
def read(request, tmp_path):
    if request.param == "fast":
        pytest.importorskip("pyoxigraph")

    def read(turtle):
        if request.param == "rdflib":
            return read_graph(rdflib.Graph().parse(data=turtle, format="turtle"))
        path = tmp_path / "graph.ttl"
        path.write_text(turtle)
        return read_graph(path)

    return read


def test_the_labels_of_skos_xl_are_names_and_no_entities(read):
    graph = read(SKOS_XL)

    assert list(graph.entity_ids) == ["http://a.org/animal", "http://a.org/cow"]
    assert [(name.text, name.scope, name.language) for name in graph.names_of(1)] == [
        ("cow", "preferred", "en"),
        ("Kuh", "preferred", "de"),
        ("cattle", "exact", "en"),
        ("kow", "related", "en"),
    ]


def test_a_label_without_a_text_names_nothing(read):
    assert [name.text for name in read(SKOS_XL).names_of(0)] == ["animal"]


def test_ill_typed_literals_are_kept_and_counted(read):
    graph = read(TYPED)

    assert graph.name(0) == "twelve"
    assert graph.definitions[0] == "2025-6-24T18:00:00"
    assert any(
        note.startswith("2 literals do not fit their datatype and are kept as they are written")
        for note in graph.notes
    )


def test_streamed_triples_say_the_same_about_their_literals(tmp_path):
    path = tmp_path / "graph.nt"
    path.write_text(rdflib.Graph().parse(data=TYPED, format="turtle").serialize(format="nt"))
    statements = Statements(ReadOptions())

    read_rdf("nt", Source(path), statements)

    assert len(statements.mistyped_literals) == 2


@pytest.mark.parametrize(
    ("datatype", "good", "bad"),
    [
        ("integer", ["-12", "+0", " 7 "], ["1.0", "", "twelve", "1e3"]),
        ("nonNegativeInteger", ["0", "-0", "7"], ["-1"]),
        ("positiveInteger", ["1", "007"], ["0", "-1"]),
        ("negativeInteger", ["-1"], ["0", "1"]),
        ("nonPositiveInteger", ["0", "-1"], ["1"]),
        ("decimal", [".5", "-1.", "3"], [".", "1e3", "1,5"]),
        ("double", ["1e-3", "INF", "NaN", "-.5E7"], ["inf", "e3"]),
        ("boolean", ["true", "0"], ["True", "yes"]),
        ("dateTime", ["2025-06-24T18:00:00", "-0044-03-15T12:00:00.5Z"], ["2025-6-24T18:00:00"]),
        ("date", ["2025-06-24", "2025-06-24+02:00"], ["24.6.2025", "2025-13-01"]),
        ("gYear", ["2025"], ["25"]),
        ("gYearMonth", ["2025-12"], ["2025-13"]),
        ("time", ["23:59:59"], ["25:00:00"]),
        ("string", ["anything"], []),
    ],
)
def test_literals_fit_their_datatype_or_not(datatype, good, bad):
    iri = PREFIXES["xsd"] + datatype

    assert all(matches_datatype(text, iri) for text in good)
    assert not any(matches_datatype(text, iri) for text in bad)


def test_a_blank_label_names_in_its_own_file_alone(tmp_path):
    prefixes = SKOS_XL[: SKOS_XL.index(":cow")]
    for name in ("cow", "hen"):
        statements = f":{name} xl:prefLabel _:l . :the_{name} xl:altLabel _:l . "
        statements += f'_:l xl:literalForm "{name}" .'
        (tmp_path / f"{name}.ttl").write_text(prefixes + statements)

    graph = read_graph(tmp_path)

    assert {
        entity: [name.text for name in graph.entity(entity).names] for entity in graph.entity_ids
    } == {
        "http://a.org/cow": ["cow"],
        "http://a.org/hen": ["hen"],
        "http://a.org/the_cow": ["cow"],
        "http://a.org/the_hen": ["hen"],
    }


def test_alternative_ids_lead_to_the_entity(read):
    graph = read(
        "@prefix o: <http://www.geneontology.org/formats/oboInOwl#> .\n"
        "@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\n"
        '<http://a.org/a> rdfs:label "fever" ; o:hasAlternativeId "HP:1", "HP:2" .\n'
    )

    assert graph.replaced == {"HP:1": "http://a.org/a", "HP:2": "http://a.org/a"}


def test_an_empty_definition_leaves_the_place_to_another(read):
    graph = read(
        "@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n"
        '<http://a.org/a> skos:prefLabel "fever" ; skos:definition " "@en , "Hitze."@de .\n'
    )

    assert graph.entity("http://a.org/a").definition == "Hitze."
