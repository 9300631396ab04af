"""Graphs of SPARQL endpoints, from real servers on the loopback address."""

import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest
import rdflib

import kgbert
from kgbert.cli import main
from kgbert.graph.core.options import Limits, ReadOptions
from kgbert.graph.files import download, sparql
from tests.support.errors import raises

TURTLE = """
@prefix : <http://example.org/> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
:fever rdfs:label "fever"@en, "Fieber \\"hoch\\"\\n"@de ; rdfs:subClassOf :sign ; :weight 3 .
:sign rdfs:label "sign" .
:cough rdfs:label "cough" ; rdfs:subClassOf :sign ; :has [ :part :lung ] .
:lung rdfs:label "lung" ; rdfs:comment "breathes" .
"""


class Server(ThreadingHTTPServer):
    """A SPARQL endpoint that answers by rdflib, or misbehaves."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.graph = rdflib.Graph().parse(data=TURTLE, format="turtle")
        self.forms, self.headers, self.misbehave = [], [], {}

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}/sparql"


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def do_POST(self):
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.server.forms.append(form)
        self.server.headers.append(dict(self.headers))
        number = len(self.server.forms)
        act = self.server.misbehave.get(number, self.server.misbehave.get("always"))
        if act is not None:
            act(self)
        else:
            self.reply(self.server.graph.query(form["query"][0]).serialize(format="json"))

    def reply(self, body, kind="application/sparql-results+json", status=200, **headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", headers.pop("length", len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(download, "PAUSES", (0.0,))
    monkeypatch.setattr(sparql, "PAGE_SIZE", 4)
    for name in (sparql.USER, sparql.PASSWORD, sparql.TOKEN):
        monkeypatch.delenv(name, raising=False)
    running = Server()
    threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
    yield running
    running.shutdown()
    running.server_close()


def read(server, cache=None, **options):
    return kgbert.read_graph(
        f"sparql:{server.address}", cache=cache, options=ReadOptions(**options)
    )


def test_an_endpoint_is_read_like_a_file(server, tmp_path):
    (tmp_path / "g.ttl").write_text(TURTLE)

    graph = read(server)

    expected = kgbert.read_graph(tmp_path / "g.ttl", cache=None)
    assert list(graph.entity_ids) == list(expected.entity_ids)
    assert sorted(graph.names) == sorted(expected.names)
    assert graph.entity("http://example.org/fever") == expected.entity("http://example.org/fever")
    assert graph.source == server.address
    # Eleven triples in pages of four, and an empty page.
    assert len(server.forms) == 4


def test_a_second_call_finds_the_graph_in_the_cache(server, tmp_path):
    first = read(server, tmp_path)
    requests = len(server.forms)

    assert read(server, tmp_path) == first
    assert len(server.forms) == requests
    read(server, tmp_path, query="SELECT ?a ?b ?c { ?a ?b ?c }")
    assert len(server.forms) == 2 * requests


def test_an_interrupted_download_continues(server, tmp_path):
    stop = lambda handler: handler.reply(b'{"results": {"bindings": [', length=999)  # noqa: E731
    server.misbehave = {3: stop, 4: stop}

    with pytest.raises(kgbert.GraphError) as error:
        read(server, tmp_path)
    assert error.value.code == "endpoint-failed"
    assert "after 8 rows. They are kept in the cache" in str(error.value)
    graph = read(server, tmp_path)

    offsets = [form["query"][0].rpartition(" ")[2] for form in server.forms]
    assert offsets == ["0", "4", "8", "8", "8", "11"]
    assert graph == read(server)


def test_a_failing_endpoint_is_asked_again(server):
    server.misbehave = {2: lambda handler: handler.reply(b"busy", status=503)}

    assert len(read(server)) == 4


def test_a_query_selects_the_triples(server, tmp_path):
    query = """# labels only
    PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
    SELECT DISTINCT ?x ?label ?y WHERE { ?x ?label ?y FILTER(?label = rdfs:label) }"""
    (tmp_path / "labels.rq").write_text(query)

    graph = read(server, query=str(tmp_path / "labels.rq"))

    assert len(graph) == 4
    assert not len(graph.heads)
    assert read(server, query=query) == graph


def test_parameters_are_sent_and_credentials_come_from_the_environment(server, monkeypatch):
    address = f"sparql:{server.address}?default-graph-uri=http%3A%2F%2Fexample.org%2Fg"

    kgbert.read_graph(address, cache=None)
    assert server.forms[0]["default-graph-uri"] == ["http://example.org/g"]
    assert "Authorization" not in server.headers[0]
    monkeypatch.setenv(sparql.USER, "ann")
    monkeypatch.setenv(sparql.PASSWORD, "secret")
    graph = read(server)
    assert server.headers[-1]["Authorization"] == "Basic YW5uOnNlY3JldA=="
    monkeypatch.setenv(sparql.TOKEN, "abc")
    read(server)
    assert server.headers[-1]["Authorization"] == "Bearer abc"
    assert "secret" not in graph.source
    with raises("unencrypted-credentials"):
        kgbert.read_graph("sparql:http://example.org/sparql", cache=None)


def html(handler):
    handler.reply(b"<html><body>Welcome</body></html>", kind="text/html")


def other_json(handler):
    handler.reply(b'{"hello": 1}', kind="application/json")


def moved(handler):
    handler.reply(b"", status=302, Location="http://other.example/")


def denied(handler):
    handler.reply(b"", status=401)


def refused(handler):
    handler.reply(b"syntax error", status=400)


def same_page(handler):
    query = "SELECT * { ?s ?p ?o } ORDER BY ?s ?p ?o LIMIT 4"
    handler.reply(handler.server.graph.query(query).serialize(format="json"))


def everything(handler):
    query = "SELECT * { ?s ?p ?o }"
    handler.reply(handler.server.graph.query(query).serialize(format="json"))


def endless(handler):
    handler.send_response(200)
    handler.send_header("Content-Type", "application/sparql-results+json")
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b" " * 1000)
            time.sleep(0.01)
    except OSError:
        pass


def silent(handler):
    time.sleep(3)


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (html, "not-an-endpoint"),
        (other_json, "not-an-endpoint"),
        (moved, "endpoint-failed"),
        (denied, "endpoint-denied"),
        (refused, "endpoint-failed"),
        (same_page, "endpoint-without-pages"),
        (everything, "endpoint-without-pages"),
    ],
)
def test_what_is_no_endpoint_is_refused(server, act, code):
    server.misbehave = {"always": act}

    with pytest.raises(kgbert.GraphError) as error:
        read(server)
    assert error.value.code == code
    assert server.address in str(error.value)


@pytest.mark.parametrize("act", [endless, silent])
def test_an_endpoint_that_never_ends_is_given_up(server, act):
    server.misbehave = {"always": act}
    started = time.monotonic()

    with pytest.raises(kgbert.GraphError) as error:
        read(server, limits=Limits(seconds=1))
    assert error.value.code in ("endpoint-too-slow", "endpoint-failed")
    assert "not finished after 1 seconds" in str(error.value) or (
        "no answer in time, so that nothing was read" in str(error.value)
    )
    assert time.monotonic() - started < 10


def test_an_endpoint_without_triples_is_asked_again_the_next_time(server, tmp_path):
    graph, server.graph = server.graph, rdflib.Graph()

    with pytest.raises(kgbert.GraphError) as error:
        read(server, tmp_path)
    assert error.value.code == "no-triples"
    assert server.address in str(error.value)
    server.graph = graph
    assert len(read(server, tmp_path)) == 4


def test_more_bytes_than_the_limit_are_refused(server):
    with pytest.raises(kgbert.GraphError) as error:
        read(server, limits=Limits(bytes=100))
    assert error.value.code == "too-large"
    server.misbehave = {"always": endless}
    with pytest.raises(kgbert.GraphError) as error:
        read(server, limits=Limits(bytes=20_000))
    assert error.value.code == "too-large"


def test_an_endpoint_that_does_not_answer_is_named(server, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    with pytest.raises(kgbert.GraphError) as error:
        kgbert.read_graph(f"sparql:http://127.0.0.1:{port}/sparql", cache=None)
    assert error.value.code == "endpoint-failed"


@pytest.mark.parametrize(
    ("source", "query", "code"),
    [
        ("sparql:example.org/sparql", "", "invalid-endpoint"),
        ("sparql:file:///etc/passwd", "", "invalid-endpoint"),
        ("sparql:https://ann:secret@example.org/sparql", "", "credentials-in-address"),
        ("sparql:https://example.org/sparql", "none.rq", "missing-query"),
        ("sparql:https://example.org/sparql", "CONSTRUCT { ?s ?p ?o } {}", "unusable-query"),
        ("sparql:https://example.org/sparql", "SELECT ?s { ?s a ?o }", "unusable-query"),
        ("sparql:https://a.org/s", "SELECT ?s ?p ?o FROM <g:g> { ?s ?p ?o }", "unusable-query"),
        ("sparql:https://example.org/sparql", "DELETE { ?s ?p ?o }", "unusable-query"),
        ("g.ttl", "SELECT ?s ?p ?o { ?s ?p ?o }", "query-without-endpoint"),
    ],
)
def test_what_cannot_be_read_is_refused_before_any_connection(monkeypatch, source, query, code):
    monkeypatch.setattr(socket, "create_connection", None)

    with raises(code):
        kgbert.read_graph(source, cache=None, options=ReadOptions(query=query))


def test_other_addresses_are_never_fetched(server, monkeypatch):
    monkeypatch.setattr(socket, "create_connection", None)

    with pytest.raises(kgbert.GraphError) as error:
        kgbert.read_graph(server.address, cache=None)
    assert error.value.code == "missing-graph-file"
    assert not server.forms


def test_an_endpoint_is_merged_with_a_file(server, tmp_path, capsys):
    (tmp_path / "more.csv").write_text(
        "subject,predicate,object\nhttp://example.org/lung,in,chest\n"
    )
    typed = ["inspect", f"sparql:{server.address}", "--merge", str(tmp_path / "more.csv")]

    assert main([*typed, "--cache", str(tmp_path / "cache"), "--json", "--quiet"]) == 0

    assert json.loads(capsys.readouterr().out)["entities"] == 5
