"""Fold case, apostrophes and Unicode variants, and keep the offset of each character."""

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

#: Invisible characters: soft hyphen, zero-width space and joiners, marks of direction.
_INVISIBLE = re.compile("[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")

#: Characters that texts have in place of an apostrophe: quotation marks, modifier letters, an
#: accent, a prime.
_APOSTROPHES = str.maketrans(dict.fromkeys("\u2019\u2018\u201b\u02bc\u02bb\u00b4\u2032", "'"))

#: Half-width kana voicing marks, which NFKC joins to the letter before.
_VOICING = "\uff9e\uff9f"


class Folded(NamedTuple):
    """A folded text and, for each of its characters, the span of its original cluster.

    ``starts`` and ``ends`` are None if every character maps to itself.
    """

    text: str
    starts: tuple[int, ...] | None = None
    ends: tuple[int, ...] | None = None

    def start(self, index: int) -> int | None:
        """Return where the character at ``index`` begins, or None if inside a cluster."""
        if self.starts is None:
            return index
        inside = index > 0 and self.starts[index - 1] == self.starts[index]
        return None if inside else self.starts[index]

    def end(self, index: int) -> int | None:
        """Return where the characters before ``index`` end, or None if inside a cluster."""
        if self.starts is None or self.ends is None:
            return index
        inside = index < len(self.starts) and self.starts[index - 1] == self.starts[index]
        return None if inside else self.ends[index - 1]


def fold(text: str) -> Folded:
    """Return the text in NFKC and folded case, invisible characters removed, apostrophes alike.

    Each grapheme cluster is folded separately, so the offsets of other clusters stay correct.

    >>> fold("İX ﬁn").text == "i̇x fin"
    True
    >>> folded = fold("Straße ①")
    >>> folded.text, folded.end(7), folded.start(8)
    ('strasse 1', 6, 7)
    >>> fold("O’Brien").text
    "o'brien"
    >>> folded.end(5) is None
    True
    """
    if text.isascii():
        return Folded(text.lower())
    if unicodedata.is_normalized("NFKC", text) and not _INVISIBLE.search(text):
        folded = text.casefold()
        if len(folded) == len(text) and unicodedata.is_normalized("NFKC", folded):
            return Folded(folded.translate(_APOSTROPHES))
    return _fold_clusters(text)


def fold_cluster(cluster: str) -> str:
    """Return one grapheme cluster (or any text whose offsets do not matter), folded.

    >>> fold_cluster("ＡＢＣ"), fold_cluster("ﬀ")
    ('abc', 'ff')
    """
    if cluster.isascii():
        return cluster.lower()
    # NFKC makes a blank and a mark of an accent by itself.
    visible = _INVISIBLE.sub("", cluster).translate(_APOSTROPHES)
    cased = unicodedata.normalize("NFKC", visible).casefold()
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", cased)).translate(_APOSTROPHES)


def _fold_clusters(text: str) -> Folded:
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for start, end in _clusters(text):
        piece = fold_cluster(text[start:end])
        pieces.append(piece)
        starts.extend([start] * len(piece))
        ends.extend([end] * len(piece))
    return Folded("".join(pieces), tuple(starts), tuple(ends))


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans that NFKC may join, and no longer ones: a character and its marks."""
    edges = [index for index, character in enumerate(text) if not _extends(character)]
    if text and (not edges or edges[0] != 0):
        edges.insert(0, 0)
    yield from pairwise([*edges, len(text)])


def _extends(character: str) -> bool:
    if character < "\u0300":
        return False
    return (
        unicodedata.category(character)[0] == "M"
        or "\u1160" <= character <= "\u11ff"  # Hangul vowels and finals compose with the initial
        or character in _VOICING
    )
