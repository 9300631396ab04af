"""Download the triples of a SPARQL endpoint, page by page, to a file of N-Triples.

This is the only place of kgbert that opens a connection, and only for an address that begins with
``sparql:``.
"""

import base64
import hashlib
import http.client
import json
import logging
import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from kgbert.graph.core.options import Limits
from kgbert.utils.atomic_write import write_atomically
from kgbert.utils.errors import GraphError, MissingFileError, Remedy

logger = logging.getLogger(__name__)

#: Environment variables with the credentials: a user with a password, or a bearer token.
USER, PASSWORD, TOKEN = "SPARQL_USER", "SPARQL_PASSWORD", "SPARQL_TOKEN"

#: Triples that are requested at a time.
PAGE_SIZE = 10_000
#: Seconds to wait before each further attempt of a failed request.
PAUSES = (1.0, 5.0)
#: Longest silence of the endpoint in seconds.
_SILENCE = 120.0
_CHUNK = 1 << 16
_ALL_TRIPLES = "SELECT ?s ?p ?o WHERE { ?s ?p ?o }"
_JSON = "application/sparql-results+json"
#: Status codes after which another attempt may succeed.
_TEMPORARY = {408, 429, 500, 502, 503, 504}
_PROLOGUE = re.compile(r"\s*(?:(?:PREFIX\s+[^\s:]*:\s*<[^>]*>|BASE\s+<[^>]*>|#[^\n]*\n)\s*)*", re.I)
_LOCAL = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True)
class Endpoint:
    """An endpoint, and the query whose triples are downloaded."""

    address: str
    query: str
    limits: Limits

    @classmethod
    def of(cls, address: str, query: str, limits: Limits) -> "Endpoint":
        """Return the endpoint of an address ``https://...``.

        Args:
            address: Its parameters, such as ``default-graph-uri``, are sent to the endpoint.
            query: A SELECT query of three variables, or the path of a file with one; empty for all
                triples of the default graph.
            limits: Limits of bytes and seconds.

        Raises:
            GraphError: The address or the query cannot be used.
        """
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise GraphError(
                f"{address!r} is no address of a SPARQL endpoint; write for example "
                "sparql:https://example.org/sparql.",
                code="invalid-endpoint",
            )
        if parts.username or parts.password:
            raise GraphError(
                f"the address of {parts.hostname} contains a user or a password, which would be "
                f"written to results and caches. Set the environment variables {USER} and "
                f"{PASSWORD}, or {TOKEN}, and remove them from the address.",
                code="credentials-in-address",
            )
        return cls(address, _checked_query(query), limits)

    @property
    def key(self) -> str:
        """Name of the cache folder."""
        return hashlib.sha256(f"{self.address}\x1e{self.query}".encode()).hexdigest()[:32]

    @property
    def host(self) -> str:
        """The address without parameters."""
        parts = urlsplit(self.address)
        return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))


def _checked_query(query: str) -> str:
    path = Path(query)
    if query and "{" not in query:
        if not path.is_file():
            raise MissingFileError(
                f"{query}: no such file with a SPARQL query; check the path.", code="missing-query"
            )
        query = path.read_text(encoding="utf-8")
    query = query or _ALL_TRIPLES
    body = query[_end_of_prologue(query) :]
    selected = re.match(r"SELECT\s+(?:DISTINCT\s+|REDUCED\s+)?((?:\?\w+\s+){3})", body, re.I)
    if selected is None:
        raise GraphError(
            f"the query begins with {body[:40]!r}; it must select subject, predicate and object, "
            "for example SELECT ?s ?p ?o WHERE { GRAPH <http://example.org/g> { ?s ?p ?o } }.",
            code="unusable-query",
        )
    if re.search(r"\bFROM\b", body[: body.find("{")], re.IGNORECASE):
        raise GraphError(
            "the query has FROM, which cannot be read page by page; name the graph inside: "
            "SELECT ?s ?p ?o WHERE { GRAPH <http://example.org/g> { ?s ?p ?o } }.",
            code="unusable-query",
        )
    return query


def _end_of_prologue(query: str) -> int:
    found = _PROLOGUE.match(query)
    return found.end() if found else 0


def download(endpoint: Endpoint, folder: Path) -> Path:
    """Return the file with the triples of an endpoint, downloaded unless a folder has it already.

    Pages are written as they arrive, so that another call continues an interrupted download.

    Args:
        endpoint: The endpoint and the query.
        folder: Where the file and the pages are kept.

    Raises:
        GraphError: The endpoint cannot be reached or does not answer as SPARQL endpoints do, or a
            limit is reached.
    """
    target = folder / endpoint.key / "graph.nt"
    if target.is_file():
        return target
    pages = target.parent / "pages"
    pages.mkdir(parents=True, exist_ok=True)
    _download_pages(endpoint, pages)
    if not any(pages.iterdir()):
        raise GraphError(
            f"{endpoint.host}: the query has no result. Check the query and the name of the graph: "
            "many endpoints have triples in named graphs only, for example SELECT ?s ?p ?o WHERE { "
            "GRAPH <http://example.org/g> { ?s ?p ?o } }.",
            code="no-triples",
            remedies=[_FEWER],
        )
    write_atomically(target, _joined(sorted(pages.glob("*.nt"))))
    shutil.rmtree(pages)
    return target


def _joined(pages: list[Path]) -> Iterator[bytes]:
    for page in pages:
        yield page.read_bytes()


def _download_pages(endpoint: Endpoint, pages: Path) -> None:
    deadline = time.monotonic() + endpoint.limits.seconds
    done = sorted(pages.glob("*.nt"))
    offset = sum(page.read_bytes().count(b"\n") for page in done)
    size = sum(page.stat().st_size for page in done)
    before = done[-1].read_bytes() if done else b""
    for number in range(len(done), 1 << 30):
        rows = _page(endpoint, offset, deadline, endpoint.limits.bytes - size)
        if not rows:
            return
        # Blank nodes have a name of their own on each page.
        page = "".join(_line(row, number) for row in rows).encode()
        if _same_triples(page, before, number) or len(rows) > PAGE_SIZE:
            raise GraphError(
                f"{endpoint.host}: ignores LIMIT and OFFSET, so that its triples cannot be read "
                "page by page. Download a dump, and read the file.",
                code="endpoint-without-pages",
            )
        write_atomically(pages / f"{number:06}.nt", page)
        before, offset, size = page, offset + len(rows), size + len(page)
        logger.info("%s: %s triples", endpoint.host, f"{offset:,}")


def _same_triples(page: bytes, before: bytes, number: int) -> bool:
    return page.replace(f"_:p{number}x".encode(), f"_:p{number - 1}x".encode()) == before


def _page(endpoint: Endpoint, offset: int, deadline: float, left: int) -> list[list[Any]]:
    """Return the rows of a page, with further attempts if the endpoint fails."""
    for pause in (*PAUSES, None):
        try:
            return _rows(_answer(endpoint, offset, deadline, left), endpoint)
        except (OSError, http.client.HTTPException, _InterruptedError) as error:
            temporary = not isinstance(error, HTTPError) or error.code in _TEMPORARY
            if pause is None or not temporary or time.monotonic() + pause > deadline:
                raise _failed(endpoint, error, offset) from error
            time.sleep(pause)
    raise AssertionError("the last attempt returns or raises")


_FEWER = Remedy("query", "FILE", "with a SELECT query", "ReadOptions")


class _InterruptedError(Exception):
    """The answer of an endpoint ends early."""


def _failed(endpoint: Endpoint, error: Exception, offset: int) -> GraphError:
    if isinstance(error, HTTPError) and error.code in (401, 403):
        return GraphError(
            f"{endpoint.host}: status {error.code}; it needs credentials. Set the environment "
            f"variables {USER} and {PASSWORD}, or {TOKEN}.",
            code="endpoint-denied",
        )
    if isinstance(error, HTTPError):
        location = error.headers.get("Location") if 300 <= error.code < 400 else None
        detail = f", it moved to {location}" if location else f" ({error.reason})"
        reason = f"status {error.code}{detail}"
    elif isinstance(error, TimeoutError):
        reason = "no answer in time"
    else:
        reason = str(getattr(error, "reason", "")) or str(error) or type(error).__name__
    if not offset:
        return GraphError(
            f"{endpoint.host}: {reason}, so that no triple was read. Check the address and the "
            "connection. If the endpoint refuses the query or takes too long, select fewer "
            "triples.",
            code="endpoint-failed",
            remedies=[_FEWER],
        )
    return GraphError(
        f"{endpoint.host}: {reason}, after {offset:,} triples. They are kept in the cache, if "
        "there is one: read it again to continue there. If the endpoint refuses the query, select "
        "fewer triples.",
        code="endpoint-failed",
        remedies=[_FEWER],
    )


class _NoRedirects(HTTPRedirectHandler):
    """Follows no redirect, which could send credentials to another host."""

    def redirect_request(self, *arguments: Any, **options: Any) -> None:
        """Return no request."""


def _answer(endpoint: Endpoint, offset: int, deadline: float, left: int) -> bytes:
    """Return the body of the answer to the query of a page, within the limits."""
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise _too_long(endpoint)
    opener = build_opener(_NoRedirects())
    parts: list[bytes] = []
    with opener.open(_request(endpoint, offset), timeout=min(_SILENCE, remaining)) as response:
        kind = response.headers.get_content_type()
        if "json" not in kind:
            begin = response.read(200).decode("utf-8", "replace")
            raise GraphError(
                f"{endpoint.host}: answers {kind} ({' '.join(begin.split())[:60]!r}), not {_JSON}, "
                "so that this is no SPARQL endpoint. Check the address; the page of an endpoint "
                "for people often has another one.",
                code="not-an-endpoint",
            )
        while chunk := response.read1(_CHUNK):
            parts.append(chunk)
            left -= len(chunk)
            if left < 0:
                raise GraphError(
                    f"{endpoint.host}: more than {endpoint.limits.bytes:,} bytes. Select fewer "
                    "triples, or raise the limit if you trust the endpoint.",
                    code="too-large",
                    remedies=[Remedy("bytes", 2 * endpoint.limits.bytes, owner="Limits")],
                )
            if time.monotonic() > deadline:
                raise _too_long(endpoint)
    return b"".join(parts)


def _too_long(endpoint: Endpoint) -> GraphError:
    return GraphError(
        f"{endpoint.host}: not finished after {endpoint.limits.seconds:,} seconds. What arrived is "
        "kept in the cache, if there is one: read it again to continue there. Or select fewer "
        "triples, or raise the limit.",
        code="endpoint-too-slow",
        remedies=[Remedy("seconds", 2 * endpoint.limits.seconds, owner="Limits")],
    )


def _request(endpoint: Endpoint, offset: int) -> Request:
    parts = urlsplit(endpoint.address)
    end = _end_of_prologue(endpoint.query)
    prologue, body = endpoint.query[:end], endpoint.query[end:]
    query = (
        f"{prologue}SELECT * WHERE {{ {{ {body}\n}} }} ORDER BY {' '.join(_variables(body))} "
        f"LIMIT {PAGE_SIZE} OFFSET {offset}"
    )
    form = urlencode([*parse_qsl(parts.query), ("query", query)])
    headers = {
        "Accept": _JSON,
        "User-Agent": "kgbert",
        **_credentials(parts.scheme, parts.hostname),
    }
    return Request(endpoint.host, form.encode(), headers, method="POST")


def _variables(query: str) -> list[str]:
    return re.findall(r"\?\w+", query)[:3]


def _credentials(scheme: str, host: str | None) -> dict[str, str]:
    """Return the header with the credentials in the environment."""
    token, user = os.environ.get(TOKEN), os.environ.get(USER)
    if not token and not user:
        return {}
    if scheme != "https" and host not in _LOCAL:
        raise GraphError(
            f"{host} is reached without encryption (http), so that the credentials in {TOKEN} or "
            f"{USER} could be read on the way. Use https, or unset these variables.",
            code="unencrypted-credentials",
        )
    if token:
        return {"Authorization": f"Bearer {token}"}
    pair = f"{user}:{os.environ.get(PASSWORD, '')}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def _rows(answer: bytes, endpoint: Endpoint) -> list[list[Any]]:
    """Return the three terms of each row of a result in JSON."""
    try:
        result = json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise _InterruptedError(f"the answer ends early or is damaged ({error})") from error
    body = endpoint.query[_end_of_prologue(endpoint.query) :]
    names = [name[1:] for name in _variables(body)]
    try:
        bindings = list(result["results"]["bindings"])
        incomplete = [row for row in bindings if not row.keys() >= set(names)]
    except (KeyError, TypeError, AttributeError) as error:
        raise GraphError(
            f"{endpoint.host}: its JSON is no result of a SELECT query (lacks {error}). Check the "
            "address.",
            code="not-an-endpoint",
        ) from error
    if incomplete:
        raise GraphError(
            f"{endpoint.host}: a row of the result lacks one of {', '.join(names)}. Select triples "
            "without OPTIONAL.",
            code="unusable-query",
        )
    return [[row[name] for name in names] for row in bindings]


def _line(row: list[Any], page: int) -> str:
    return f"{' '.join(_term(term, page) for term in row)} .\n"


def _term(term: dict[str, str], page: int) -> str:
    """Return a term as N-Triples; a blank node has the page in its name."""
    kind, value = term["type"], term["value"]
    if kind == "uri":
        return f"<{_ILLEGAL.sub(lambda found: f'%{ord(found[0]):02X}', value)}>"
    if kind == "bnode":
        return f"_:p{page}x{hashlib.sha256(value.encode()).hexdigest()[:16]}"
    written = f'"{_ESCAPED.sub(lambda found: _ESCAPES[found[0]], value)}"'
    if language := term.get("xml:lang"):
        return f"{written}@{re.sub(r'[^A-Za-z0-9-]', '', language)}"
    datatype = term.get("datatype")
    return f"{written}^^{_term({'type': 'uri', 'value': datatype}, page)}" if datatype else written


_ILLEGAL = re.compile(r'[\x00-\x20<>"{}|^`\\]')
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r"}
_ESCAPED = re.compile(r'[\\"\n\r]')
