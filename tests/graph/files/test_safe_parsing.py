import bz2
import contextlib
import gzip
import lzma
import socket
import tracemalloc
import zipfile

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kgbert import GraphError, ReadOptions, read_graph
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.core.options import Limits
from kgbert.graph.files.safe_parsing import safe_xml
from kgbert.graph.files.source import Source
from kgbert.graph.rdf.default_names import finalize
from kgbert.graph.rdf.statements import Statements
from kgbert.graph.readers.rdf import add_with_rdflib
from kgbert.graph.readers.registry import READERS
from tests.support.errors import raises
from tests.support.five_entities import OBO, TABLE, TURTLE, WRITERS, expected
from tests.support.growth import assert_linear

RDF_XML = """<?xml version="1.0"?>
{doctype}
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
  xmlns:rdfs="http://www.w3.org/2000/01/rdf-schema#">
<rdf:Description rdf:about="http://a.org/b"><rdfs:label>{text}</rdfs:label></rdf:Description>
</rdf:RDF>
"""
TRIX = """{doctype}<TriX xmlns="http://www.w3.org/2004/03/trix/trix-1/"><graph><triple>
<uri>http://a.org/b</uri><uri>http://www.w3.org/2000/01/rdf-schema#label</uri>
<plainLiteral>{text}</plainLiteral></triple></graph></TriX>
"""
LAUGHS = "".join(
    f'<!ENTITY l{depth} "{f"&l{depth - 1};" * 10}">' if depth else '<!ENTITY l0 "ha">'
    for depth in range(12)
)
MIXED_LAUGHS = LAUGHS.replace(' "&', " \"'&").replace('"ha"', '"\'ha"')
#: Codes of the errors that refuse entities.
UNSAFE = {"unsafe-xml-entity", "xml-entity-expansion"}
ENTITIES = {
    "billion laughs": (f"<!DOCTYPE x [{LAUGHS}]>", "&l11;"),
    "external file": ('<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>', "&e;"),
    "external page": ('<!DOCTYPE x [<!ENTITY e PUBLIC "p" "http://127.0.0.1:9/e">]>', "&e;"),
    "parameter": ('<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:9/d"> %p;]>', "x"),
    "quadratic": (f'<!DOCTYPE x [<!ENTITY e "{"e" * 1000}">]>', "&e;" * 100_000),
    "mixed quotes": (f"<!DOCTYPE x [{MIXED_LAUGHS}]>", "&l11;"),
    "mixed and long": (f'<!DOCTYPE x [<!ENTITY e "\'{"e" * 100_000}">]>', "&e;"),
    "long": (f'<!DOCTYPE x [<!ENTITY e "{"e" * 100_000}">]>', "&e;"),
}

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch):
    def refuse(*_):
        raise AssertionError("a reader touched the network")

    for name in ("connect", "connect_ex", "sendto", "bind"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def graph_or_refusal(path, format_name):
    try:
        return read_graph(path, format=format_name)
    except GraphError as error:
        return error


def with_rdflib(syntax):
    def read(path):
        statements = Statements(ReadOptions())
        add_with_rdflib(syntax, Source(path), statements)
        return finalize(statements, str(path)).build()

    return read


XML_READERS = {
    "as found": read_graph,
    "rdflib": with_rdflib("xml"),
}


@pytest.mark.parametrize("attack", ENTITIES)
@pytest.mark.parametrize("reader", XML_READERS)
def test_entities_that_expand_or_lie_elsewhere_are_refused(attack, reader, tmp_path):
    doctype, text = ENTITIES[attack]
    path = tmp_path / "attack.rdf"
    path.write_text(RDF_XML.format(doctype=doctype, text=text))

    with pytest.raises(GraphError, match=r"attack\.rdf.*xmllint --noent") as refusal:
        XML_READERS[reader](path)

    assert refusal.value.code in UNSAFE


@pytest.mark.parametrize("attack", ENTITIES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_no_encoding_and_no_syntax_hides_an_entity(attack, encoding, tmp_path):
    doctype, text = ENTITIES[attack]
    path = tmp_path / "attack.trix"
    path.write_bytes(TRIX.format(doctype=doctype, text=text).encode(encoding))

    with pytest.raises(GraphError) as refusal:
        read_graph(path, format="trix")

    assert refusal.value.code in UNSAFE


def test_short_entities_for_namespaces_are_understood(tmp_path):
    path = tmp_path / "protege.owl"
    doctype = '<!DOCTYPE rdf:RDF [<!ENTITY owl "http://www.w3.org/2002/07/owl#">]>'
    path.write_text(RDF_XML.format(doctype=doctype, text="about &owl;"))

    assert read_graph(path).name(0) == "about http://www.w3.org/2002/07/owl#"


@pytest.mark.parametrize("reader", XML_READERS)
def test_a_declared_encoding_is_followed(reader, tmp_path):
    path = tmp_path / "latin.rdf"
    content = RDF_XML.format(doctype="", text="Ménière").replace("?>", ' encoding="ISO-8859-1"?>')
    path.write_bytes(content.encode("latin1"))

    assert XML_READERS[reader](path).name(0) == "Ménière"


def test_deep_xml_is_refused(tmp_path):
    path = tmp_path / "deep.rdf"
    inner = "<rdf:Description><rdfs:seeAlso>" * 50_000
    path.write_text(RDF_XML.format(doctype="", text=inner))

    with raises("nested-too-deeply"):
        read_graph(path)


@pytest.mark.parametrize(
    "context",
    [
        '"http://127.0.0.1:9/context.jsonld"',
        '["file:///etc/hostname"]',
        '{"@import": "http://127.0.0.1:9/context.jsonld"}',
        '[{"a": "http://a.org/a"}, "https://schema.org"]',
    ],
)
def test_contexts_outside_the_file_are_refused(context, tmp_path):
    path = tmp_path / "attack.jsonld"
    path.write_text(f'{{"@context": {context}, "@id": "http://a.org/b", "label": "x"}}')

    with raises("remote-context"):
        read_graph(path)


@pytest.mark.parametrize("opening", ['{"@id":', "[", '{"@graph":['])
def test_deep_json_is_refused(opening, tmp_path):
    path = tmp_path / "deep.jsonld"
    path.write_text(opening * 200_000)

    with raises("nested-too-deeply"):
        read_graph(path, format="json-ld")


@pytest.mark.parametrize("syntax", ["turtle", "n3", "trig"])
def test_deep_turtle_is_read_or_refused(syntax, tmp_path):
    path = tmp_path / "deep.ttl"
    depth = 20_000
    blanks = "[ <http://a.org/c> " * depth + '"x"' + " ]" * depth
    path.write_text(
        f'<http://a.org/b> <{"http://www.w3.org/2000/01/rdf-schema#label"}> "b" ; '
        f"<http://a.org/c> {blanks} ."
    )

    with raises("nested-too-deeply"):
        with_rdflib(syntax)(path)
    if syntax != "n3":
        assert read_graph(path, format=syntax).name(0) == "b"


@pytest.mark.parametrize(
    ("syntax", "content"),
    [("n3", "<a:b> <a:c> ? ."), ("turtle", r"<a:b> <a:c> <a:\UFFFFFFFF> .")],
)
def test_syntax_errors_that_rdflib_has_no_class_for_are_refused(syntax, content, tmp_path):
    path = tmp_path / "odd.ttl"
    path.write_text(content)

    with raises("malformed-rdf"):
        with_rdflib(syntax)(path)


def test_what_is_no_syntax_error_is_not_hidden(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise MemoryError

    path = tmp_path / "five.ttl"
    path.write_text(TURTLE)
    monkeypatch.setattr("rdflib.Graph.parse", fail)

    with pytest.raises(MemoryError):
        with_rdflib("turtle")(path)


def test_owl_imports_of_a_file_are_not_fetched(tmp_path):
    path = tmp_path / "importing.ttl"
    path.write_text(TURTLE + "<http://a.org/o> owl:imports <http://127.0.0.1:9/other.owl> .")

    assert read_graph(path) == expected()


@pytest.mark.parametrize(
    ("suffix", "compress"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)]
)
def test_a_bomb_is_refused_before_it_explodes(suffix, compress, tmp_path):
    path = tmp_path / f"bomb.nt{suffix}"
    path.write_bytes(compress(b" " * (64 << 20)))

    with pytest.raises(GraphError, match=r"(once it is decompressed|longer than)"):
        read_graph(path, format="nt")


@pytest.mark.parametrize("format_name", WRITERS)
@pytest.mark.parametrize(
    ("suffix", "compress"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)]
)
def test_every_format_is_read_compressed(format_name, suffix, compress, tmp_path):
    plain = WRITERS[format_name](tmp_path)
    path = tmp_path / f"{plain.name}{suffix}"
    path.write_bytes(compress(plain.read_bytes()))

    assert read_graph(path) == expected()


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_truncated_compressed_file_is_refused(share, tmp_path):
    path = tmp_path / "cut.obo.gz"
    whole = gzip.compress(OBO.encode())
    path.write_bytes(whole[: int(share * len(whole))])

    with raises("damaged-archive"):
        read_graph(path)


def test_a_zip_archive_is_read_and_its_names_lead_nowhere(tmp_path):
    path = tmp_path / "inner" / "graph.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../escaped.obo", OBO)

    assert read_graph(path) == expected()
    assert [file.name for file in tmp_path.rglob("*") if file.is_file()] == ["graph.zip"]


def test_a_huge_literal_is_refused(tmp_path):
    path = tmp_path / "huge.ttl"
    path.write_text(f'<http://a.org/b> <http://a.org/c> "{"9" * (40 << 20)}" .')

    for read in (read_graph, with_rdflib("turtle")):
        with raises("literal-too-long"):
            read(path)


@pytest.mark.parametrize("format_name", ["nt", "obo", "table"])
def test_a_huge_line_is_refused(format_name, tmp_path):
    path = tmp_path / "huge.txt"
    path.write_text("id: " + "x," * (10 << 20))

    with pytest.raises(GraphError, match=r"huge\.txt"):
        read_graph(path, format=format_name)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("format_name", ["obo", "table", "turtle", "nt", "xml", "json-ld"])
def test_byte_order_marks_and_wide_encodings_are_understood(encoding, format_name, tmp_path):
    plain = WRITERS[format_name](tmp_path)
    text = plain.read_text(encoding="utf-8")
    plain.write_bytes(text.encode(encoding))

    assert read_graph(plain) == expected()


@pytest.mark.parametrize("format_name", WRITERS)
def test_bytes_that_are_no_text_are_refused_with_the_remedy(format_name, tmp_path):
    path = WRITERS[format_name](tmp_path)
    path.write_bytes(path.read_bytes().replace(b"disease", b"dis\xe9ase"))

    with pytest.raises(GraphError):
        read_graph(path, format=format_name)


@pytest.mark.parametrize("format_name", WRITERS)
@given(share=st.floats(0, 1), noise=st.binary(max_size=4))
@example(share=0.0, noise=b"? ")
def test_a_damaged_file_is_read_or_refused(format_name, share, noise, tmp_path_factory):
    path = WRITERS[format_name](tmp_path_factory.mktemp("damaged"))
    whole = path.read_bytes()
    cut = int(share * len(whole))
    path.write_bytes(whole[:cut] + noise + whole[cut + 2 :])

    outcome = graph_or_refusal(path, format_name)

    text = outcome.source if isinstance(outcome, KnowledgeGraph) else str(outcome)
    assert path.name in text


@pytest.mark.parametrize("format_name", READERS)
@given(content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused(format_name, content, tmp_path_factory):
    path = tmp_path_factory.mktemp("any") / "any.txt"
    path.write_bytes(content)

    outcome = graph_or_refusal(path, format_name)

    text = outcome.source if isinstance(outcome, KnowledgeGraph) else str(outcome)
    assert path.name in text


def test_limits_can_be_raised(tmp_path):
    path = tmp_path / "wide.csv"
    path.write_text(TABLE.replace("Anything that ails.", "x" * 1000))

    with raises("line-too-long"):
        read_graph(path, options=ReadOptions(limits=Limits(line=100)))
    assert len(read_graph(path, options=ReadOptions(limits=Limits(line=10_000)))) == 5


@pytest.mark.parametrize("syntax", ["turtle", "xml", "nt", "nquads", "trig", "json-ld"])
def test_the_fast_parser_reads_as_rdflib_does(syntax, tmp_path):
    pytest.importorskip("pyoxigraph")
    path = WRITERS[syntax](tmp_path)

    assert with_rdflib(syntax)(path) == read_graph(path, format=syntax) == expected()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.n3", '@prefix : <http://a.org/> .\n:a :b "caf\udce9" .\n'),
        ("a.jsonld", '{\n"@id": "caf\udce9"}'),
        ("a.trix", "<TriX>\n<graph>caf\udce9</graph></TriX>"),
        ("a.hext", '\n["http://a.org/caf\udce9"]'),
    ],
)
def test_the_line_that_is_no_text_is_named(name, content, tmp_path):
    path = tmp_path / name
    path.write_bytes(content.encode(errors="surrogateescape"))

    with pytest.raises(GraphError, match=rf"{name}.*line 2: not UTF-8 text.*iconv"):
        read_graph(path)


@pytest.mark.parametrize("encoding", ["undefined", "punycode", "idna", "no-such", "rot13"])
def test_a_declared_encoding_that_is_none_is_refused(encoding, tmp_path):
    path = tmp_path / "odd.rdf"
    path.write_text(RDF_XML.format(doctype="", text="x").replace("?>", f' encoding="{encoding}"?>'))

    with raises("unknown-encoding"):
        read_graph(path)


def test_wide_characters_without_a_mark_hide_no_entity(tmp_path):
    path = tmp_path / "wide.rdf"
    doctype, text = ENTITIES["billion laughs"]
    path.write_bytes(RDF_XML.format(doctype=doctype, text=text).encode("utf-16-le"))

    with raises("not-utf8"):
        with_rdflib("xml")(path)


@pytest.mark.parametrize("format_name", ["node-link", "obographs", "json-ld"])
def test_half_a_character_in_json_is_refused(format_name, tmp_path):
    path = tmp_path / "half.json"
    path.write_text('{"nodes": [],\n"graphs": [], "links": [], "name": "x\\ud800"}')

    with raises("lone-surrogate"):
        read_graph(path, format=format_name)


def test_a_whole_character_outside_the_first_plane_is_read(tmp_path):
    path = tmp_path / "whole.json"
    path.write_text('{"nodes": [{"id": "a", "name": "x\\ud83d\\ude00"}], "links": []}')

    assert read_graph(path).name(0) == "x😀"


def test_a_huge_literal_in_xml_and_in_json_is_refused(tmp_path):
    limits = ReadOptions(limits=Limits(line=10_000))
    (tmp_path / "huge.rdf").write_text(RDF_XML.format(doctype="", text="c" * 20_000))
    (tmp_path / "huge.json").write_text(
        '{"nodes": [{"id": "a", "name": "' + '\\"c' * 10_000 + '"}], "links": []}'
    )

    for name in ("huge.rdf", "huge.json"):
        with raises("literal-too-long"):
            read_graph(tmp_path / name, options=limits)


def test_wide_and_deep_json_is_refused_in_little_memory(tmp_path):
    path = tmp_path / "wide.jsonld"
    path.write_text('{"@id": "a:b", "x": ' + "[" * 900 + ",".join("0" * 50_000) + "]" * 900 + "}")

    tracemalloc.start()
    outcome = graph_or_refusal(path, "json-ld")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert isinstance(outcome, GraphError)
    assert peak < 100 << 20


#: Input that grows with a number, and made the time grow with its square once.
GROWING = {
    "declaration": ("a.rdf", lambda size: "<?xml " + 'encoding="a" ' * size),
    "entities": (
        "a.rdf",
        lambda size: RDF_XML.format(
            doctype="<!DOCTYPE x [" + '<!ENTITY a "b">' * size + "]>", text="&a;"
        ),
    ),
    "entity spaces": ("a.rdf", lambda size: "<x><!ENTITY " + " " * size),
    "comments": ("a.rdf", lambda size: RDF_XML.format(doctype="", text="") + "<!---->" * size),
    "ends of comments": ("a.rdf", lambda size: "<x>" + "-->" * size),
    "doctype": ("a.rdf", lambda size: "<!DOCTYPE x [" + "] " * size),
    "spaces": ("a.rdf", lambda size: RDF_XML.format(doctype="", text="") + " " * size),
}


@pytest.mark.parametrize("attack", GROWING)
def test_the_time_to_refuse_grows_with_the_input_and_not_with_its_square(attack, tmp_path):
    name, content = GROWING[attack]

    def read(size):
        path = tmp_path / name
        path.write_text(content(size))
        with contextlib.suppress(GraphError):
            safe_xml(Source(path))

    assert_linear(read, size=2_000)


@pytest.mark.parametrize("half", [b"\xed\xa0\x80", b"\xff"])
@pytest.mark.parametrize("reader", ["json-ld", "obographs", "fhir", "stix", "tree", "node-link"])
def test_json_that_is_not_utf8_is_refused_before_it_is_parsed(reader, half, tmp_path):
    path = tmp_path / "graph.json"
    # Each reader would find another fault too, and look for its place in the text.
    path.write_bytes(b'{"@id": 5,\n "graphs": 5, "name": "' + half + b'"}')

    with raises("not-utf8") as error:
        read_graph(path, format=reader, cache=None)

    assert "graph.json, line 2: not UTF-8 text" in str(error.value)
