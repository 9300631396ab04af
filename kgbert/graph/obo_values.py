"""How OBO writes values: texts in quotes, escapes, trailing modifiers and comments, ids."""

import re
from collections.abc import Iterable

from kgbert.graph.identifiers import compact_all

_QUOTED = re.compile(
    r'^[^\S\n]*"([^"\\\n]*(?:\\.[^"\\\n]*)*)"[^\S\n]*(\w*)',
    re.MULTILINE,
)
_ESCAPE = re.compile(r"\\(.)")
#: White space is a space in the end.
_ESCAPED = {"n": " ", "W": " ", "t": " "}
_TRAILING = re.compile(r"(?:\s+\{[^{}]*\})?(?:\s+!.*)?$")
_SHARED_RELATION = re.compile(r"[A-Za-z]+:\d{4,}")


class MalformedError(ValueError):
    """A line cannot be understood: its text, and why."""


def parse_quoted(text: str) -> tuple[str, str] | None:
    r"""Return the quoted text of a synonym or definition and the word after it, or None.

    >>> parse_quoted('"a \\"fever\\"" EXACT [PMID:1]')
    ('a "fever"', 'EXACT')
    """
    match = _QUOTED.match(text)
    return (unescape(match[1]), match[2]) if match else None


def parse_all_quoted(texts: list[str]) -> tuple[list[str], list[str]]:
    """Return the quoted texts of some lines, and the word after each.

    >>> parse_all_quoted(['"a fever" EXACT []', '"heat" []'])
    (['a fever', 'heat'], ['EXACT', ''])
    """
    parsed = _QUOTED.findall("\n".join(texts))
    if len(parsed) < len(texts):
        wrong = next(text for text in texts if _QUOTED.match(text) is None)
        raise MalformedError(wrong, "has no closed pair of double quotes, so its text is not known")
    quoted = [unescape(text) if "\\" in text else text for text, _ in parsed]
    return quoted, [word for _, word in parsed]


def unquote(text: str) -> str:
    r"""Return the text of a tag that has no quotes, without modifiers, comment and escapes.

    >>> unquote('tall {source="X:1"} ! as a tree'), unquote(r"50\% \{v\}")
    ('tall', '50% {v}')
    """
    return unescape(_TRAILING.sub("", text) if "{" in text or "!" in text else text)


def unquote_all(texts: list[str]) -> list[str]:
    """Return the texts of a tag that has no quotes.

    >>> unquote_all(["fever", "heat ! a comment"])
    ['fever', 'heat']
    """
    stripped = list(map(str.strip, texts))
    together = "".join(stripped)
    return list(map(unquote, stripped)) if any(map(together.__contains__, "{!\\")) else stripped


def unescape(text: str) -> str:
    r"""Return a text without the backslashes of its escapes.

    >>> unescape(r"http\://a.org")
    'http://a.org'
    """
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), text)


def identifier(text: str) -> str:
    """Return the id that a value begins with.

    >>> identifier("HP:0000001 ! All"), identifier(" ")
    ('HP:0000001', '')
    """
    return identifiers((text,))[0]


def identifiers(texts: Iterable[str]) -> list[str]:
    """Return the id that each value begins with.

    >>> identifiers(["HP:0000001 ! All", " HP:0000002"])
    ['HP:0000001', 'HP:0000002']
    """
    words = [words[0] if (words := text.split(None, 1)) else "" for text in texts]
    if "\\" in "".join(words):
        words = [unescape(word).strip() for word in words]
    return compact_all(words)


def shared_relation(own: str, xrefs: Iterable[str]) -> str:
    """Return the id that a relation has in all ontologies (BFO, RO), if its xrefs tell it.

    >>> shared_relation("part_of", ["BFO:0000050"]), shared_relation("X:1", ["BFO:0000050"])
    ('BFO:0000050', 'X:1')
    """
    shared = sorted(xref for xref in xrefs if _SHARED_RELATION.fullmatch(xref))
    return shared[0] if shared and ":" not in own else own
