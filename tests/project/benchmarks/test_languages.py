import pytest

from benchmarks.languages.terms import drawn, terms_of, with_preferred_names
from kgbert.data import Example
from kgbert.graph.storage.builder import GraphBuilder

THSYS = "http://zbw.eu/stw/thsys/"


@pytest.fixture
def thesaurus():
    builder = GraphBuilder()
    for place, english, german in (("v", "Economics", "VWL"), ("v01", "Theory", "Theorie")):
        builder.add_name(f"{THSYS}{place}", english, language="en")
        builder.add_name(f"{THSYS}{place}", german, language="de")
    builder.add_edge(f"{THSYS}v01", "skos:broader", f"{THSYS}v")
    for subject, english, others in (
        ("1", "Utility", ("Use", "Shared")),
        ("2", "Game", ("Shared",)),
    ):
        builder.add_name(subject, english, language="en")
        for other in others:
            builder.add_name(subject, other, "exact", "en")
        builder.add_edge(subject, "skos:broader", f"{THSYS}v01")
    builder.add_name("1", "Nutzen", language="de")
    builder.add_name("1", "Nutzwert", "exact", "de")
    return builder.build()


def test_terms_are_alternative_names_of_one_subject(thesaurus):
    english, german = (terms_of(thesaurus, language) for language in ("en", "de"))

    assert [(x.text, x.target) for x in english] == [("Use", "Theory")]
    assert [(x.text, x.target) for x in german] == [("Nutzwert", "Theory")]


def test_a_graph_of_preferred_names_has_no_term(thesaurus):
    english = with_preferred_names(thesaurus, ["en"])
    both = with_preferred_names(thesaurus, ["en", "de"])

    assert [name.text for name in english.entity("1").names] == ["Utility"]
    assert [name.text for name in both.entity("1").names] == ["Utility", "Nutzen"]
    assert english.entity("1").edges == thesaurus.entity("1").edges


def test_the_same_number_of_terms_is_drawn_of_each_category():
    terms = [Example(f"{label}{number}", label) for label in "ab" for number in range(5)]

    chosen = drawn(terms, 2, seed=0)

    assert [x.target for x in chosen] == ["a", "a", "b", "b"]
    assert chosen == drawn(terms, 2, seed=0)
