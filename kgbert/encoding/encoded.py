"""One text as a processor reads it."""

from dataclasses import dataclass
from typing import Any

from kgbert.encoding.alignment import TokenEntityLinks
from kgbert.encoding.candidates import CandidateSet
from kgbert.linking.mention import Mention

#: What a fused model takes as keyword arguments: tensors, and ``hop_sizes`` and ``table_size`` in
#: plain numbers, which no GPU has to be waited for.
Batch = dict[str, Any]


@dataclass(frozen=True)
class EncodedText:
    """One text, tokenised and linked."""

    text: str
    tokens: dict[str, list[int]]
    """What the tokenizer returns: input_ids, attention_mask ..."""
    offsets: list[tuple[int, int]]
    word_ids: list[int | None]
    mentions: list[Mention]
    links: TokenEntityLinks
    expansion: Any = None
    """What a :class:`~kgbert.encoding.expansion.TextExpander` appended, in its own form."""
    candidate_sets: tuple[CandidateSet, ...] = ()
    """What each mention may mean, where a processor tells the candidates."""
    marks: tuple[int, ...] = ()
    """The tokens that open a relation's head and its tail, where the text has a relation."""
    own_length: int | None = None
    """Where words were appended, how many characters are the text's own."""
