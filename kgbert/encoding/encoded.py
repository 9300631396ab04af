"""An encoded text: tokens, mentions and links."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kgbert.encoding.alignment import TokenEntityLinks
from kgbert.encoding.candidates import CandidateSet
from kgbert.encoding.spans.span_groups import SpanGroups
from kgbert.linking.mention import Mention

#: Keyword arguments of a fused model: tensors, and ``hop_sizes`` and ``table_size`` as plain
#: numbers, so that reading them needs no synchronisation with a GPU.
Batch = dict[str, Any]


@dataclass(frozen=True, eq=False)
class TextPaths:
    """The types of path from the entities of a text, counted."""

    targets: NDArray[np.int64]
    """Where the paths lead: the position of a label; 0 if there is one target."""
    types: NDArray[np.int64]
    """Positions among the types of path of a model."""
    values: NDArray[np.float32]
    """``log(1 + n)`` of the number of paths, each weighted by the scores of its ends."""


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
    groups: SpanGroups | None = None
    """The tokens that a head pools to vectors of spans, if the task has such spans."""
    read_token: int = 0
    """The token that a sequence head reads."""
    paths: TextPaths | None = None
    """The paths from the entities of the text, if the processor counts them."""
    boundary: int | None = None
    """Number of characters of the first text of a pair; None for a single text."""
