"""Read CoNLL-U and CoNLL-U Plus: sentences of numbered tokens in named columns."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from kgbert.data.columns import SPANS, TEXT, Columns, Record, located
from kgbert.data.tags import OUTSIDE, decode_tags, detect_scheme
from kgbert.utils.errors import DataError

#: The columns of a file that does not name its columns.
_COLUMNS = ("ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC")
_COLUMN_COMMENT = "# global.columns ="

#: Columns, or keys of the column MISC, with entity tags.
_TAG_NAMES = ("NER", "ENTITY", "BIO", "NE")


@dataclass
class _Sentence:
    place: str
    id: str = ""
    text: str = ""
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    tags: list[str | None] = field(default_factory=list)


def read_conllu(content: str, columns: Columns) -> Iterator[Record]:
    r"""Yield one record per sentence: its text, and spans if a column or MISC has entity tags.

    >>> content = "# global.columns = ID FORM MISC\n1\tFever\tSpaceAfter=No\n2\t.\t_"
    >>> next(read_conllu(content, Columns())).values["text"]
    'Fever.'
    """
    columns.refuse("a sentence is a text")
    sentences = list(_sentences(content))
    scheme = detect_scheme(tag for sentence in sentences for tag in sentence.tags if tag)
    for sentence in sentences:
        values: dict[str, Any] = {TEXT: sentence.text.rstrip(), "id": sentence.id}
        if any(sentence.tags):
            with located(sentence.place):
                tags = [scheme.standard_form(tag or OUTSIDE) for tag in sentence.tags]
            values[SPANS] = [
                {"start": sentence.starts[first], "end": sentence.ends[end - 1], "label": label}
                for first, end, label in decode_tags(tags)
            ]
        yield Record(sentence.place, values)


def _sentences(content: str) -> Iterator[_Sentence]:
    names: tuple[str, ...] = _COLUMNS
    sentence: _Sentence | None = None
    identifier, covered = "", 0
    for number, line in enumerate([*content.split("\n"), ""], start=1):
        line = line.rstrip("\r")
        if line.startswith(_COLUMN_COMMENT):
            names = tuple(name.upper() for name in line[len(_COLUMN_COMMENT) :].split())
        elif line.startswith("#"):
            key, _, value = line[1:].partition("=")
            identifier = value.strip() if key.strip() == "sent_id" else identifier
        elif line.strip():
            place = f"line {number:,}"
            sentence = sentence or _Sentence(place, identifier)
            with located(place):
                covered = _add(sentence, _cells(line, names), covered)
        elif sentence:
            yield sentence
            sentence, identifier, covered = None, "", 0


def _cells(line: str, names: tuple[str, ...]) -> dict[str, str]:
    cells = line.split("\t")
    if len(cells) != len(names):
        raise DataError(
            f"{len(cells)} columns where CoNLL-U has {len(names)}, separated by tabs; name a file "
            "of tokens and tags .conll",
            code="ragged-row",
        )
    return dict(zip(names, cells, strict=True))


def _add(sentence: _Sentence, cells: dict[str, str], covered: int) -> int:
    """Add a token to the text; return the last word that a multiword token covers."""
    number = cells["ID"]
    if "." in number or (number.isdecimal() and int(number) <= covered):
        return covered  # an elided word, or a part of a multiword token that was added before
    misc = dict(entry.split("=", 1) for entry in cells.get("MISC", "_").split("|") if "=" in entry)
    sentence.starts.append(len(sentence.text))
    sentence.text += cells["FORM"]
    sentence.ends.append(len(sentence.text))
    sentence.text += "" if misc.get("SpaceAfter") == "No" else " "
    tagged = cells | {key.upper(): value for key, value in misc.items()}
    tag = next((tagged[name] for name in _TAG_NAMES if name in tagged), None)
    sentence.tags.append(None if tag in (None, "_") else tag)
    _, _, last = number.partition("-")
    return int(last) if last.isdecimal() else covered
