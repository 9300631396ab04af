"""Multiple choice: the right answer to a question among several."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kgbert.data import Example
from kgbert.data.example import SEPARATOR
from kgbert.data.fields import text_field
from kgbert.tasks.base import (
    EncodedExample,
    ExplainedAnswer,
    LabelSpace,
    Metric,
    Prediction,
    Slice,
    Task,
)
from kgbert.tasks.checks import check_targets
from kgbert.tasks.whole_texts.labels import log_odds
from kgbert.utils.errors import DataError, Remedy

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedConfig

    from kgbert.encoding.encoded import Batch, EncodedText
    from kgbert.encoding.processor import KGBertProcessor
    from kgbert.graph.core.graph import KnowledgeGraph
    from kgbert.models.base import KGBertPreTrainedModel

#: Separates the choices in a cell of a table.
CHOICE_SEPARATOR = "|"


class Choice(NamedTuple):
    """A choice by its position among the choices, from 0, and its text."""

    position: int
    text: str


@dataclass(frozen=True)
class ScoredChoice:
    """A choice and its probability."""

    text: str
    probability: float


@dataclass(frozen=True)
class ChoicePrediction(Prediction):
    """The chosen answer, and the probabilities of all choices in the order of the row."""

    position: int
    """The position of the chosen answer among the choices, from 0."""
    choices: tuple[ScoredChoice, ...]

    @property
    def answer(self) -> Choice:
        """The chosen answer."""
        return Choice(self.position, self.choices[self.position].text)

    def lines(self) -> Iterator[str]:
        """Yield the chosen answer, and the other choices by decreasing probability."""
        chosen = self.choices[self.position]
        yield f"answer {chosen.text}  ({chosen.probability:.0%})"
        for choice in sorted(self.choices, key=lambda x: -x.probability):
            if choice is not chosen:
                yield f"    or {choice.text}  ({choice.probability:.0%})"


def accuracy(gold: Sequence[Choice], predicted: Sequence[Choice]) -> float:
    """Return the share of right choices.

    >>> accuracy([Choice(0, "yes"), Choice(1, "no")], [Choice(0, "yes"), Choice(0, "yes")])
    0.5
    """
    pairs = zip(gold, predicted, strict=True)
    return fmean([float(x.position == y.position) for x, y in pairs] or [0.0])


CHOICE_METRICS: Mapping[str, Metric] = MappingProxyType({"accuracy": Metric(accuracy)})


class MultipleChoice(Task):
    """The text of an example is its question, its other texts are the choices.

    The target is the index of the right choice.
    """

    name = "multiple-choice"
    pipeline_tag = "multiple-choice"
    description = "columns question, choices and label: which choice answers the question"
    metrics = CHOICE_METRICS
    sample = MappingProxyType({"question": "a question", "choices": ("one", "another")})

    @property
    def model_class(self) -> "type[KGBertPreTrainedModel]":
        """A model that scores each choice."""
        from kgbert.models.task_models import KGBertForMultipleChoice

        return KGBertForMultipleChoice

    def read(self, record: Mapping[str, Any]) -> Example:
        """Return question, choices and right choice of a row.

        A text that the question refers to may stand in the column ``text``; it is read after the
        question.
        """
        question = text_field(record, "question")
        if record.get("text"):
            question = f"{question}{SEPARATOR}{text_field(record)}"
        texts, names = choices_field(record)
        target = _target(record.get("label"), texts, names)
        return Example(question, target, id=str(record.get("id") or "").strip(), others=texts)

    def fits(self, record: Mapping[str, Any]) -> bool:
        """Return whether a row has a question and choices."""
        return "question" in record and "choices" in record

    def check(
        self,
        train: Sequence[Example],
        validation: Sequence[Example] = (),
        test: Sequence[Example] = (),
    ) -> None:
        """Raise DataError where a question has no right choice."""
        parts = {"train": train, "validation": validation, "test": test}
        check_targets(
            parts,
            "no label; fill in its right choice, or leave the question out.",
            code="missing-label",
            remedies=[Remedy("columns", {"label": ...}, "if it is in another column")],
            question=lambda example: example.text,
        )

    def label_space(self, train: Sequence[Example]) -> LabelSpace:
        """Return one output, the score of a choice."""
        return LabelSpace(("score",))

    def encode(
        self, examples: Sequence[Example], processor: "KGBertProcessor"
    ) -> list[EncodedExample]:
        """Return one unit for each question: the question with each of its choices."""
        pairs = [
            replace(example, others=(choice,)) for example in examples for choice in example.others
        ]
        following = iter(processor.encode(pairs))
        return [
            EncodedExample(
                example,
                (tuple(_placed(next(following), example, i) for i in range(len(example.others))),),
            )
            for example in examples
        ]

    def targets(self, encoded: EncodedExample, config: "PreTrainedConfig") -> list[int]:
        """Return the index of the right choice."""
        return [encoded.example.target]

    def collate(
        self, units: Sequence[tuple["EncodedText", ...]], processor: "KGBertProcessor", epoch: int
    ) -> "Batch":
        """Return the choices of all questions as rows, and the number of choices of each."""
        return super().collate(units, processor, epoch) | {"choice_counts": list(map(len, units))}

    def decode(
        self,
        outputs: Sequence[Any],
        encoded: EncodedExample,
        config: "PreTrainedConfig",
        graph: "KnowledgeGraph",
    ) -> ChoicePrediction:
        """Return the most probable choice."""
        choices = encoded.example.others
        scores = np.asarray(outputs[0], np.float64)[: len(choices)]
        shares = np.exp(scores - scores.max())
        shares /= shares.sum()
        scored = tuple(ScoredChoice(*x) for x in zip(choices, shares.tolist(), strict=True))
        return ChoicePrediction(encoded.example.joined, int(scores.argmax()), scored)

    def gold(self, encoded: EncodedExample, graph: "KnowledgeGraph") -> Choice:
        """Return the right choice."""
        target = encoded.example.target
        return Choice(target, encoded.example.others[target])

    def slices(self, train: Sequence[Example], test: Sequence[EncodedExample]) -> Iterator[Slice]:
        """Yield slices of questions whose right choice mentions an entity, and of the others."""
        linked = [i for i, encoded in enumerate(test) if _is_choice_linked(encoded)]
        others = sorted(set(range(len(test))) - set(linked))
        yield Slice("right choice linked", linked, len(linked))
        yield Slice("right choice not linked", others, len(others))

    def answers(self, prediction: ChoicePrediction, config: "PreTrainedConfig") -> list[str]:
        """Return the text of the chosen answer."""
        return [prediction.answer.text]

    def answer_scores(
        self,
        outputs: "Sequence[Tensor]",
        answer: ExplainedAnswer,
        encoded: EncodedExample,
        config: "PreTrainedConfig",
    ) -> "Tensor":
        """Return the log-odds of a choice against the other choices of the question."""
        choices = encoded.example.others
        return log_odds(outputs[0][..., : len(choices)], answer, choices)

    def quote(self, answer: Choice) -> str:
        """Return the text of the choice."""
        return answer.text

    def describe_outputs(self, config: "PreTrainedConfig") -> str:
        """Return a description of the output."""
        return "a score for each choice of a question"


def choices_field(record: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the choices of a record, and their names, for example letters, if it has any.

    Raises:
        DataError: There are fewer than two choices, or they are not a list of texts.

    >>> choices_field({"choices": "yes | no"})
    (('yes', 'no'), ())
    >>> choices_field({"choices": {"label": ["A", "B"], "text": ["yes", "no"]}})
    (('yes', 'no'), ('A', 'B'))
    """
    if "choices" not in record:
        raise DataError(
            "no column 'choices'; write the answers to choose from as a list, or separated by "
            f"{CHOICE_SEPARATOR!r} in a cell",
            code="missing-column",
        )
    value: Any = record["choices"]
    names: tuple[str, ...] = ()
    if isinstance(value, str):
        value = _split_cell(value)
    if isinstance(value, Mapping):
        value, names = value.get("text"), tuple(map(str, value.get("label") or ()))
    if not isinstance(value, list | tuple) or not all(isinstance(x, str | int) for x in value):
        raise DataError(
            f"'choices' contains {str(value)[:60]}; it must be a list of texts: "
            '["one", "another"], in a table one | another',
            code="choices-not-a-list",
        )
    texts = tuple(str(choice).strip() for choice in value)
    if len(texts) < 2 or not all(texts):
        raise DataError(
            f"'choices' contains {len(texts)} choices, {sum(not x for x in texts)} of them empty; "
            "a question needs at least two, and a text for each",
            code="too-few-choices",
        )
    return texts, names


def _split_cell(cell: str) -> Any:
    """Return the choices in a cell of a table, which may be a JSON list."""
    if cell.lstrip()[:1] in ("[", "{"):
        try:
            return json.loads(cell)
        except ValueError:
            return cell.split(CHOICE_SEPARATOR)
    return cell.split(CHOICE_SEPARATOR)


def _target(label: Any, choices: Sequence[str], names: Sequence[str]) -> int | None:
    """Return the index of the right choice, which a label names, quotes or counts from 0."""
    if label is None or label == "":
        return None
    written = str(label).strip()
    for known in (names, choices) if isinstance(label, str) else ():
        if written in known:
            return known.index(written)
    if written.isdecimal() and not isinstance(label, bool) and int(written) < len(choices):
        return int(written)
    raise DataError(
        f"'label' is {label!r}, none of the {len(choices)} choices "
        f"({', '.join(map(repr, choices))[:80]}); write the text of the right choice, or its place "
        f"from 0 to {len(choices) - 1}",
        code="label-not-a-choice",
    )


def _placed(text: "EncodedText", example: Example, choice: int) -> "EncodedText":
    """Return a question with one choice, with offsets in the text of all choices."""
    start = len(example.text) + len(SEPARATOR)
    shift = sum(len(other) + len(SEPARATOR) for other in example.others[:choice])

    def moved(place: int) -> int:
        return place + shift if place >= start else place

    return replace(
        text,
        text=example.joined,
        offsets=[(moved(first), moved(end)) for first, end in text.offsets],
        mentions=[x._replace(start=moved(x.start), end=moved(x.end)) for x in text.mentions],
    )


def _is_choice_linked(encoded: EncodedExample) -> bool:
    right = encoded.units[0][encoded.example.target]
    return any(mention.start > len(encoded.example.text) for mention in right.mentions)
