"""The interface of a task: how to read, encode, decode and score labelled texts."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from kgbert.data import Example
from kgbert.data.class_names import labels_of
from kgbert.tasks.pairs import PAIR_SAMPLE, answers_pairs, check_all_pairs
from kgbert.utils.errors import KGBertError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor
    from transformers import PreTrainedConfig

    from kgbert.encoding.encoded import Batch, EncodedText
    from kgbert.encoding.processor import KGBertProcessor
    from kgbert.graph.core.graph import KnowledgeGraph
    from kgbert.graph.core.label_hierarchy import LabelHierarchy
    from kgbert.models.base import KGBertPreTrainedModel

#: The target of a token, a mention or a link that the loss ignores.
IGNORED = -100


@dataclass(frozen=True)
class Metric:
    """One score of a task."""

    function: Callable[[Sequence[Any], Sequence[Any]], float]
    """Called with the gold answers and the predicted ones, in the same order."""
    greater_is_better: bool = True
    unit: str = "points"
    """What a difference is worded in: points, or the unit of the values themselves."""
    scale: float = 100.0
    """Multiplies the value where a person reads it; 100 for a share that is shown in points."""


@dataclass(frozen=True)
class LabelSpace:
    """The part of a model's configuration that the training texts determine."""

    labels: tuple[str, ...] = ()
    """Names of the outputs, in the order of the logits; empty where a task has none."""
    head: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the backbone's configuration, ``problem_type`` for example."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What the task itself has to know again when a saved model answers, in plain JSON values:
    thresholds, mean and scale of a target, the entity of each label. They become
    ``config.task_settings``."""


@dataclass(frozen=True)
class EncodedExample:
    """An encoded example.

    A *unit* is the input of one output row of the model, mostly the single text of the example. The
    choices of a question form one unit of several texts; the overlapping windows of a long text are
    several units of one text each.
    """

    example: Example
    units: tuple[tuple["EncodedText", ...], ...]

    @property
    def text(self) -> "EncodedText":
        """The first encoded text, for tasks with one text per example."""
        return self.units[0][0]

    @property
    def texts(self) -> tuple["EncodedText", ...]:
        """All encoded texts, unit by unit."""
        return tuple(text for unit in self.units for text in unit)

    @property
    def length(self) -> int:
        """Number of tokens of the longest encoded text."""
        return max(len(text.offsets) for text in self.texts)


@dataclass(frozen=True)
class ReadEntity:
    """A candidate of a mention, and its share of the attention."""

    entity: str
    name: str
    score: float
    """The linker's score, 0 to 1."""
    attention: float | None
    """Mean over the mention's tokens, the heads and the injections; None for a model
    without attention over entities."""


@dataclass(frozen=True)
class ReadMention:
    """A mention with its candidates and their attention."""

    start: int
    end: int
    text: str
    candidates: tuple[ReadEntity, ...]
    none_of_these: float | None
    """The share of attention that went to the null entity and to other mentions' candidates; None
    as for the candidates."""

    def lines(self) -> Iterator[str]:
        """Yield the mention and its candidates as lines for a terminal."""
        yield f"{self.start}-{self.end}  {self.text}"
        for entity in self.candidates:
            share = _percentage(entity.attention)
            yield f"  {share}{entity.name} ({entity.entity}, linked {entity.score:g})"
        if self.none_of_these is not None:
            yield f"  {_percentage(self.none_of_these)}none of these"


@dataclass(frozen=True)
class ReadLabel:
    """A label, and the text of its entity that is most similar to the text."""

    label: str
    entity: str
    """Entity id; an empty string if only the words of the label were compared."""
    kind: str
    """What the text is of the entity: its name, a synonym, its definition or a descendant."""
    text: str
    similarity: float
    """Weighted cosine similarity, about -1 to 1."""

    def line(self) -> str:
        """Return the label as a line for a terminal."""
        entity = f" ({self.entity})" if self.entity not in ("", self.label) else ""
        return f"{self.similarity:.2f}  {self.label}{entity}: {self.kind} {self.text!r}"


@dataclass(frozen=True)
class ReadPath:
    """A type of path that contributed to the score of an answer, with one such path."""

    answer: str
    """The label; an empty string for a choice, at whose entity the path ends."""
    steps: tuple[str, ...]
    """Names of the first entity, of a relation, of the next entity, and so on."""
    kind: str
    """The type of path whose weight it is."""
    contribution: float
    """What the type adds to the score of the answer, over all its paths."""

    def line(self) -> str:
        """Return the path as a line for a terminal."""
        answer = f"{self.answer}: " if self.answer else ""
        return f"{self.contribution:+.2f}  {answer}{' → '.join(self.steps)}{in_brackets(self.kind)}"


def in_brackets(kind: str) -> str:
    """Return a type of path that counts several kinds of path, of which one is shown.

    >>> in_brackets("any 2 steps"), in_brackets("first word of any entity"), in_brackets("is_a*")
    ('  (any 2 steps)', '  (first word of any entity)', '')
    """
    is_general = kind.startswith("any ") or kind.endswith(" any entity")
    return f"  ({kind})" if is_general else ""


def _percentage(attention: float | None) -> str:
    """Return a share of attention as a prefix; an empty string where none was measured."""
    return "" if attention is None else f"{attention:4.0%}  "


@dataclass(frozen=True)
class Prediction(ABC):
    """The answer to one example; each task has a subclass."""

    text: str
    mentions: tuple[ReadMention, ...] = field(default=(), kw_only=True)
    """What the model read in the graph; filled in by the pipeline."""
    nearest_labels: tuple[ReadLabel, ...] = field(default=(), kw_only=True)
    """The labels whose entities are most similar to the text, if labels are grounded; filled in by
    the pipeline."""
    paths: tuple[ReadPath, ...] = field(default=(), kw_only=True)
    """The paths in the graph that contributed most, if paths are scored; filled in by the
    pipeline."""

    @property
    @abstractmethod
    def answer(self) -> Any:
        """What :meth:`Task.score` and :meth:`Task.is_correct` compare with the gold answer."""

    @abstractmethod
    def lines(self) -> Iterable[str]:
        """Return the answer as lines for a terminal, without text and mentions."""

    def __str__(self) -> str:
        """Return text, answer and what the model read, as ``kgbert predict`` prints them."""
        lines = [*self.lines(), *(f"similar {label.line()}" for label in self.nearest_labels)]
        lines += [f"path {path.line()}" for path in self.paths]
        lines += [line for mention in self.mentions for line in mention.lines()]
        return "\n  ".join([self.text, *lines])

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class ExplainedAnswer:
    """An answer whose score is explained, alone or against another answer."""

    name: str
    """A name that :meth:`Task.answers` returns, or another one of the same kind."""
    contrast: str = ""
    """The name of the other answer; an empty string compares with all other answers."""


class ExplainedExample(NamedTuple):
    """An example whose answers are explained, and its prediction."""

    encoded: EncodedExample
    prediction: Any


@dataclass(frozen=True)
class Slice:
    """A subset of the test examples, or of their answers, that is scored separately."""

    name: str
    positions: Sequence[int]
    """Places of the examples in the test set."""
    size: int
    """Number of examples in which something counts."""
    view: Callable[[int, Any], Any] = lambda position, answer: answer
    """Called with an example's position and a gold or predicted answer; returns what counts."""


class Task(ABC):
    """One kind of task. To write one, subclass this in one file and add one line to ``TASKS``.

    The methods are listed in the order of their calls: :meth:`read` turns a row of a file into an
    :class:`~kgbert.data.Example`, whose ``target`` is specific to the task; the training examples
    determine the label space; examples are encoded, batched and passed to the model; its output is
    decoded into a :class:`Prediction`, whose ``answer`` is scored against the gold answer. A task
    with one text per example implements five methods; a task with pairs, choices or windows also
    overrides :meth:`encode` and :meth:`collate`.

    A task object has no training state: settings that a saved model needs for its predictions are
    stored in the model's configuration, by :meth:`label_space` and :meth:`calibrate`.
    """

    name: ClassVar[str]
    """The name in transformers, if it has the task."""
    description: ClassVar[str] = ""
    """The input of a row and the answer, in one line of ``--help``."""
    pipeline_tag: ClassVar[str] = ""
    """The task on the Hugging Face Hub, if it has one, by which models are found there."""
    metrics: ClassVar[Mapping[str, Metric]]
    """By name; the first is the main metric, which selects the weights and decides the verdict."""
    processor_options: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    """Arguments of :class:`kgbert.KGBertProcessor` that the task needs."""
    sample: Mapping[str, Any] = MappingProxyType({"text": "a text"})
    """The inputs of a row, for the examples of a model card and of the command line."""
    tags_words: ClassVar[bool] = False
    """Whether the answers are words of the text, so that no arm may write words into it."""
    has_several_labels: ClassVar[bool] = False
    """Whether a text may have several labels."""
    learns_classes: ClassVar[bool] = False
    """Whether the loss is the cross-entropy over the labels, so that it can be smoothed and
    weighted."""
    is_augmentable: ClassVar[bool] = True
    """Whether a target stays right if names in the first text of an example are replaced, and spans
    and arguments move along."""
    suits_linear_model: ClassVar[bool] = False
    """Whether the answer is about whole texts (labels, or a number), so that a linear model over
    TF-IDF can give it."""
    selection_metrics: ClassVar[Sequence[str]] = ()
    """The metrics whose mean selects the weights, where the main metric stays zero for long; empty
    for the main metric."""
    overlapping_spans: ClassVar[bool] = False
    """Whether the labelled spans of an example may overlap."""
    score_unit: ClassVar[str] = "log-odds"
    """The unit of :meth:`answer_scores`."""

    declared_labels: tuple[str, ...] = ()
    """Labels that exist whether or not the training examples have them; see :meth:`declaring`."""

    def with_settings(self, settings: Mapping[str, Any]) -> "Task":
        """Return the task as a trained model answers it.

        Args:
            settings: The ``task_settings`` of the model.
        """
        if not answers_pairs(settings):
            return self
        task = copy(self)
        # A copy, because a proxy of a mapping cannot be pickled.
        task.sample = dict(PAIR_SAMPLE)
        return task

    def declaring(self, labels: Iterable[str]) -> "Task":
        """Return the task with labels that examples may have although training lacks them."""
        declared = tuple(dict.fromkeys((*self.declared_labels, *labels)))
        if declared == self.declared_labels:
            return self
        task = copy(self)
        task.declared_labels = declared
        return task

    needs_calibration: bool = False
    """Whether something is chosen on the validation examples after training."""
    label_hierarchy: "LabelHierarchy | None" = None
    """The entities of grounded labels in their hierarchy; see :meth:`grounded`."""
    untrained_labels: frozenset[str] = frozenset()
    """Labels without training examples; see :meth:`grounded`."""

    def grounded(self, hierarchy: "LabelHierarchy", untrained: Iterable[str]) -> "Task":
        """Return the task with further scores of labels that are entities of a graph.

        Args:
            hierarchy: The entities of the labels.
            untrained: The labels without training examples.
        """
        task = copy(self)
        task.label_hierarchy, task.untrained_labels = hierarchy, frozenset(untrained)
        return task

    def class_name(self, label: str) -> str | None:
        """Return the name of the class that a label stands for; None if it stands for none.

        ``Disease`` for ``B-Disease`` and None for ``O``, for example.
        """
        return label

    @property
    def metric(self) -> str:
        """Name of the main metric."""
        return next(iter(self.metrics))

    @property
    @abstractmethod
    def model_class(self) -> type["KGBertPreTrainedModel"]:
        """The model class of the task; imported lazily, so that a task loads without torch."""

    # Reading rows.

    @abstractmethod
    def read(self, record: Mapping[str, Any]) -> Example:
        """Return a row of a file as an example.

        Args:
            record: The row's values by column name, as in the file: strings in a table, any JSON
                value in JSON Lines. The column of the answer may be absent from rows for
                prediction.

        Raises:
            DataError: A value is invalid; the caller adds file and line.
        """

    def fits(self, record: Mapping[str, Any]) -> bool:
        """Return whether a row fits this task and no more specific one, for ``--task auto``."""
        return False

    def check(
        self,
        train: Sequence[Example],
        validation: Sequence[Example] = (),
        test: Sequence[Example] = (),
    ) -> None:
        """Raise DataError where examples cannot be learnt or scored."""
        self.label_space(train)

    def classes(self, example: Example) -> frozenset[str]:
        """Return the classes in an example's target that training must cover, mostly labels.

        A drawn split keeps examples of unseen classes out of validation and test, a smaller
        training set keeps one example of each class, and a name of a class in the graph is
        reported as possible leakage.
        """
        return frozenset()

    def is_labelled(self, example: Example) -> bool:
        """Return whether an example has a target, so that an answer to it can be scored."""
        return example.target is not None

    # From examples to batches.

    @abstractmethod
    def label_space(self, train: Sequence[Example]) -> LabelSpace:
        """Return the label space of the training examples."""

    def encode(
        self, examples: Sequence[Example], processor: "KGBertProcessor"
    ) -> list[EncodedExample]:
        """Return the tokenised and linked examples; one call links all texts in batches.

        Raises:
            DataError: An example is one text, and the model was trained on pairs.
        """
        if self.sample == PAIR_SAMPLE:
            check_all_pairs(examples)
        encoded = processor.encode(examples)
        return [
            EncodedExample(example, ((text,),))
            for example, text in zip(examples, encoded, strict=True)
        ]

    @abstractmethod
    def targets(self, encoded: EncodedExample, config: "PreTrainedConfig") -> Sequence[Any]:
        """Return the targets of the loss, one for each unit.

        Args:
            encoded: The example with its target.
            config: The model's configuration, with labels and ``task_settings``.
        """

    def collate(
        self, units: Sequence[tuple["EncodedText", ...]], processor: "KGBertProcessor", epoch: int
    ) -> "Batch":
        """Return units as one batch of keyword arguments for the model."""
        return processor.collate([text for unit in units for text in unit], epoch)

    def collate_targets(
        self, targets: Sequence[Any], batch: "Batch", processor: "KGBertProcessor"
    ) -> dict[str, "Tensor"]:
        """Return the targets of a batch's units as tensors, mostly ``labels``."""
        import torch

        return {"labels": torch.tensor(targets)}

    def output_bias(
        self, train: Sequence[Example], config: "PreTrainedConfig"
    ) -> "NDArray[np.float64] | None":
        """Return the outputs of a head that knows no more than how frequent the labels are.

        A new head starts with them as its bias (as in Lin et al. 2017, arXiv:1708.02002), so that
        rare labels need not be unlearnt first.

        Args:
            train: The training examples.
            config: The model's configuration, with labels and ``task_settings``.

        Returns:
            A value for each label; None for a head that starts without bias.
        """
        return None

    # From outputs to answers.

    def compute_outputs(self, model: Any, batch: "Batch", processor: "KGBertProcessor") -> "Tensor":
        """Return one output row for each unit of a batch, computed without targets.

        Rows of different batches are concatenated with padding on the right, so positions must
        count from the left even if the tokenizer pads on the left.
        """
        logits: Tensor = model(**batch).logits
        return logits

    @abstractmethod
    def decode(
        self,
        outputs: Sequence[Any],
        encoded: EncodedExample,
        config: "PreTrainedConfig",
        graph: "KnowledgeGraph",
    ) -> Prediction:
        """Return the answer to an example.

        Args:
            outputs: One array for each unit, possibly padded on the right.
            encoded: The example.
            config: The model's configuration, with labels and ``task_settings``.
            graph: The graph, with the names of the entities.
        """

    @abstractmethod
    def gold(self, encoded: EncodedExample, graph: "KnowledgeGraph") -> Any:
        """Return the gold answer."""

    def score(self, gold: Sequence[Any], predicted: Sequence[Any]) -> dict[str, float]:
        """Return the metrics of predicted answers against gold answers."""
        return {name: metric.function(gold, predicted) for name, metric in self.metrics.items()}

    def is_correct(self, gold: Any, predicted: Any) -> bool:
        """Return whether a whole answer is correct, for item-level tests."""
        return bool(gold == predicted)

    def calibrate(
        self,
        outputs: Sequence[Sequence[Any]],
        encoded: Sequence[EncodedExample],
        config: "PreTrainedConfig",
        graph: "KnowledgeGraph",
    ) -> None:
        """Choose decoding parameters, such as a threshold, on the validation examples.

        It is called after each epoch and after training, where ``needs_calibration`` is True.

        Args:
            outputs: The trained model's outputs: for each example one array per unit.
            encoded: The validation examples.
            config: The model's configuration, which receives the parameters.
            graph: As for :meth:`gold`.
        """
        raise NotImplementedError(f"{type(self).__name__} chooses nothing on validation")

    # For explanations.

    def answers(self, prediction: Any, config: "PreTrainedConfig") -> Sequence[str]:
        """Return the names of the answers of a prediction that :func:`kgbert.explain` explains.

        Args:
            prediction: What :meth:`decode` returned.
            config: The model's configuration, with labels and ``task_settings``.

        Raises:
            KGBertError: The task has no explanations.
        """
        raise KGBertError(
            f"the answers of {self.name} cannot be explained: the task does not define their score "
            "(Task.answers and Task.answer_scores).",
            code="task-without-explanations",
        )

    def answer_label(self, name: str) -> str:
        """Return the label of an answer: the answer itself, or the label of a span."""
        return name

    def explained_outputs(
        self, model: Any, batch: "Batch", processor: "KGBertProcessor", explained: ExplainedExample
    ) -> "Tensor":
        """Return one output row for each unit of a batch of variants of an example.

        A task whose outputs are choices instead of scores returns the scores of what was predicted
        for the unchanged example.

        Args:
            model: The model.
            batch: The units of all variants.
            processor: The processor of the batch.
            explained: The unchanged example and its prediction.
        """
        return self.compute_outputs(model, batch, processor)

    def answer_scores(
        self,
        outputs: "Sequence[Tensor]",
        answer: ExplainedAnswer,
        encoded: EncodedExample,
        config: "PreTrainedConfig",
    ) -> "Tensor":
        """Return the score of an answer, in :attr:`score_unit`, for variants of an example.

        It has to be differentiable, and should not saturate: log-odds rather than a probability.

        Args:
            outputs: The rows of :meth:`explained_outputs` of each unit, the variants as the first
                dimension.
            answer: The answer, and what it is compared with.
            encoded: The example.
            config: The model's configuration, with labels and ``task_settings``.

        Returns:
            One score for each variant.
        """
        raise NotImplementedError(f"{type(self).__name__} has answers without scores")

    def score_scale(self, config: "PreTrainedConfig") -> float:
        """Return what counts as a large difference of :meth:`answer_scores`, in their unit.

        Differences of a small share of it are as good as none.
        """
        return 1.0

    # For reports.

    def slices(self, train: Sequence[Example], test: Sequence[EncodedExample]) -> Iterable[Slice]:
        """Return the task's own slices of the test set, by class for example.

        Without training examples, slices that depend on them are left out.
        """
        return ()

    def quote(self, answer: Any) -> str | None:
        """Return an answer in a few words for the report; None for a task without such examples."""
        return None

    def describe_outputs(self, config: "PreTrainedConfig") -> str:
        """Return a description of the model's outputs for its card."""
        return ", ".join(labels_of(config))


def align_left(states: "Tensor", batch: "Batch", processor: "KGBertProcessor") -> "Tensor":
    """Return states (batch, tokens, size) of a batch with the padding on the right."""
    if not processor.pads_left:
        return states
    import torch

    before = batch["attention_mask"].argmax(-1, keepdim=True)
    columns = torch.arange(states.shape[1], device=states.device)
    order = (columns + before) % states.shape[1]
    return states.gather(1, order.unsqueeze(-1).expand_as(states))
