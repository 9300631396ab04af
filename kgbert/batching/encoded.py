"""One text as a processor reads it."""

from dataclasses import dataclass

from kgbert.batching.alignment import TextLinks
from kgbert.batching.trees import Branch
from kgbert.linking.mention import Mention


@dataclass(frozen=True)
class EncodedText:
    """One text, tokenised and linked."""

    text: str
    tokens: dict[str, list[int]]
    """What the tokenizer returns: input_ids, attention_mask ..."""
    offsets: list[tuple[int, int]]
    word_ids: list[int | None]
    mentions: list[Mention]
    links: TextLinks
    branches: tuple[Branch, ...] = ()
    """Triples whose tokens stand behind those of the text."""
    marks: tuple[int, ...] = ()
    """The tokens that open a relation's head and its tail, where the text has a relation."""
