"""K-BERT: append triples to the tokens of a text, visible to their mention only."""

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

#: Added to the attention logits of invisible tokens: small enough to vanish in any softmax, and
#: finite, because infinity would give NaN in half precision.
UNSEEN = -1e4


class Branch(NamedTuple):
    """The appended tokens of one triple of a mention."""

    stem: tuple[int, ...]
    """The tokens of the mention."""
    start: int
    end: int


@dataclass(frozen=True)
class SentenceTreeExpander:
    """Appends the triples of each mention to the tokens of a text.

    The tokens of triples come after those of the text. A backbone with absolute positions reads
    the order of tokens from their position numbers only, and those of a branch continue from its
    mention, as if the rest of the text did not exist.
    """

    triples: int = 2
    """Maximum number of triples a mention: the first edges of its best candidate."""
    first_position: int = 0
    """The position number that the backbone gives to the first token."""

    name: ClassVar[str] = "kbert"

    def expand(
        self,
        text: EncodedText,
        graph: KnowledgeGraph,
        tokenizer: PreTrainedTokenizerBase,
        max_length: int,
    ) -> EncodedText:
        """Return the text followed by the tokens of its triples, up to ``max_length`` tokens."""
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
        """Return the pooling mask, the additive attention mask, and the position numbers."""
        branches: list[tuple[Branch, ...]] = [text.expansion for text in encoded]
        trunks = [
            len(text.offsets) - sum(end - start for _, start, end in text_branches)
            for text, text_branches in zip(encoded, branches, strict=True)
        ]
        return {
            # Mean pooling excludes the triples.
            "pooling_mask": torch.arange(width) < torch.tensor(trunks).unsqueeze(1),
            "attention_mask": self.attention(trunks, branches, width),
            "position_ids": self.positions(trunks, branches, width, max_length),
        }

    def triples_of(self, graph: KnowledgeGraph, mention: Mention) -> Iterator[str]:
        """Yield the relation and tail names of the triples of a mention."""
        best = mention.candidates[0].entity if mention.candidates else ""
        index = graph.entity_ids.find(best)
        edges = () if index is None else range(*graph.edge_offsets[index : index + 2].tolist())
        for edge in islice(edges, self.triples):
            relation = graph.relation_names[int(graph.relations[edge])]
            # Some tokenizers encode a word within a sentence differently, hence the leading blank.
            yield f" {relation} {graph.name(int(graph.tails[edge]))}"

    def attention(
        self, trunks: Sequence[int], branches: Sequence[Sequence[Branch]], width: int
    ) -> Tensor:
        """Return the additive attention mask, shape (batch, 1, tokens, tokens).

        A token of the text attends to the text and to the branches of its own mention. A token of
        a branch attends to its branch and the mention, and padding to itself.

        Args:
            trunks: Number of tokens of each text without branches.
            branches: The branches of each text.
            width: Number of tokens of the batch.
        """
        visible = torch.eye(width, dtype=torch.bool).repeat(len(trunks), 1, 1)
        for row, (trunk, text_branches) in enumerate(zip(trunks, branches, strict=True)):
            visible[row, :trunk, :trunk] = True
            for stem, start, end in text_branches:
                visible[row, start:end, start:end] = True
                visible[row, stem, start:end] = True
                visible[row, start:end, stem] = True
        return torch.zeros(visible.shape).masked_fill(~visible, UNSEEN).unsqueeze(1)

    def positions(
        self, trunks: Sequence[int], branches: Sequence[Sequence[Branch]], width: int, most: int
    ) -> Tensor:
        """Return the position number of each token, shape (batch, tokens).

        Args:
            trunks: Number of tokens of each text without branches.
            branches: The branches of each text.
            width: Number of tokens of the batch.
            most: Number of positions of the backbone; tokens beyond it share the last one.
        """
        places = torch.arange(width).clamp(max=most - 1).repeat(len(trunks), 1)
        for row, text_branches in enumerate(branches):
            for stem, start, end in text_branches:
                places[row, start:end] = stem[-1] + 1 + torch.arange(end - start)
        return self.first_position + places.clamp(max=most - 1)
