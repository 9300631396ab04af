"""Tokenize a corpus once into rows of tokens in memory-mapped files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from kgbert.encoding.alignment import TokenEntityLinks, align
from kgbert.features.unknown_tokens import TokenCount, check_known_tokens
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.mention import Linker, Mention
from kgbert.pretraining.texts.corpus import Corpus, CorpusStatistics, CorpusText
from kgbert.utils.progress import StepCallback

#: Texts per call of tokenizer and linker.
_TEXTS = 256

#: Properties of a token, stored as bits.
_STARTS_UNIT, _IN_MENTION, _SPECIAL = 1, 2, 4


#: One link as it is stored: the token in its row, the index of the entity, and the score.
_LINK = np.dtype([("token", np.uint32), ("entity", np.uint32), ("score", np.float32)])


class Tokens(NamedTuple):
    """Tokens and their properties, as parallel arrays."""

    ids: NDArray[np.uint32]
    flags: NDArray[np.uint8]
    links: NDArray[Any]
    """The links to entities, of type ``_LINK``, ordered by token."""

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

    @property
    def entity_links(self) -> TokenEntityLinks:
        """The links as arrays of tokens, entities and scores."""
        tokens, entities = (self.links[name].astype(np.int64) for name in ("token", "entity"))
        return TokenEntityLinks(tokens, entities, self.links["score"].copy())

    def followed_by(self, *others: "Tokens") -> "Tokens":
        """Return these tokens and others after them."""
        parts = (self, *others)
        starts = np.cumsum([0, *(len(part.ids) for part in parts)])
        links = np.concatenate([part.links for part in parts])
        links["token"] += np.repeat(starts[:-1], [len(part.links) for part in parts]).astype(
            np.uint32
        )
        return Tokens(
            np.concatenate([part.ids for part in parts]),
            np.concatenate([part.flags for part in parts]),
            links,
        )

    def part(self, start: int, end: int) -> "Tokens":
        """Return the tokens between two positions."""
        first, last = np.searchsorted(self.links["token"], [start, end])
        links = self.links[first:last].copy()
        links["token"] -= np.uint32(start)
        return Tokens(self.ids[start:end], self.flags[start:end], links)


def _special_tokens(ids: Any) -> Tokens:
    flags = np.full(len(ids), _STARTS_UNIT | _SPECIAL, np.uint8)
    return Tokens(np.array(ids, np.uint32), flags, np.empty(0, _LINK))


@dataclass(frozen=True)
class TextTokenizer:
    """Splits texts into tokens and finds the units that are masked as a whole."""

    tokenizer: PreTrainedTokenizerBase
    linker: Linker | None
    """Finds the mentions; None without a graph."""
    graph: KnowledgeGraph | None
    """The graph of the entities of the mentions."""
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
                self._links(encoded["offset_mapping"][row], found),
            )
            for row, found in enumerate(mentions)
        ]

    def _links(self, offsets: Sequence[tuple[int, int]], found: list[Mention]) -> NDArray[Any]:
        if self.graph is None or not found:
            return np.empty(0, _LINK)
        links = align(offsets, found, self.graph, None)
        stored = np.empty(len(links.tokens), _LINK)
        stored["token"], stored["entity"] = links.tokens, links.entities
        stored["score"] = links.scores
        return stored

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

    before: Tokens
    after: Tokens
    separator: Tokens
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
        separator = [x for x in (eos if sep is None else sep,) if x is not None]
        before, after = ids[: text[0]], ids[text[-1] + 1 :]
        parts = [_special_tokens(each) for each in (before, after, separator)]
        return cls(parts[0], parts[1], parts[2], max_length, packed)

    @property
    def room(self) -> int:
        """Maximum number of tokens of a row without special tokens."""
        return self.max_length - len(self.before.ids) - len(self.after.ids)

    def row(self, tokens: Tokens) -> Tokens:
        """Return a row with special tokens around the tokens of texts."""
        flags = tokens.flags.copy()
        flags[0] |= _STARTS_UNIT
        return self.before.followed_by(tokens._replace(flags=flags), self.after)


class RowWriter:
    """Writes the tokens of texts as rows to files that :class:`TokenBlocks` maps."""

    def __init__(self, path: Path, layout: RowLayout) -> None:
        self._layout, self._path, self._offsets = layout, path, [0]
        self._link_offsets = [0]
        self._files = {name: _file(path, name).open("wb") for name in Tokens._fields}
        self._waiting = _special_tokens([])

    def add(self, tokens: Tokens, *, starts_document: bool) -> None:
        """Write the rows that a further text fills."""
        waiting = self._waiting
        if starts_document and len(waiting.ids):
            waiting = waiting.followed_by(self._layout.separator)
        waiting = waiting.followed_by(tokens)
        count = len(waiting.ids)
        full = count - count % self._layout.room if self._layout.packed else count
        self._write(waiting.part(0, full))
        self._waiting = waiting.part(full, count)

    def close(self) -> None:
        """Write the last row, which may be shorter, and close the files."""
        self._write(self._waiting)
        for file in self._files.values():
            file.close()
        for name, offsets in (("offsets", self._offsets), ("link_offsets", self._link_offsets)):
            np.array(offsets, np.int64).tofile(_file(self._path, name))

    def _write(self, tokens: Tokens) -> None:
        room = self._layout.room
        for start in range(0, len(tokens.ids), room):
            row = self._layout.row(tokens.part(start, start + room))
            for name, file in self._files.items():
                getattr(row, name).tofile(file)
            self._offsets.append(self._offsets[-1] + len(row.ids))
            self._link_offsets.append(self._link_offsets[-1] + len(row.links))


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
        self._links: Any = _mapped(_file(path, "links"), _LINK)
        self._link_offsets = np.fromfile(_file(path, "link_offsets"), np.int64)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> Tokens:
        part = slice(*self.offsets[row : row + 2].tolist())
        linked = slice(*self._link_offsets[row : row + 2].tolist())
        return Tokens(
            np.array(self._ids[part]), np.array(self._flags[part]), np.array(self._links[linked])
        )

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

    Raises:
        KGBertError: Most tokens are unknown to the tokenizer.
    """
    folder.mkdir(parents=True, exist_ok=True)
    writers = [RowWriter(folder / name, layout) for name in ("training", "held_out")]
    tokenizer, done, unknown, total = tokenize.tokenizer, 0, 0, 0
    for texts in _chunks(corpus):
        for text, tokens in zip(texts, tokenize([x.text for x in texts]), strict=True):
            writer = writers[statistics.holds_out(text.text)]
            writer.add(tokens, starts_document=text.starts_document)
            unknown += int((tokens.ids == tokenizer.unk_token_id).sum())
            total += len(tokens.ids)
        done += len(texts)
        progress(done, statistics.texts)
    for writer in writers:
        writer.close()
    check_known_tokens(tokenizer, TokenCount(unknown, total))


def _chunks(corpus: Corpus) -> Iterator[list[CorpusText]]:
    texts = iter(corpus)
    while chunk := list(islice(texts, _TEXTS)):
        yield chunk


def _file(path: Path, name: str) -> Path:
    return path.with_suffix(f".{name}")


def _mapped(path: Path, kind: Any) -> Any:
    # An empty file cannot be mapped.
    return np.memmap(path, kind, "r") if path.stat().st_size else np.empty(0, kind)
