"""Read texts as the ids of their words, remembering every piece between blanks."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from kgbert.linking.folding import fold
from kgbert.linking.index import DROPPED, UNKNOWN
from kgbert.linking.normalising import Normaliser
from kgbert.linking.words import pieces_of

#: What stands between blanks, and the blank lines that separate paragraphs.
_PIECE = re.compile(r"\n\s*\n|\S+")

#: How many different pieces are remembered, and how long they may be: texts hold ever new ones,
#: and where a language writes no blanks a piece is a sentence.
_MOST_PIECES = 1 << 19
_LONGEST_PIECE = 40


class Piece(NamedTuple):
    """The words of a piece of text that rules do not drop: ids, and where they begin and end.

    A place is None where it would split a character of the text.
    """

    ids: tuple[int, ...]
    starts: tuple[int | None, ...]
    ends: tuple[int | None, ...]


class Reader(dict[str, Piece]):
    """Reads pieces of text, each different one once."""

    def __init__(
        self,
        ids: Mapping[str, int],
        normaliser: Normaliser,
        meant: Callable[[str], str | None],
    ) -> None:
        """Start with an empty memory.

        Args:
            ids: The id of each known word in normal form.
            normaliser: Gives words their normal form.
            meant: The known word that an unknown one is taken for, if any.
        """
        super().__init__()
        self._ids, self._normaliser, self._meant = ids, normaliser, meant

    def __missing__(self, piece: str) -> Piece:
        read = self._read(piece)
        if len(piece) <= _LONGEST_PIECE and len(self) < _MOST_PIECES:
            self[piece] = read
        return read

    def read(self, text: str) -> list[Piece]:
        """Return the pieces of a text, in order."""
        return list(map(self.__getitem__, _PIECE.findall(text) if "\n" in text else text.split()))

    def _read(self, piece: str) -> Piece:
        if piece.isspace():
            # A blank line: no name reaches across.
            return Piece((UNKNOWN,), (0,), (0,))
        folded = fold(piece)
        words = []
        offset = 0
        for number, part in enumerate(pieces_of(folded.text)):
            end = offset + len(part)
            if number % 2 and (word := self._id(part)) != DROPPED:
                words.append((word, folded.start(offset), folded.end(end)))
            offset = end
        return Piece(*zip(*words, strict=True)) if words else Piece((), (), ())

    def _id(self, word: str) -> int:
        normal = self._normaliser.word(word)
        if not normal:
            return DROPPED
        if normal not in self._ids:
            normal = self._meant(normal) or normal
        return self._ids.get(normal, UNKNOWN)


def places(text: str, pieces: list[Piece]) -> Iterator[tuple[int | None, int | None]]:
    """Yield where each word of a text begins and ends, given its pieces."""
    for match, piece in zip(_PIECE.finditer(text), pieces, strict=True):
        begun = match.start()
        for start, end in zip(piece.starts, piece.ends, strict=True):
            yield (None if start is None else begun + start), (None if end is None else begun + end)
