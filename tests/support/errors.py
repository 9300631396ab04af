"""Expect errors by their code; their wording is kept in one snapshot file.

``tests/messages.tsv`` has a line for each wording that a test has seen: the code, a tab, and the
message. After a message was reworded, run the tests with ``UPDATE_MESSAGES=1`` and read the diff.
"""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from kgbert.utils.errors import KGBertError

SNAPSHOT = Path(__file__).parents[1] / "messages.tsv"


@cache
def known_wordings() -> set[str]:
    return set(SNAPSHOT.read_text(encoding="utf-8").splitlines()) if SNAPSHOT.exists() else set()


def normalised(message: str) -> str:
    """Return a message without what differs between two runs: temporary folders and hashes."""
    temporary = re.escape(str(Path(tempfile.gettempdir())))
    # The folder of a test is named after it; pytest-xdist puts that into one for each process.
    own = rf"{temporary}/pytest-of-[^/]+/pytest-\d+/(?:popen-gw\d+/)?[^/\s'\":;,)]+"
    message = re.sub(rf"{own}(?![^\s'\":;,)])", "TMP/test", message)
    message = re.sub(rf"{temporary}/[^\s'\":;,)]*/", "TMP/", message)
    message = re.sub(r"\b(?=[a-f]*\d)[0-9a-f]{12,64}\b", "HASH", message)
    return " ".join(message.split())


@contextmanager
def raises(code: str, kind: type[Exception] = KGBertError) -> Iterator[pytest.ExceptionInfo]:
    """Expect an error of kgbert with a code, in the wording of the snapshot."""
    with pytest.raises(kind) as caught:
        yield caught
    error = caught.value
    assert isinstance(error, KGBertError), f"{type(error).__name__} carries no code: {error}"
    assert error.code == code, f"expected the code {code!r}, found {error.code!r}: {error}"
    line = f"{code}\t{normalised(str(error))}"
    if "UPDATE_MESSAGES" in os.environ:
        known_wordings().add(line)
        SNAPSHOT.write_text("\n".join(sorted(known_wordings())) + "\n", encoding="utf-8")
    assert line in known_wordings(), (
        f"a new wording: {line!r}; if it is right, run this test with UPDATE_MESSAGES=1"
    )
