"""Score a trained model on labelled texts, as a whole and by slices."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kgbert.data import Example
from kgbert.encoding.processor import KGBertProcessor
from kgbert.models.base import KGBertPreTrainedModel
from kgbert.tasks.base import EncodedExample, Slice, Task
from kgbert.tasks.checks import place_of
from kgbert.training.inference import predict
from kgbert.utils import json_records
from kgbert.utils.errors import DataError
from kgbert.utils.progress import StepCallback


@dataclass(frozen=True)
class SliceEvaluation:
    """The scores of a model on a slice of the texts."""

    size: int
    """Number of texts, or of labelled units, in which something counts."""
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Evaluation:
    """The scores of a model on labelled texts; ``print`` shows them as a table."""

    task: str
    texts: int
    metrics: Mapping[str, float]
    slices: Mapping[str, SliceEvaluation]

    def to_json(self) -> json_records.JSONValue:
        """Return the scores as JSON values."""
        return json_records.to_json(self)

    def table(self) -> str:
        """Return the scores as a table for a terminal, with a line for each slice.

        >>> part = SliceEvaluation(1, {"accuracy": 0.0})
        >>> scores = Evaluation("text-classification", 4, {"accuracy": 0.75}, {"unlinked": part})
        >>> print(scores.table())
                     size  accuracy
        all texts       4     0.750
        unlinked        1     0.000
        """
        rows = {"all texts": SliceEvaluation(self.texts, self.metrics), **self.slices}
        width = max(map(len, rows)) + 2
        lines = ["".join([" " * width, f"{'size':>6}", *(f"  {name:>8}" for name in self.metrics)])]
        for name, part in rows.items():
            scores = (f"  {part.metrics[x]:>{max(8, len(x))}.3f}" for x in self.metrics)
            lines.append("".join([f"{name:<{width}}", f"{part.size:>6,}", *scores]))
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.table()


def evaluate_examples(
    model: KGBertPreTrainedModel,
    processor: KGBertProcessor,
    task: Task,
    examples: Sequence[Example],
    *,
    progress: StepCallback | None = None,
) -> Evaluation:
    """Return the metrics of a model's answers to labelled examples, also by slices.

    The slices are the texts with and without linked mentions, and those of the task that need no
    training texts.

    Raises:
        DataError: An example has no target, so that no answer to it is right or wrong.
    """
    _check_labelled(task, examples)
    encoded = task.encode(examples, processor)
    gold = [task.gold(each, processor.graph) for each in encoded]
    answers = [x.answer for x in predict(model, processor, task, encoded, progress=progress)]
    slices = {}
    for part in _slices(task, encoded):
        pairs = ([part.view(i, some[i]) for i in part.positions] for some in (gold, answers))
        slices[part.name] = SliceEvaluation(part.size, task.score(*pairs))
    return Evaluation(task.name, len(encoded), task.score(gold, answers), slices)


def _check_labelled(task: Task, examples: Sequence[Example]) -> None:
    for position, example in enumerate(examples, start=1):
        if not task.is_labelled(example):
            raise DataError(
                f"{place_of(example, position)} has no label or other right answer, so that no "
                "answer to it can be scored; fill it in, or leave the text out.",
                code="missing-label",
            )


def _slices(task: Task, encoded: Sequence[EncodedExample]) -> Iterator[Slice]:
    linked = [any(text.mentions for unit in each.units for text in unit) for each in encoded]
    for name, is_linked in (("linked", True), ("unlinked", False)):
        positions = [place for place, found in enumerate(linked) if found is is_linked]
        if positions:
            yield Slice(name, positions, len(positions))
    yield from (part for part in task.slices((), encoded) if part.size)
