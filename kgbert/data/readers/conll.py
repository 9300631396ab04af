"""Read CoNLL files: one token and its tag a line, a blank line between sentences."""

from collections.abc import Iterator, Sequence

from kgbert.data.columns import located
from kgbert.data.example import Example, Span
from kgbert.data.tags import TAG, check_tags, decode_tags, report_slips


def read_conll(content: str) -> Iterator[Example]:
    r"""Yield the sentences; the first column is the token, the last one its tag.

    >>> next(read_conll("Acute\tO\nfever\tB-Sign\n")).spans
    (Span(start=6, end=11, label='Sign', entity=''),)
    """
    sentences = list(_sentences(content))
    report_slips([(line, tag) for line, _, tag in sentence] for sentence in sentences)
    for sentence in sentences:
        yield tagged_example([token for _, token, _ in sentence], [tag for _, _, tag in sentence])


def tagged_example(tokens: Sequence[str], tags: Sequence[str], id: str = "") -> Example:
    """Return the tokens joined by spaces, with the spans that their tags stand for.

    >>> tagged_example(["a", "b"], ["O"])
    Traceback (most recent call last):
    ValueError: 2 tokens but 1 tags; every token needs exactly one
    """
    if len(tokens) != len(tags):
        raise ValueError(
            f"{len(tokens)} tokens but {len(tags)} tags; every token needs exactly one"
        )
    check_tags(tags)
    starts, text = [], ""
    for token in tokens:
        starts.append(len(text))
        text += f"{token} "
    spans = (
        Span(starts[first], starts[end - 1] + len(tokens[end - 1]), label)
        for first, end, label in decode_tags(tags)
    )
    return Example(text[:-1], spans=tuple(spans), id=id)


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
