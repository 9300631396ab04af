"""Test attribution methods: does the answer depend on the parts that a method ranks first?

Comprehensiveness is the fall of the score when the highest ranked parts are removed, sufficiency
the fall when only they are kept (DeYoung et al. 2020, arXiv:1911.03429), both as the mean over
several shares of parts (AOPC). Random orders of the same parts are the baseline.

A text without its parts may be unlike all texts of the training. So words, mentions and entities
are erased softly as well: each element of their vectors is kept with a probability, one minus the
importance of the part for comprehensiveness, and the importance for sufficiency (Zhao and Aletras
2023, arXiv:2305.10496). The baseline is the same importances, permuted among the parts. Edges and
paths have no vectors of their own.
"""

import math
import time
from collections.abc import Collection, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata

from kgbert.data import Example
from kgbert.explanation.evidence import path_parts
from kgbert.explanation.explain import answers_of, pipeline_of
from kgbert.explanation.methods import METHODS, Method
from kgbert.explanation.parts import (
    EDGES,
    ENTITIES,
    MAX_EDGES,
    MENTIONS,
    PATHS,
    WORDS,
    MentionPart,
    Part,
    edges_of,
    entities_of,
    words_of,
)
from kgbert.explanation.scorer import BATCH_SIZE, AnswerScorer
from kgbert.reporting.formatting import listing
from kgbert.tasks.answers import Row, examples_to_answer
from kgbert.training.pipeline import KGBertPipeline
from kgbert.training.train import TrainedModel
from kgbert.utils import json_records
from kgbert.utils.errors import KGBertError
from kgbert.utils.progress import StepCallback
from kgbert.utils.registry import lookup

#: The shares of the parts that are removed or kept.
SHARES = (0.1, 0.2, 0.5)
#: Random orders of the parts of each text.
RANDOM_ORDERS = 10
#: The kinds of parts that have vectors, of which elements can be erased.
ERASED = (WORDS, MENTIONS, ENTITIES)
#: Random masks of the elements, each with a permutation of the importances.
MASKS = 5
#: Resampled sets of texts for an interval.
RESAMPLES = 2000
#: The kinds of parts that are evaluated.
EVALUATED = (WORDS, MENTIONS, ENTITIES, EDGES, PATHS)
#: From this rank correlation with the attributions of random weights, a method does not show what
#: the model has learnt.
SAME_RANKS = 0.5
#: Effects below this share of a large difference of scores are as good as none.
LEAST_EFFECT = 0.05
#: From here on, a table shows numbers with one decimal place.
LARGE = 9.995
#: Not evaluated as a method: random orders are the baseline of all methods.
BASELINE = "random"


@dataclass(frozen=True)
class Estimate:
    """A mean over texts with its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        mean, low, high = (
            f"{x:+.2f}" if abs(x) < LARGE else f"{x:+.1f}" for x in (self.mean, self.low, self.high)
        )
        return f"{mean} [{low}, {high}]"


class _OverRandom:
    """Compares a method with its random baseline."""

    comprehensiveness_over_random: Estimate
    sufficiency_over_random: Estimate

    @property
    def is_better_than_random(self) -> bool:
        """Whether both intervals of the differences lie above zero."""
        return self.comprehensiveness_over_random.low > 0 and self.sufficiency_over_random.low > 0


@dataclass(frozen=True)
class SoftFaithfulness(_OverRandom):
    """How faithful attributions are where elements of vectors are erased by their importance.

    The importances of a text are its attributions, scaled from 0 for the smallest to 1 for the
    largest one.
    """

    comprehensiveness: Estimate
    """Fall of the score if elements are erased by their importance; larger is better."""
    sufficiency: Estimate
    """Fall of the score if elements are kept by their importance; smaller is better."""
    comprehensiveness_over_random: Estimate
    """The difference to permuted importances; above zero the method is better."""
    sufficiency_over_random: Estimate
    """Permuted importances minus the method; above zero the method is better."""


@dataclass(frozen=True)
class Faithfulness(_OverRandom):
    """How faithful the attributions of a method to one kind of parts are."""

    kind: str
    method: str
    texts: int
    """Texts with at least two parts of the kind; with one, all orders are equal."""
    comprehensiveness: Estimate
    """Fall of the score without the highest ranked parts; larger is better."""
    sufficiency: Estimate
    """Fall of the score with only the highest ranked parts; smaller is better."""
    comprehensiveness_over_random: Estimate
    """The difference to random orders; above zero the method is better."""
    sufficiency_over_random: Estimate
    """Random orders minus the method; above zero the method is better."""
    random_weights: Estimate
    """Rank correlation with the attributions to a copy of the model with shuffled weights (Adebayo
    et al. 2018, arXiv:1810.03292); about zero for a method that shows what was learnt."""
    seconds: float
    """Mean time of an explanation."""
    soft: SoftFaithfulness | None = None
    """The same with erased elements of vectors; None for edges and paths, which have none."""

    @property
    def is_better_on_average(self) -> bool:
        """Whether both mean differences lie above zero, their intervals aside."""
        return self.comprehensiveness_over_random.mean > 0 and self.sufficiency_over_random.mean > 0

    @property
    def largest_effect(self) -> float:
        """The largest absolute fall of the score that the intervals contain."""
        falls = self.comprehensiveness, self.sufficiency
        return max(abs(bound) for fall in falls for bound in (fall.low, fall.high))

    @property
    def depends_on_weights(self) -> bool:
        """Whether attributions change where the weights are shuffled."""
        return self.random_weights.low < SAME_RANKS


@dataclass(frozen=True)
class FaithfulnessReport:
    """The faithfulness of several methods on the same texts."""

    unit: str
    rows: tuple[Faithfulness, ...]
    scale: float = 1.0
    """What counts as a large difference of scores, in the unit."""

    def to_json(self) -> json_records.JSONValue:
        """Return the report as JSON values."""
        return json_records.to_json(self)

    def best_method(self, kind: str) -> str | None:
        """Return the most comprehensive method that is better than random; None without one.

        A method whose attributions do not depend on the weights of the model is left out. None,
        too, where the score hardly depends on the parts, so that all orders are as good.
        """
        if not self.has_effect(kind):
            return None
        better = [
            row
            for row in self.rows
            if row.kind == kind and row.is_better_than_random and row.depends_on_weights
        ]
        # Methods that differ only by rounding keep the order of the table.
        best = max(better, key=lambda row: round(row.comprehensiveness.mean, 3), default=None)
        return None if best is None else best.method

    def has_effect(self, kind: str) -> bool:
        """Return whether removing parts of a kind changes the score noticeably."""
        return self._largest_effect(kind) >= LEAST_EFFECT * self.scale

    def conclusion(self, kind: str) -> str:
        """Return which method to believe for a kind of parts, or why none.

        The decision is by removed parts, because all kinds of parts can be removed, and because a
        reader asks what the model would say without a part. Where erased elements of vectors say
        something else, the conclusion adds it.
        """
        if not self.has_effect(kind):
            return (
                "nothing can be told: whichever are removed, the score changes by at most "
                f"{self._largest_effect(kind):.2g}"
            )
        rows = [row for row in self.rows if row.kind == kind and row.depends_on_weights]
        soft = [row.method for row in rows if row.soft and row.soft.is_better_than_random]
        if best := self.best_method(kind):
            is_confirmed = kind not in ERASED or best in soft
            return f"believe {best}" + ("" if is_confirmed else f"; {_disagreement(soft)}")
        if better := [row.method for row in rows if row.is_better_on_average]:
            conclusion = (
                f"too few texts: {listing(better)} may be better than random orders, but the "
                "intervals include zero"
            )
        else:
            conclusion = "no method is better than random orders"
        return f"{conclusion}; {_disagreement(soft)}" if soft else conclusion

    def _largest_effect(self, kind: str) -> float:
        return max((row.largest_effect for row in self.rows if row.kind == kind), default=0.0)

    def table(self) -> str:
        """Return the report as tables for a terminal, with the method to believe for each kind."""
        erased = [(row, row.soft) for row in self.rows if row.soft]
        lines = [
            f"Parts removed: falls of the score in {self.unit}, the mean over shares of the parts",
            *_table(_FALLS, [_falls_cells(row, row) for row in self.rows]),
            "",
        ]
        if erased:
            lines += [
                "Elements of vectors erased by importance (soft): falls of the score in "
                f"{self.unit}",
                *_table(_FALLS, [_falls_cells(row, soft) for row, soft in erased]),
                "",
            ]
        lines += [*_table(_CHECKS, [_checks_cells(row) for row in self.rows]), ""]
        for kind in dict.fromkeys(row.kind for row in self.rows):
            lines.append(f"{kind}: {self.conclusion(kind)}")
        return "\n".join([*lines, "In brackets: 95 % intervals over texts."])


_FALLS = "parts", "method", "comprehensiveness", "over random", "sufficiency", "over random"
_CHECKS = "parts", "method", "texts", "random weights", "s/text"


def _disagreement(soft: Sequence[str]) -> str:
    """Return what erased elements say if they do not confirm the decision by removed parts."""
    found = listing(soft) if soft else "no method"
    return f"where elements of vectors are erased instead, {found} is better than random"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    every = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*every, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in every
    ]


def _falls_cells(row: Faithfulness, falls: Faithfulness | SoftFaithfulness) -> tuple[str, ...]:
    return (
        row.kind,
        row.method,
        str(falls.comprehensiveness),
        str(falls.comprehensiveness_over_random),
        str(falls.sufficiency),
        str(falls.sufficiency_over_random),
    )


def _checks_cells(row: Faithfulness) -> tuple[str, ...]:
    return row.kind, row.method, f"{row.texts:,}", str(row.random_weights), f"{row.seconds:.2f}"


def evaluate_explanations(
    model: KGBertPipeline | TrainedModel | str | Path,
    texts: Sequence[str | Row | Example],
    *,
    methods: Collection[str] | None = None,
    parts: Collection[str] = EVALUATED,
    batch_size: int = BATCH_SIZE,
    progress: StepCallback | None = None,
) -> FaithfulnessReport:
    """Return how faithful attribution methods are for a model, next to random orders of the parts.

    Args:
        model: A trained model, a pipeline, or the folder of a saved model.
        texts: Texts, rows or examples, as for a pipeline.
        methods: Names in :data:`kgbert.explanation.methods.METHODS`; None means all that work for
            the model.
        parts: The kinds of parts to evaluate, names in :data:`EVALUATED`. Entities are evaluated
            where a mention has several candidates; otherwise they are the same as mentions.
        batch_size: Number of variants of a text that are computed together.
        progress: Called after each text.

    Raises:
        KGBertError: As for :func:`kgbert.explain`, or no text has two parts of a kind.
    """
    pipeline = pipeline_of(model)
    names = [name for name in methods or METHODS if name != BASELINE]
    chosen = {name: lookup(METHODS, name, "attribution method") for name in names}
    for kind in parts:
        lookup(dict.fromkeys(EVALUATED), kind, "kind of part to evaluate")
    measured: dict[tuple[str, str], list[_Measured]] = {}
    randomized = with_random_weights(pipeline)
    encoded = pipeline.task.encode(examples_to_answer(pipeline.task, texts), pipeline.processor)
    for number, example in enumerate(encoded, start=1):
        prediction = pipeline.predict_encoded([example])[0]
        if answers := answers_of(pipeline, prediction):
            scorer = AnswerScorer(pipeline, example, prediction, answers, batch_size=batch_size)
            other = _with_model(scorer, randomized)
            for kind in parts:
                for name, each in _measure(scorer, other, kind, chosen):
                    measured.setdefault((kind, name), []).append(each)
        if progress:
            progress(number, len(encoded))
    if not measured:
        raise KGBertError(
            "no text has two words, mentions or edges to rank, so that no method can be tested; "
            "give texts with several of them.",
            code="nothing-to-rank",
        )
    rows = [_faithfulness(kind, name, each) for (kind, name), each in measured.items()]
    order = {key: place for place, key in enumerate((k, n) for k in parts for n in names)}
    rows.sort(key=lambda row: order[row.kind, row.method])
    scale = pipeline.task.score_scale(pipeline.model.config)
    return FaithfulnessReport(pipeline.task.score_unit, tuple(rows), scale)


def with_random_weights(pipeline: KGBertPipeline, seed: int = 0) -> KGBertPipeline:
    """Return a pipeline with a copy of the model in which each weight matrix is shuffled."""
    model = deepcopy(pipeline.model)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            order = torch.randperm(parameter.numel(), generator=generator).to(parameter.device)
            parameter.copy_(parameter.flatten()[order].view(parameter.shape))
    return KGBertPipeline(model, pipeline.processor, pipeline.task)


def _with_model(scorer: AnswerScorer, pipeline: KGBertPipeline) -> AnswerScorer:
    """Return a scorer of the same answers by another model."""
    read = pipeline.predict_encoded([scorer.encoded])[0]
    prediction = replace(scorer.prediction, mentions=read.mentions)
    return AnswerScorer(pipeline, scorer.encoded, prediction, scorer.answers)


class _Falls(NamedTuple):
    """The falls of the score of one text, the mean over its answers."""

    comprehensiveness: float
    sufficiency: float
    random_comprehensiveness: float
    random_sufficiency: float


class _Measured(NamedTuple):
    """What is measured of a method on one text."""

    removed: _Falls
    erased: _Falls | None
    random_weights: float
    seconds: float


def _parts(scorer: AnswerScorer, kind: str) -> Sequence[Part]:
    if kind == WORDS:
        return words_of(scorer.encoded)
    if kind == MENTIONS:
        return [MentionPart(x.start, x.end) for x in scorer.mentions]
    if kind == PATHS:
        return list(path_parts(scorer))
    if kind == ENTITIES:
        is_ambiguous = any(len(mention.candidates) > 1 for mention in scorer.mentions)
        return entities_of(scorer.mentions) if is_ambiguous else []
    if not (scorer.reads_edges and scorer.mentions):
        return []
    processor = scorer.pipeline.processor
    index = processor.graph.index
    entities = [index(x.entity) for mention in scorer.mentions for x in mention.candidates]
    edges = edges_of(entities, processor)
    return list(dict.fromkeys(edge for found in edges.values() for edge in found))[:MAX_EDGES]


def _measure(
    scorer: AnswerScorer, randomized: AnswerScorer, kind: str, methods: dict[str, Method]
) -> Iterator[tuple[str, _Measured]]:
    """Yield the falls of the score for each method, in the order of its attributions."""
    parts = _parts(scorer, kind)
    if len(parts) < 2:
        return
    generator = np.random.default_rng([len(scorer.encoded.example.joined), len(parts)])
    shuffled = [generator.permutation(len(parts)).tolist() for _ in range(RANDOM_ORDERS)]
    # One call, so that the variants of all orders are batched.
    scorer.scores([removal for order in shuffled for removal in _removals(parts, order)])
    random = np.mean([_falls(scorer, parts, order).mean(1) for order in shuffled], 0)
    for name, method in methods.items():
        if kind not in method.kinds or (method.needs_attention and not _has_attention(scorer)):
            continue
        started = time.perf_counter()
        values = method.attribute(scorer.fresh(), parts).values
        seconds = time.perf_counter() - started
        orders = np.argsort(-values, axis=1, kind="stable")
        # Each answer has its own order.
        falls = [
            _falls(scorer, parts, order)[:, place] for place, order in enumerate(orders.tolist())
        ]
        yield (
            name,
            _Measured(
                _Falls(*np.mean(falls, 0).tolist(), *random.tolist()),
                _soft_falls(scorer, parts, values) if kind in ERASED else None,
                rank_correlation(values, method.attribute(randomized, parts).values),
                seconds,
            ),
        )


def _soft_falls(scorer: AnswerScorer, parts: Sequence[Part], values: NDArray[np.float64]) -> _Falls:
    """Return the falls if elements of vectors are erased by importance, or by permuted ones.

    Args:
        scorer: The scorer of the text.
        parts: The parts.
        values: The attributions to them, shape (answers, parts).
    """
    generator = np.random.default_rng([len(scorer.encoded.example.joined), len(parts)])
    orders = [generator.permutation(len(parts)) for _ in range(MASKS)]
    falls = []
    for place, importances in enumerate(scaled(values)):
        # The same random numbers erase by an importance and by the permuted ones.
        each = [x for order in orders for x in (importances, importances[order])]
        kept = np.stack([y for x in each for y in (1 - x, x)])
        scores = scorer.erased_scores(parts, kept, [x for x in range(MASKS) for _ in range(4)])
        falls.append((scorer.score()[place] - scores[place]).reshape(MASKS, 4).mean(0))
    return _Falls(*np.mean(falls, 0).tolist())


def scaled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each row scaled from 0 for its smallest to 1 for its largest value.

    >>> scaled(np.array([[-1.0, 0.0, 3.0], [2.0, 2.0, 2.0]])).tolist()
    [[0.0, 0.25, 1.0], [0.5, 0.5, 0.5]]
    """
    low, high = values.min(1, keepdims=True), values.max(1, keepdims=True)
    result: NDArray[np.float64] = np.full_like(values, 0.5)
    np.divide(values - low, high - low, out=result, where=high > low)
    return result


def rank_correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the mean Spearman correlation of the rows; zero for a row of equal values.

    >>> rank_correlation(np.array([[1.0, 2.0, 3.0]]), np.array([[0.0, 5.0, 4.0]]))
    0.5
    """
    ranks = [rankdata(each, axis=1) - (each.shape[1] + 1) / 2 for each in (one, other)]
    products = (ranks[0] * ranks[1]).sum(1)
    lengths = np.sqrt((ranks[0] ** 2).sum(1) * (ranks[1] ** 2).sum(1))
    correlations = np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)
    return float(correlations.mean())


def _has_attention(scorer: AnswerScorer) -> bool:
    return all(
        entity.attention is not None
        for mention in scorer.prediction.mentions
        for entity in mention.candidates
    )


def _removals(parts: Sequence[Part], order: Sequence[int]) -> list[list[Part]]:
    """Return the highest ranked parts of each share, and all others of each share."""
    counts = [max(1, min(math.ceil(share * len(parts)), len(parts) - 1)) for share in SHARES]
    ranked = [parts[place] for place in order]
    return [ranked[:count] for count in counts] + [ranked[count:] for count in counts]


def _falls(
    scorer: AnswerScorer, parts: Sequence[Part], order: Sequence[int]
) -> NDArray[np.float64]:
    """Return the mean falls without the highest ranked parts and with them alone, by answer."""
    falls = scorer.score()[:, None] - scorer.scores(_removals(parts, order))
    both: NDArray[np.float64] = falls.reshape(len(falls), 2, len(SHARES)).mean(2).T
    return both


def _faithfulness(kind: str, method: str, measured: Sequence[_Measured]) -> Faithfulness:
    erased = [each.erased for each in measured if each.erased]
    return Faithfulness(
        kind,
        method,
        len(measured),
        *_estimates([each.removed for each in measured]),
        _estimate(np.array([each.random_weights for each in measured])),
        float(np.mean([each.seconds for each in measured])),
        SoftFaithfulness(*_estimates(erased)) if erased else None,
    )


def _estimates(falls: Sequence[_Falls]) -> tuple[Estimate, Estimate, Estimate, Estimate]:
    """Return comprehensiveness and sufficiency, and their differences to random ones."""
    own = np.array([(x.comprehensiveness, x.sufficiency) for x in falls])
    random = np.array([(x.random_comprehensiveness, x.random_sufficiency) for x in falls])
    return (
        _estimate(own[:, 0]),
        _estimate(own[:, 1]),
        _estimate(own[:, 0] - random[:, 0]),
        _estimate(random[:, 1] - own[:, 1]),
    )


def _estimate(values: NDArray[np.float64]) -> Estimate:
    drawn = np.random.default_rng(0).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.quantile(values[drawn].mean(1), [0.025, 0.975])
    return Estimate(float(values.mean()), float(low), float(high))
