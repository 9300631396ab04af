import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgbert import GraphError, ReadOptions, read_graph
from kgbert.graph.files.source import Source
from kgbert.graph.rdf.default_names import finalize
from kgbert.graph.rdf.owl_annotations import strip_axioms
from kgbert.graph.rdf.statements import Statements
from kgbert.graph.readers.oxigraph import add_with_oxigraph
from kgbert.graph.readers.rdf import add_with_rdflib
from tests.support.growth import assert_linear

HEADS = {
    "turtle": """\
@prefix : <http://a.org/> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
:a a owl:Class ; rdfs:label "a" . :b a owl:Class ; rdfs:label "b" .
""",
    "xml": """\
<rdf:RDF xmlns="http://a.org/" xmlns:owl="http://www.w3.org/2002/07/owl#"
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:rdfs="http://www.w3.org/2000/01/rdf-schema#" xml:base="http://a.org/">
<owl:Class rdf:about="a"><rdfs:label>a</rdfs:label></owl:Class>
<owl:Class rdf:about="b"><rdfs:label>b</rdfs:label></owl:Class>
""",
}
ENDS = {"turtle": "", "xml": "</rdf:RDF>\n"}
SAID = 'owl:annotatedSource :a ; owl:annotatedProperty rdfs:label ; owl:annotatedTarget "a"'
LEFT_OUT = {
    "labelled": ("turtle", f'_:x1 a owl:Axiom ;\n\t{SAID} ;\n\t:note "b", <http://a.org/c> .'),
    "unlabelled": (
        "turtle",
        f'[] a owl:Axiom ;\n    :note :a.b,\n        "\\"c ."@en ;\n  {SAID} .',
    ),
    "bracketed": ("turtle", f'[ rdf:type owl:Axiom ;\n   {SAID} ;\n   :note "1"^^:t ;\n ] .'),
    "element": (
        "xml",
        '<owl:Axiom>\n <owl:annotatedSource rdf:resource="a"/>\n'
        ' <note xml:lang="en">&lt;b&gt;</note>\n <rdfs:comment xmlns:x="http://x.org/">c'
        '</rdfs:comment></owl:Axiom>\n<owl:Axiom rdf:nodeID="x1"></owl:Axiom>',
    ),
}
STAYS = {
    "nested": ("turtle", f"[] a owl:Axiom ; {SAID} ; :note [ :note :b ] ."),
    "structural": ("turtle", "_:x a owl:Axiom ; owl:onProperty :p ; owl:someValuesFrom :b ."),
    "structural address": (
        "turtle",
        "_:x a owl:Axiom ; <http://www.w3.org/2002/07/owl#someValuesFrom> :b .",
    ),
    "structural under another prefix": (
        "turtle",
        "@prefix o: <http://www.w3.org/2002/07/owl#> .\n_:x a owl:Axiom ; o:someValuesFrom :b .",
    ),
    "comment": ("turtle", f"[] a owl:Axiom ; # {SAID} .\n {SAID} ."),
    "long text": ("turtle", f':a rdfs:comment """\n[] a owl:Axiom ; {SAID} .\n""" .'),
    "named": ("turtle", f":x a owl:Axiom ; {SAID} ."),
    "quoted markup": (
        "xml",
        '<owl:Class rdf:about="c"><rdfs:label><![CDATA[</b><owl:Axiom></owl:Axiom>]]></rdfs:label>'
        "</owl:Class>",
    ),
    "markup as text": (
        "xml",
        '<owl:Class rdf:about="c"><rdfs:seeAlso rdf:parseType="Literal"><b></b><owl:Axiom>'
        "</owl:Axiom></rdfs:seeAlso></owl:Class>",
    ),
    "only value": (
        "xml",
        '<owl:Class rdf:about="c"><rdfs:seeAlso><owl:Axiom></owl:Axiom></rdfs:seeAlso></owl:Class>',
    ),
    "structural element": (
        "xml",
        '<owl:Axiom rdf:nodeID="x"><owl:someValuesFrom rdf:resource="b"/></owl:Axiom>',
    ),
    "structural attribute": ("xml", '<owl:Axiom owl:onProperty="p"></owl:Axiom>'),
    "structural default": (
        "xml",
        '<owl:Axiom><someValuesFrom xmlns="http://www.w3.org/2002/07/owl#" rdf:resource="b"/>'
        "</owl:Axiom>",
    ),
}
RESTRICTED = {
    "turtle": ":a rdfs:subClassOf _:x . _:x owl:onProperty :p .",
    "xml": '<owl:Class rdf:about="a"><rdfs:subClassOf rdf:nodeID="x"/></owl:Class>'
    '<rdf:Description rdf:nodeID="x"><owl:onProperty rdf:resource="p"/></rdf:Description>',
}


def written(syntax, *parts):
    return "\n".join((HEADS[syntax], *parts, ENDS[syntax])).encode()


def resolved(add, syntax, path):
    statements = Statements(ReadOptions(name_from_id=True))
    add(syntax, Source(path), statements)
    return finalize(statements, "example").build()


@pytest.mark.parametrize(("syntax", "axiom"), LEFT_OUT.values(), ids=LEFT_OUT)
def test_annotated_axioms_are_left_out(syntax, axiom):
    content = written(syntax, axiom, axiom, RESTRICTED[syntax])

    shorter = strip_axioms(syntax, content)

    assert b"owl:Axiom" not in shorter
    assert shorter.split() == written(syntax, RESTRICTED[syntax]).split()


@pytest.mark.parametrize(("syntax", "part"), STAYS.values(), ids=STAYS)
def test_what_may_matter_stays(syntax, part):
    content = written(syntax, RESTRICTED[syntax], part)

    assert strip_axioms(syntax, content) == content


@given(st.sampled_from(("turtle", "xml")), st.data())
def test_rdflib_understands_the_same_of_the_whole_file(tmp_path_factory, syntax, drawn):
    parts = [part for kind, part in (*LEFT_OUT.values(), *STAYS.values()) if kind == syntax]
    chosen = drawn.draw(st.lists(st.sampled_from((*parts, RESTRICTED[syntax])), max_size=6))
    path = tmp_path_factory.mktemp("annotated") / "graph"
    path.write_bytes(written(syntax, *chosen))

    graphs = [resolved(add, syntax, path) for add in (add_with_oxigraph, add_with_rdflib)]

    assert graphs[0] == graphs[1]


def test_an_error_has_its_line_in_the_whole_file(tmp_path):
    path = tmp_path / "graph.ttl"
    path.write_bytes(written("turtle", LEFT_OUT["unlabelled"][1], "", ":a :b"))
    line = path.read_text().count("\n") + 1

    with pytest.raises(GraphError, match=rf"line {line}\b"):
        read_graph(path, cache=None)


@pytest.mark.parametrize("wrong", ["<p:b>c</p:b>", "</b>", "<rdfs:label>&c;</rdfs:label>"])
def test_an_error_in_xml_has_its_line_too(wrong, tmp_path):
    path = tmp_path / "graph.rdf"
    path.write_bytes(written("xml", LEFT_OUT["element"][1], f"{wrong}", RESTRICTED["xml"]))
    line = path.read_text().splitlines().index(wrong) + 1

    with pytest.raises(GraphError, match=rf"not valid xml \(line {line}: "):
        read_graph(path, cache=None)


def test_an_axiom_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "graph.ttl"
    path.write_bytes(written("turtle", LEFT_OUT["unlabelled"][1]).replace(b"c .", b"\xff ."))

    with pytest.raises(GraphError, match="not valid turtle"):
        read_graph(path, cache=None)


@pytest.mark.parametrize(
    ("syntax", "piece"),
    [
        ("turtle", b'\n_:x a owl:Axiom ; :b "c" ;'),
        ("turtle", b"\n["),
        ("turtle", b"\n_:x a owl:Axiom ; ; :b :c, :d,"),
        ("xml", b"</b>"),
        ("xml", b"</b><owl:Axiom><c>d</c>"),
        ("xml", b"</b><owl:Axiom><c />   "),
    ],
)
def test_what_never_ends_takes_no_longer_than_its_length(syntax, piece):
    def strip(size):
        content = piece * (size // len(piece)) + b"owl:Axiom"
        assert strip_axioms(syntax, content) == content

    assert_linear(strip, 100_000)


@pytest.mark.parametrize("end", ["</owl:Class>\n", "<owl:Class>", "<owl:Class/>", "text"])
def test_xml_that_was_cut_off_between_its_elements_is_refused(end, tmp_path):
    path = tmp_path / "graph.rdf"
    path.write_text(HEADS["xml"] + end)

    with pytest.raises(GraphError, match="It was not downloaded or written whole"):
        read_graph(path, cache=None)
