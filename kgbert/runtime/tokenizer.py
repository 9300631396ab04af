"""A tokenizer with the few methods of transformers that the encoding of texts calls."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from kgbert.runtime.settings import TokenizerSettings
from kgbert.utils.errors import KGBertError

#: Input of a model -> attribute of an encoding.
_ATTRIBUTES = {
    "input_ids": "ids",
    "token_type_ids": "type_ids",
    "attention_mask": "attention_mask",
}


class TokenizedBatch(Mapping[str, Any]):
    """The tokens of several texts, in the shape of a ``BatchEncoding`` of transformers."""

    def __init__(self, encodings: Sequence[Encoding], names: Sequence[str], **columns: Any) -> None:
        self.encodings = encodings
        attributes = {name: _ATTRIBUTES[name] for name in names} | {"offset_mapping": "offsets"}
        # Read once: an attribute of an encoding is a new list at each access.
        self._columns: dict[str, list[Any]] = {
            name: [getattr(encoding, attribute) for encoding in encodings]
            for name, attribute in attributes.items()
        } | columns

    def __getitem__(self, name: str) -> list[Any]:
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def sequence_ids(self, row: int) -> list[int | None]:
        """Return which of two texts each token belongs to; None for special tokens."""
        ids: list[int | None] = self.encodings[row].sequence_ids
        return ids

    def word_ids(self, row: int) -> list[int | None]:
        """Return the word of each token; None for special tokens."""
        ids: list[int | None] = self.encodings[row].word_ids
        return ids


class RuntimeTokenizer:
    """Tokenises texts like the fast tokenizer that was exported."""

    def __init__(self, tokenizer: Tokenizer, settings: TokenizerSettings, name: str = "") -> None:
        self._tokenizer, self._settings = tokenizer, settings
        self._tokenizer.no_padding()
        self.name_or_path = name
        self.sep_token, self.unk_token_id = settings.sep_token, settings.unk_token_id
        self.all_special_ids = settings.all_special_ids
        self.pad_token_id = settings.padding["input_ids"]

    @classmethod
    def load(cls, path: Path, settings: TokenizerSettings) -> "RuntimeTokenizer":
        """Return the tokenizer of a ``tokenizer.json``.

        Raises:
            KGBertError: The file is missing or damaged.
        """
        try:
            return cls(Tokenizer.from_file(str(path)), settings, str(path.parent))
        except Exception as error:  # the only class that the tokenizers library raises
            raise KGBertError(
                f"{path} cannot be loaded ({error}). Restore the folder from its source, or "
                "export the model again.",
                code="damaged-tokenizer",
            ) from error

    @property
    def pads_left(self) -> bool:
        """Whether padding comes before the tokens of a text."""
        return self._settings.padding_side == "left"

    def num_special_tokens_to_add(self, pair: bool) -> int:
        """Return the number of tokens around a text, or around and between those of a pair."""
        count: int = self._tokenizer.num_special_tokens_to_add(pair)
        return count

    def __call__(
        self,
        texts: Sequence[str],
        others: Sequence[str] | None = None,
        *,
        truncation: bool | str,
        max_length: int,
        return_offsets_mapping: bool,
        stride: int = 0,
        add_special_tokens: bool = True,
        return_overflowing_tokens: bool = False,
    ) -> TokenizedBatch:
        """Return the tokens of texts, or of pairs of texts, with offsets.

        Args:
            texts: The texts, or the first texts of the pairs.
            others: The second texts of the pairs.
            truncation: True to shorten the longer text of a pair, or the text to shorten:
                ``only_second``.
            max_length: Maximum number of tokens.
            return_offsets_mapping: Must be True.
            stride: Number of tokens that consecutive windows of a text share.
            add_special_tokens: Whether to add tokens around the texts.
            return_overflowing_tokens: Whether a text that is too long becomes several rows.
        """
        assert truncation
        assert return_offsets_mapping
        self._tokenizer.enable_truncation(
            max_length,
            stride=stride,
            strategy=truncation if isinstance(truncation, str) else "longest_first",
            direction=self._settings.truncation_side,
        )
        inputs = list(texts) if others is None else list(zip(texts, others, strict=True))
        encodings = self._tokenizer.encode_batch(inputs, add_special_tokens=add_special_tokens)
        names = list(self._settings.padding)
        if not return_overflowing_tokens:
            return TokenizedBatch(encodings, names)
        windows = [[encoding, *encoding.overflowing] for encoding in encodings]
        sources = [text for text, rows in enumerate(windows) for _ in rows]
        rows = [row for some in windows for row in some]
        return TokenizedBatch(rows, names, overflow_to_sample_mapping=sources)

    def pad(self, rows: Sequence[Mapping[str, Sequence[int]]]) -> dict[str, NDArray[np.int64]]:
        """Return the tokens of several texts as arrays of shape (texts, tokens)."""
        width = max(len(row["input_ids"]) for row in rows)
        padded = {}
        for name, value in self._settings.padding.items():
            table = np.full((len(rows), width), value, np.int64)
            for place, row in enumerate(rows):
                start = width - len(row[name]) if self.pads_left else 0
                table[place, start : start + len(row[name])] = row[name]
            padded[name] = table
        return padded
