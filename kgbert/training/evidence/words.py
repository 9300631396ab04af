"""Fit how much the mention of a word says about its tag before training starts.

A few hundred texts teach an encoder slowly that most words of a mention of a disease are tagged as
a disease, although that is the same for all its names. As logistic regression, the evidence of the
graph is learnt at once, and the encoder learns what it does not explain.
"""

from collections.abc import Sequence
from typing import NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from torch import Tensor

from kgbert.data import Example
from kgbert.encoding.processor import KGBertProcessor
from kgbert.models.base import KGBertPreTrainedModel
from kgbert.tasks.base import IGNORED, Task
from kgbert.training.evidence.scale import MAX_TEXTS, MIN_GAIN, spread

#: Standard deviation of the normal prior of the weights, whose mean is zero. It was not searched.
#: In a trial on development texts of two corpora, which fitted such weights after training, 0.5 and
#: 2 were within three points of it.
PRIOR = 1.0

#: Parts of the texts, each of which is predicted from the others.
FOLDS = 5


class _Words(NamedTuple):
    """The tagged words of some texts."""

    types: csr_matrix
    """The types of each word, shape (words, types)."""
    tags: NDArray[np.int64]
    texts: NDArray[np.int64]
    """The text of each word."""


def fit_word_evidence(
    model: KGBertPreTrainedModel, processor: KGBertProcessor, task: Task, train: Sequence[Example]
) -> None:
    """Set the weights of mentions and the bias of an untrained model that tags words.

    Both stay as they are where the mentions do not predict the tags of other texts. The weights are
    not trained further. A head that has learnt before gets no evidence.

    Args:
        model: A model with weights of paths for the tags of words.
        processor: Its processor.
        task: Its task.
        train: Training texts, of which at most :data:`~kgbert.training.evidence.scale.MAX_TEXTS`
            are read.
    """
    scorer, bias = model.path_scorer, model.get_submodule(model.output_layer).bias
    assert scorer is not None
    if bias is None or cast(Tensor, bias).any():
        return
    words = _tagged_words(model, processor, task, spread(train, MAX_TEXTS))
    if len(np.unique(words.tags)) < 2 or _gain(words) < MIN_GAIN:
        return
    weights, offsets = _fit(words.types, words.tags, len(model.config.labels))
    scorer.initialize(torch.from_numpy(weights))
    model.set_output_bias(offsets)


def _tagged_words(
    model: KGBertPreTrainedModel, processor: KGBertProcessor, task: Task, texts: Sequence[Example]
) -> _Words:
    rows: list[NDArray[np.int64]] = []
    types, values, tags, owners = [], [], [], []
    words = 0
    for place, each in enumerate(task.encode(texts, processor)):
        targets = np.array(task.targets(each, model.config)[0])
        (tagged,) = np.nonzero(targets != IGNORED)
        paths = each.text.paths
        assert paths is not None
        kept = np.isin(paths.targets, tagged)
        rows.append(words + np.searchsorted(tagged, paths.targets[kept]))
        words += len(tagged)
        types.append(paths.types[kept])
        values.append(paths.values[kept])
        tags.append(targets[tagged])
        owners.append(np.full(len(tagged), place))
    shape = words, len(model.config.path_types)
    entries = np.concatenate(values), (np.concatenate(rows), np.concatenate(types))
    return _Words(csr_matrix(entries, shape), np.concatenate(tags), np.concatenate(owners))


def _gain(words: _Words) -> float:
    """Return by how much mentions raise the log-likelihood of the tags of held-out texts."""
    folds = min(FOLDS, len(np.unique(words.texts)))
    if folds < 2:
        return 0.0
    gain, count = 0.0, int(words.tags.max()) + 1
    for fit, held in GroupKFold(folds).split(words.types, groups=words.texts):
        # A tag that the other texts lack has an unlikely score in both.
        shares = (np.bincount(words.tags[fit], minlength=count) + 0.5) / (len(fit) + 0.5 * count)
        if len(np.unique(words.tags[fit])) < 2:
            continue
        weights, bias = _fit(words.types[fit], words.tags[fit], count)
        scores = words.types[held] @ weights + bias
        scores -= np.logaddexp.reduce(scores, axis=1, keepdims=True)
        own = words.tags[held]
        gain += float((scores[np.arange(len(own)), own] - np.log(shares[own])).sum())
    return gain


def _fit(
    types: csr_matrix, tags: NDArray[np.int64], labels: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the weights of types, shape (types, labels), and the bias of each label."""
    # Most words are in no mention. They differ in their tags alone, and each tag is read once.
    outside = types.getnnz(axis=1) == 0
    counts = np.bincount(tags[outside], minlength=labels)
    (others,) = np.nonzero(counts)
    rows = vstack([types[~outside], csr_matrix((len(others), types.shape[1]))])
    weighted = np.concatenate([np.ones(int((~outside).sum())), counts[others]])
    fitted = LogisticRegression(C=PRIOR**2, max_iter=1000).fit(
        rows, np.concatenate([tags[~outside], others]), sample_weight=weighted
    )
    known, weights = fitted.classes_, np.zeros((types.shape[1], labels))
    coefficients, intercepts = fitted.coef_, fitted.intercept_
    if len(known) == 2:  # scikit-learn has weights for the second of two tags only
        coefficients = np.vstack([np.zeros_like(coefficients), coefficients])
        intercepts = np.append(0.0, intercepts)
    weights[:, known] = coefficients.T
    # A tag that no text has is as unlikely as the least likely of the others.
    bias = np.full(labels, intercepts.min())
    bias[known] = intercepts
    return weights, bias
