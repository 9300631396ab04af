"""The tokens that a head pools to vectors of spans, and the pairs of spans that it scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kgbert.data import Span
from kgbert.encoding.alignment import Offsets

#: Upper limits of the distance of two spans in characters, by bucket; the last bucket has none.
DISTANCES = (0, 2, 10, 25, 50, 100, 200, 400, 800)

#: Number of buckets of distances, which also tell which span comes first.
DISTANCE_BUCKETS = 2 * (len(DISTANCES) + 1)


@dataclass(frozen=True, eq=False)
class SpanGroups:
    """The arguments of a unit, each with one or several mentions, and the pairs to be scored.

    All windows of a long text have the same arguments; each has the tokens of its own part.
    """

    tokens: NDArray[np.int64]
    """The tokens of the text that lie inside mentions."""
    mentions: NDArray[np.int64]
    """The mention of each of these tokens, a number of its unit."""
    owners: NDArray[np.int64]
    """The argument of each mention."""
    size: int
    """Number of arguments."""
    pairs: NDArray[np.int64]
    """First and second argument of each pair, shape (pairs, 2)."""
    distances: NDArray[np.int64]
    """Bucket of the distance of each pair, below :data:`DISTANCE_BUCKETS`."""
    word_ranges: NDArray[np.int64] | None = None
    """If the first arguments are the words of the unit: first word and end of each argument after
    them, shape (arguments, 2)."""


def span_groups(
    windows: Sequence[Offsets],
    arguments: Sequence[Sequence[Span]],
    pairs: NDArray[np.int64] | None = None,
) -> list[SpanGroups]:
    """Return the groups of each window of a text.

    Args:
        windows: The offsets of the tokens of each window.
        arguments: The mentions of each argument.
        pairs: The pairs of arguments; None for all ordered pairs of different arguments.
    """
    mentions = [span for spans in arguments for span in spans]
    owners = np.repeat(np.arange(len(arguments)), [len(spans) for spans in arguments])
    pairs = all_pairs(len(arguments)) if pairs is None else pairs
    distances = pair_distances(arguments, pairs)
    groups = []
    for offsets in windows:
        numbers, tokens = _tokens_inside(mentions, offsets)
        groups.append(SpanGroups(tokens, numbers, owners, len(arguments), pairs, distances))
    return groups


def _tokens_inside(
    spans: Sequence[Span], offsets: Offsets
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the number of a span, and a token that shares a character with a part of the span.

    All such pairs are sorted.

    >>> spans = [Span(4, 5, "b"), Span(0, 9, "a", fragments=((0, 2), (7, 9)))]
    >>> numbers, tokens = _tokens_inside(spans, [(0, 0), (0, 3), (4, 6), (7, 9)])
    >>> list(zip(numbers.tolist(), tokens.tolist()))
    [(0, 2), (1, 1), (1, 3)]
    """
    numbers = np.repeat(np.arange(len(spans)), [len(span.parts) for span in spans])
    parts = np.array([part for span in spans for part in span.parts], np.int64).reshape(-1, 2)
    ends = np.array(offsets, np.int64).reshape(-1, 2)
    firsts = np.maximum(parts[:, :1], ends[:, 0])
    places, tokens = np.nonzero(firsts < np.minimum(parts[:, 1:], ends[:, 1]))
    # A token may lie in two parts of a span.
    pairs = np.unique(np.stack([numbers[places], tokens], 1), axis=0)
    return pairs[:, 0], pairs[:, 1]


def all_pairs(size: int) -> NDArray[np.int64]:
    """Return all ordered pairs of different numbers below a size.

    >>> all_pairs(2).tolist()
    [[0, 1], [1, 0]]
    """
    pairs = np.indices((size, size)).reshape(2, -1).T
    different: NDArray[np.int64] = pairs[pairs[:, 0] != pairs[:, 1]]
    return different


def pair_distances(
    arguments: Sequence[Sequence[Span]], pairs: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the bucket of the distance of the nearest mentions of each pair, in characters.

    >>> near, far = [Span(0, 4, "a")], [Span(9, 12, "b")]
    >>> pair_distances([near, far], all_pairs(2)).tolist()
    [2, 12]
    """
    if not len(pairs):
        return np.empty(0, np.int64)
    spans = [span for spans in arguments for span in spans]
    starts, ends = np.array([(span.start, span.end) for span in spans], np.int64).T
    gaps = np.maximum(starts[None, :] - ends[:, None], starts[:, None] - ends[None, :]).clip(0)
    # The smallest gap decides, and the lowest bit says which span comes first.
    keys = 2 * gaps + (starts[:, None] > starts[None, :])
    firsts = np.cumsum([0, *map(len, arguments[:-1])])
    nearest = np.minimum.reduceat(np.minimum.reduceat(keys, firsts, axis=0), firsts, axis=1)
    chosen = nearest[pairs[:, 0], pairs[:, 1]]
    buckets = np.searchsorted(DISTANCES, chosen // 2) + chosen % 2 * (len(DISTANCES) + 1)
    return np.asarray(buckets, np.int64)


def collate_groups(
    units: Sequence[Sequence[SpanGroups]], width: int, shifts: Sequence[int]
) -> dict[str, Any]:
    """Return the groups of a batch as inputs of a head.

    Args:
        units: The groups of each window of each unit.
        width: Number of tokens of a row of the batch.
        shifts: Number of padding tokens before each window, one for each row of the batch.

    Returns:
        ``span_token_index``, the token of each place in a mention, counted over all rows;
        ``span_mention_index``, its mention, counted over all units; ``mention_argument_index``,
        the argument of each mention, counted over all units with padding; ``pair_index``, of shape
        (units, pairs, 2), with the arguments of each pair; ``pair_distances``; and the number
        ``argument_slots`` of arguments of a unit with padding.
    """
    firsts = [windows[0] for windows in units]
    slots = max((first.size for first in firsts), default=0)
    longest = max((len(first.pairs) for first in firsts), default=0)
    tokens, mentions, row, before = [], [], 0, 0
    for windows in units:
        for groups in windows:
            tokens.append(groups.tokens + shifts[row] + row * width)
            mentions.append(groups.mentions + before)
            row += 1
        before += len(windows[0].owners)
    pairs = np.zeros((len(units), longest, 2), np.int64)
    distances = np.zeros((len(units), longest), np.int64)
    for unit, first in enumerate(firsts):
        pairs[unit, : len(first.pairs)] = first.pairs
        distances[unit, : len(first.pairs)] = first.distances
    owners = [first.owners + unit * slots for unit, first in enumerate(firsts)]
    return {
        "span_token_index": np.concatenate(tokens),
        "span_mention_index": np.concatenate(mentions),
        "mention_argument_index": np.concatenate(owners),
        "pair_index": pairs,
        "pair_distances": distances,
        "argument_slots": slots,
    }
