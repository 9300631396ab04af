"""K-BERT: triples appended to the tokens of a text, seen by their mention alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from kgbert.encoding.alignment import tokens_of
from kgbert.encoding.encoded import EncodedText
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.mention import Mention

#: Added to the attention of what a token does not see: small enough to vanish in any softmax, and
#: no infinity, of which half precision would make something that is no number.
UNSEEN = -1e4


class Branch(NamedTuple):
    """A triple of a mention: its tokens are appended to those of the text."""

    stem: tuple[int, ...]
    """The tokens of the mention."""
    start: int
    end: int


@dataclass(frozen=True)
class SentenceTreeExpander:
    """Appends the triples of each mention to the tokens of a text.

    The tokens of a triple follow those of the text, since a backbone with absolute positions
    knows the order of its tokens by their position numbers alone: those of a branch go on from its
    mention, as if the rest of the text were not there.
    """

    triples: int = 2
    """Most triples a mention; the first of its best candidate's edges."""
    first_position: int = 0
    """The position number of the first token, as the backbone counts."""

    name: ClassVar[str] = "kbert"

    def expand(
        self,
        text: EncodedText,
        graph: KnowledgeGraph,
        tokenizer: PreTrainedTokenizerBase,
        max_length: int,
    ) -> EncodedText:
        """Return the text with the tokens of its triples behind it, as far as there is room."""
        tokens = {name: list(values) for name, values in text.tokens.items()}
        branches = []
        for mention in text.mentions:
            stem = tuple(tokens_of(mention, text.offsets))
            for triple in self.triples_of(graph, mention) if stem else ():
                ids = tokenizer(triple, add_special_tokens=False)["input_ids"]
                start, end = len(tokens["input_ids"]), len(tokens["input_ids"]) + len(ids)
                if end > max_length:
                    break
                branches.append(Branch(stem, start, end))
                tokens["input_ids"] += ids
        added = len(tokens["input_ids"]) - len(text.offsets)
        for name, values in tokens.items():
            values += [int(name == "attention_mask")] * (added if name != "input_ids" else 0)
        return replace(
            text,
            tokens=tokens,
            offsets=text.offsets + [(0, 0)] * added,
            word_ids=text.word_ids + [None] * added,
            expansion=tuple(branches),
        )

    def batch_tensors(
        self, encoded: Sequence[EncodedText], width: int, max_length: int
    ) -> dict[str, Tensor]:
        """Return the tokens to pool, the attention between tokens, and their position numbers."""
        branches: list[tuple[Branch, ...]] = [text.expansion for text in encoded]
        trunks = [
            len(text.offsets) - sum(end - start for _, start, end in of_text)
            for text, of_text in zip(encoded, branches, strict=True)
        ]
        return {
            # Mean pooling counts the text alone.
            "pooling_mask": torch.arange(width) < torch.tensor(trunks).unsqueeze(1),
            "attention_mask": self.attention(trunks, branches, width),
            "position_ids": self.positions(trunks, branches, width, max_length),
        }

    def triples_of(self, graph: KnowledgeGraph, mention: Mention) -> Iterator[str]:
        """Yield relation and tail of a mention's triples in words."""
        best = mention.candidates[0].entity if mention.candidates else ""
        index = graph.entity_ids.find(best)
        edges = () if index is None else range(*graph.edge_offsets[index : index + 2].tolist())
        for edge in islice(edges, self.triples):
            relation = graph.relation_names[int(graph.relations[edge])]
            # With a blank before it: to some tokenizers a word within a sentence is another one.
            yield f" {relation} {graph.name(int(graph.tails[edge]))}"

    def attention(
        self, trunks: Sequence[int], branches: Sequence[Sequence[Branch]], width: int
    ) -> Tensor:
        """Return what each token sees, to be added to its attention: (batch, 1, tokens, tokens).

        A token of the text sees the text and the branches of its own mention; a token of a branch
        sees its branch and the mention. Padding sees itself.

        Args:
            trunks: Tokens of each text itself.
            branches: Of each text.
            width: Tokens of the batch.
        """
        seen = torch.eye(width, dtype=torch.bool).repeat(len(trunks), 1, 1)
        for row, (trunk, of_text) in enumerate(zip(trunks, branches, strict=True)):
            seen[row, :trunk, :trunk] = True
            for stem, start, end in of_text:
                seen[row, start:end, start:end] = True
                seen[row, stem, start:end] = True
                seen[row, start:end, stem] = True
        return torch.zeros(seen.shape).masked_fill(~seen, UNSEEN).unsqueeze(1)

    def positions(
        self, trunks: Sequence[int], branches: Sequence[Sequence[Branch]], width: int, most: int
    ) -> Tensor:
        """Return the number of each token's place: (batch, tokens).

        Args:
            trunks: Tokens of each text itself.
            branches: Of each text.
            width: Tokens of the batch.
            most: Places that the backbone has; what goes beyond them shares the last.
        """
        places = torch.arange(width).clamp(max=most - 1).repeat(len(trunks), 1)
        for row, of_text in enumerate(branches):
            for stem, start, end in of_text:
                places[row, start:end] = stem[-1] + 1 + torch.arange(end - start)
        return self.first_position + places.clamp(max=most - 1)
