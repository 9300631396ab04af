"""Check that a tokenizer knows the tokens of the texts that an encoder reads."""

import logging
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from kgbert.utils.errors import KGBertError

logger = logging.getLogger(__name__)

#: Above this share of unknown tokens, a tokenizer does not fit the texts.
MOST_UNKNOWN = 0.5

#: Fewest tokens of texts, and of a whole graph, for judging whether a tokenizer fits them. A graph
#: is all that there is to read, while a text may be short by chance.
_JUDGED_TOKENS, _JUDGED_TOKENS_OF_GRAPH = 50, 5

#: Most texts of a graph that are tokenized for the check.
_SAMPLED = 5_000


class TokenCount(NamedTuple):
    """The number of unknown tokens, and of all tokens that are not special."""

    unknown: int
    total: int


def count_unknown(tokenizer: Any, rows: Iterable[Sequence[int]]) -> TokenCount:
    """Return how many tokens of tokenized texts are unknown.

    Args:
        tokenizer: A tokenizer with ``unk_token_id`` and ``all_special_ids``.
        rows: The token ids of each text.
    """
    unknown = tokenizer.unk_token_id
    special = set(tokenizer.all_special_ids) - {unknown}
    words = [token for row in rows for token in row if token not in special]
    return TokenCount(sum(token == unknown for token in words), len(words))


def check_known_tokens(tokenizer: Any, count: TokenCount) -> None:
    """Reject a tokenizer if most tokens of texts are unknown; only warn if there are few tokens.

    Raises:
        KGBertError: The tokenizer does not know the language or the script of the texts.
    """
    _check(tokenizer, count, "the texts", _JUDGED_TOKENS)


def check_graph_is_known(tokenizer: Any, texts: Sequence[str], max_length: int) -> None:
    """Reject a tokenizer if most tokens of the names or descriptions of a graph are unknown.

    Args:
        tokenizer: The tokenizer of the encoder.
        texts: Names or descriptions; of many, an evenly spaced sample is tokenized.
        max_length: Maximum number of tokens of a text.

    Raises:
        KGBertError: The tokenizer does not know the language or the script of the graph.
    """
    sample = list(texts[:: max(1, len(texts) // _SAMPLED)])
    if sample:
        rows = tokenizer(sample, truncation=True, max_length=max_length)["input_ids"]
        count = count_unknown(tokenizer, rows)
        _check(tokenizer, count, "the graph", _JUDGED_TOKENS_OF_GRAPH)


def _check(tokenizer: Any, count: TokenCount, source: str, judged: int) -> None:
    if count.unknown <= MOST_UNKNOWN * count.total:
        return
    message = (
        f"{count.unknown:,} of {count.total:,} tokens of {source} are unknown to the tokenizer "
        f"({tokenizer.name_or_path or type(tokenizer).__name__}), so that the model "
        f"reads next to nothing of them. Use a backbone for the language and script of "
        f"{source}, or save the right tokenizer next to the weights."
    )
    if count.total >= judged:
        raise KGBertError(message, code="unknown-tokens")
    logger.warning(message)
