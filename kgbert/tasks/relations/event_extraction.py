"""Event extraction: triggers in a text, and their arguments, which may be events themselves."""

import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kgbert.data import Example, Span
from kgbert.data.class_names import labels_of
from kgbert.data.example import check_inside
from kgbert.data.fields import spans_field, text_field
from kgbert.data.tags import NO_ARGUMENT, OUTSIDE, decode_tags
from kgbert.tasks.base import (
    IGNORED,
    EncodedExample,
    ExplainedAnswer,
    ExplainedExample,
    LabelSpace,
    Metric,
    Prediction,
    Slice,
    Task,
)
from kgbert.tasks.checks import check_targets
from kgbert.tasks.metrics import DEFAULT_THRESHOLD, metrics_of, sigmoid
from kgbert.tasks.relations.arguments import (
    STRIDE,
    Argument,
    collate_windows,
    span_arguments,
    with_groups,
    with_ids,
)
from kgbert.tasks.relations.events.annotation import events_field
from kgbert.tasks.relations.events.assembly import EventRules, ScoredArgument, assemble
from kgbert.tasks.relations.events.scores import EventsAnswer, event_scores
from kgbert.tasks.relations.events.tree import Event, Filler, top_level
from kgbert.tasks.token_classification import words_of
from kgbert.tasks.whole_texts.labels import MAX_CLASSES, label_set, log_odds
from kgbert.utils.errors import KGBertError, Remedy

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor
    from transformers import PreTrainedConfig

    from kgbert.encoding.encoded import Batch, EncodedText
    from kgbert.encoding.processor import KGBertProcessor
    from kgbert.graph.core.graph import KnowledgeGraph
    from kgbert.models.base import KGBertPreTrainedModel

logger = logging.getLogger(__name__)

#: Thresholds of the probability of an argument that are tried on the validation texts.
THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)

#: Marks padding among the words of spans.
NO_SPAN = -1

#: A trigger with its type, and perhaps the role and the place of one of its arguments.
_ANSWER = re.compile(r"(?P<start>\d+)-\d+ (?P<type>.+?)(?: (?P<role>\S+) (?P<filler>\d+)-\d+)?")

#: Number of events that a report quotes of a text.
QUOTED = 3


@dataclass(frozen=True)
class PredictedTrigger:
    """A trigger, and the probability of its first tag."""

    start: int
    end: int
    text: str
    label: str
    probability: float


@dataclass(frozen=True)
class EventsPrediction(Prediction):
    """The triggers and events of a text, in reading order."""

    triggers: tuple[PredictedTrigger, ...]
    events: tuple[Event, ...]

    @property
    def answer(self) -> EventsAnswer:
        """Triggers and events."""
        return EventsAnswer(
            frozenset(Filler(x.start, x.end, x.label) for x in self.triggers),
            frozenset(self.events),
            self.text,
        )

    def lines(self) -> Iterator[str]:
        """Yield each event as a tree; events that are arguments stand below their event."""
        for event in top_level(self.events):
            first, *others = event.lines(self.text)
            yield f"{first}  ({event.probability:.0%})"
            yield from others
        if not self.events:
            yield "no event"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON values, each event that is no argument as a tree."""
        fields = {"triggers", "events"}
        plain = {name: x for name, x in super().to_dict().items() if name not in fields}
        return plain | {
            "triggers": [asdict(trigger) for trigger in self.triggers],
            "events": [event.to_dict(self.text) for event in top_level(self.events)],
        }


EVENT_METRICS: Mapping[str, Metric] = MappingProxyType(
    metrics_of(
        event_scores,
        (
            "event_f1",
            "event_f1_approximate",
            "trigger_f1",
            "argument_f1",
            "precision",
            "recall",
        ),
    )
)


class WordSpan(NamedTuple):
    """The characters of a word."""

    start: int
    end: int


class Outputs(NamedTuple):
    """The output of a unit."""

    tags: "NDArray[np.float64]"
    """Logits, shape (words, tags)."""
    triggers: list[tuple[int, int]]
    """First word and end of each trigger."""
    arguments: "NDArray[np.float64]"
    """Logits, shape (triggers, triggers + spans, 1 + roles)."""


class EventExtraction(Task):
    """The target of an example are its triggers and events; the spans of entities are given.

    One encoding of a text serves the tags of its words, which are the triggers, and the pairs of
    triggers with spans and with other triggers, which are the arguments. Rules of the training
    texts make events of them. Negation and speculation are not predicted.
    """

    name = "event-extraction"
    description = "columns text, spans, triggers and events: what happens, with its arguments"
    metrics = EVENT_METRICS
    sample = MappingProxyType(
        {
            "text": "A20 inhibits the binding of p65.",
            "spans": (
                {"id": "T1", "start": 0, "end": 3, "label": "Gene"},
                {"id": "T2", "start": 28, "end": 31, "label": "Gene"},
            ),
        }
    )
    selection_metrics = ("event_f1", "trigger_f1", "argument_f1")
    # The offsets of triggers are part of the target, which does not move with the words.
    is_augmentable = False
    tags_words = True
    overlapping_spans = True
    needs_calibration = True

    @property
    def model_class(self) -> "type[KGBertPreTrainedModel]":
        """A model that tags triggers and scores their arguments."""
        from kgbert.models.task_models import KGBertForEventExtraction

        return KGBertForEventExtraction

    def read(self, record: Mapping[str, Any]) -> Example:
        """Return text, spans, triggers and events of a row."""
        spans = with_ids(spans_field(record))
        identifier = str(record.get("id") or "").strip()
        text, target = text_field(record), events_field(record, spans)
        check_inside(text, triggers=target.triggers if target else ())
        return Example(text, target, spans, identifier)

    def fits(self, record: Mapping[str, Any]) -> bool:
        """Return whether a row has triggers and events."""
        return "triggers" in record and "events" in record

    def check(
        self,
        train: Sequence[Example],
        validation: Sequence[Example] = (),
        test: Sequence[Example] = (),
    ) -> None:
        """Raise DataError where events are missing, or of a type or role that training lacks."""
        parts = {"train": train, "validation": validation, "test": test}
        check_targets(
            parts,
            "no 'events'; write an empty list for a text in which nothing happens.",
            code="missing-events",
            remedies=[Remedy("columns", {"events": ...}, "if they are elsewhere")],
        )
        label_set(parts, _types, fewest=1)
        if any(_roles(example) for example in train):
            label_set(parts, _roles, fewest=1)
        for part, examples in parts.items():
            _warn_unreachable(part, examples)

    def classes(self, example: Example) -> frozenset[str]:
        """Return the types of the triggers."""
        return frozenset(_types(example))

    def class_name(self, label: str) -> str | None:
        """Return the type of a tag; None for other labels."""
        return label[2:] if label.startswith(("B-", "I-")) else None

    def label_space(self, train: Sequence[Example]) -> LabelSpace:
        """Return the tags of triggers, then the roles of arguments; and the rules of events."""
        types = label_set({"train": train}, _types, fewest=1)
        roles = sorted({role for example in train for role in _roles(example)})
        rules = EventRules.learn((x.target, x.spans) for x in train if x.target is not None)
        return LabelSpace(
            (
                OUTSIDE,
                *(tag + name for name in types for tag in ("B-", "I-")),
                NO_ARGUMENT,
                *roles,
            ),
            settings={"rules": rules.to_settings(), "threshold": DEFAULT_THRESHOLD},
        )

    def encode(
        self, examples: Sequence[Example], processor: "KGBertProcessor"
    ) -> list[EncodedExample]:
        """Return one unit for each text: its windows with the tokens of all words and spans."""
        encoded = processor.encode_windows(examples, stride=STRIDE)
        units = []
        for example, windows in zip(examples, encoded, strict=True):
            words = all_words(example, windows)
            ranges = np.array([word_range(x, words) for x in example.spans], np.int64)
            arguments = [
                *(Argument("", "", (Span(word.start, word.end, ""),)) for word in words),
                *span_arguments(example.spans),
            ]
            unit = with_groups(windows, arguments, np.empty((0, 2), np.int64))
            units.append(EncodedExample(example, (_with_ranges(unit, ranges.reshape(-1, 2)),)))
        return units

    def collate(
        self, units: Sequence[tuple["EncodedText", ...]], processor: "KGBertProcessor", epoch: int
    ) -> "Batch":
        """Return the windows of all texts as rows, with the words and spans of each text."""
        import torch

        batch = collate_windows(units, super().collate(units, processor, epoch), processor)
        ranges = [_word_ranges(unit) for unit in units]
        width = max(map(len, ranges))
        padded = [np.pad(x, ((0, width - len(x)), (0, 0)), constant_values=NO_SPAN) for x in ranges]
        return batch | {
            "word_counts": [
                unit[0].groups.size - len(own) if unit[0].groups else 0
                for unit, own in zip(units, ranges, strict=True)
            ],
            "span_words": torch.from_numpy(np.stack(padded)),
        }

    def targets(self, encoded: EncodedExample, config: "PreTrainedConfig") -> "list[Targets]":
        """Return the tags of the words, and the arguments of the gold triggers."""
        return [targets_of(encoded, config)]

    def collate_targets(
        self, targets: Sequence["Targets"], batch: "Batch", processor: "KGBertProcessor"
    ) -> "dict[str, Tensor]":
        """Return tags, triggers and arguments, padded to the largest numbers."""
        import torch

        words, spans = max(batch["word_counts"]), batch["span_words"].shape[1]
        triggers = max(len(each.triggers) for each in targets)
        roles = targets[0].arguments.shape[-1]
        tags = np.full((len(targets), words), IGNORED)
        ranges = np.zeros((len(targets), triggers, 2), np.int64)
        arguments = np.zeros((len(targets), triggers, triggers + spans, roles), np.int8)
        for unit, each in enumerate(targets):
            count, own = len(each.triggers), each.arguments.shape[1] - len(each.triggers)
            tags[unit, : len(each.tags)] = each.tags
            ranges[unit, :count] = np.array(each.triggers, np.int64).reshape(-1, 2)
            arguments[unit, :count, :count] = each.arguments[:, :count]
            arguments[unit, :count, triggers : triggers + own] = each.arguments[:, count:]
        return {
            "labels": torch.from_numpy(tags),
            "trigger_words": torch.from_numpy(ranges),
            "argument_labels": torch.from_numpy(arguments),
        }

    def compute_outputs(self, model: Any, batch: "Batch", processor: "KGBertProcessor") -> "Tensor":
        """Return one table for each unit: its size, its tags, its triggers and its arguments.

        The tables of :class:`Outputs` stand below each other, because the rows of different batches
        are padded in one direction only.
        """
        return self._tables(model(**batch), batch)

    def _tables(self, output: Any, batch: "Batch") -> "Tensor":
        import torch

        logits, ranges = output.logits.float(), output.trigger_words
        scores = output.argument_logits.float()
        spans = (batch["span_words"][..., 0] != NO_SPAN).sum(-1).tolist()
        columns = max(logits.shape[-1], scores.shape[-1], 2)
        tables = []
        for unit, words in enumerate(batch["word_counts"]):
            triggers = int((ranges[unit, :, 1] > 0).sum())
            tails = [*range(triggers), *range(ranges.shape[1], ranges.shape[1] + spans[unit])]
            rows = [
                logits.new_tensor([[triggers]]),
                logits[unit, :words],
                ranges[unit, :triggers].to(logits.dtype),
                scores[unit, :triggers][:, tails].flatten(0, 1),
            ]
            padded = [torch.nn.functional.pad(x, (0, columns - x.shape[-1])) for x in rows]
            tables.append(torch.cat(padded))
        return torch.nn.utils.rnn.pad_sequence(tables, batch_first=True)

    def decode(
        self,
        outputs: Sequence[Any],
        encoded: EncodedExample,
        config: "PreTrainedConfig",
        graph: "KnowledgeGraph",
    ) -> EventsPrediction:
        """Return the triggers of the most probable tags, and their events."""
        example, output = encoded.example, unpack(outputs[0], encoded, config)
        rules = EventRules.from_settings(config.task_settings["rules"])
        return _prediction(example, encoded, output, rules, config)

    def calibrate(
        self,
        outputs: Sequence[Sequence[Any]],
        encoded: Sequence[EncodedExample],
        config: "PreTrainedConfig",
        graph: "KnowledgeGraph",
    ) -> None:
        """Choose the threshold of arguments with the best F1 of events on validation."""
        gold = [self.gold(each, graph) for each in encoded]
        scores = {}
        for threshold in sorted(THRESHOLDS, key=lambda each: abs(each - DEFAULT_THRESHOLD)):
            config.task_settings = {**config.task_settings, "threshold": threshold}
            answers = [
                self.decode(rows, each, config, graph).answer
                for rows, each in zip(outputs, encoded, strict=True)
            ]
            scores[threshold] = self.score(gold, answers)[self.metric]
        # Of equal scores the first, which is nearest to the default.
        best = max(scores, key=scores.__getitem__)
        config.task_settings = {**config.task_settings, "threshold": best}

    def gold(self, encoded: EncodedExample, graph: "KnowledgeGraph") -> EventsAnswer:
        """Return triggers and events, also those that no word can represent."""
        example = encoded.example
        spans = {span.id: Filler.of(span) for span in example.spans}
        return EventsAnswer(
            frozenset(map(Filler.of, example.target.triggers)),
            frozenset(example.target.trees(example.spans)),
            example.text,
            {spans[x]: spans[y] for x, y in example.target.equivalent.items()},
        )

    def score(
        self, gold: Sequence[EventsAnswer], predicted: Sequence[EventsAnswer]
    ) -> dict[str, float]:
        """Return the metrics, which share their counts."""
        return event_scores(gold, predicted)

    def is_correct(self, gold: EventsAnswer, predicted: EventsAnswer) -> bool:
        """Return whether exactly the gold events are predicted."""
        return predicted.canonical(gold).events == gold.canonical(gold).events

    def slices(self, train: Sequence[Example], test: Sequence[EncodedExample]) -> Iterator[Slice]:
        """Yield slices of events: with spans only or with events as arguments, and by type."""
        every = range(len(test))
        events = [x for each in test for x in each.example.target.trees(each.example.spans)]
        for name, has_events in (("events of spans", False), ("events of events", True)):
            wanted = _is_nested if has_events else _is_flat
            yield Slice(name, every, sum(map(wanted, events)), _view(wanted))
        counts = Counter(event.label for event in events)
        for label, size in counts.most_common(MAX_CLASSES) if len(counts) > 1 else ():
            yield Slice(f"class: {label}", every, size, _view(_is_of_type(label)))

    def answers(self, prediction: EventsPrediction, config: "PreTrainedConfig") -> list[str]:
        """Return each trigger with its type, and below it its arguments.

        ``9-16 Binding`` and ``9-16 Binding Theme 0-3``, for example.
        """
        names = []
        for trigger in prediction.triggers:
            name = f"{trigger.start}-{trigger.end} {trigger.label}"
            own = [x for x in prediction.events if (x.start, x.end) == (trigger.start, trigger.end)]
            arguments = [
                f"{name} {argument.role} {argument.filler.start}-{argument.filler.end}"
                for event in own
                for argument in event.arguments
            ]
            names += [name, *dict.fromkeys(arguments)]
        return names

    def explained_outputs(
        self, model: Any, batch: "Batch", processor: "KGBertProcessor", explained: ExplainedExample
    ) -> "Tensor":
        """Return the tables of the variants, all with the predicted triggers of the example."""
        import torch

        words = words_of_unit(explained.encoded)
        ranges = [
            word_range(Span(x.start, x.end, x.label), words) for x in explained.prediction.triggers
        ]
        triggers = torch.tensor(ranges, dtype=torch.int64, device=model.device).reshape(1, -1, 2)
        units = len(batch["word_counts"])
        return self._tables(model(**batch, trigger_words=triggers.expand(units, -1, -1)), batch)

    def answer_scores(
        self,
        outputs: "Sequence[Tensor]",
        answer: ExplainedAnswer,
        encoded: EncodedExample,
        config: "PreTrainedConfig",
    ) -> "Tensor":
        """Return the log-odds of the first tag of a trigger, or those of an argument.

        A type is compared with all others, or another one; a role with no argument, or another one.
        """
        match = _ANSWER.fullmatch(answer.name)
        words, tags = words_of_unit(encoded), _tags(config)
        trigger = None if match is None else _word_at(int(match["start"]), words)
        if match is None or trigger is None:
            raise _no_such_answer(answer.name)
        if match["role"]:
            return _argument_scores(outputs[0], answer, encoded, config)
        contrast = answer.contrast if answer.contrast in ("", OUTSIDE) else f"B-{answer.contrast}"
        # The first row of a table has its size.
        logits = outputs[0][:, 1 + trigger, : len(tags)]
        return log_odds(logits, ExplainedAnswer(f"B-{match['type']}", contrast), tags)

    def quote(self, answer: EventsAnswer) -> str:
        """Return the first events with their words."""
        shown = [
            " ".join(x.strip() for x in y.lines(answer.text)) for y in top_level(answer.events)
        ]
        more = f"; and {len(shown) - QUOTED:,} more" if len(shown) > QUOTED else ""
        return "; ".join(shown[:QUOTED]) + more or "no event"

    def describe_outputs(self, config: "PreTrainedConfig") -> str:
        """Return a description of types and roles."""
        types = [tag[2:] for tag in _tags(config) if tag.startswith("B-")]
        return f"events of the types {', '.join(types)} with {', '.join(_role_names(config))}"


def _word_at(start: int, words: Sequence[WordSpan]) -> int | None:
    """Return the word at a character; None without one."""
    return next((i for i, word in enumerate(words) if word.start <= start < word.end), None)


def _argument_scores(
    tables: "Tensor",
    answer: ExplainedAnswer,
    encoded: EncodedExample,
    config: "PreTrainedConfig",
) -> "Tensor":
    """Return the log-odds of an argument, against no argument or another role.

    Args:
        tables: The table of each variant; all have the same triggers.
        answer: A trigger, a role and a filler.
        encoded: The example.
        config: The model's configuration.
    """
    match, words = _ANSWER.fullmatch(answer.name), words_of_unit(encoded)
    assert match is not None
    trigger, filler = (_word_at(int(match[name]), words) for name in ("start", "filler"))
    sizes = tables[0, :, 0].detach()
    count = round(float(sizes[0]))
    heads = [round(x) for x in sizes[1 + len(words) :][:count].tolist()]
    tails = [*heads, *(_word_at(span.start, words) for span in encoded.example.spans)]
    if trigger not in heads or filler is None or filler not in tails:
        raise _no_such_answer(answer.name)
    roles = [NO_ARGUMENT, *_role_names(config)]
    row = 1 + len(words) + count + heads.index(trigger) * len(tails) + tails.index(filler)
    compared = ExplainedAnswer(match["role"], answer.contrast or NO_ARGUMENT)
    return log_odds(tables[:, row, : len(roles)], compared, roles)


def _no_such_answer(name: str) -> KGBertError:
    return KGBertError(
        f"{name!r} is no trigger and no argument of the text; write start, end and type of a "
        "trigger, and for an argument also its role and its place, for example '9-16 Binding Theme "
        "0-3'; offsets count characters from 0.",
        code="answer-is-no-span",
    )


def _tags(config: "PreTrainedConfig") -> list[str]:
    labels = labels_of(config)
    return labels[: labels.index(NO_ARGUMENT)]


def _role_names(config: "PreTrainedConfig") -> list[str]:
    labels = labels_of(config)
    return labels[labels.index(NO_ARGUMENT) + 1 :]


def all_words(example: Example, windows: Sequence["EncodedText"]) -> list[WordSpan]:
    """Return the words of a text; one that the edge of a window cuts is taken from the next."""
    ends: dict[int, int] = {}
    for window in windows:
        for word in words_of(example, window):
            ends[word.start] = max(word.end, ends.get(word.start, 0))
    words: list[WordSpan] = []
    for start, end in sorted(ends.items()):
        if not words or start >= words[-1].end:
            words.append(WordSpan(start, end))
    return words


def words_of_unit(encoded: EncodedExample) -> list[WordSpan]:
    """Return the words of an encoded example."""
    return all_words(encoded.example, encoded.units[0])


def word_range(span: Span, words: Sequence[WordSpan]) -> tuple[int, int]:
    """Return the first word of a span and the end of its words; zeros if it has none."""
    inside = [i for i, x in enumerate(words) if x.start < span.end and span.start < x.end]
    return (inside[0], inside[-1] + 1) if inside else (0, 0)


def _with_ranges(
    unit: Sequence["EncodedText"], ranges: "NDArray[np.int64]"
) -> "tuple[EncodedText, ...]":
    """Return the windows of a unit with the words of its spans."""
    return tuple(
        replace(text, groups=replace(text.groups, word_ranges=ranges))
        for text in unit
        if text.groups is not None
    )


def _word_ranges(unit: Sequence["EncodedText"]) -> "NDArray[np.int64]":
    groups = unit[0].groups
    assert groups is not None
    assert groups.word_ranges is not None
    return groups.word_ranges


def _types(example: Example) -> list[str]:
    return [trigger.label for trigger in example.target.triggers] if example.target else []


def _roles(example: Example) -> list[str]:
    events = example.target.events if example.target else ()
    return [role for event in events for role, _ in event.arguments]


def _warn_unreachable(part: str, examples: Sequence[Example]) -> None:
    """Warn of triggers that tags cannot express, and of modifications that are not read."""
    total = overlapping = modified = 0
    for example in examples:
        triggers = sorted(example.target.triggers, key=lambda span: (span.start, span.end))
        total += len(triggers)
        overlapping += sum(y.start < x.end for x, y in pairwise(triggers))
        overlapping += sum(bool(x.fragments) for x in triggers)
        modified += sum(event.is_modified for event in example.target.events)
    if overlapping:
        logger.warning(
            "%s: %s of %s triggers overlap another one or are discontinuous, which one tag a word "
            "cannot express, so that they count as missed.",
            part,
            f"{overlapping:,}",
            f"{total:,}",
        )
    if modified:
        logger.warning(
            "%s: %s events are negated or speculated, and are read as plain events.",
            part,
            f"{modified:,}",
        )


class Targets(NamedTuple):
    """The targets of a unit."""

    tags: list[int]
    triggers: list[tuple[int, int]]
    """First word and end of each gold trigger with words of its own."""
    arguments: "NDArray[np.int8]"
    """Shape (triggers, triggers + spans, 1 + roles); the first column is 1 for pairs that count."""


def targets_of(encoded: EncodedExample, config: "PreTrainedConfig") -> Targets:
    """Return the targets of an example."""
    example, words = encoded.example, words_of_unit(encoded)
    tags, roles = _tags(config), _role_names(config)
    taken = [tags.index(OUTSIDE)] * len(words)
    ranges: dict[str, tuple[int, int]] = {}
    for trigger in sorted(example.target.triggers, key=lambda span: (span.start, -span.end)):
        first, end = word_range(trigger, words)
        if trigger.fragments or first == end or any(taken[first:end]):
            continue
        ranges[trigger.id] = first, end
        for place in range(first, end):
            taken[place] = tags.index(f"{'I' if place > first else 'B'}-{trigger.label}")
    places = {name: place for place, name in enumerate(ranges)}
    spans = {span.id: len(ranges) + place for place, span in enumerate(example.spans)}
    triggers_of = {event.id: event.trigger for event in example.target.events}
    arguments = np.zeros((len(ranges), len(ranges) + len(spans), 1 + len(roles)), np.int8)
    arguments[..., 0] = 1
    arguments[np.arange(len(ranges)), np.arange(len(ranges)), 0] = 0
    for event in example.target.events:
        for role, name in event.arguments:
            tail = spans.get(name, places.get(triggers_of.get(name, ""), -1))
            if event.trigger in places and tail >= 0 and role in roles:
                arguments[places[event.trigger], tail, 1 + roles.index(role)] = 1
    return Targets(taken, list(ranges.values()), arguments)


def unpack(rows: Any, encoded: EncodedExample, config: "PreTrainedConfig") -> Outputs:
    """Return the parts of the table that :meth:`EventExtraction.compute_outputs` made."""
    table = np.asarray(rows, np.float64)
    words, spans = len(words_of_unit(encoded)), len(encoded.example.spans)
    triggers, roles = round(float(table[0, 0])), 1 + len(_role_names(config))
    tags, table = table[1 : 1 + words, : len(_tags(config))], table[1 + words :]
    ranges, table = table[:triggers, :2], table[triggers:]
    size = triggers + spans
    arguments = table[: triggers * size, :roles].reshape(triggers, size, roles)
    return Outputs(tags, [(round(x), round(y)) for x, y in ranges.tolist()], arguments)


def _prediction(
    example: Example,
    encoded: EncodedExample,
    output: Outputs,
    rules: EventRules,
    config: "PreTrainedConfig",
) -> EventsPrediction:
    words, tags = words_of_unit(encoded), _tags(config)
    chosen = [tags[x] for x in output.tags.argmax(-1).tolist()] if len(words) else []
    labels = {(first, end): label for first, end, label in decode_tags(chosen)}
    shares = np.exp(output.tags - output.tags.max(-1, keepdims=True, initial=-np.inf))
    shares /= shares.sum(-1, keepdims=True)
    triggers = [
        Span(words[first].start, words[end - 1].end, labels[first, end])
        for first, end in output.triggers
    ]
    arguments = _scored_arguments(output, config)
    events = assemble(triggers, example.spans, arguments, rules)
    predicted = [
        PredictedTrigger(
            span.start,
            span.end,
            example.text[span.start : span.end],
            span.label,
            float(shares[first].max()),
        )
        for span, (first, _) in zip(triggers, output.triggers, strict=True)
    ]
    return EventsPrediction(example.text, tuple(predicted), tuple(events))


def _scored_arguments(output: Outputs, config: "PreTrainedConfig") -> Iterator[ScoredArgument]:
    """Yield the arguments whose probability reaches the threshold."""
    roles, triggers = _role_names(config), len(output.triggers)
    shares = sigmoid(output.arguments[..., 1:] - output.arguments[..., :1])
    for head, tail, role in np.argwhere(shares >= config.task_settings["threshold"]).tolist():
        if head != tail:
            is_event = tail < triggers
            filler = tail if is_event else tail - triggers
            share = float(shares[head, tail, role])
            yield ScoredArgument(head, roles[role], filler, is_event, share)


def _is_nested(event: Event) -> bool:
    return bool(event.nested)


def _is_flat(event: Event) -> bool:
    return not event.nested


def _is_of_type(label: str) -> Callable[[Event], bool]:
    return lambda event: event.label == label


def _view(wanted: Callable[[Event], bool]) -> Callable[[int, EventsAnswer], EventsAnswer]:
    """Return a view of the events of a slice."""
    return lambda position, answer: answer.keep(wanted)
