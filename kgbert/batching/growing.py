"""Let triples grow out of encoded texts, where K-BERT's way is taken."""

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor
from transformers import PreTrainedTokenizerBase

from kgbert.batching.alignment import tokens_of
from kgbert.batching.encoded import EncodedText
from kgbert.batching.trees import Branch, SentenceTrees
from kgbert.graph.graph import KnowledgeGraph


def grown(
    text: EncodedText,
    trees: SentenceTrees,
    graph: KnowledgeGraph,
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
) -> EncodedText:
    """Return a text with the tokens of its triples behind it, as many as there is room for."""
    tokens = {name: list(values) for name, values in text.tokens.items()}
    branches = []
    for mention in text.mentions:
        stem = tuple(tokens_of(mention, text.offsets))
        for told in trees.told(graph, mention) if stem else ():
            ids = tokenizer(told, add_special_tokens=False)["input_ids"]
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
        branches=tuple(branches),
    )


def shape(
    trees: SentenceTrees, encoded: Sequence[EncodedText], width: int, max_length: int
) -> dict[str, Tensor]:
    """Return which tokens see each other, and the place of each, where triples grow."""
    branches = [text.branches for text in encoded]
    trunks = [len(x.offsets) - sum(end - start for _, start, end in x.branches) for x in encoded]
    return {
        "attention_mask": trees.attention(trunks, branches, width),
        "position_ids": trees.positions(trunks, branches, width, max_length),
    }
