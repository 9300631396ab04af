"""Attribution methods: how much each part of an input contributes to the score of an answer."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import factorial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kgbert.explanation.parts import (
    EDGES,
    ENTITIES,
    KINDS,
    MENTIONS,
    PATHS,
    WORDS,
    EntityPart,
    MentionPart,
    Part,
    WordPart,
    word_tokens,
)
from kgbert.explanation.scorer import AnswerScorer, PathGradients
from kgbert.utils.errors import KGBertError

#: Points of the path of integrated gradients.
STEPS = 16
#: Up to this number of parts, Shapley values are computed exactly, from all subsets.
EXACT = 6
#: Pairs of a random order and its reverse from which Shapley values are estimated.
ORDERS = 12


class Attributions(NamedTuple):
    """The contribution of each part to the score of each answer."""

    values: NDArray[np.float64]
    """Shape (answers, parts)."""
    errors: NDArray[np.float64] | None = None
    """Standard errors of estimated values; None for values without sampling."""


#: Returns the variants of an example that a method scores, each by the parts that it lacks.
Variants = Callable[[Sequence[Part]], list[list[Part]]]

#: Returns the contributions of parts of one kind.
Attribute = Callable[[AnswerScorer, Sequence[Part]], Attributions]


@dataclass(frozen=True)
class Method:
    """An attribution method."""

    attribute: Attribute
    kinds: frozenset[str]
    """The kinds of parts that it can attribute an answer to."""
    description: str
    needs_attention: bool = False
    """Whether it only works for models whose attention to entities is recorded."""
    variants: Variants | None = None
    """The variants that it scores, so that those of several examples are computed together; None if
    it scores none."""


def removal(scorer: AnswerScorer, parts: Sequence[Part]) -> Attributions:
    """Return how much the score falls if only this part is removed.

    Two parts that say the same each get nothing: without one, the other still counts.
    """
    scores = scorer.scores(removal_variants(parts))
    return Attributions(scores[:, :1] - scores[:, 1:])


def removal_variants(parts: Sequence[Part]) -> list[list[Part]]:
    """Return the unchanged example, and the one without each part."""
    return [[], *[[part] for part in parts]]


def shapley(scorer: AnswerScorer, parts: Sequence[Part]) -> Attributions:
    """Return Shapley values: the mean change of the score by a part, over all orders of the parts.

    The values add up to the score minus that without all parts. They are exact for few parts, and
    otherwise estimated from random orders, each with its reverse (Mitchell et al. 2022,
    arXiv:2104.12199).
    """
    if len(parts) <= EXACT:
        return Attributions(_exact_shapley(scorer, parts))
    pairs = _orders(len(parts))
    scores = scorer.scores(shapley_variants(parts)).reshape(-1, len(pairs), len(parts) + 1)
    changes = np.empty((len(scores), len(pairs), len(parts)))
    for number, order in enumerate(pairs):
        changes[:, number, order] = scores[:, number, :-1] - scores[:, number, 1:]
    means = changes.reshape(len(scores), ORDERS, 2, len(parts)).mean(2)
    return Attributions(means.mean(1), means.std(1, ddof=1) / np.sqrt(ORDERS))


def shapley_variants(parts: Sequence[Part]) -> list[list[Part]]:
    """Return the example without each subset of few parts, or without the first ones of orders."""
    if len(parts) <= EXACT:
        return [
            [part for place, part in enumerate(parts) if subset >> place & 1]
            for subset in range(2 ** len(parts))
        ]
    return [
        [parts[i] for i in order[:count]]
        for order in _orders(len(parts))
        for count in range(len(order) + 1)
    ]


def _orders(count: int) -> list[NDArray[np.int64]]:
    """Return random orders of parts, each followed by its reverse."""
    generator = np.random.default_rng(0)
    orders = [generator.permutation(count) for _ in range(ORDERS)]
    return [order for each in orders for order in (each, each[::-1])]


def _exact_shapley(scorer: AnswerScorer, parts: Sequence[Part]) -> NDArray[np.float64]:
    count = len(parts)
    scores = scorer.scores(shapley_variants(parts))
    values = np.zeros((len(scores), count))
    for subset in range(2**count):
        size = subset.bit_count()
        for place in range(count):
            if not subset >> place & 1:
                weight = factorial(size) * factorial(count - size - 1) / factorial(count)
                values[:, place] += weight * (scores[:, subset] - scores[:, subset | 1 << place])
    return values


def gradient_x_input(scorer: AnswerScorer, parts: Sequence[Part]) -> Attributions:
    """Return gradient times token embedding or entity vector, summed over the vector."""
    return Attributions(
        _from_gradients(scorer, parts, scorer.path_gradients([1.0], from_mask=False))
    )


def integrated_gradients(scorer: AnswerScorer, parts: Sequence[Part]) -> Attributions:
    """Return integrated gradients from mask tokens and zero entity vectors (arXiv:1703.01365)."""
    points = [(step + 0.5) / STEPS for step in range(STEPS)]
    return Attributions(
        _from_gradients(scorer, parts, scorer.path_gradients(points, from_mask=True))
    )


def _from_gradients(
    scorer: AnswerScorer, parts: Sequence[Part], gradients: PathGradients
) -> NDArray[np.float64]:
    """Return the sum over the tokens or entities of each part."""
    graph = scorer.pipeline.processor.graph
    occurrences: dict[str, int] = {}
    for mention in scorer.mentions:
        for candidate in mention.candidates:
            occurrences[candidate.entity] = occurrences.get(candidate.entity, 0) + 1
    zero = np.zeros(len(scorer.answers))

    def value_of(entity: str) -> NDArray[np.float64]:
        # Mentions of one entity share one vector.
        return gradients.entities.get(graph.index(entity), zero) / occurrences[entity]

    values = []
    for part in parts:
        if isinstance(part, WordPart):
            columns = list(_columns_of(part, scorer, gradients))
        else:
            columns = [value_of(entity) for entity in _entities_of(part, scorer)]
        values.append(sum(columns, start=zero))
    return np.stack(values, 1)


def _columns_of(
    part: WordPart, scorer: AnswerScorer, gradients: PathGradients
) -> Iterator[NDArray[np.float64]]:
    for text, values in zip(scorer.encoded.texts, gradients.tokens, strict=True):
        yield from (values[:, token] for token in word_tokens(text).get(part, ()))


def _entities_of(part: Part, scorer: AnswerScorer) -> list[str]:
    if isinstance(part, EntityPart):
        return [part.entity]
    return [
        candidate.entity
        for mention in scorer.mentions
        if isinstance(part, MentionPart) and mention[:2] == (part.start, part.end)
        for candidate in mention.candidates
    ]


def attention(scorer: AnswerScorer, parts: Sequence[Part]) -> Attributions:
    """Return the mean attention of a mention's tokens to an entity, the same for every answer.

    Raises:
        KGBertError: The model records no attention to entities.
    """
    shares = {
        (mention.start, mention.end, entity.entity): entity.attention
        for mention in scorer.prediction.mentions
        for entity in mention.candidates
    }
    if None in shares.values():
        raise KGBertError(
            "this model records no attention to entities, so that it cannot explain an answer.",
            code="no-attention",
        )
    values = [
        sum(
            shares.get((part.start, part.end, entity)) or 0.0
            for entity in _entities_of(part, scorer)
        )
        for part in parts
        if isinstance(part, MentionPart | EntityPart)
    ]
    return Attributions(np.tile(values, (len(scorer.answers), 1)))


def random_order(scorer: AnswerScorer, parts: Sequence[Part]) -> Attributions:
    """Return random numbers: the baseline that a method has to surpass."""
    seed = [len(scorer.encoded.example.joined), len(parts)]
    values = np.random.default_rng(seed).random((len(scorer.answers), len(parts)))
    return Attributions(values)


_WITH_LINKS = frozenset({MENTIONS, ENTITIES})

#: The methods by name.
METHODS = {
    "removal": Method(
        removal,
        frozenset(KINDS),
        "how much the score falls without the part",
        variants=removal_variants,
    ),
    "shapley": Method(
        shapley,
        frozenset({MENTIONS, ENTITIES, EDGES, PATHS}),
        "mean change of the score by the part, over orders of the parts",
        variants=shapley_variants,
    ),
    "gradient-x-input": Method(
        gradient_x_input,
        frozenset({WORDS, MENTIONS, ENTITIES}),
        "gradient times token embedding or entity vector",
    ),
    "integrated-gradients": Method(
        integrated_gradients,
        frozenset({WORDS, MENTIONS, ENTITIES}),
        "gradients along the path from mask tokens and zero entity vectors",
    ),
    "attention": Method(
        attention, _WITH_LINKS, "attention of the mention's tokens", needs_attention=True
    ),
    "random": Method(
        random_order,
        frozenset(KINDS),
        "random numbers, for comparison",
    ),
}

#: The method that ranked the decisive part first most often on planted graphs.
DEFAULT_METHOD = "removal"
