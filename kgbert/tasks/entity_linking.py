"""Entity linking: the entity that each mention of a text means, or none."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kgbert.data import Example
from kgbert.data.fields import plain_example
from kgbert.tasks.base import IGNORED, EncodedExample, LabelSpace, Prediction, Task
from kgbert.tasks.gold_links import check_gold, gold_choices, gold_entities
from kgbert.tasks.metrics import LINKING_METRICS, NIL, UNANNOTATED, linking_scores

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor
    from transformers import PreTrainedConfig

    from kgbert.encoding.candidates import CandidateSet
    from kgbert.encoding.encoded import Batch, EncodedText
    from kgbert.encoding.processor import KGBertProcessor
    from kgbert.graph.core.graph import KnowledgeGraph
    from kgbert.models.base import KGBertPreTrainedModel

#: So many candidates of a mention are scored, the best by the linker.
MAX_CANDIDATES = 8


@dataclass(frozen=True)
class LinkedMention:
    """A mention, the entity that it means, and how sure the model is."""

    start: int
    end: int
    text: str
    entity: str
    """Its id, or "NIL" where none of the candidates is meant."""
    name: str
    probability: float


@dataclass(frozen=True)
class LinksPrediction(Prediction):
    """The mentions of a text with the entities that they mean."""

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
    """The spans of an example say which entities they mention."""

    name = "entity-linking"
    description = "columns text and spans with entity: which candidate each mention means"
    metrics = LINKING_METRICS
    processor_options = MappingProxyType({"candidates": MAX_CANDIDATES})
    needs_calibration = True

    @property
    def model_class(self) -> "type[KGBertPreTrainedModel]":
        """A model that scores the candidates of each mention."""
        from kgbert.models.auto import KGBertForEntityLinking

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
        """Raise DataError where no span of a part says which entity it mentions."""
        check_gold({"train": train, "validation": validation, "test": test})

    def label_space(self, train: Sequence[Example]) -> LabelSpace:
        """Return no labels: the candidates of each mention are what is chosen from."""
        return LabelSpace()

    def targets(self, encoded: EncodedExample, labels: Sequence[str]) -> list[list[int]]:
        """Return for each mention the place of its entity among the candidates."""
        return [gold_choices(encoded.example, encoded.text)]

    def collate_targets(
        self, targets: Sequence[Any], batch: "Batch", processor: "KGBertProcessor"
    ) -> "dict[str, Tensor]":
        """Return the labels of the mentions, filled up to the most that a text has."""
        import torch

        width = batch["mention_spans"].shape[1]
        rows = [target + [IGNORED] * (width - len(target)) for target in targets]
        # Whole numbers even where no text of the batch has a mention to be answered.
        return {"labels": torch.tensor(rows, dtype=torch.int64)}

    def decode(
        self,
        outputs: Sequence[Any],
        encoded: EncodedExample,
        config: "PreTrainedConfig",
        graph: "KnowledgeGraph",
    ) -> LinksPrediction:
        """Return the entity of each mention, none where the best candidate is too unlikely."""
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
        """Return the right answer to each mention, and behind these to each span without one."""
        return gold_entities(encoded.example, encoded.text, graph)

    def score(self, gold: Sequence[list[str]], predicted: Sequence[list[str]]) -> dict[str, float]:
        """Return the accuracies and the scores of NIL; what was not found counts as NIL."""
        return linking_scores(gold, [_filled(*pair) for pair in zip(gold, predicted, strict=True)])

    def is_correct(self, gold: list[str], predicted: list[str]) -> bool:
        """Return whether every mention with a known entity is answered right."""
        pairs = zip(gold, _filled(gold, predicted), strict=True)
        return all(right in (UNANNOTATED, answer) for right, answer in pairs)

    def calibrate(
        self,
        outputs: Sequence[Sequence[Any]],
        encoded: Sequence[EncodedExample],
        config: "PreTrainedConfig",
        graph: "KnowledgeGraph",
    ) -> None:
        """Choose how likely the best candidate must be to be preferred to NIL."""
        decisions = [
            decide(rows[0], each.text, config.nil_threshold)
            for rows, each in zip(outputs, encoded, strict=True)
        ]
        gold = [self.gold(each, graph) for each in encoded]
        config.nil_threshold = best_nil_threshold(decisions, gold)

    def describe_outputs(self, config: "PreTrainedConfig") -> str:
        """Return what is chosen from, and when nothing is."""
        return f"each mention's candidates; none where the best is below {config.nil_threshold:.2f}"


class LinkDecision(NamedTuple):
    """The answer to one mention, and how sure the model is of it."""

    entity: str
    """Its id, or NIL."""
    probability: float
    best: str
    """The likeliest candidate; NIL where there is none."""
    share: float
    """The probability of the best candidate where it or NIL is right."""


def decide(
    logits: "NDArray[np.float32]", encoded: "EncodedText", threshold: float
) -> list[LinkDecision]:
    """Return the answer to each mention of a text.

    Args:
        logits: Shape (mentions, 1 + candidates), NIL first; more mentions are padding.
        encoded: The text.
        threshold: The share of the best candidate below which NIL is preferred.
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
    best = int(own[1:].argmax())
    share = float(shares[best + 1] / (shares[best + 1] + shares[0]))
    answer = best + 1 if share >= threshold else 0
    probability = float(shares[answer] / shares.sum())
    return LinkDecision((NIL, *choice.ids)[answer], probability, choice.ids[best], share)


def best_nil_threshold(
    decisions: Sequence[Sequence[LinkDecision]], gold: Sequence[Sequence[str]]
) -> float:
    """Return the share of the best candidate below which NIL is the better answer.

    Of the thresholds that answer most mentions right the one nearest to a half is taken, so that
    the model is corrected no further than the texts require.

    Args:
        decisions: For each mention of some texts that were not trained on.
        gold: The right answers.

    Returns:
        The threshold; a half where there is no mention to choose it by.
    """
    pairs = [
        (decision.share, decision.best == right, right == NIL)
        for of_text, golds in zip(decisions, gold, strict=True)
        for decision, right in zip(of_text, golds, strict=False)
        if right != UNANNOTATED
    ]
    if not pairs:
        return 0.5
    shares, right, nil = (np.array(column) for column in zip(*pairs, strict=True))
    levels = np.unique([0.0, *shares, 1.0])
    thresholds = np.unique([0.5, *(levels[1:] + levels[:-1]) / 2])
    scores = [(np.where(shares >= each, right, nil)).mean() for each in thresholds]
    best = thresholds[np.array(scores) == max(scores)]
    return round(float(best[np.abs(best - 0.5).argmin()]), 4)


def _filled(gold: Sequence[str], predicted: Sequence[str]) -> list[str]:
    return [*predicted, *[NIL] * (len(gold) - len(predicted))]
