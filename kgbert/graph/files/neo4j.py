"""The nodes and relationships of a Neo4j database, page by page, as APOC exports them.

This needs the optional extra ``kgbert[neo4j]``. Other databases that speak Bolt with openCypher are
read in the same way.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, ClassVar
from urllib.parse import urlsplit, urlunsplit

from kgbert.graph.core.options import Limits
from kgbert.graph.files.download import (
    Database,
    Page,
    PageRequest,
    RequestFailed,
    check_encrypted,
    check_no_credentials,
    denied,
    key_of,
    query_text,
    too_large,
    too_long,
)
from kgbert.utils.errors import GraphError, KGBertError

#: Environment variables with the credentials, named as in the files of Neo4j Aura.
USER, PASSWORD = "NEO4J_USERNAME", "NEO4J_PASSWORD"
_VARIABLES = f"{USER} and {PASSWORD}"

#: Rows that are requested at a time.
PAGE_SIZE = 5_000

_EVERYTHING = (
    "MATCH (n) OPTIONAL MATCH (n)-[r]->(m) RETURN n, r, m ORDER BY elementId(n), elementId(r)"
)
_EXAMPLE = (
    "MATCH (a:Disease)-[r:IS_A]->(b:Disease) RETURN a, r, b ORDER BY elementId(a), elementId(r)"
)


@dataclass(frozen=True)
class Neo4jDatabase:
    """A database, and the query whose nodes and relationships are downloaded."""

    suffix: ClassVar[str] = ".jsonl"
    no_result: ClassVar[str] = "Check the query and the name of the database."

    server: str
    """The address without the name of the database."""
    database: str
    """Its name; empty for the user's default."""
    query: str
    limits: Limits

    @classmethod
    def of(cls, source: str, query: str, limits: Limits) -> "Neo4jDatabase":
        """Return the database of a source ``neo4j+s://HOST/DATABASE``.

        Args:
            source: The address.
            query: A Cypher query that returns nodes, relationships or paths in an order, or the
                path of a file with one; empty for everything.
            limits: Limits of bytes and seconds.

        Raises:
            GraphError: The address or the query cannot be used.
        """
        parts = urlsplit(source)
        database = parts.path.strip("/")
        if not parts.hostname or "/" in database:
            raise GraphError(
                f"{source!r} is no address of a Neo4j database; write for example "
                "neo4j+s://example.org:7687/DATABASE.",
                code="invalid-endpoint",
            )
        check_no_credentials(parts, _VARIABLES)
        if parts.scheme in ("neo4j", "bolt"):
            check_encrypted(parts.hostname, (USER,), f"{parts.scheme}+s://")
        server = urlunsplit((parts.scheme, parts.netloc, "", parts.query, ""))
        return cls(server, database, _checked_query(query), limits)

    @property
    def key(self) -> str:
        """Name of the cache folder."""
        return key_of(self.name, self.query)

    @property
    def name(self) -> str:
        """The address."""
        return f"{self.server.partition('?')[0]}{'/' if self.database else ''}{self.database}"

    @property
    def page_size(self) -> int:
        """Rows that are requested at a time."""
        return PAGE_SIZE

    def page(self, request: PageRequest) -> Page:
        """Return the rows of a page.

        Raises:
            RequestFailed: There is no answer.
            GraphError: The answer cannot be used, or a limit is reached.
        """
        # The driver has no limit of the time that it waits for an answer.
        return _within(request.seconds, lambda: _fetched(self, request), self)


def _checked_query(query: str) -> str:
    query = query_text(query, "RETURN").strip().rstrip(";") or _EVERYTHING
    returned = re.split(r"\bRETURN\b", query, flags=re.IGNORECASE)[-1]
    if not re.search(r"\bORDER\s+BY\b", returned, re.IGNORECASE):
        raise GraphError(
            f"the query ends with {query[-40:]!r}; it must return nodes and relationships in an "
            f"order, to be read page by page, for example {_EXAMPLE}.",
            code="unusable-query",
        )
    if found := re.search(r"\b(SKIP|LIMIT|OFFSET)\b", returned, re.IGNORECASE):
        raise GraphError(
            f"the query ends with {found[0]}, which is added to read it page by page. Select fewer "
            "nodes with WHERE, or with LIMIT in a WITH clause.",
            code="unusable-query",
        )
    return query


def _within(seconds: float, call: Callable[[], Page], database: Database) -> Page:
    """Return the result of a call, which is abandoned after some seconds."""
    results: SimpleQueue[Page | Exception] = SimpleQueue()

    def run() -> None:
        try:
            results.put(call())
        except Exception as error:  # Raised again where the result is awaited.
            results.put(error)

    Thread(target=run, daemon=True).start()
    try:
        result = results.get(timeout=max(0.0, seconds))
    except Empty as error:
        raise too_long(database) from error
    if isinstance(result, Exception):
        raise result
    return result


def _fetched(database: Neo4jDatabase, request: PageRequest) -> Page:
    neo4j = _driver_package()
    user = os.environ.get(USER)
    try:
        driver = neo4j.GraphDatabase.driver(
            database.server,
            auth=(user, os.environ.get(PASSWORD, "")) if user else None,
            connection_timeout=request.seconds,
            connection_acquisition_timeout=request.seconds,
            user_agent="kgbert",
        )
    except (neo4j.exceptions.ConfigurationError, ValueError) as error:
        raise GraphError(
            f"{database.name}: {error}, so that it is no address of a Neo4j database. Write for "
            "example neo4j+s://example.org:7687/DATABASE.",
            code="invalid-endpoint",
        ) from error
    options = {
        "database": database.database or None,
        "default_access_mode": neo4j.READ_ACCESS,
    }
    query = f"{database.query}\nSKIP $skip LIMIT $limit"
    try:
        with (
            driver,
            driver.session(**options) as session,
            session.begin_transaction(timeout=request.seconds) as transaction,
        ):
            result = transaction.run(query, skip=request.offset, limit=PAGE_SIZE)
            page = _page(result, database, request)
            transaction.rollback()  # No query can write, whatever the server allows.
            return page
    except (neo4j.exceptions.DriverError, neo4j.exceptions.Neo4jError, OSError) as error:
        raise _failure(database, error) from error


def _driver_package() -> Any:
    try:
        import neo4j
    except ImportError as error:
        raise KGBertError(
            "reading a Neo4j database needs its driver: type pip install 'kgbert[neo4j]', or "
            "export the database and read the files.",
            code="missing-extra",
        ) from error
    return neo4j


def _failure(database: Neo4jDatabase, error: Any) -> Exception:
    """Return the error of a request that the driver or the server refuses."""
    code = getattr(error, "code", None) or ""
    message = str(getattr(error, "message", None) or error).strip() or type(error).__name__
    reason = message.splitlines()[0]
    if ".Security." in code:
        return denied(database, reason.rstrip("."), _VARIABLES)
    if code.endswith("DatabaseNotFound"):
        return GraphError(
            f"{database.name}: {reason.rstrip('.')}. Name a database of the server in the address, "
            f"for example {database.server.partition('?')[0]}/neo4j, or none for the default.",
            code="unknown-database",
        )
    if "looks like HTTP" in str(error):
        return GraphError(
            f"{database.name}: answers as a web server, not as a database. Use the port for Bolt, "
            "which is usually 7687.",
            code="not-an-endpoint",
        )
    is_temporary = isinstance(error, OSError) or error.is_retryable()
    return RequestFailed(reason.rstrip(".:"), is_temporary=is_temporary)


def _page(result: Any, database: Neo4jDatabase, request: PageRequest) -> Page:
    """Return the rows of a result, each node and relationship once, the nodes first."""
    rows: list[list[str]] = []
    lines: dict[str, dict[str, str]] = {"node": {}, "relationship": {}}
    size = 0
    for row in result:
        items = [item for value in row.values() for item in _items(value)]
        for item in items:
            known = lines[item["type"]]
            if item["id"] not in known:
                line = json.dumps(item, ensure_ascii=False, default=str) + "\n"
                known[item["id"]] = line
                size += len(line.encode())
        if size > request.bytes:
            raise too_large(database)
        rows.append([item["id"] for item in items])
        if len(rows) > PAGE_SIZE:
            break
    if rows and not lines["node"]:
        raise GraphError(
            f"{database.name}: the query returns no node. Return nodes and relationships, not "
            f"their properties, for example {_EXAMPLE}.",
            code="unusable-query",
        )
    parts = [*lines["node"].values(), *lines["relationship"].values()]
    return Page(rows, "".join(parts).encode())


def _items(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the nodes and relationships in a value as APOC exports them."""
    from neo4j.graph import Node, Path, Relationship

    if isinstance(value, Node):
        yield {
            "type": "node",
            "id": value.element_id,
            "labels": sorted(value.labels),
            "properties": dict(value),
        }
    elif isinstance(value, Relationship):
        ends = (value.start_node, value.end_node)
        start, end = ({"id": node.element_id} if node else None for node in ends)
        kind = {"type": "relationship", "id": value.element_id, "label": value.type}
        yield {**kind, "start": start, "end": end}
    elif isinstance(value, Path):
        for part in (*value.nodes, *value.relationships):
            yield from _items(part)
    elif isinstance(value, list):
        for part in value:
            yield from _items(part)
