"""Choose how much the similarity of texts and label entities counts before training starts.

Descriptions of labels tell the texts of some tasks apart, and say nothing about those of others. A
scale that is too large for them drowns the other evidence for many steps, since one learning step
hardly changes it. Scale and offset are therefore fitted to the training texts, with the frozen
encoder: two numbers that are zero where similarity and labels are unrelated.
"""

from collections.abc import Sequence

import numpy as np
import torch
from accelerate.utils import send_to_device
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp
from sklearn.linear_model import LogisticRegression

from kgbert.data import Example
from kgbert.encoding.collation import batches_by_length
from kgbert.encoding.processor import KGBertProcessor
from kgbert.models.base import KGBertPreTrainedModel
from kgbert.tasks.answers import unit_length
from kgbert.tasks.base import Task

#: Texts that are compared with the labels, at most, and pairs of a text and a label.
MAX_TEXTS = 500
MAX_PAIRS = 5_000_000

#: Standard deviation of the normal prior of the scale, whose mean is zero.
PRIOR_SCALE = 20.0

#: Gain in log-likelihood, for all texts together, below which the similarity does not count.
MIN_GAIN = 3.0


def fit_label_scores(
    model: KGBertPreTrainedModel, processor: KGBertProcessor, task: Task, train: Sequence[Example]
) -> None:
    """Set scale and offset of the label scores of an untrained classifier of texts.

    Args:
        model: A model with label vectors.
        processor: Its processor.
        task: Its task.
        train: Training texts, of which at most :data:`MAX_TEXTS` are read.
    """
    labels = {label: place for place, label in enumerate(model.config.labels)}
    count = min(MAX_TEXTS, len(train), max(1, MAX_PAIRS // len(labels)))
    places = np.linspace(0, len(train) - 1, count).astype(int)
    texts = [train[place] for place in dict.fromkeys(places.tolist())]
    nearness = _nearness(model, processor, task, texts)
    has_label = np.zeros((len(texts), len(labels)), np.bool_)
    for row, text in enumerate(texts):
        has_label[row, [labels[name] for name in task.classes(text)]] = True
    scorer = model.label_scorer
    described, offset = scorer.described.cpu().numpy(), scorer.offset.item()
    if model.config.backbone.problem_type == "multi_label_classification":
        scale, offset = fit_binary(nearness[:, described], has_label[:, described], offset)
    else:
        centred = np.where(described, nearness - offset, 0)
        scale = fit_multinomial(centred, has_label.argmax(1))
    with torch.no_grad():
        scorer.scale.fill_(scale)
        scorer.offset.fill_(offset)


def fit_multinomial(scores: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
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


def fit_binary(
    scores: NDArray[np.float64], has_label: NDArray[np.bool_], offset: float
) -> tuple[float, float]:
    """Return scale and offset with which scores predict each label of a text by itself.

    Args:
        scores: Shape (texts, labels).
        has_label: Shape (texts, labels).
        offset: The offset where scores and labels are unrelated.
    """
    values, targets = scores.reshape(-1, 1), has_label.ravel()
    if not targets.any() or targets.all():
        return 0.0, offset
    fitted = LogisticRegression().fit(PRIOR_SCALE * values, targets)
    scale, intercept = PRIOR_SCALE * float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    share = targets.mean()
    alone = len(targets) * float(share * np.log(share) + (1 - share) * np.log(1 - share))
    chances = fitted.predict_log_proba(PRIOR_SCALE * values)
    gain = float(np.where(targets, chances[:, 1], chances[:, 0]).sum()) - alone
    return (scale, -intercept / scale) if scale > 0 and gain >= MIN_GAIN else (0.0, offset)


def _nearness(
    model: KGBertPreTrainedModel, processor: KGBertProcessor, task: Task, texts: Sequence[Example]
) -> NDArray[np.float64]:
    """Return how near each text is to each label, shape (texts, labels)."""
    units = [unit for each in task.encode(texts, processor) for unit in each.units]
    found = np.zeros((len(units), len(model.config.labels)))
    was_training = model.training
    model.eval()
    for places in batches_by_length([unit_length(unit) for unit in units], 64):
        batch = send_to_device(
            task.collate([units[place] for place in places], processor, 0), model.device
        )
        with torch.inference_mode(), model.record_label_similarities() as similarities:
            task.compute_outputs(model, batch, processor)
            nearness = model.label_scorer.nearness(similarities[-1], batch.get("label_lexical"))
        found[places] = nearness.float().cpu().numpy()
    model.train(was_training)
    return found
