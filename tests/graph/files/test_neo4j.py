"""Graphs of property graph databases, from a real server that speaks Bolt (ArcadeDB)."""

import json
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pytest

import kgbert
from kgbert.cli import main
from kgbert.graph.core.options import Limits, ReadOptions
from kgbert.graph.files import download, neo4j
from tests.support.errors import raises

driver_package = pytest.importorskip("neo4j")

NODES = """CREATE
(sign:Sign {code: 'S', name: 'sign'}),
(fever:Sign {code: 'F', name: 'fever', synonyms: ['pyrexia', 'high "temperature"']}),
(cough:Sign {code: 'C', name: 'cough', definition: 'Sudden breath.', seen: date('2026-01-02')}),
(lung:Organ {code: 'L', name: 'lung'}),
(:Organ {code: 'N', name: 'alone'}),
(fever)-[:IS_A]->(sign), (cough)-[:IS_A {since: 2}]->(sign), (cough)-[:IN]->(lung)
"""
SIGNS = "MATCH (a:Sign)-[r:IS_A]->(b) RETURN a, r, b ORDER BY elementId(a)"


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    """Return the port of a running server with one database, ``graph``."""
    package = find_spec("arcadedb_embedded")
    if package is None:
        pytest.skip("needs arcadedb-embedded")
    installed, folder = Path(package.origin).parent, tmp_path_factory.mktemp("arcadedb")
    port = free_port()
    settings = {
        "server.rootPassword": "play-with-data",
        "server.rootPath": folder,
        "server.httpIncomingHost": "127.0.0.1",
        "server.httpIncomingPort": free_port(),
        "server.plugins": "BoltProtocolPlugin",
        "server.defaultDatabases": "graph[root]",
        "bolt.host": "127.0.0.1",
        "bolt.port": port,
    }
    command = [installed / "jre" / "bin" / "java", "-Xmx400m", "-cp", f"{installed}/jars/*"]
    command += [f"-Darcadedb.{name}={value}" for name, value in settings.items()]
    command += ["com.arcadedb.server.ArcadeDBServer"]
    with (folder / "output").open("wb") as log:
        server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        fill(port, server)
        yield port
    finally:
        server.kill()
        server.wait()


def fill(port, server):
    """Create the nodes, once the server has started."""
    for _ in range(120):
        assert server.poll() is None
        try:
            with driver_package.GraphDatabase.driver(
                f"bolt://127.0.0.1:{port}", auth=("root", "play-with-data")
            ) as driver:
                driver.execute_query(NODES, database_="graph")
            return
        except (driver_package.exceptions.DriverError, driver_package.exceptions.Neo4jError):
            time.sleep(0.5)
    raise AssertionError("the server does not start")


@pytest.fixture(autouse=True)
def settings(monkeypatch):
    monkeypatch.setattr(download, "PAUSES", (0.0,))
    monkeypatch.setattr(neo4j, "PAGE_SIZE", 2)
    monkeypatch.setenv(neo4j.USER, "root")
    monkeypatch.setenv(neo4j.PASSWORD, "play-with-data")


def read(port, cache=None, *, database="graph", **options):
    return kgbert.read_graph(
        f"bolt://127.0.0.1:{port}/{database}", cache=cache, options=ReadOptions(**options)
    )


def edges_by_name(graph):
    return {
        (graph.name(graph.index(entity)), relation, graph.name(graph.index(tail)))
        for entity in graph.entity_ids
        for relation, tail in graph.entity(entity).edges
    }


IS_A = "rdfs:subClassOf"
EDGES = {("fever", IS_A, "sign"), ("cough", IS_A, "sign"), ("cough", "IN", "lung")}


def test_a_database_is_read(port):
    graph = read(port)

    assert edges_by_name(graph) == EDGES
    assert {graph.name(place) for place in range(len(graph))} == {
        "sign", "fever", "cough", "lung", "alone",
    }  # fmt: skip
    (fever,) = (x for x in map(graph.entity, graph.entity_ids) if x.name == "fever")
    assert [name.text for name in fever.names] == ["fever", 'high "temperature"', "pyrexia"]
    assert graph.source == f"bolt://127.0.0.1:{port}/graph"


def test_a_property_may_be_the_id(port):
    graph = read(port, columns=("id=code",))

    assert set(graph.entity_ids) == {"S", "F", "C", "L", "N"}
    assert graph.entity("C").definition == "Sudden breath."
    assert set(graph.entity("C").edges) == {(IS_A, "S"), ("IN", "L")}


def test_a_query_selects_nodes(port, tmp_path):
    (tmp_path / "signs.cypher").write_text(f"// hierarchy\n{SIGNS};\n")

    graph = read(port, query=str(tmp_path / "signs.cypher"))

    assert edges_by_name(graph) == {each for each in EDGES if each[1] == IS_A}
    assert len(graph) == 3
    assert read(port, query=SIGNS) == graph
    paths = "MATCH p = (a)-[:IS_A]->(b) RETURN p ORDER BY elementId(a)"
    assert edges_by_name(read(port, query=paths)) == edges_by_name(graph)


def test_a_command_reads_a_database_and_a_file(port, tmp_path, capsys):
    (tmp_path / "more.csv").write_text("subject,predicate,object\nL,in,chest\n")
    typed = ["inspect", f"bolt://127.0.0.1:{port}/graph", "--merge", str(tmp_path / "more.csv")]
    typed += ["--columns", "id=code", "--cache", str(tmp_path / "cache"), "--json", "--quiet"]

    assert main(typed) == 0

    assert json.loads(capsys.readouterr().out)["entities"] == 6


def test_a_second_call_finds_the_database_in_the_cache(port, tmp_path):
    with Relay(port) as relay:
        first = read(relay.port, tmp_path)
        connections = relay.connections

        assert read(relay.port, tmp_path) == first
        assert relay.connections == connections > 0


def test_an_interrupted_download_continues(port, tmp_path):
    with Relay(port) as relay:
        # A connection for each page, of which the third and its second attempt end early.
        relay.limits = {3: 200, 4: 200}
        with pytest.raises(kgbert.GraphError) as error:
            read(relay.port, tmp_path)
        assert error.value.code == "endpoint-failed"
        assert "after 4 rows. They are kept in the cache" in str(error.value)
        before = relay.connections
        graph = read(relay.port, tmp_path)

        assert edges_by_name(graph) == EDGES
        # Six rows in pages of two: one page and the empty one were missing.
        assert relay.connections == before + 2


class Relay:
    """Passes the bytes of a server on, on some connections a limited number only."""

    def __init__(self, port):
        self.target, self.connections, self.limits = port, 0, {}
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *arguments):
        self.listener.close()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            limit = self.limits.get(self.connections, 1 << 30)
            server = socket.create_connection(("127.0.0.1", self.target))
            for pair in ((client, server, 1 << 30), (server, client, limit)):
                threading.Thread(target=self.copy, args=pair, daemon=True).start()

    def copy(self, source, target, limit):
        with suppress(OSError):
            while limit > 0 and (read := source.recv(min(limit, 4096))):
                limit -= len(read)
                target.sendall(read)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def test_wrong_credentials_are_refused(port, monkeypatch):
    monkeypatch.setenv(neo4j.PASSWORD, "wrong-password")

    with pytest.raises(kgbert.GraphError) as error:
        read(port)
    assert error.value.code == "endpoint-denied"
    assert neo4j.PASSWORD in str(error.value)
    assert "wrong-password" not in str(error.value)
    monkeypatch.delenv(neo4j.USER)
    with pytest.raises(kgbert.GraphError) as error:
        read(port)
    assert error.value.code == "endpoint-denied"


def test_an_unknown_database_is_named(port):
    with pytest.raises(kgbert.GraphError) as error:
        read(port, database="other")
    assert error.value.code == "unknown-database"
    assert "/other" in str(error.value)


def test_a_query_that_the_server_refuses_is_shown(port):
    with pytest.raises(kgbert.GraphError) as error:
        read(port, query="MATC (n) RETURN n ORDER BY n")
    assert error.value.code == "endpoint-failed"
    assert "MATC" in str(error.value)


def test_a_query_without_nodes_or_result_is_refused(port):
    with pytest.raises(kgbert.GraphError) as error:
        read(port, query="MATCH (n) RETURN n.name AS name ORDER BY name")
    assert error.value.code == "unusable-query"
    with pytest.raises(kgbert.GraphError) as error:
        read(port, query="MATCH (n:Nothing) RETURN n ORDER BY elementId(n)")
    assert error.value.code == "no-triples"


def test_a_query_cannot_write(port):
    query = "CREATE (n:New {name: 'new'}) RETURN n ORDER BY elementId(n)"

    assert len(read(port, query=query)) == 1
    assert len(read(port)) == 5


def test_more_bytes_than_the_limit_are_refused(port):
    with pytest.raises(kgbert.GraphError) as error:
        read(port, limits=Limits(bytes=100))
    assert error.value.code == "too-large"


def serve_once(answer):
    """Return the port of a server that answers each connection by a function of the socket."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept():
        while True:
            client, _ = listener.accept()
            threading.Thread(target=answer, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


def html(client):
    client.recv(1000)
    client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n<html>")
    client.close()


def closed(client):
    client.recv(1000)
    client.close()


def silent(client):
    client.recv(1000)
    time.sleep(5)


@pytest.mark.parametrize(
    ("answer", "codes"),
    [
        (html, {"not-an-endpoint"}),
        (closed, {"endpoint-failed"}),
        (silent, {"endpoint-failed", "endpoint-too-slow"}),
    ],
)
def test_what_is_no_database_is_given_up(answer, codes):
    started = time.monotonic()

    with pytest.raises(kgbert.GraphError) as error:
        read(serve_once(answer), limits=Limits(seconds=1))
    assert error.value.code in codes
    assert "127.0.0.1" in str(error.value)
    assert time.monotonic() - started < 4


def test_an_answer_that_never_ends_is_given_up(port):
    with Relay(port) as relay:
        relay.copy = lambda source, target, limit: time.sleep(5)
        with pytest.raises(kgbert.GraphError) as error:
            read(relay.port, limits=Limits(seconds=1))
    assert error.value.code in ("endpoint-failed", "endpoint-too-slow")


@pytest.mark.parametrize(
    ("source", "query", "code"),
    [
        ("bolt://", "", "invalid-endpoint"),
        ("neo4j+s://example.org/a/b", "", "invalid-endpoint"),
        ("neo4j+s://ann:secret@example.org", "", "credentials-in-address"),
        ("neo4j://example.org", "", "unencrypted-credentials"),
        ("neo4j+s://example.org", "none.cypher", "missing-query"),
        ("neo4j+s://example.org", "MATCH (n) RETURN n", "unusable-query"),
        ("neo4j+s://example.org", "MATCH (n) RETURN n ORDER BY n LIMIT 5", "unusable-query"),
    ],
)
def test_what_cannot_be_read_is_refused_before_any_connection(monkeypatch, source, query, code):
    monkeypatch.setattr(socket, "socket", None)

    with raises(code):
        kgbert.read_graph(source, cache=None, options=ReadOptions(query=query))


def test_an_address_that_the_driver_refuses_is_named(monkeypatch):
    monkeypatch.setattr(socket, "create_connection", None)

    with pytest.raises(kgbert.GraphError) as error:
        kgbert.read_graph("bolt+s://example.org?policy=x", cache=None)
    assert error.value.code == "invalid-endpoint"
    assert "example.org" in str(error.value)


def test_a_missing_driver_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "neo4j", None)

    with raises("missing-extra"):
        read(1)
