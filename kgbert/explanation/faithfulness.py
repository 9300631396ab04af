"""Test attribution methods: does the answer depend on the parts that a method ranks first?

Comprehensiveness is the fall of the score when the highest ranked parts are removed, sufficiency
the fall when only they are kept (DeYoung et al. 2020, arXiv:1911.03429), both as the mean over
several shares of parts (AOPC). Random orders of the same parts are the baseline.
"""

import math
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kgbert.data import Example
from kgbert.explanation.explain import answers_of, pipeline_of
from kgbert.explanation.methods import METHODS, Method
from kgbert.explanation.parts import (
    EDGES,
    MAX_EDGES,
    MENTIONS,
    WORDS,
    MentionPart,
    Part,
    edges_of,
    words_of,
)
from kgbert.explanation.scorer import BATCH_SIZE, AnswerScorer
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
#: Resampled sets of texts for an interval.
RESAMPLES = 2000
#: The kinds of parts that are evaluated.
EVALUATED = (WORDS, MENTIONS, EDGES)
#: Not evaluated as a method: random orders are the baseline of all methods.
BASELINE = "random"


@dataclass(frozen=True)
class Estimate:
    """A mean over texts with its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:+.2f} [{self.low:+.2f}, {self.high:+.2f}]"


@dataclass(frozen=True)
class Faithfulness:
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
    seconds: float
    """Mean time of an explanation."""

    @property
    def is_better_than_random(self) -> bool:
        """Whether both intervals of the differences lie above zero."""
        return self.comprehensiveness_over_random.low > 0 and self.sufficiency_over_random.low > 0


@dataclass(frozen=True)
class FaithfulnessReport:
    """The faithfulness of several methods on the same texts."""

    unit: str
    rows: tuple[Faithfulness, ...]

    def to_json(self) -> json_records.JSONValue:
        """Return the report as JSON values."""
        return json_records.to_json(self)

    def best_method(self, kind: str) -> str | None:
        """Return the most comprehensive method that is better than random; None without one."""
        better = [row for row in self.rows if row.kind == kind and row.is_better_than_random]
        # Methods that differ only by rounding keep the order of the table.
        best = max(better, key=lambda row: round(row.comprehensiveness.mean, 3), default=None)
        return None if best is None else best.method

    def table(self) -> str:
        """Return the report as a table for a terminal, with the method to believe for each kind."""
        header = (
            "parts", "method", "texts", "comprehensiveness", "over random", "sufficiency",
            "over random", "s/text",
        )  # fmt: skip
        rows = [header, *map(_cells, self.rows)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        for kind in dict.fromkeys(row.kind for row in self.rows):
            best = self.best_method(kind)
            believed = f"believe {best}" if best else "no method is better than random orders"
            lines.append(f"{kind}: {believed}")
        return "\n".join([*lines, f"Scores in {self.unit}; 95 % intervals over texts."])


def _cells(row: Faithfulness) -> tuple[str, ...]:
    return (
        row.kind,
        row.method,
        f"{row.texts:,}",
        str(row.comprehensiveness),
        str(row.comprehensiveness_over_random),
        str(row.sufficiency),
        str(row.sufficiency_over_random),
        f"{row.seconds:.2f}",
    )


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
        parts: The kinds of parts to evaluate: ``words``, ``mentions``, ``edges``.
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
    measured: dict[tuple[str, str], list[_Falls]] = {}
    encoded = pipeline.task.encode(examples_to_answer(pipeline.task, texts), pipeline.processor)
    for number, each in enumerate(encoded, start=1):
        prediction = pipeline.predict_encoded([each])[0]
        if answers := answers_of(pipeline, prediction):
            scorer = AnswerScorer(pipeline, each, prediction, answers, batch_size=batch_size)
            for kind in parts:
                for name, falls in _measure(scorer, _parts(scorer, kind), kind, chosen):
                    measured.setdefault((kind, name), []).append(falls)
        if progress:
            progress(number, len(encoded))
    if not measured:
        raise KGBertError(
            "no text has two words, mentions or edges to rank, so that no method can be tested; "
            "give texts with several of them.",
            code="nothing-to-rank",
        )
    rows = [_faithfulness(kind, name, falls) for (kind, name), falls in measured.items()]
    order = {key: place for place, key in enumerate((k, n) for k in parts for n in names)}
    rows.sort(key=lambda row: order[row.kind, row.method])
    return FaithfulnessReport(pipeline.task.score_unit, tuple(rows))


@dataclass(frozen=True)
class _Falls:
    """The falls of the score of one text, the mean over its answers."""

    comprehensiveness: float
    sufficiency: float
    random_comprehensiveness: float
    random_sufficiency: float
    seconds: float


def _parts(scorer: AnswerScorer, kind: str) -> Sequence[Part]:
    if kind == WORDS:
        return words_of(scorer.encoded)
    if kind == MENTIONS:
        return [MentionPart(x.start, x.end) for x in scorer.mentions]
    if not (scorer.reads_edges and scorer.mentions):
        return []
    processor = scorer.pipeline.processor
    index = processor.graph.index
    entities = [index(x.entity) for mention in scorer.mentions for x in mention.candidates]
    edges = edges_of(entities, processor)
    return list(dict.fromkeys(edge for found in edges.values() for edge in found))[:MAX_EDGES]


def _measure(
    scorer: AnswerScorer, parts: Sequence[Part], kind: str, methods: dict[str, Method]
) -> Iterator[tuple[str, _Falls]]:
    """Yield the falls of the score for each method, in the order of its attributions."""
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
        own = np.mean(falls, 0)
        yield (
            name,
            _Falls(float(own[0]), float(own[1]), float(random[0]), float(random[1]), seconds),
        )


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


def _faithfulness(kind: str, method: str, falls: Sequence[_Falls]) -> Faithfulness:
    own = np.array([(x.comprehensiveness, x.sufficiency) for x in falls])
    random = np.array([(x.random_comprehensiveness, x.random_sufficiency) for x in falls])
    return Faithfulness(
        kind,
        method,
        len(falls),
        _estimate(own[:, 0]),
        _estimate(own[:, 1]),
        _estimate(own[:, 0] - random[:, 0]),
        _estimate(random[:, 1] - own[:, 1]),
        float(np.mean([x.seconds for x in falls])),
    )


def _estimate(values: NDArray[np.float64]) -> Estimate:
    drawn = np.random.default_rng(0).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.quantile(values[drawn].mean(1), [0.025, 0.975])
    return Estimate(float(values.mean()), float(low), float(high))
