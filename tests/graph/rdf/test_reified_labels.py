import pytest
import rdflib

from kgbert import ReadOptions, read_graph

WORDNET = """\
@prefix ontolex: <http://www.w3.org/ns/lemon/ontolex#> .
@prefix wn: <https://globalwordnet.github.io/schemas/wn#> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix : <http://a.org/> .

:word-dog a ontolex:LexicalEntry ; ontolex:canonicalForm [ ontolex:writtenRep "dog"@en ] ;
  ontolex:otherForm :dogs ; ontolex:sense :dog-1 ; wn:partOfSpeech wn:noun .
:dogs a ontolex:Form ; ontolex:writtenRep "dogs"@en .
:dog-1 a ontolex:LexicalSense ; ontolex:isLexicalizedSenseOf :synset-dog ; wn:derivation :doggy-1 .
:doggy-1 a ontolex:LexicalSense ; ontolex:isSenseOf :word-doggy .
:word-doggy ontolex:canonicalForm [ ontolex:writtenRep "doggy"@en ] .
:synset-dog a ontolex:LexicalConcept ; ontolex:lexicalizedSense :doggy-1 ;
  wn:definition [ rdf:value "a member of the genus Canis"@en ] ; wn:hypernym :synset-animal .
[] ontolex:canonicalForm [ ontolex:writtenRep "animal"@en ] ; ontolex:evokes :synset-animal .
:synset-animal a ontolex:LexicalConcept .
"""


@pytest.fixture(params=["fast", "rdflib"])
def read(request, tmp_path):
    if request.param == "fast":
        pytest.importorskip("pyoxigraph")

    def read(turtle, **options):
        if request.param == "rdflib":
            content = rdflib.Graph().parse(data=turtle, format="turtle")
            return read_graph(content, options=ReadOptions(**options))
        path = tmp_path / "graph.ttl"
        path.write_text(turtle)
        return read_graph(path, options=ReadOptions(**options))

    return read


def test_words_name_what_their_senses_mean_and_are_no_entities(read):
    graph = read(WORDNET)

    assert list(graph.entity_ids) == ["http://a.org/synset-animal", "http://a.org/synset-dog"]
    dog = graph.entity("http://a.org/synset-dog")
    assert [(name.text, name.scope, name.language) for name in dog.names] == [
        ("dog", "exact", "en"),
        ("doggy", "exact", "en"),
        ("dogs", "exact", "en"),
    ]
    assert dog.definition == "a member of the genus Canis"
    assert graph.name(0) == "animal"


def test_hypernyms_are_a_hierarchy(read):
    graph = read(WORDNET, roots=("http://a.org/synset-animal",))

    assert len(graph) == 2
    assert graph.health().depth == 1


def test_a_lexicon_in_another_file_names_the_classes_of_an_ontology(tmp_path):
    (tmp_path / "lexicon.ttl").write_text(
        """
        @prefix ontolex: <http://www.w3.org/ns/lemon/ontolex#> .
        @prefix : <http://a.org/> .
        :w ontolex:canonicalForm _:f ; ontolex:sense _:s . _:f ontolex:writtenRep "Hund"@de .
        _:s ontolex:reference :Dog .
        """
    )
    (tmp_path / "ontology.ttl").write_text(
        """
        @prefix owl: <http://www.w3.org/2002/07/owl#> .
        @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
        @prefix ontolex: <http://www.w3.org/ns/lemon/ontolex#> .
        @prefix : <http://a.org/> .
        :Dog a owl:Class ; rdfs:label "dog" .
        _:f ontolex:writtenRep "another form" . _:s ontolex:reference :Dog .
        """
    )

    graph = read_graph(tmp_path)

    assert list(graph.names) == ["dog", "Hund"]


def test_a_definition_that_leads_to_a_thing_without_text_is_an_edge(read):
    graph = read(
        """
        @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
        @prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
        @prefix dcterms: <http://purl.org/dc/terms/> .
        @prefix : <http://a.org/> .
        :a rdfs:label "a" ; dcterms:description :page , :text .
        :page rdfs:label "page" . :text rdf:value "It is a."@en .
        """
    )

    assert graph.entity("http://a.org/a").definition == "It is a."
    assert graph.entity("http://a.org/a").edges == (
        ("http://purl.org/dc/terms/description", "http://a.org/page"),
    )
