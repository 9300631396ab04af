"""Download the rows of a database, page by page, to one file.

Only :mod:`kgbert.graph.files.sparql` and :mod:`kgbert.graph.files.neo4j` open connections, and only
for addresses that name such a database.
"""

import hashlib
import logging
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import SplitResult

from kgbert.graph.core.options import Limits
from kgbert.utils.atomic_write import write_atomically
from kgbert.utils.errors import GraphError, MissingFileError, Remedy

logger = logging.getLogger(__name__)

#: Seconds to wait before each further attempt of a failed request.
PAUSES = (1.0, 5.0)

#: The remedy of a query that selects too much.
FEWER = Remedy("query", "FILE", "with a query that selects fewer", "ReadOptions")

_LOCAL = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True)
class PageRequest:
    """A request for a page."""

    number: int
    """The place of the page among all."""
    offset: int
    """Number of rows before the page."""
    deadline: float
    """The value of ``time.monotonic`` at which the download is given up."""
    bytes: int
    """The most bytes that the page may have."""

    @property
    def seconds(self) -> float:
        """Seconds that are left."""
        return self.deadline - time.monotonic()


@dataclass(frozen=True)
class Page:
    """Some rows of the result."""

    rows: Sequence[Any]
    content: bytes
    """What is written to the file."""


class Database(Protocol):
    """A query of a database."""

    @property
    def name(self) -> str:
        """The address in messages."""

    @property
    def key(self) -> str:
        """Name of the cache folder."""

    @property
    def limits(self) -> Limits:
        """Limits of bytes and seconds."""

    @property
    def suffix(self) -> str:
        """Suffix of the file."""

    @property
    def page_size(self) -> int:
        """Rows that are requested at a time."""

    @property
    def no_result(self) -> str:
        """What to check if the query has no result."""

    def page(self, request: PageRequest) -> Page:
        """Return the rows of a page.

        Raises:
            RequestFailed: There is no answer.
            GraphError: The answer cannot be used, or a limit is reached.
        """


class RequestFailed(Exception):  # noqa: N818  # what happened, not an error of kgbert
    """A request was not answered."""

    def __init__(self, reason: str, *, is_temporary: bool) -> None:
        """Start with the reason, and whether another attempt may succeed."""
        super().__init__(reason)
        self.is_temporary = is_temporary


def download(database: Database, folder: Path) -> Path:
    """Return the file with the rows of a database, downloaded unless a folder has it already.

    Pages are written as they arrive, so that another call continues an interrupted download.

    Args:
        database: The database and the query.
        folder: Where the file and the pages are kept.

    Raises:
        GraphError: The database cannot be reached or does not answer as such databases do, or a
            limit is reached.
    """
    target = folder / database.key / f"graph{database.suffix}"
    if target.is_file():
        return target
    pages = target.parent / "pages"
    pages.mkdir(parents=True, exist_ok=True)
    _download_pages(database, pages)
    found = _pages_in(pages, database)
    if not found:
        raise GraphError(
            f"{database.name}: the query has no result. {database.no_result}",
            code="no-triples",
            remedies=[FEWER],
        )
    write_atomically(target, _joined(found))
    shutil.rmtree(pages)
    return target


def _joined(pages: list[Path]) -> Iterator[bytes]:
    for page in pages:
        yield page.read_bytes()


def _pages_in(folder: Path, database: Database) -> list[Path]:
    return sorted(folder.glob(f"*{database.suffix}"))


def _download_pages(database: Database, folder: Path) -> None:
    deadline = time.monotonic() + database.limits.seconds
    done = _pages_in(folder, database)
    # The name of a page ends with the number of its rows.
    offset = sum(int(page.stem.partition("-")[2]) for page in done)
    size = sum(page.stat().st_size for page in done)
    before: Sequence[Any] = ()
    for number in count(len(done)):
        page = _page(database, PageRequest(number, offset, deadline, database.limits.bytes - size))
        if not page.rows:
            return
        if page.rows == before or len(page.rows) > database.page_size:
            raise GraphError(
                f"{database.name}: gives the same rows again, or more than were requested, so that "
                "it cannot be read page by page. Export its content, and read the file.",
                code="endpoint-without-pages",
            )
        name = f"{number:06}-{len(page.rows)}{database.suffix}"
        write_atomically(folder / name, page.content)
        before, offset, size = page.rows, offset + len(page.rows), size + len(page.content)
        logger.info("%s: %s rows", database.name, f"{offset:,}")


def _page(database: Database, request: PageRequest) -> Page:
    """Return the rows of a page, with further attempts if the database fails."""
    for pause in (*PAUSES, None):
        if request.seconds <= 0:
            raise too_long(database)
        try:
            return database.page(request)
        except RequestFailed as error:
            if pause is None or not error.is_temporary or pause > request.seconds:
                raise _failed(database, str(error), request.offset) from error
            time.sleep(pause)
    raise AssertionError("the last attempt returns or raises")


def _failed(database: Database, reason: str, offset: int) -> GraphError:
    if not offset:
        return GraphError(
            f"{database.name}: {reason}, so that nothing was read. Check the address and the "
            "connection. If the query is refused or takes too long, select fewer rows.",
            code="endpoint-failed",
            remedies=[FEWER],
        )
    return GraphError(
        f"{database.name}: {reason}, after {offset:,} rows. They are kept in the cache, if there "
        "is one: read it again to continue there. If the query is refused, select fewer rows.",
        code="endpoint-failed",
        remedies=[FEWER],
    )


def too_long(database: Database) -> GraphError:
    """Return the error of a download that reaches its limit of seconds."""
    seconds = database.limits.seconds
    return GraphError(
        f"{database.name}: not finished after {seconds:,} seconds. What arrived is kept in the "
        "cache, if there is one: read it again to continue there. Or select fewer rows, or raise "
        "the limit.",
        code="endpoint-too-slow",
        remedies=[Remedy("seconds", 2 * seconds, owner="Limits")],
    )


def too_large(database: Database) -> GraphError:
    """Return the error of a download that reaches its limit of bytes."""
    limit = database.limits.bytes
    return GraphError(
        f"{database.name}: more than {limit:,} bytes. Select fewer rows, or raise the limit if you "
        "trust the database.",
        code="too-large",
        remedies=[Remedy("bytes", 2 * limit, owner="Limits")],
    )


def denied(database: Database, reason: str, variables: str) -> GraphError:
    """Return the error of missing or wrong credentials, with the variables that have them."""
    return GraphError(
        f"{database.name}: {reason}; it needs credentials. Set the environment variables "
        f"{variables}.",
        code="endpoint-denied",
    )


def check_no_credentials(address: SplitResult, variables: str) -> None:
    """Raise GraphError if an address contains credentials."""
    if address.username or address.password:
        raise GraphError(
            f"the address of {address.hostname} contains a user or a password, which would be "
            f"written to results and caches. Set the environment variables {variables}, and "
            "remove them from the address.",
            code="credentials-in-address",
        )


def check_encrypted(host: str | None, variables: Sequence[str], scheme: str) -> None:
    """Raise GraphError if credentials would be sent without encryption to another machine.

    Args:
        host: The host of an unencrypted connection.
        variables: The environment variables of the credentials.
        scheme: The scheme of encrypted connections.
    """
    present = [name for name in variables if os.environ.get(name)]
    if present and host not in _LOCAL:
        raise GraphError(
            f"{host} is reached without encryption, so that the credentials in "
            f"{' and '.join(present)} could be read on the way. Use {scheme}, or unset the "
            "variables.",
            code="unencrypted-credentials",
        )


def query_text(query: str, mark: str) -> str:
    """Return a query, from its file if it has no mark of a query."""
    path = Path(query)
    if not query or mark in query.upper():
        return query
    if not path.is_file():
        raise MissingFileError(
            f"{query}: no such file with a query; check the path.", code="missing-query"
        )
    return path.read_text(encoding="utf-8")


def key_of(address: str, query: str) -> str:
    """Return the name of the cache folder of a query."""
    return hashlib.sha256(f"{address}\x1e{query}".encode()).hexdigest()[:32]
