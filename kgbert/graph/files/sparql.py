"""The triples of a SPARQL endpoint, page by page, as N-Triples."""

import base64
import hashlib
import http.client
import json
import os
import re
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from kgbert.graph.core.options import Limits
from kgbert.graph.files.download import (
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
from kgbert.utils.errors import GraphError

#: Environment variables with the credentials: a user with a password, or a bearer token.
USER, PASSWORD, TOKEN = "SPARQL_USER", "SPARQL_PASSWORD", "SPARQL_TOKEN"
_VARIABLES = f"{USER} and {PASSWORD}, or {TOKEN}"

#: Triples that are requested at a time.
PAGE_SIZE = 10_000
#: Longest silence of the endpoint in seconds.
_SILENCE = 120.0
_CHUNK = 1 << 16
_ALL_TRIPLES = "SELECT ?s ?p ?o WHERE { ?s ?p ?o }"
_JSON = "application/sparql-results+json"
#: Status codes after which another attempt may succeed.
_TEMPORARY = {408, 429, 500, 502, 503, 504}
_PROLOGUE = re.compile(r"\s*(?:(?:PREFIX\s+[^\s:]*:\s*<[^>]*>|BASE\s+<[^>]*>|#[^\n]*\n)\s*)*", re.I)


@dataclass(frozen=True)
class SparqlEndpoint:
    """An endpoint, and the query whose triples are downloaded."""

    suffix: ClassVar[str] = ".nt"
    no_result: ClassVar[str] = (
        "Check the query and the name of the graph: many endpoints have triples in named graphs "
        "only, for example SELECT ?s ?p ?o WHERE { GRAPH <http://example.org/g> { ?s ?p ?o } }."
    )

    address: str
    query: str
    limits: Limits

    @classmethod
    def of(cls, address: str, query: str, limits: Limits) -> "SparqlEndpoint":
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
        check_no_credentials(parts, _VARIABLES)
        return cls(address, _checked_query(query), limits)

    @property
    def key(self) -> str:
        """Name of the cache folder."""
        return key_of(self.address, self.query)

    @property
    def name(self) -> str:
        """The address without parameters."""
        parts = urlsplit(self.address)
        return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))

    @property
    def page_size(self) -> int:
        """Triples that are requested at a time."""
        return PAGE_SIZE

    def page(self, request: PageRequest) -> Page:
        """Return the triples of a page.

        Raises:
            RequestFailed: There is no answer.
            GraphError: The answer cannot be used, or a limit is reached.
        """
        try:
            rows = _rows(_answer(self, request), self)
        except HTTPError as error:
            if error.code in (401, 403):
                raise denied(self, f"status {error.code}", _VARIABLES) from error
            reason = f"status {error.code}{_details(error)}"
            raise RequestFailed(reason, is_temporary=error.code in _TEMPORARY) from error
        except TimeoutError as error:
            raise RequestFailed("no answer in time", is_temporary=True) from error
        except (OSError, http.client.HTTPException) as error:
            reason = str(getattr(error, "reason", "")) or str(error) or type(error).__name__
            raise RequestFailed(reason, is_temporary=True) from error
        # Blank nodes have a name of their own on each page.
        return Page(rows, "".join(_line(row, request.number) for row in rows).encode())


def _details(error: HTTPError) -> str:
    location = error.headers.get("Location") if 300 <= error.code < 400 else None
    return f", it moved to {location}" if location else f" ({error.reason})"


def _checked_query(query: str) -> str:
    query = query_text(query, "{") or _ALL_TRIPLES
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


class _NoRedirects(HTTPRedirectHandler):
    """Follows no redirect, which could send credentials to another host."""

    def redirect_request(self, *arguments: Any, **options: Any) -> None:
        """Return no request."""


def _answer(endpoint: SparqlEndpoint, request: PageRequest) -> bytes:
    """Return the body of the answer to the query of a page, within the limits."""
    opener, left = build_opener(_NoRedirects()), request.bytes
    parts: list[bytes] = []
    timeout = min(_SILENCE, request.seconds)
    with opener.open(_post(endpoint, request.offset), timeout=timeout) as response:
        kind = response.headers.get_content_type()
        if "json" not in kind:
            begin = response.read(200).decode("utf-8", "replace")
            raise GraphError(
                f"{endpoint.name}: answers {kind} ({' '.join(begin.split())[:60]!r}), not {_JSON}, "
                "so that this is no SPARQL endpoint. Check the address; the page of an endpoint "
                "for people often has another one.",
                code="not-an-endpoint",
            )
        while chunk := response.read1(_CHUNK):
            parts.append(chunk)
            left -= len(chunk)
            if left < 0:
                raise too_large(endpoint)
            if request.seconds <= 0:
                raise too_long(endpoint)
    return b"".join(parts)


def _post(endpoint: SparqlEndpoint, offset: int) -> Request:
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
    return Request(endpoint.name, form.encode(), headers, method="POST")


def _variables(query: str) -> list[str]:
    return re.findall(r"\?\w+", query)[:3]


def _credentials(scheme: str, host: str | None) -> dict[str, str]:
    """Return the header with the credentials in the environment."""
    if scheme != "https":
        check_encrypted(host, (TOKEN, USER), "https")
    if token := os.environ.get(TOKEN):
        return {"Authorization": f"Bearer {token}"}
    if user := os.environ.get(USER):
        pair = f"{user}:{os.environ.get(PASSWORD, '')}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    return {}


def _rows(answer: bytes, endpoint: SparqlEndpoint) -> list[list[Any]]:
    """Return the three terms of each row of a result in JSON."""
    try:
        result = json.loads(answer)
    except (ValueError, RecursionError) as error:
        reason = f"the answer ends early or is damaged ({error})"
        raise RequestFailed(reason, is_temporary=True) from error
    body = endpoint.query[_end_of_prologue(endpoint.query) :]
    names = [name[1:] for name in _variables(body)]
    try:
        bindings = list(result["results"]["bindings"])
        incomplete = [row for row in bindings if not row.keys() >= set(names)]
    except (KeyError, TypeError, AttributeError) as error:
        raise GraphError(
            f"{endpoint.name}: its JSON is no result of a SELECT query (lacks {error}). Check the "
            "address.",
            code="not-an-endpoint",
        ) from error
    if incomplete:
        raise GraphError(
            f"{endpoint.name}: a row of the result lacks one of {', '.join(names)}. Select triples "
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
