"""Read CoNLL files: one token and its tag a line, a blank line between sentences."""

from collections.abc import Iterator
from typing import Any

from kgbert.data.columns import located
from kgbert.data.tags import TAG, check_tags, report_slips


def read_conll(content: str) -> Iterator[tuple[int, dict[str, Any]]]:
    r"""Yield line and values of each sentence; the first column is the token, the last its tag.

    >>> next(read_conll("Acute\tO\nfever\tB-Sign\n"))
    (1, {'tokens': ['Acute', 'fever'], 'tags': ['O', 'B-Sign']})
    """
    sentences = list(_sentences(content))
    report_slips([(line, tag) for line, _, tag in sentence] for sentence in sentences)
    for sentence in sentences:
        lines, tokens, tags = (list(column) for column in zip(*sentence, strict=True))
        yield int(lines[0]), {"tokens": tokens, "tags": tags}


def looks_like_conll(content: str) -> bool:
    r"""Return whether the first lines are a token and a tag each.

    >>> looks_like_conll("Acute O\nfever B-Sign\n"), looks_like_conll("text\tlabel\n")
    (True, False)
    """
    lines = [line for line in content[:10_000].split("\n")[:-1] if line.strip()]
    rows = [_columns(line) for line in lines if not _is_comment(line)][:50]
    return len({len(row) for row in rows}) == 1 and all(
        len(row) > 1 and TAG.fullmatch(row[-1]) for row in rows
    )


def _sentences(content: str) -> Iterator[list[tuple[int, str, str]]]:
    """Yield the (line, token, tag) triples of each sentence."""
    sentence: list[tuple[int, str, str]] = []
    for number, line in enumerate([*content.split("\n"), ""], start=1):
        if line.strip() and not _is_comment(line):
            with located(f"line {number:,}"):
                sentence.append((number, *_token_and_tag(line)))
        elif sentence and not line.strip():
            yield sentence
            sentence = []


def _token_and_tag(line: str) -> tuple[str, str]:
    columns = _columns(line)
    if len(columns) < 2:
        raise ValueError(
            f"{line.strip()!r} has no tag; write a token, a tab or space and its tag a line, "
            "and a blank line between sentences"
        )
    check_tags(columns[-1:])
    return columns[0], columns[-1]


def _columns(line: str) -> list[str]:
    """Split at tabs where there are any: a token may hold a space, or even be a no-break space."""
    line = line.strip("\r")
    return [column for column in line.split("\t" if "\t" in line else " ") if column]


def _is_comment(line: str) -> bool:
    return line.startswith("-DOCSTART-") or (line.startswith("# ") and " = " in line)
