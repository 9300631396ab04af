import pytest

from kgbert import read_graph
from kgbert.graph.rdf import subproperties

TURTLE = """\
@prefix : <http://a.org/> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
:heart a owl:Class ; rdfs:label "heart"@en ; :ticker "ticker"@EN ; :code "C12" ; :says "Pumps." .
"""
DECLARED = """\
:ticker rdfs:subPropertyOf :nickname .
:nickname rdfs:subPropertyOf skos:altLabel , :nickname , :ticker .
:says rdfs:subPropertyOf skos:definition .
:code rdfs:subPropertyOf :identifier .
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a.ttl").write_text(TURTLE)
    return tmp_path


def test_without_a_word_on_it_a_property_of_ones_own_is_no_name(folder):
    assert list(read_graph(folder).names) == ["heart"]


@pytest.mark.parametrize("place", ["before", "after", "elsewhere"])
def test_what_is_under_a_kind_of_name_is_a_name(place, folder):
    prefixes, statements = TURTLE.rsplit(":heart", 1)
    if place == "elsewhere":
        (folder / "b.ttl").write_text(prefixes + DECLARED)
    else:
        parts = [DECLARED, f":heart{statements}"]
        (folder / "a.ttl").write_text(
            prefixes + "".join(parts if place == "before" else reversed(parts))
        )

    graph = read_graph(folder)

    found = graph.entity("http://a.org/heart")
    assert [(name.text, name.scope, name.language) for name in found.names] == [
        ("heart", "preferred", "en"),
        ("ticker", "exact", "en"),
    ]
    assert found.definition == "Pumps."
    assert graph.notes[0].startswith("2 names or definitions under sub-properties")


def test_the_number_of_pending_statements_is_limited(folder, monkeypatch):
    monkeypatch.setattr(subproperties, "_MOST_PENDING", 1)
    (folder / "b.ttl").write_text(TURTLE.rsplit(":heart", 1)[0] + DECLARED)

    graph = read_graph(folder)

    assert list(graph.names) == ["heart", "ticker"]
    assert graph.definitions[0] == ""


def test_the_synonyms_and_abbreviations_of_fibo_are_names(tmp_path):
    path = tmp_path / "fund.ttl"
    path.write_text(
        "@prefix av: <https://www.omg.org/spec/Commons/AnnotationVocabulary/> .\n"
        "@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\n"
        '<http://a.org/etf> rdfs:label "exchange-traded fund" ; av:abbreviation "ETF" ;\n'
        '  av:synonym "tracker" .\n'
    )

    assert list(read_graph(path).names) == ["exchange-traded fund", "ETF", "tracker"]
