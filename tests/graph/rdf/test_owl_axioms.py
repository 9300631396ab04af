import pytest

from kgbert import ReadOptions, read_graph

PREFIXES = """\
@prefix : <http://a.org/> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
:a a owl:Class ; rdfs:label "a" . :b a owl:Class ; rdfs:label "b" .
:c a owl:Class ; rdfs:label "c" . :p a owl:ObjectProperty . :q a owl:ObjectProperty .
"""
SOME = "[ a owl:Restriction ; owl:onProperty :p ; owl:someValuesFrom {} ]"
AXIOMS = {
    "subclass": (":a rdfs:subClassOf :b .", "a is a b"),
    "some": (f":a rdfs:subClassOf {SOME.format(':b')} .", "a p b"),
    "only": (":a rdfs:subClassOf [ owl:onProperty :p ; owl:allValuesFrom :b ] .", "a p b"),
    "value": (":a rdfs:subClassOf [ owl:onProperty :p ; owl:hasValue :b ] .", "a p b"),
    "cardinality": (
        ":a rdfs:subClassOf [ owl:onProperty :p ; owl:onClass :b ; owl:maxCardinality 1 ] .",
        "a p b",
    ),
    "equivalent restriction": (f":a owl:equivalentClass {SOME.format(':b')} .", "a p b"),
    "equivalent name": (":a owl:equivalentClass :b .", "a is equivalent to b"),
    "intersection": (
        f":a owl:equivalentClass [ owl:intersectionOf ( :b {SOME.format(':c')} ) ] .",
        "a is a b, a p c",
    ),
    "direct intersection": (":a owl:intersectionOf ( :b :c ) .", "a is a b, a is a c"),
    "nested intersection": (
        ":a rdfs:subClassOf [ owl:intersectionOf ( [ owl:intersectionOf ( :b :c ) ] ) ] .",
        "a is a b, a is a c",
    ),
    "union": (":a owl:equivalentClass [ owl:unionOf ( :b :c ) ] .", "b is a a, c is a a"),
    "direct union": (":a owl:unionOf ( :b :c ) .", "b is a a, c is a a"),
    "filler union": (
        f":a rdfs:subClassOf {SOME.format('[ owl:unionOf ( :b :c ) ]')} .",
        "a p b, a p c",
    ),
    "two fillers": (
        ":a rdfs:subClassOf [ owl:onProperty :p ; owl:someValuesFrom :c, :b ] .",
        "a p b, a p c",
    ),
    "inverse property": (
        ":a rdfs:subClassOf [ owl:onProperty [ owl:inverseOf :p ] ; owl:someValuesFrom :b ] .",
        "b p a",
    ),
    "domain and range": (":p rdfs:domain :a ; rdfs:range :b .", "a p b"),
    "domain of a union": (
        ":p rdfs:domain [ owl:unionOf ( :a :b ) ] ; rdfs:range :c .",
        "a p c, b p c",
    ),
    "individuals": (":a :p :b . :x a :c ; rdfs:label 'x' .", "a p b, x instance of c"),
    "complement": (":a rdfs:subClassOf [ owl:complementOf :b ] .", ""),
    "disjoint": (":a owl:disjointWith :b .", ""),
    "reified axiom": (
        "[] a owl:Axiom ; owl:annotatedSource :a ; owl:annotatedProperty rdfs:subClassOf ; "
        "owl:annotatedTarget :b .",
        "",
    ),
    "broken list": (":a owl:intersectionOf [ rdf:first :b ] .", "a is a b"),
    "list that bites its tail": (
        ":a owl:intersectionOf _:l . _:l rdf:first :b ; rdf:rest _:l .",
        "a is a b",
    ),
    "expression that contains itself": (
        ":a rdfs:subClassOf _:x . _:x owl:intersectionOf ( :b _:x ) .",
        "a is a b",
    ),
}


def sentences(graph):
    return ", ".join(
        sorted(
            f"{graph.name(head)} {graph.relation_names[relation]} {graph.name(tail)}"
            for head, relation, tail in zip(
                graph.heads.tolist(), graph.relations.tolist(), graph.tails.tolist(), strict=True
            )
        )
    )


@pytest.mark.parametrize("axiom", AXIOMS)
def test_an_axiom_is_understood_as_edges(axiom, tmp_path):
    statements, expected = AXIOMS[axiom]
    path = tmp_path / "axiom.ttl"
    path.write_text(PREFIXES + statements)

    graph = read_graph(path)

    assert sentences(graph) == expected
    assert not [entity for entity in graph.entity_ids if entity.startswith("_:")]


def test_domain_and_range_can_be_left_out(tmp_path):
    path = tmp_path / "axiom.ttl"
    path.write_text(PREFIXES + ":p rdfs:domain :a ; rdfs:range :b .")

    graph = read_graph(path, options=ReadOptions(domain_range_edges=False))

    assert len(graph.heads) == 0


def test_skos_narrower_is_stored_as_broader(tmp_path):
    path = tmp_path / "thesaurus.ttl"
    path.write_text(
        "@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n"
        '<http://a.org/1> skos:prefLabel "one" ; skos:narrower <http://a.org/2> .\n'
        '<http://a.org/2> a skos:Concept ; skos:prefLabel "two" ; skos:hiddenLabel "2nd" .'
    )

    graph = read_graph(path)

    assert graph.entity("http://a.org/2").edges == (("skos:broader", "http://a.org/1"),)
    assert [name.scope for name in graph.names_of(1)] == ["preferred", "related"]


@pytest.mark.parametrize(
    ("first", "second", "meant"),
    [
        (
            ":a rdfs:subClassOf _:x . _:x owl:onProperty :p ; owl:someValuesFrom :c .",
            ":b rdfs:subClassOf _:x . _:x owl:onProperty :q ; owl:someValuesFrom :a .",
            "a p c, b q a",
        ),
        (
            ":a rdfs:subClassOf _:x . _:x owl:intersectionOf ( :b :c ) .",
            ":c rdfs:subClassOf _:x . _:x owl:intersectionOf ( :b ) .",
            "a is a b, a is a c, c is a b",
        ),
        (
            ":p rdfs:domain _:x ; rdfs:range :c . _:x owl:unionOf ( :a ) .",
            ":q rdfs:domain _:x ; rdfs:range :a . _:x owl:unionOf ( :b ) .",
            "a p c, b q a",
        ),
    ],
)
def test_a_blank_node_means_nothing_in_the_next_file(first, second, meant, tmp_path):
    for name, statements in (("one.ttl", first), ("two.ttl", second)):
        (tmp_path / name).write_text(PREFIXES + statements)

    graph = read_graph(tmp_path)

    assert sentences(graph) == meant
