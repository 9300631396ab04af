"""Entity linking: assign an entity of the graph, or NIL, to each mention of a text."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kgbert.data import Example
from kgbert.data.fields import plain_example
from kgbert.tasks.base import (
    IGNORED,
    EncodedExample,
    ExplainedAnswer,
    LabelSpace,
    Prediction,
    Task,
)
from kgbert.tasks.gold_links import check_gold, gold_choices, gold_entities
from kgbert.tasks.metrics import LINKING_METRICS, NIL, UNANNOTATED, linking_scores
from kgbert.tasks.whole_texts.labels import answer_position, log_odds

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor
    from transformers import PreTrainedConfig

    from kgbert.encoding.candidates import CandidateSet
    from kgbert.encoding.encoded import Batch, EncodedText
    from kgbert.encoding.processor import KGBertProcessor
    from kgbert.graph.core.graph import KnowledgeGraph
    from kgbert.models.base import KGBertPreTrainedModel

#: Maximum number of scored candidates of a mention, the highest-ranked ones of the linker.
MAX_CANDIDATES = 8


@dataclass(frozen=True)
class LinkedMention:
    """A mention, its entity, and the model's probability of it."""

    start: int
    end: int
    text: str
    entity: str
    """Its id, or "NIL" where none of the candidates is meant."""
    name: str
    probability: float


@dataclass(frozen=True)
class LinksPrediction(Prediction):
    """The mentions of a text with their entities."""

    links: tuple[LinkedMention, ...]

    @property
    def answer(self) -> list[str]:
        """The ids of the entities."""
        return [link.entity for link in self.links]

    def lines(self) -> Iterator[str]:
        """Yield each mention with the name of its entity."""
        for link in self.links:
            meant = f"{link.name} ({link.entity})" if link.name else "none of the candidates"
            yield f"{link.start}-{link.end}  {link.text}  means {meant}  ({link.probability:.0%})"


class EntityLinking(Task):
    """The spans of an example name the gold entities."""

    name = "entity-linking"
    description = "columns text and spans with entity: which candidate each mention means"
    metrics = LINKING_METRICS
    processor_options = MappingProxyType({"candidates": MAX_CANDIDATES})
    needs_calibration = True

    @property
    def model_class(self) -> "type[KGBertPreTrainedModel]":
        """A model that scores the candidates of each mention."""
        from kgbert.models.task_models import KGBertForEntityLinking

        return KGBertForEntityLinking

    def read(self, record: Mapping[str, Any]) -> Example:
        """Return text and spans of a row."""
        return plain_example(record)

    def check(
        self,
        train: Sequence[Example],
        validation: Sequence[Example] = (),
        test: Sequence[Example] = (),
    ) -> None:
        """Raise DataError where no span of a part has an entity."""
        check_gold({"train": train, "validation": validation, "test": test})

    def is_labelled(self, example: Example) -> bool:
        """Return True: a text without spans is one in which there is nothing to find."""
        return True

    def label_space(self, train: Sequence[Example]) -> LabelSpace:
        """Return an empty label space: the model chooses among the candidates of each mention."""
        return LabelSpace()

    def targets(self, encoded: EncodedExample, config: "PreTrainedConfig") -> list[list[int]]:
        """Return the index of the gold entity among the candidates of each mention."""
        return [gold_choices(encoded.example, encoded.text)]

    def collate_targets(
        self, targets: Sequence[Any], batch: "Batch", processor: "KGBertProcessor"
    ) -> "dict[str, Tensor]":
        """Return the labels of the mentions, padded to the largest number in a text."""
        import torch

        width = batch["mention_spans"].shape[1]
        rows = [target + [IGNORED] * (width - len(target)) for target in targets]
        # An explicit dtype, because a batch without mentions would give floats.
        return {"labels": torch.tensor(rows, dtype=torch.int64)}

    def decode(
        self,
        outputs: Sequence[Any],
        encoded: EncodedExample,
        config: "PreTrainedConfig",
        graph: "KnowledgeGraph",
    ) -> LinksPrediction:
        """Return the entity of each mention; NIL where the top candidate is below the threshold."""
        text = encoded.text
        decisions = decide(outputs[0], text, config.nil_threshold)
        links = []
        for mention, decision in zip(text.mentions, decisions, strict=True):
            name = "" if decision.entity == NIL else graph.name(graph.index(decision.entity))
            span = text.text[mention.start : mention.end]
            links.append(
                LinkedMention(
                    mention.start, mention.end, span, decision.entity, name, decision.probability
                )
            )
        return LinksPrediction(encoded.example.text, tuple(links))

    def gold(self, encoded: EncodedExample, graph: "KnowledgeGraph") -> list[str]:
        """Return the gold answer of each mention, followed by that of each missed span."""
        return gold_entities(encoded.example, encoded.text, graph)

    def score(self, gold: Sequence[list[str]], predicted: Sequence[list[str]]) -> dict[str, float]:
        """Return the accuracies and the NIL scores; missed spans count as NIL."""
        return linking_scores(
            gold, [_padded_with_nil(*pair) for pair in zip(gold, predicted, strict=True)]
        )

    def is_correct(self, gold: list[str], predicted: list[str]) -> bool:
        """Return whether the answers to all annotated mentions are correct."""
        pairs = zip(gold, _padded_with_nil(gold, predicted), strict=True)
        return all(right in (UNANNOTATED, answer) for right, answer in pairs)

    def calibrate(
        self,
        outputs: Sequence[Sequence[Any]],
        encoded: Sequence[EncodedExample],
        config: "PreTrainedConfig",
        graph: "KnowledgeGraph",
    ) -> None:
        """Choose the NIL threshold on the probability of the top candidate."""
        decisions = [
            decide(rows[0], each.text, config.nil_threshold)
            for rows, each in zip(outputs, encoded, strict=True)
        ]
        gold = [self.gold(each, graph) for each in encoded]
        config.nil_threshold = best_nil_threshold(decisions, gold)

    def answers(self, prediction: LinksPrediction, config: "PreTrainedConfig") -> list[str]:
        """Return each mention with its entity, ``0-5 HP:0001945`` for example."""
        return [f"{link.start}-{link.end} {link.entity}" for link in prediction.links]

    def answer_scores(
        self,
        outputs: "Sequence[Tensor]",
        answer: ExplainedAnswer,
        encoded: EncodedExample,
        config: "PreTrainedConfig",
    ) -> "Tensor":
        """Return the log-odds of an entity against the other candidates of its mention and NIL.

        The candidates stay the same where their links are removed.

        Raises:
            KGBertError: The text has no such mention, or the mention no such candidate.
        """
        span, _, entity = answer.name.partition(" ")
        spans = [f"{mention.start}-{mention.end}" for mention in encoded.text.mentions]
        place = answer_position(span, spans)
        names = (NIL, *encoded.text.candidate_sets[place].ids)
        logits = outputs[0][:, place, : len(names)]
        return log_odds(logits, ExplainedAnswer(entity, answer.contrast), names)

    def describe_outputs(self, config: "PreTrainedConfig") -> str:
        """Return a description of the choices and of the NIL threshold."""
        return f"each mention's candidates; none where the best is below {config.nil_threshold:.2f}"


class LinkDecision(NamedTuple):
    """The answer to one mention, and its probability."""

    entity: str
    """Its id, or NIL."""
    probability: float
    best: str
    """The likeliest candidate; NIL where there is none."""
    share: float
    """The probability of the top candidate, normalised over it and NIL."""


def decide(
    logits: "NDArray[np.float32]", encoded: "EncodedText", threshold: float
) -> list[LinkDecision]:
    """Return the answer to each mention of a text.

    Args:
        logits: Shape (mentions, 1 + candidates), NIL first; further rows are padding.
        encoded: The encoded text.
        threshold: The share of the top candidate below which the answer is NIL.
    """
    return [
        _decide(row, choice, threshold)
        for row, choice in zip(logits, encoded.candidate_sets, strict=False)
    ]


def _decide(
    logits: "NDArray[np.float32]", choice: "CandidateSet", threshold: float
) -> LinkDecision:
    own = logits[: len(choice.ids) + 1].astype(np.float64)
    if len(own) == 1 or not np.isfinite(own[1:]).any():
        return LinkDecision(NIL, 1.0, NIL, 0.0)
    shares = np.exp(own - own.max())
    top = int(own[1:].argmax())
    share = float(shares[top + 1] / (shares[top + 1] + shares[0]))
    answer = top + 1 if share >= threshold else 0
    probability = float(shares[answer] / shares.sum())
    return LinkDecision((NIL, *choice.ids)[answer], probability, choice.ids[top], share)


def best_nil_threshold(
    decisions: Sequence[Sequence[LinkDecision]], gold: Sequence[Sequence[str]]
) -> float:
    """Return the share of the top candidate below which NIL is the better answer.

    Among the thresholds with the highest accuracy it is the one nearest to 0.5, which changes the
    model's decisions least.

    Args:
        decisions: The decisions on the mentions of held-out texts.
        gold: The gold answers.

    Returns:
        The threshold; 0.5 where there is no annotated mention.
    """
    pairs = [
        (decision.share, decision.best == right, right == NIL)
        for text_decisions, text_gold in zip(decisions, gold, strict=True)
        for decision, right in zip(text_decisions, text_gold, strict=False)
        if right != UNANNOTATED
    ]
    if not pairs:
        return 0.5
    shares, right, nil = (np.array(column) for column in zip(*pairs, strict=True))
    levels = np.unique([0.0, *shares, 1.0])
    thresholds = np.unique([0.5, *(levels[1:] + levels[:-1]) / 2])
    scores = [(np.where(shares >= each, right, nil)).mean() for each in thresholds]
    optimal = thresholds[np.array(scores) == max(scores)]
    return round(float(optimal[np.abs(optimal - 0.5).argmin()]), 4)


def _padded_with_nil(gold: Sequence[str], predicted: Sequence[str]) -> list[str]:
    return [*predicted, *[NIL] * (len(gold) - len(predicted))]
