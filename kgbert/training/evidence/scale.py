"""Choose how much the evidence for labels counts before training starts.

Descriptions of labels tell the texts of some tasks apart, and say nothing about those of others. A
scale that is too large for them drowns the other evidence for many steps, since one learning step
hardly changes it. Scale and offset are therefore fitted to the training texts, with the frozen
encoder: two numbers that are zero where similarity and labels are unrelated.

Where a text has several labels of many, nearly all labels are wrong, and weights of paths that
start at zero would need hundreds of steps to become large enough. They are fitted as well.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_matrix, hstack
from scipy.special import logsumexp
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from kgbert.data import Example
from kgbert.encoding.processor import KGBertProcessor
from kgbert.models.base import KGBertPreTrainedModel
from kgbert.tasks.base import EncodedExample, Task
from kgbert.training.inference import batches

#: Texts that are compared with the labels, at most. Where a text has one label, also the pairs of a
#: text and a label; where it has several, the pairs that are drawn from those without evidence.
MAX_TEXTS = 500
MAX_PAIRS = 5_000_000
MAX_DRAWN = 200_000

#: Standard deviations of the normal priors of the weights, whose means are zero: of the scale, of
#: types of path, and of mentions of a label. The last one was chosen on validation texts of
#: subject indexing, where 3 to 6 were equally good.
PRIOR_SCALE = 20.0
PRIOR_TYPE = 20.0
PRIOR_MENTION = 4.0

#: Gain in log-likelihood, for all texts together, below which the similarity does not count.
MIN_GAIN = 3.0


def fit_label_scores(
    model: KGBertPreTrainedModel, processor: KGBertProcessor, task: Task, train: Sequence[Example]
) -> None:
    """Set scale and offset of the label scores of an untrained classifier of texts.

    Where a text has several labels, the weights of paths are set as well.

    Args:
        model: A model with label vectors, or with weights of paths to several labels of a text.
        processor: Its processor.
        task: Its task.
        train: Training texts, of which at most :data:`MAX_TEXTS` are read.
    """
    labels = {label: place for place, label in enumerate(model.config.labels)}
    count = MAX_TEXTS
    if not model.answers_several_labels:
        count = min(count, max(1, MAX_PAIRS // len(labels)))
    texts = spread(train, count)
    encoded = task.encode(texts, processor)
    own = [[labels[name] for name in task.classes(text)] for text in texts]
    if model.answers_several_labels:
        _fit_several(model, processor, task, encoded, own)
        return
    nearness = np.zeros((len(texts), len(labels)), np.float32)
    for rows, values in _nearness(model, processor, task, encoded):
        nearness[rows] = values
    scorer = model.label_scorer
    centred = np.where(scorer.described.cpu().numpy(), nearness - scorer.offset.item(), 0)
    nn.init.constant_(scorer.scale, fit_multinomial(centred, np.array([each[0] for each in own])))


def spread(examples: Sequence[Example], most: int) -> list[Example]:
    """Return at most some of the examples, evenly spaced.

    >>> [x.text for x in spread([Example(letter) for letter in "abcde"], 3)]
    ['a', 'c', 'e']
    """
    places = np.linspace(0, len(examples) - 1, min(most, len(examples))).astype(int)
    return [examples[place] for place in dict.fromkeys(places.tolist())]


def _fit_several(
    model: KGBertPreTrainedModel,
    processor: KGBertProcessor,
    task: Task,
    encoded: Sequence[EncodedExample],
    own: Sequence[Sequence[int]],
) -> None:
    """Set the weights of the evidence for labels where a text has several.

    Args:
        model: The model.
        processor: Its processor.
        task: Its task.
        encoded: The texts.
        own: The positions of the labels of each text.
    """
    labels = len(model.config.labels)
    gold = _joined(row * labels + np.array(each, np.int64) for row, each in enumerate(own))
    paths = _read_paths(model, encoded)
    pairs, counts = draw_pairs(np.union1d(gold, paths.cells), len(encoded) * labels)
    nearness = None
    if model.config.label_vectors:
        nearness = np.zeros(len(pairs))
        for rows, values in _nearness(model, processor, task, encoded):
            for row, value in zip(rows, values, strict=True):
                first, end = np.searchsorted(pairs, [row * labels, (row + 1) * labels])
                nearness[first:end] = value[pairs[first:end] - row * labels]
    found = fit_binary(np.isin(pairs, gold), nearness, paths.matrix(pairs), paths.priors, counts)
    if model.config.label_vectors:
        nn.init.constant_(model.label_scorer.scale, found.scale)
        if found.scale:
            nn.init.constant_(model.label_scorer.offset, -found.intercept / found.scale)
    if model.path_scorer is not None:
        types, mentions = np.split(found.paths, [len(model.path_scorer.weight)])
        model.path_scorer.initialize(torch.from_numpy(types[:, None]), torch.from_numpy(mentions))
        bias = model.get_submodule(model.output_layer).bias
        if bias is not None and not found.scale:
            nn.init.constant_(cast(Tensor, bias), found.intercept)


class _Paths(NamedTuple):
    """The counted paths of texts as a sparse matrix."""

    cells: NDArray[np.int64]
    """The pair of each entry, ``text * labels + label``."""
    columns: NDArray[np.int64]
    """Its type of path; for mentions of labels also one column for each label after the types."""
    values: NDArray[np.float64]
    priors: NDArray[np.float64]
    """The standard deviation of the weight of each column."""

    def matrix(self, pairs: NDArray[np.int64]) -> csr_matrix:
        """Return a row for each pair; the pairs are sorted."""
        rows = np.searchsorted(pairs, self.cells)
        return csr_matrix((self.values, (rows, self.columns)), (len(pairs), len(self.priors)))


def _read_paths(model: KGBertPreTrainedModel, encoded: Sequence[EncodedExample]) -> _Paths:
    scorer, labels = model.path_scorer, len(model.config.labels)
    if scorer is None:
        nothing = np.zeros(0)
        return _Paths(nothing.astype(np.int64), nothing.astype(np.int64), nothing, nothing)
    counted = [text.paths for each in encoded for text in each.texts if text.paths is not None]
    types, targets = (_joined(getattr(x, name) for x in counted) for name in ("types", "targets"))
    cells = _joined(row * labels + x.targets for row, x in enumerate(counted))
    values = np.concatenate([np.zeros(0), *(x.values for x in counted)])
    own = types == scorer.same
    return _Paths(
        np.concatenate([cells, cells[own]]),
        np.concatenate([types, len(scorer.weight) + targets[own]]),
        np.concatenate([values, values[own]]),
        np.repeat([PRIOR_TYPE, PRIOR_MENTION], [len(scorer.weight), labels]),
    )


def draw_pairs(
    kept: NDArray[np.int64], total: int, most: int = MAX_DRAWN
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return some pairs and a sample of the others, sorted, and how many pairs each stands for.

    Args:
        kept: The positions of the pairs that are kept, each once and sorted.
        total: Number of all pairs.
        most: Largest size of the sample.

    >>> pairs, counts = draw_pairs(np.array([3, 5]), 1000, most=100)
    >>> counts[np.isin(pairs, [3, 5])].tolist(), round(counts.sum()), len(pairs) <= 102
    ([1.0, 1.0], 1000, True)
    """
    if total - len(kept) <= most:
        return np.arange(total), np.ones(total)
    drawn = np.setdiff1d(np.random.default_rng(0).integers(total, size=most), kept)
    pairs = np.union1d(kept, drawn)
    counts = np.full(len(pairs), (total - len(kept)) / len(drawn))
    counts[np.searchsorted(pairs, kept)] = 1
    return pairs, counts


def fit_multinomial(scores: NDArray[np.floating[Any]], labels: NDArray[np.int64]) -> float:
    """Return the scale with which scores predict labels best, zero if they do not.

    Args:
        scores: Shape (texts, labels).
        labels: The label of each text.

    >>> scores = np.eye(3)[[0, 1, 2] * 20]
    >>> fit_multinomial(scores, np.array([0, 1, 2] * 20)) > 3
    True
    >>> fit_multinomial(scores, np.array([0, 0, 0, 1, 1, 1, 2, 2, 2] * 6 + [0, 1, 2] * 2))
    0.0
    """
    own = np.take_along_axis(scores, labels[:, None], 1)[:, 0]

    def loss(scale: float) -> float:
        likelihood = float((scale * own - logsumexp(scale * scores, axis=1)).sum())
        return (scale / PRIOR_SCALE) ** 2 / 2 - likelihood

    best = minimize_scalar(loss, bounds=(0, 10 * PRIOR_SCALE), method="bounded")
    return float(best.x) if loss(0) - float(best.fun) >= MIN_GAIN else 0.0


class Evidence(NamedTuple):
    """How evidence predicts a label: the logit is ``scale * nearness + intercept + paths``."""

    scale: float
    intercept: float
    paths: NDArray[np.float64]
    """The weight of each column of the paths."""


def fit_binary(
    has_label: NDArray[np.bool_],
    nearness: NDArray[np.float64] | None,
    paths: csr_matrix,
    priors: NDArray[np.float64],
    counts: NDArray[np.float64],
) -> Evidence:
    """Return how evidence predicts each label of a text by itself; the scale is zero or more.

    Args:
        has_label: Whether the text of each pair has the label.
        nearness: How near text and label are; None if they are not compared.
        paths: The paths of each pair, shape (pairs, columns).
        priors: The standard deviation of the weight of each column.
        counts: How many pairs each pair stands for.
    """
    if has_label.all() or not has_label.any():
        return Evidence(0.0, 0.0, np.zeros(len(priors)))
    intercept, weights, likelihood = _logistic(has_label, paths, priors, counts)
    without = Evidence(0.0, intercept, weights)
    if nearness is None:
        return without
    columns = hstack([csr_matrix(nearness[:, None]), paths]).tocsr()
    intercept, weights, gained = _logistic(
        has_label, columns, np.append(PRIOR_SCALE, priors), counts
    )
    near = Evidence(float(weights[0]), intercept, weights[1:])
    return near if near.scale > 0 and gained - likelihood >= MIN_GAIN else without


def _logistic(
    has_label: NDArray[np.bool_],
    columns: csr_matrix,
    priors: NDArray[np.float64],
    counts: NDArray[np.float64],
) -> tuple[float, NDArray[np.float64], float]:
    """Return intercept and weights of a logistic regression, and its log-likelihood."""
    if not columns.shape[1]:
        share = float(np.average(has_label, weights=counts))
        logit = float(np.log(share / (1 - share)))
        likelihood = counts.sum() * (share * np.log(share) + (1 - share) * np.log(1 - share))
        return logit, np.zeros(0), float(likelihood)
    # Weights of columns in units of their standard deviation have the same prior.
    inputs = columns.multiply(priors).tocsr()
    # The tolerance concerns the mean over all pairs, of which few are evidence for one weight.
    model = LogisticRegression(max_iter=1000, tol=1e-2 / counts.sum())
    fitted = model.fit(inputs, has_label, sample_weight=counts)
    chances = fitted.predict_log_proba(inputs)
    likelihood = float(counts @ np.where(has_label, chances[:, 1], chances[:, 0]))
    return float(fitted.intercept_[0]), priors * fitted.coef_[0], likelihood


def _nearness(
    model: KGBertPreTrainedModel,
    processor: KGBertProcessor,
    task: Task,
    encoded: Sequence[EncodedExample],
) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
    """Yield texts and how near each of them is to each label, shape (texts, labels)."""
    units = [unit for each in encoded for unit in each.units]
    was_training = model.training
    model.eval()
    for places, batch in batches(model, processor, task, units):
        with torch.inference_mode(), model.record_label_similarities() as similarities:
            task.compute_outputs(model, batch, processor)
            nearness = model.label_scorer.nearness(similarities[-1], batch.get("label_lexical"))
        yield places, nearness.float().cpu().numpy()
    model.train(was_training)


def _joined(parts: Iterable[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(0, np.int64), *parts])
