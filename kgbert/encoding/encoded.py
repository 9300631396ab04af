"""An encoded text: tokens, mentions and links."""

from dataclasses import dataclass
from typing import Any

from kgbert.encoding.alignment import TokenEntityLinks
from kgbert.encoding.candidates import CandidateSet
from kgbert.linking.mention import Mention

#: Keyword arguments of a fused model: tensors, and ``hop_sizes`` and ``table_size`` as plain
#: numbers, so that reading them needs no synchronisation with a GPU.
Batch = dict[str, Any]


@dataclass(frozen=True)
class EncodedText:
    """One text, or a pair of texts, tokenised and linked."""

    text: str
    """The text, or the texts joined by a line break; offsets count its characters."""
    tokens: dict[str, list[int]]
    """The output of the tokenizer: input_ids, attention_mask ..."""
    offsets: list[tuple[int, int]]
    word_ids: list[int | None]
    mentions: list[Mention]
    links: TokenEntityLinks
    expansion: Any = None
    """Data of the :class:`~kgbert.encoding.expansion.TextExpander` that appended tokens."""
    candidate_sets: tuple[CandidateSet, ...] = ()
    """The candidates of each mention; empty unless the processor has ``candidates``."""
    marks: tuple[int, ...] = ()
    """The opening marker tokens of head and tail, if the text has relation arguments."""
    read_token: int = 0
    """The token that a sequence head reads."""
