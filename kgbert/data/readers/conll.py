"""Read CoNLL files: one token and its tag per line, a blank line between sentences."""

from collections.abc import Iterator
from typing import NamedTuple

from kgbert.data.columns import TAGS, TOKENS, Columns, Record, located
from kgbert.data.tags import (
    BARE_SCHEME,
    OUTSIDE,
    STANDARD_SCHEME,
    detect_scheme,
    warn_of_inconsistent_tags,
)
from kgbert.utils.errors import DataError


class _Row(NamedTuple):
    line: int
    cells: list[str]


def read_conll(content: str, columns: Columns) -> Iterator[Record]:
    r"""Yield one record per sentence; the first column is the token, the last one its tag.

    A first column of token numbers and last columns without tags are ignored.

    >>> next(read_conll("Acute\tO\nfever\tB-Sign\n", Columns()))
    Record(place='line 1', values={'tokens': ['Acute', 'fever'], 'tags': ['O', 'B-Sign']})
    """
    columns.refuse("token and tag are the first and the last word of a line")
    sentences = list(_sentences(content))
    token_column, tag_column = _token_column(sentences), _tag_column(sentences)
    scheme = detect_scheme(row.cells[tag_column] for rows in sentences for row in rows)
    tagged: list[list[tuple[int, str]]] = []
    for rows in sentences:
        tags = []
        for row in rows:
            with located(f"line {row.line:,}"):
                tags.append((row.line, scheme.standard_form(row.cells[tag_column])))
        tagged.append(tags)
    warn_of_inconsistent_tags(
        [(f"line {line:,}", tag) for line, tag in sentence] for sentence in tagged
    )
    for rows, sentence in zip(sentences, tagged, strict=True):
        tokens = [row.cells[token_column] for row in rows]
        yield Record(f"line {rows[0].line:,}", {TOKENS: tokens, TAGS: [tag for _, tag in sentence]})


def looks_like_conll(content: str) -> bool:
    r"""Return whether each of the first lines is a token and a tag.

    Tags with a position and a label are sufficient. Other tags can be words of a sentence, so some
    tags must be ``O``, and the file must contain tabs or blank lines.

    >>> looks_like_conll("Acute O\nfever B-Sign\n"), looks_like_conll("text\tlabel\n")
    (True, False)
    >>> looks_like_conll("Acute\tO\nfever\tB\n"), looks_like_conll("group O\ngroup B\n")
    (True, False)
    """
    lines = content[:10_000].split("\n")[:-1]
    has_tabs = "\t" in content
    tokens = (x for x in lines if x.strip() and not _is_comment(x, has_tabs=has_tabs))
    rows = [_cells(line) for line in tokens][:50]
    if len({len(row) for row in rows}) != 1 or len(rows[0]) < 2:
        return False
    tags = {row[-1] for row in rows}
    scheme = detect_scheme(tags)
    if not all(map(scheme.pattern.fullmatch, tags)):
        return False
    if scheme is STANDARD_SCHEME:
        return True
    has_blank_line = any(not line.strip() for line in lines[:-1])
    return OUTSIDE in tags and (has_blank_line or (scheme is BARE_SCHEME and "\t" in lines[0]))


def _sentences(content: str) -> Iterator[list[_Row]]:
    sentence: list[_Row] = []
    has_tabs = "\t" in content
    for number, line in enumerate([*content.split("\n"), ""], start=1):
        if line.strip() and not _is_comment(line, has_tabs=has_tabs):
            with located(f"line {number:,}"):
                sentence.append(_Row(number, _checked_cells(line)))
        elif sentence and not line.strip():
            yield sentence
            sentence = []


def _checked_cells(line: str) -> list[str]:
    cells = _cells(line)
    if len(cells) < 2:
        raise DataError(
            f"{line.strip()!r} has no tag; write a token, a tab or space and its tag a line, "
            "and a blank line between sentences",
            code="token-without-tag",
        )
    return cells


def _token_column(sentences: list[list[_Row]]) -> int:
    """Return the second column if the first one numbers the tokens, else the first."""
    numbered = all(
        len(row.cells) > 2 and row.cells[0] == str(position)
        for rows in sentences
        for position, row in enumerate(rows, start=1)
    )
    return 1 if numbered and any(len(rows) > 1 for rows in sentences) else 0


def _tag_column(sentences: list[list[_Row]]) -> int:
    """Return the last column with tags, as a negative index."""
    rows = [row for rows in sentences for row in rows]
    width = min((len(row.cells) for row in rows), default=2)
    for column in range(-1, -width, -1):
        tags = {row.cells[column] for row in rows}
        scheme = detect_scheme(tags)
        is_certain = OUTSIDE in tags or (column == -1 and scheme is STANDARD_SCHEME)
        if is_certain and all(map(scheme.pattern.fullmatch, tags)):
            return column
    return -1


def _cells(line: str) -> list[str]:
    """Split at tabs if there are any, because a token can contain or be a (no-break) space."""
    line = line.strip("\r")
    return [cell for cell in line.split("\t" if "\t" in line else " ") if cell]


def _is_comment(line: str, *, has_tabs: bool) -> bool:
    """Return whether a line is none of a token; ``# O`` is one in a file without tabs."""
    is_marked = line.startswith("# ") and (" = " in line or (has_tabs and "\t" not in line))
    return line.startswith("-DOCSTART-") or is_marked
