"""Relation extraction: which of the annotated spans or entities of a text are related, and how."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kgbert.data import Example, Span
from kgbert.data.class_names import labels_of
from kgbert.data.fields import spans_field, text_field
from kgbert.encoding.spans.span_groups import all_pairs
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
from kgbert.tasks.metrics import (
    DEFAULT_THRESHOLD,
    best_threshold,
    metrics_of,
    set_scores,
    sigmoid,
)
from kgbert.tasks.relations.arguments import (
    STRIDE,
    Argument,
    collate_windows,
    entities_of,
    entity_arguments,
    list_column,
    span_arguments,
    with_groups,
    with_ids,
)
from kgbert.tasks.whole_texts.labels import MAX_CLASSES, answer_position, label_set
from kgbert.utils.errors import DataError, KGBertError, Remedy

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor
    from transformers import PreTrainedConfig

    from kgbert.encoding.encoded import Batch, EncodedText
    from kgbert.encoding.processor import KGBertProcessor
    from kgbert.graph.core.graph import KnowledgeGraph
    from kgbert.models.base import KGBertPreTrainedModel

logger = logging.getLogger(__name__)

#: The first output of a pair, which the outputs of its relations are compared with.
NO_RELATION = "no relation"

#: The two kinds of arguments.
SPANS, ENTITIES = "spans", "entities"

#: Number of relations that a report quotes of a text.
QUOTED = 3

#: Names of the parts of a relation that is written as an object.
_HEAD, _TAIL = ("head", "arg1_id", "arg1", "from_id"), ("tail", "arg2_id", "arg2", "to_id")
_LABEL = ("label", "type", "relation")

_EXAMPLE = '["T1", "T2", "treats"]'


@dataclass(frozen=True)
class Relation:
    """A relation of two arguments, which their ids name."""

    head: str
    label: str
    tail: str
    shown: str = field(default="", compare=False)
    """The relation with the words of its arguments."""


@dataclass(frozen=True)
class Relations:
    """The target of an example: its relations, and what their arguments are."""

    relations: frozenset[Relation] = frozenset()
    between: str = ""
    """``spans``, or ``entities`` with all of their mentions; empty if there is no relation."""


@dataclass(frozen=True)
class RelationArgument:
    """An argument of a predicted relation."""

    id: str
    text: str
    """The words of the first mention."""
    start: int
    end: int
    label: str

    @classmethod
    def of(cls, argument: Argument, example: Example) -> "RelationArgument":
        """Return an argument with its words."""
        first = argument.mentions[0]
        # Two blanks separate the parts of a relation that a user types.
        words = " ".join(first.words(example.text).split())
        return cls(argument.key, words, first.start, first.end, argument.label)

    @property
    def shown(self) -> str:
        """The argument as a person reads it."""
        return f"{self.text} ({self.label} {self.id})"


@dataclass(frozen=True)
class PredictedRelation:
    """A relation, and its probability against no relation."""

    head: RelationArgument
    label: str
    tail: RelationArgument
    probability: float

    @property
    def relation(self) -> Relation:
        """The relation by the ids of its arguments."""
        return Relation(self.head.id, self.label, self.tail.id, self.line())

    def line(self) -> str:
        """Return the relation as a person reads it."""
        return f"{self.head.shown}  {self.label}  {self.tail.shown}"


@dataclass(frozen=True)
class RelationsPrediction(Prediction):
    """The relations of a text, by decreasing probability."""

    relations: tuple[PredictedRelation, ...]

    @property
    def answer(self) -> frozenset[Relation]:
        """The relations."""
        return frozenset(each.relation for each in self.relations)

    def lines(self) -> Iterator[str]:
        """Yield each relation."""
        for each in self.relations:
            yield f"{each.line()}  ({each.probability:.0%})"
        if not self.relations:
            yield NO_RELATION


def relation_scores(
    gold: Sequence[frozenset[Relation]], predicted: Sequence[frozenset[Relation]]
) -> dict[str, float]:
    """Return F1, precision and recall of all relations together, and macro F1 over their labels.

    >>> one, other = Relation("a", "treats", "b"), Relation("a", "causes", "b")
    >>> relation_scores([frozenset([one])], [frozenset([one, other])])["precision"]
    0.5
    """
    return set_scores(gold, predicted, label_of=lambda relation: relation.label)


RELATION_METRICS: Mapping[str, Metric] = MappingProxyType(
    metrics_of(relation_scores, ("f1", "precision", "recall", "macro_f1"))
)


class RelationExtraction(Task):
    """The target of an example are its relations; the spans that they may connect are given.

    All pairs of spans whose types training relates are candidates, or all pairs of entities, if the
    relations of the training texts connect entities. A text is encoded once for all of its pairs, a
    long one in overlapping windows, so that no pair is lost.
    """

    name = "relation-extraction"
    description = "columns text, spans and relations: which spans or entities are related"
    metrics = RELATION_METRICS
    sample = MappingProxyType(
        {
            "text": "Aspirin relieves fever.",
            "spans": (
                {"id": "T1", "start": 0, "end": 7, "label": "Drug"},
                {"id": "T2", "start": 17, "end": 22, "label": "Sign"},
            ),
        }
    )
    overlapping_spans = True
    # Relations may name the entities of spans, which a replaced mention changes.
    is_augmentable = False
    needs_calibration = True

    @property
    def model_class(self) -> "type[KGBertPreTrainedModel]":
        """A model that scores pairs of spans."""
        from kgbert.models.task_models import KGBertForRelationExtraction

        return KGBertForRelationExtraction

    def read(self, record: Mapping[str, Any]) -> Example:
        """Return text, spans and relations of a row."""
        spans = with_ids(spans_field(record))
        identifier = str(record.get("id") or "").strip()
        return Example(text_field(record), relations_field(record, spans), spans, identifier)

    def fits(self, record: Mapping[str, Any]) -> bool:
        """Return whether a row has spans and relations."""
        return bool(record.get("spans")) and "relations" in record

    def check(
        self,
        train: Sequence[Example],
        validation: Sequence[Example] = (),
        test: Sequence[Example] = (),
    ) -> None:
        """Raise DataError where relations are missing, or training lacks one of their labels."""
        parts = {"train": train, "validation": validation, "test": test}
        check_targets(
            parts,
            "no 'relations'; write an empty list for a text in which nothing is related.",
            code="missing-relations",
            remedies=[Remedy("columns", {"relations": ...}, "if they are elsewhere")],
        )
        label_set(parts, _labels, fewest=1)
        between = _between(parts)
        types = set(_types(train, between))
        for part, examples in parts.items():
            _warn_unreachable(part, examples, types, between)

    def classes(self, example: Example) -> frozenset[str]:
        """Return the labels of the relations."""
        return frozenset(_labels(example))

    def class_name(self, label: str) -> str | None:
        """Return the label of a relation; None for no relation."""
        return None if label == NO_RELATION else label

    def label_space(self, train: Sequence[Example]) -> LabelSpace:
        """Return the labels of relations after "no relation", and the types that they connect."""
        between = _between({"train": train})
        return LabelSpace(
            (NO_RELATION, *label_set({"train": train}, _labels, fewest=1)),
            settings={
                "between": between,
                "types": sorted(map(list, set(_types(train, between)))),
                "threshold": DEFAULT_THRESHOLD,
            },
        )

    def encode(
        self, examples: Sequence[Example], processor: "KGBertProcessor"
    ) -> list[EncodedExample]:
        """Return one unit for each text: its windows with the tokens of all arguments."""
        encoded = processor.encode_windows(examples, stride=STRIDE)
        units = []
        for example, windows in zip(examples, encoded, strict=True):
            pairs = pairs_of(example)
            unit = with_groups(windows, pairs.arguments, pairs.places)
            units.append(EncodedExample(example, (unit,)))
        return units

    def targets(self, encoded: EncodedExample, config: "PreTrainedConfig") -> "list[NDArray[Any]]":
        """Return a row for each pair: whether it is a candidate, and which labels it has."""
        return [self._targets(encoded, config)]

    def _targets(self, encoded: EncodedExample, config: "PreTrainedConfig") -> "NDArray[np.int8]":
        pairs, labels = pairs_of(encoded.example), labels_of(config)
        rows = np.zeros((len(pairs.places), len(labels)), np.int8)
        allowed = self._allowed(encoded.example, pairs, config)
        rows[allowed.any(-1), 0] = 1
        positions = pairs.positions(config.task_settings["between"])
        for relation in encoded.example.target.relations:
            place = positions.get((relation.head, relation.tail))
            if place is not None and rows[place, 0]:
                rows[place, labels.index(relation.label)] = 1
        return rows

    def _allowed(
        self, example: Example, pairs: "Pairs", config: "PreTrainedConfig"
    ) -> "NDArray[np.bool_]":
        """Return which labels each pair may have by the types of its arguments.

        Raises:
            DataError: The relations of the example connect spans and those of the model entities,
                or the other way round.
        """
        settings, labels = config.task_settings, labels_of(config)[1:]
        between = settings["between"]
        own = example.target.between if example.target else ""
        if own not in ("", between):
            raise DataError(
                f"the relations of {example.text[:40]!r} connect {own}, but those of the model "
                f"connect {between}; name the arguments as in the training texts.",
                code="other-arguments",
            )
        allowed = np.zeros((len(pairs.places), len(labels)), bool)
        kinds = np.array([argument.label for argument in pairs.arguments], object)
        heads, tails = kinds[pairs.places[:, 0]], kinds[pairs.places[:, 1]]
        level = pairs.between_entities == (between == ENTITIES)
        for head, label, tail in settings["types"]:
            allowed[:, labels.index(label)] |= level & (heads == head) & (tails == tail)
        return allowed

    def collate(
        self, units: Sequence[tuple["EncodedText", ...]], processor: "KGBertProcessor", epoch: int
    ) -> "Batch":
        """Return the windows of all texts as rows, with the arguments and pairs of each text."""
        return collate_windows(units, super().collate(units, processor, epoch), processor)

    def collate_targets(
        self, targets: Sequence[Any], batch: "Batch", processor: "KGBertProcessor"
    ) -> "dict[str, Tensor]":
        """Return the labels of the pairs, padded to the largest number of pairs."""
        import torch

        width = batch["pair_index"].shape[1]
        rows = [np.pad(rows, ((0, width - len(rows)), (0, 0))) for rows in targets]
        return {"labels": torch.from_numpy(np.stack(rows))}

    def decode(
        self,
        outputs: Sequence[Any],
        encoded: EncodedExample,
        config: "PreTrainedConfig",
        graph: "KnowledgeGraph",
    ) -> RelationsPrediction:
        """Return the relations whose probability reaches the threshold."""
        example, labels = encoded.example, labels_of(config)
        pairs = pairs_of(example)
        shares = self._probabilities(outputs, example, pairs, config)
        found = np.argwhere(shares >= config.task_settings["threshold"])
        relations = [
            PredictedRelation(
                RelationArgument.of(pairs.arguments[pairs.places[place, 0]], example),
                labels[label + 1],
                RelationArgument.of(pairs.arguments[pairs.places[place, 1]], example),
                float(shares[place, label]),
            )
            for place, label in found.tolist()
        ]
        ordered = sorted(relations, key=lambda each: -each.probability)
        return RelationsPrediction(example.text, tuple(ordered))

    def _probabilities(
        self,
        outputs: Sequence[Any],
        example: Example,
        pairs: "Pairs",
        config: "PreTrainedConfig",
    ) -> "NDArray[np.float64]":
        """Return the probability of each label of each pair; 0 where the types exclude it."""
        logits = np.asarray(outputs[0], np.float64)[: len(pairs.places)]
        shares = sigmoid(logits[:, 1:] - logits[:, :1])
        return np.where(self._allowed(example, pairs, config), shares, 0.0)

    def calibrate(
        self,
        outputs: Sequence[Sequence[Any]],
        encoded: Sequence[EncodedExample],
        config: "PreTrainedConfig",
        graph: "KnowledgeGraph",
    ) -> None:
        """Choose the threshold with the best micro F1 on the validation examples."""
        shares, gold = [], []
        for rows, each in zip(outputs, encoded, strict=True):
            pairs = pairs_of(each.example)
            own = self._probabilities(rows, each.example, pairs, config)
            allowed = self._allowed(each.example, pairs, config)
            shares.append(own[allowed])
            gold.append(self._targets(each, config)[:, 1:].astype(bool)[allowed])
        if sum(map(len, shares)):
            threshold = best_threshold(np.concatenate(shares), np.concatenate(gold))
            # Excluded labels have the probability 0.
            threshold = max(threshold, float(np.finfo(np.float32).tiny))
            config.task_settings = {**config.task_settings, "threshold": threshold}

    def gold(self, encoded: EncodedExample, graph: "KnowledgeGraph") -> frozenset[Relation]:
        """Return the relations, also those whose types training does not relate."""
        example = encoded.example
        known = {x.key: x for x in pairs_of(example).arguments}
        shown = {key: RelationArgument.of(x, example).shown for key, x in known.items()}
        return frozenset(
            replace(x, shown=f"{shown[x.head]}  {x.label}  {shown[x.tail]}")
            for x in example.target.relations
        )

    def score(
        self, gold: Sequence[frozenset[Relation]], predicted: Sequence[frozenset[Relation]]
    ) -> dict[str, float]:
        """Return the metrics, which share their counts."""
        return relation_scores(gold, predicted)

    def slices(self, train: Sequence[Example], test: Sequence[EncodedExample]) -> Iterator[Slice]:
        """Yield slices of relations: of pairs of names related in training or not, and by label."""
        every = range(len(test))
        if train:
            known = {pair for example in train for pair in _names(example).values()}
            names = [_names(encoded.example) for encoded in test]
            for name, is_known in (("related in training", True), ("new pairs", False)):
                count = sum(((x in known) is is_known) for own in names for x in own.values())
                yield Slice(name, every, count, _view(test, known, is_known))
        counts = Counter(name for x in test for name in _labels(x.example))
        for label, size in counts.most_common(MAX_CLASSES) if len(counts) > 1 else ():
            yield Slice(f"class: {label}", every, size, _only_label(label))

    def answers(self, prediction: RelationsPrediction, config: "PreTrainedConfig") -> list[str]:
        """Return each predicted relation with its arguments."""
        return [each.line() for each in prediction.relations]

    def answer_scores(
        self,
        outputs: "Sequence[Tensor]",
        answer: ExplainedAnswer,
        encoded: EncodedExample,
        config: "PreTrainedConfig",
    ) -> "Tensor":
        """Return the logit of a relation against no relation, or another label in a contrast."""
        pairs, labels = pairs_of(encoded.example), labels_of(config)
        head, label, tail = _parts_of_answer(answer.name)
        shown = [RelationArgument.of(x, encoded.example).shown for x in pairs.arguments]
        if head not in shown or tail not in shown:
            raise KGBertError(
                f"the text has no pair of {head!r} and {tail!r}; its spans are "
                f"{', '.join(map(repr, shown[:MAX_CLASSES]))}.",
                code="unknown-answer",
            )
        place = pairs.positions(config.task_settings["between"])[
            pairs.arguments[shown.index(head)].key, pairs.arguments[shown.index(tail)].key
        ]
        own, other = (
            answer_position(name, labels) for name in (label, answer.contrast or NO_RELATION)
        )
        return outputs[0][:, place, own] - outputs[0][:, place, other]

    def quote(self, answer: frozenset[Relation]) -> str:
        """Return the first relations with the words of their arguments."""
        shown = sorted(relation.shown for relation in answer)
        more = f"; and {len(shown) - QUOTED:,} more" if len(shown) > QUOTED else ""
        return "; ".join(shown[:QUOTED]) + more or NO_RELATION

    def describe_outputs(self, config: "PreTrainedConfig") -> str:
        """Return a description of the relations."""
        return f"{', '.join(labels_of(config)[1:])} between {config.task_settings['between']}"


class Pairs(NamedTuple):
    """The arguments of an example, and all pairs of arguments of the same kind."""

    arguments: list[Argument]
    places: "NDArray[np.int64]"
    """The two arguments of each pair, shape (pairs, 2)."""
    between_entities: "NDArray[np.bool_]"
    """Whether a pair connects entities, not spans."""

    def positions(self, between: str) -> dict[tuple[str, str], int]:
        """Return the position of each pair by the ids of its arguments."""
        keys = [argument.key for argument in self.arguments]
        chosen = np.flatnonzero(self.between_entities == (between == ENTITIES)).tolist()
        places = self.places.tolist()
        return {(keys[places[x][0]], keys[places[x][1]]): x for x in chosen}


def pairs_of(example: Example) -> Pairs:
    """Return the pairs of an example.

    A text without relations does not tell whether its model relates spans or entities, so that it
    has the pairs of both if its spans name entities.
    """
    entities = entity_arguments(example.spans)
    spans = span_arguments(example.spans)
    between = example.target.between if example.target else ""
    if between == SPANS or not entities:
        entities = []
    elif between == ENTITIES:
        spans = []
    first, second = all_pairs(len(spans)), all_pairs(len(entities))
    return Pairs(
        [*spans, *entities],
        np.concatenate([first, second + len(spans)]),
        np.arange(len(first) + len(second)) >= len(first),
    )


def relations_field(record: Mapping[str, Any], spans: Sequence[Span]) -> Relations | None:
    """Return the relations of a record; None without the column.

    Raises:
        DataError: A relation is not understood, or its arguments are not those of spans.

    >>> spans = [Span(0, 7, "Drug", id="T1"), Span(17, 22, "Sign", id="T2")]
    >>> list(relations_field({"relations": [["T1", "T2", "treats"]]}, spans).relations)
    [Relation(head='T1', label='treats', tail='T2', shown='')]
    """
    entries = list_column(record, "relations", _EXAMPLE)
    if entries is None:
        return None
    found = [_relation(entry, spans) for entry in entries]
    kinds = {kind for _, *both in found for kind in both}
    if len(kinds) > 1:
        raise DataError(
            "'relations' name some arguments by the id of a span and others by their entity; name "
            "all of them in the same way",
            code="mixed-arguments",
        )
    return Relations(frozenset(x for x, *_ in found), next(iter(kinds), ""))


def _relation(entry: Any, spans: Sequence[Span]) -> tuple[Relation, str, str]:
    """Return a relation, and the kinds of its head and its tail."""
    match entry:
        case {**named} if named:
            head, tail, label = (
                next((named[name] for name in names if named.get(name) is not None), None)
                for names in (_HEAD, _TAIL, _LABEL)
            )
        case [head, tail, label]:
            if _reference(tail, spans) is None and _reference(label, spans) is not None:
                tail, label = label, tail
        case _:
            raise _not_understood(entry)
    if not isinstance(label, str) or not label.strip() or head is None or tail is None:
        raise _not_understood(entry)
    ends = [_reference(head, spans), _reference(tail, spans)]
    if unknown := [x for x, end in zip((head, tail), ends, strict=True) if end is None]:
        known = [span.id for span in spans] + sorted({x for y in spans for x in entities_of(y)})
        raise DataError(
            f"'relations' contains {str(entry)[:80]}, but {' and '.join(map(repr, unknown))} "
            f"{'is' if len(unknown) == 1 else 'are'} the id of no span; write "
            f"{', '.join(known[:10]) or 'spans'}{' ...' * (len(known) > 10)}, or add the span",
            code="unknown-argument",
        )
    (first, kind), (second, other) = (end for end in ends if end is not None)
    return Relation(first, label.strip(), second), kind, other


def _reference(value: Any, spans: Sequence[Span]) -> tuple[str, str] | None:
    """Return the span or entity that a value names, and which of both; None if it names none."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    name = str(value) if is_number else value
    if any(span.id == name for span in spans):
        return name, SPANS
    if is_number and 0 <= value < len(spans):
        return spans[value].id, SPANS
    if any(value in entities_of(span) for span in spans):
        return value, ENTITIES
    return None


def _not_understood(entry: Any) -> DataError:
    return DataError(
        f"'relations' contains {str(entry)[:80]}, which is not understood; write "
        f"[head, tail, label], for example {_EXAMPLE}, "
        "where head and tail are the ids or entities of spans",
        code="relation-not-understood",
    )


def _labels(example: Example) -> list[str]:
    return [x.label for x in example.target.relations] if example.target else []


def _between(parts: Mapping[str, Sequence[Example]]) -> str:
    """Return what the relations connect, ``spans`` or ``entities``.

    Raises:
        DataError: Some of them connect spans and others entities.
    """
    kinds: dict[str, str] = {}
    for part, examples in parts.items():
        for example in examples:
            if example.target and example.target.between:
                kinds.setdefault(example.target.between, part)
    if len(kinds) > 1:
        (one, part), (other, other_part) = kinds.items()
        raise DataError(
            f"{part} has relations between {one} and {other_part} relations between {other}; name "
            "the arguments of all relations by the ids of their spans, or all by their entities.",
            code="mixed-arguments",
        )
    return next(iter(kinds), SPANS)


def _kinds(example: Example, between: str) -> dict[str, str]:
    """Return the label of each argument."""
    arguments = entity_arguments if between == ENTITIES else span_arguments
    return {argument.key: argument.label for argument in arguments(example.spans)}


def _types(examples: Iterable[Example], between: str) -> Iterator[tuple[str, str, str]]:
    """Yield the types of head and tail of each relation, with its label between them."""
    for example in examples:
        kinds = _kinds(example, between)
        for x in example.target.relations if example.target else ():
            yield kinds[x.head], x.label, kinds[x.tail]


def _warn_unreachable(
    part: str, examples: Sequence[Example], types: set[tuple[str, str, str]], between: str
) -> None:
    """Warn of relations that no model of the training texts can predict."""
    found = list(_types(examples, between))
    new = sum(each not in types for each in found)
    loops = sum(
        x.head == x.tail for example in examples if example.target for x in example.target.relations
    )
    for count, reason in (
        (new, "connect types of spans that no relation of their label connects in train"),
        (loops, "connect an argument with itself"),
    ):
        if count:
            logger.warning(
                "%s: %s of %s relations %s, so that they count as missed.",
                part,
                f"{count:,}",
                f"{len(found):,}",
                reason,
            )


def _names(example: Example) -> dict[tuple[str, str], tuple[str, str]]:
    """Return the names of head and tail of each relation of an example, by their ids."""
    if not example.target:
        return {}
    names = {
        x.key: x.mentions[0].words(example.text).casefold() if kind == SPANS else x.key
        for kind, some in (
            (SPANS, span_arguments(example.spans)),
            (ENTITIES, entity_arguments(example.spans)),
        )
        for x in some
    }
    return {(x.head, x.tail): (names[x.head], names[x.tail]) for x in example.target.relations}


def _view(
    test: Sequence[EncodedExample], known: set[tuple[str, str]], is_known: bool
) -> Callable[[int, frozenset[Relation]], frozenset[Relation]]:
    """Return a view of only the relations of known, or of only those of new pairs of names."""

    def view(position: int, answer: frozenset[Relation]) -> frozenset[Relation]:
        example = test[position].example
        own = replace(example, target=Relations(answer, ""))
        names = _names(own)
        return frozenset(x for x in answer if (names[x.head, x.tail] in known) is is_known)

    return view


def _only_label(label: str) -> Callable[[int, frozenset[Relation]], frozenset[Relation]]:
    return lambda position, answer: frozenset(x for x in answer if x.label == label)


def _parts_of_answer(name: str) -> tuple[str, str, str]:
    """Return head, label and tail of a relation as :meth:`PredictedRelation.line` writes it."""
    parts = name.split("  ")
    if len(parts) != 3:
        raise KGBertError(
            f"{name!r} is no relation; write it as kgbert predict does, with two spaces between: "
            "'Aspirin (Drug T1)  treats  fever (Sign T2)'.",
            code="answer-is-no-relation",
        )
    head, label, tail = parts
    return head, label, tail
