"""Tokenize a corpus once into rows of tokens in memory-mapped files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from kgbert.linking.mention import Linker, Mention
from kgbert.pretraining.corpus import Corpus, CorpusStatistics, CorpusText
from kgbert.utils.progress import StepCallback

#: Texts per call of tokenizer and linker.
_TEXTS = 256

#: Properties of a token, stored as bits.
_STARTS_UNIT, _IN_MENTION, _SPECIAL = 1, 2, 4


class Tokens(NamedTuple):
    """Tokens and their properties, as parallel arrays."""

    ids: NDArray[np.uint32]
    flags: NDArray[np.uint8]

    @property
    def starts_unit(self) -> NDArray[np.bool_]:
        """Whether a token starts a unit that is masked as a whole: a word or a mention."""
        return (self.flags & _STARTS_UNIT).astype(np.bool_)

    @property
    def in_mention(self) -> NDArray[np.bool_]:
        """Whether a token is part of a mention of an entity."""
        return (self.flags & _IN_MENTION).astype(np.bool_)

    @property
    def special(self) -> NDArray[np.bool_]:
        """Whether a token was added by the tokenizer."""
        return (self.flags & _SPECIAL).astype(np.bool_)


@dataclass(frozen=True)
class TextTokenizer:
    """Splits texts into tokens and finds the units that are masked as a whole."""

    tokenizer: PreTrainedTokenizerBase
    linker: Linker | None
    """Finds the mentions; None without a graph."""
    whole_mentions: bool
    """Whether a mention of several words is one unit."""

    def __call__(self, texts: Sequence[str]) -> list[Tokens]:
        """Return the tokens of each text, without special tokens."""
        encoded = self.tokenizer(
            list(texts), add_special_tokens=False, return_offsets_mapping=True, verbose=False
        )
        mentions = self.linker(texts) if self.linker else [[] for _ in texts]
        return [
            Tokens(
                np.array(encoded["input_ids"][row], np.uint32),
                self._flags(encoded.word_ids(row), encoded["offset_mapping"][row], found),
            )
            for row, found in enumerate(mentions)
        ]

    def _flags(
        self, words: Sequence[int | None], offsets: Sequence[tuple[int, int]], found: list[Mention]
    ) -> NDArray[np.uint8]:
        flags = np.full(len(words), _STARTS_UNIT, np.uint8)
        numbers = np.array([-1 if word is None else word for word in words], np.int64)
        flags[1:][(numbers[1:] == numbers[:-1]) & (numbers[1:] >= 0)] = 0
        if not found:
            return flags
        starts, ends = np.array(offsets, np.int64).T
        for mention in found:
            inside = np.flatnonzero((starts < mention.end) & (ends > mention.start))
            flags[inside] |= _IN_MENTION
            if self.whole_mentions:
                flags[inside[1:]] &= ~np.uint8(_STARTS_UNIT)
        return flags


@dataclass(frozen=True)
class RowLayout:
    """The special tokens and the length of a row."""

    before: NDArray[np.uint32]
    after: NDArray[np.uint32]
    separator: NDArray[np.uint32]
    """Tokens between two documents in a packed row."""
    max_length: int
    """Maximum number of tokens of a row, special tokens included."""
    packed: bool
    """Whether consecutive texts share a row; otherwise each text has rows of its own."""

    @classmethod
    def of(
        cls, tokenizer: PreTrainedTokenizerBase, max_length: int, *, packed: bool
    ) -> "RowLayout":
        """Return the layout for a tokenizer, which adds the special tokens of a single text."""
        encoded = tokenizer("a", return_special_tokens_mask=True)
        ids = np.array(encoded["input_ids"], np.uint32)
        text = np.flatnonzero(np.array(encoded["special_tokens_mask"]) == 0)
        sep, eos = tokenizer.sep_token_id, tokenizer.eos_token_id
        separator = np.array([x for x in (eos if sep is None else sep,) if x is not None])
        return cls(
            ids[: text[0]], ids[text[-1] + 1 :], separator.astype(np.uint32), max_length, packed
        )

    @property
    def room(self) -> int:
        """Maximum number of tokens of a row without special tokens."""
        return self.max_length - len(self.before) - len(self.after)

    def row(self, tokens: Tokens) -> Tokens:
        """Return a row with special tokens around the tokens of texts."""
        flags = tokens.flags.copy()
        flags[0] |= _STARTS_UNIT
        ends = (_special(len(end)) for end in (self.before, self.after))
        first, last = ends
        return Tokens(
            np.concatenate([self.before, tokens.ids, self.after]),
            np.concatenate([first, flags, last]),
        )


class RowWriter:
    """Writes the tokens of texts as rows to files that :class:`TokenBlocks` maps."""

    def __init__(self, path: Path, layout: RowLayout) -> None:
        self._layout, self._path, self._offsets = layout, path, [0]
        self._ids, self._flags = (_file(path, name).open("wb") for name in ("ids", "flags"))
        self._waiting = Tokens(np.empty(0, np.uint32), np.empty(0, np.uint8))

    def add(self, tokens: Tokens, *, starts_document: bool) -> None:
        """Write the rows that a further text fills."""
        ids, flags = self._waiting
        if starts_document and len(ids):
            ids = np.concatenate([ids, self._layout.separator])
            flags = np.concatenate([flags, _special(len(self._layout.separator))])
        ids, flags = np.concatenate([ids, tokens.ids]), np.concatenate([flags, tokens.flags])
        full = len(ids) - len(ids) % self._layout.room if self._layout.packed else len(ids)
        self._write(Tokens(ids[:full], flags[:full]))
        self._waiting = Tokens(ids[full:], flags[full:])

    def close(self) -> None:
        """Write the last row, which may be shorter, and close the files."""
        self._write(self._waiting)
        self._ids.close()
        self._flags.close()
        np.array(self._offsets, np.int64).tofile(_file(self._path, "offsets"))

    def _write(self, tokens: Tokens) -> None:
        room = self._layout.room
        for start in range(0, len(tokens.ids), room):
            part = Tokens(tokens.ids[start : start + room], tokens.flags[start : start + room])
            row = self._layout.row(part)
            row.ids.tofile(self._ids)
            row.flags.tofile(self._flags)
            self._offsets.append(self._offsets[-1] + len(row.ids))


class TokenBlocks:
    """Rows of tokens in memory-mapped files."""

    def __init__(self, path: Path) -> None:
        """Map the files of :func:`write_blocks`.

        Args:
            path: Their common path without suffix.
        """
        self.offsets: NDArray[np.int64] = np.fromfile(_file(path, "offsets"), np.int64)
        self._ids: Any = _mapped(_file(path, "ids"), np.uint32)
        self._flags: Any = _mapped(_file(path, "flags"), np.uint8)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> Tokens:
        part = slice(*self.offsets[row : row + 2].tolist())
        return Tokens(np.array(self._ids[part]), np.array(self._flags[part]))

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The number of tokens of each row."""
        return np.diff(self.offsets)

    @property
    def tokens(self) -> int:
        """The number of tokens of all rows."""
        return int(self.offsets[-1])

    def share_in_mentions(self) -> float:
        """Return the share of the tokens that are part of a mention."""
        inside = sum(
            int(((self._flags[start : start + (1 << 20)] & _IN_MENTION) > 0).sum())
            for start in range(0, self.tokens, 1 << 20)
        )
        return inside / self.tokens if self.tokens else 0.0


def write_blocks(
    corpus: Corpus,
    statistics: CorpusStatistics,
    tokenize: TextTokenizer,
    layout: RowLayout,
    folder: Path,
    *,
    progress: StepCallback,
) -> None:
    """Tokenize a corpus into the files ``training`` and ``held_out`` of a folder.

    Args:
        corpus: The corpus.
        statistics: Its size and the held-out texts.
        tokenize: Returns the tokens of texts.
        layout: The special tokens and the length of a row.
        folder: Folder of the files.
        progress: Called with the number of finished texts and of all texts.
    """
    folder.mkdir(parents=True, exist_ok=True)
    writers = [RowWriter(folder / name, layout) for name in ("training", "held_out")]
    done = 0
    for texts in _chunks(corpus):
        for text, tokens in zip(texts, tokenize([x.text for x in texts]), strict=True):
            writer = writers[statistics.holds_out(text.text)]
            writer.add(tokens, starts_document=text.starts_document)
        done += len(texts)
        progress(done, statistics.texts)
    for writer in writers:
        writer.close()


def _chunks(corpus: Corpus) -> Iterator[list[CorpusText]]:
    texts = iter(corpus)
    while chunk := list(islice(texts, _TEXTS)):
        yield chunk


def _special(count: int) -> NDArray[np.uint8]:
    return np.full(count, _STARTS_UNIT | _SPECIAL, np.uint8)


def _file(path: Path, name: str) -> Path:
    return path.with_suffix(f".{name}")


def _mapped(path: Path, kind: type) -> Any:
    # An empty file cannot be mapped.
    return np.memmap(path, kind, "r") if path.stat().st_size else np.empty(0, kind)
