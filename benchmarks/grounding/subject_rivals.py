"""Rivals of subject indexing: by words, by names, and by vectors."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from benchmarks.grounding.subject_scores import Ranking
from benchmarks.grounding.subjects import Corpus
from kgbert.baselines.tfidf import TfidfModel, TfidfVectors
from kgbert.data import Example
from kgbert.data.splits import Split
from kgbert.demo.study import checked_backbone
from kgbert.features.frozen_encoder import FrozenEncoder
from kgbert.linking.caching import CachingLinker
from kgbert.linking.factory import make_linker
from kgbert.linking.mention import Linker

#: Tokens of a text that an encoder reads, in the bi-encoders as in kgbert.
MAX_LENGTH = 128

#: Labels of a text that are kept in a ranking.
KEPT = 1000

#: Settings that are tried; validation texts choose.
NEIGHBOURS = (1, 3, 5, 10, 20, 40)
STRENGTHS = (1.0, 10.0, 100.0)
STEPS = (10, 30)

#: Of the learned map of the bi-encoder: a usual temperature, and a learning rate at which the loss
#: of the training texts falls in every step.
TEMPERATURE = 0.05
RATE = 1e-3


class Attempt(NamedTuple):
    """The rankings of a system with one setting."""

    setting: str
    validation: list[Ranking]
    test: list[Ranking]


#: Returns the rankings of a system with each setting that is tried.
System = Callable[["Inputs", int], Iterator[Attempt]]


class Inputs:
    """A corpus with what its systems share, and the texts of a seed."""

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        self.split = Split([], [], [])
        self.encode = lru_cache(maxsize=None)(self._encode)

    @cached_property
    def linker(self) -> Linker:
        """The dictionary linker of kgbert."""
        return CachingLinker(make_linker(self.corpus.graph, "dictionary"))

    @cached_property
    def encoder(self) -> FrozenEncoder:
        """The encoder before any training."""
        return FrozenEncoder(str(checked_backbone()))

    @cached_property
    def label_vectors(self) -> NDArray[np.float32]:
        """A vector for the preferred name of each label, of length 1."""
        graph = self.corpus.graph
        names = [graph.name(graph.index(label)) for label in self.corpus.labels]
        return _unit(self.encoder.encode(names, max_length=48))

    def text_vectors(self, texts: Sequence[Example]) -> NDArray[np.float32]:
        """Return a vector for each text, of length 1."""
        return np.concatenate([self.encode(x.text) for x in texts])

    def _encode(self, text: str) -> NDArray[np.float32]:
        return _unit(self.encoder.encode([text], max_length=MAX_LENGTH))


def neighbours(inputs: Inputs, seed: int) -> Iterator[Attempt]:
    """Yield the labels of the most similar training texts, by TF-IDF, weighted by similarity."""
    train, *others = inputs.split.parts()
    vectors = TfidfVectors([x.texts for x in train])
    known = vectors([x.texts for x in train])
    similarities = [(vectors([x.texts for x in part]) @ known.T).toarray() for part in others]
    for count in NEIGHBOURS:
        rankings = [[_votes(row, train, count) for row in part] for part in similarities]
        yield Attempt(f"{count} neighbours", *rankings)


def _votes(similarities: NDArray[np.float64], train: Sequence[Example], count: int) -> Ranking:
    nearest = np.argsort(-similarities, kind="stable")[:count].tolist()
    votes: dict[str, float] = {}
    for place in nearest:
        for label in train[place].target:
            votes[label] = votes.get(label, 0.0) + float(similarities[place])
    total = sum(float(similarities[place]) for place in nearest) or 1.0
    return {label: vote / total for label, vote in votes.items()}


def linear(inputs: Inputs, seed: int) -> Iterator[Attempt]:
    """Yield the labels by a logistic regression for each label with training texts."""
    train, *others = inputs.split.parts()
    labels = sorted({label for x in train for label in x.target})
    vectors = TfidfVectors([x.texts for x in train])
    known, *unknown = (vectors([x.texts for x in part]) for part in (train, *others))
    targets = np.array([[label in x.target for label in labels] for x in train], np.float64)
    for strength in STRENGTHS:
        model = TfidfModel(strength)
        model.fit_labels(known, targets)
        rankings = [_ranked(model.outputs(part), labels) for part in unknown]
        yield Attempt(f"C = {strength:g}", *rankings)


def dictionary(inputs: Inputs, seed: int) -> Iterator[Attempt]:
    """Yield the entities whose names the linker of kgbert finds in a text, by its score."""
    known = frozenset(inputs.corpus.labels)
    rankings: list[list[Ranking]] = []
    for part in inputs.split.parts()[1:]:
        found = inputs.linker([x.text for x in part])
        candidates = [[c for mention in mentions for c in mention.candidates] for mentions in found]
        rankings.append(
            [
                {
                    x.entity: x.score
                    for x in sorted(some, key=lambda x: x.score)
                    if x.entity in known
                }
                for some in candidates
            ]
        )
    yield Attempt("", *rankings)


def frozen_bi_encoder(inputs: Inputs, seed: int) -> Iterator[Attempt]:
    """Yield the labels by the similarity of text and name, without any training."""
    yield _compared(inputs, "", torch.eye(inputs.label_vectors.shape[1]))


def trained_bi_encoder(inputs: Inputs, seed: int) -> Iterator[Attempt]:
    """Yield the labels by the same after a map of the texts is learnt, the encoder being frozen."""
    train = inputs.split.train
    places = {label: place for place, label in enumerate(inputs.corpus.labels)}
    pairs = [(row, places[label]) for row, x in enumerate(train) for label in x.target]
    rows, gold = torch.tensor(pairs).T
    texts = torch.from_numpy(inputs.text_vectors(train))
    names = torch.from_numpy(inputs.label_vectors)
    matrix = nn.Parameter(torch.eye(names.shape[1]))
    optimizer = torch.optim.Adam([matrix], lr=RATE)
    for step in range(1, max(STEPS) + 1):
        logits = nn.functional.normalize(texts @ matrix, dim=-1) @ names.T / TEMPERATURE
        loss = nn.functional.cross_entropy(logits[rows], gold)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step in STEPS:
            yield _compared(inputs, f"{step} steps", matrix.detach())


def _compared(inputs: Inputs, setting: str, matrix: torch.Tensor) -> Attempt:
    rankings = [
        _ranked(
            _unit(inputs.text_vectors(part) @ matrix.numpy()) @ inputs.label_vectors.T,
            inputs.corpus.labels,
        )
        for part in inputs.split.parts()[1:]
    ]
    return Attempt(setting, *rankings)


def _ranked(scores: NDArray[np.floating], labels: Sequence[str]) -> list[Ranking]:
    """Return the highest scores of each row by label."""
    return [
        {labels[place]: float(row[place]) for place in np.argsort(-row, kind="stable")[:KEPT]}
        for row in scores
    ]


def _unit(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors.astype(np.float32), axis=1, keepdims=True)
    return np.asarray(vectors / lengths, np.float32)
