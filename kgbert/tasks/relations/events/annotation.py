"""Annotated events of a row: triggers, and events whose arguments are spans or other events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kgbert.data import Span
from kgbert.data.fields import spans_field
from kgbert.tasks.relations.arguments import list_column, with_ids
from kgbert.tasks.relations.events.tree import Argument, Event, Filler
from kgbert.utils.errors import DataError

#: Modifications of events, which are read as plain events.
MODIFICATIONS = ("negation", "speculation")

_EXAMPLE = '{"id": "E1", "type": "Binding", "trigger": "T3", "args": [["Theme", "T1"]]}'


@dataclass(frozen=True)
class EventRecord:
    """An event as a file has it; ids name its trigger and its arguments."""

    id: str
    label: str
    trigger: str
    arguments: tuple[tuple[str, str], ...]
    """Role and id of each argument: a span or another event."""
    is_modified: bool = False
    """Whether the event is negated or speculated."""


@dataclass(frozen=True)
class AnnotatedEvents:
    """The target of an example: its triggers and events."""

    triggers: tuple[Span, ...] = ()
    events: tuple[EventRecord, ...] = ()
    equivalent: Mapping[str, str] = field(default_factory=dict)
    """The first of the equivalent spans, by the id of each other one."""

    def trees(self, spans: Sequence[Span]) -> list[Event]:
        """Return the events with their arguments as values.

        Args:
            spans: The spans of the example.
        """
        triggers = {trigger.id: trigger for trigger in self.triggers}
        records = {record.id: record for record in self.events}
        fillers = {span.id: span for span in spans}
        built: dict[str, Event] = {}

        def filler(name: str) -> Filler | Event:
            if name in records:
                return build(name)
            return Filler.of(fillers[name])

        def build(name: str) -> Event:
            if name not in built:
                record = records[name]
                trigger = triggers[record.trigger]
                arguments = [Argument(role, filler(each)) for role, each in record.arguments]
                built[name] = Event.of(record.label, trigger.start, trigger.end, arguments)
            return built[name]

        return [build(record.id) for record in self.events]


def events_field(record: Mapping[str, Any], spans: Sequence[Span]) -> AnnotatedEvents | None:
    """Return triggers and events of a row; None without the column of events.

    Raises:
        DataError: An event is not understood, or names a trigger or an argument that is missing.
    """
    entries = list_column(record, "events", _EXAMPLE)
    if entries is None:
        return None
    triggers = with_ids(spans_field(record, "triggers"))
    records = tuple(_record(entry, position) for position, entry in enumerate(entries))
    known = {span.id for span in spans}
    _check(records, known, {trigger.id: trigger for trigger in triggers})
    groups = list_column(record, "equiv", '["T1", "T2"]') or []
    equivalent = {str(other): str(first) for first, *others in groups for other in others}
    kept = {x: y for x, y in equivalent.items() if x in known and y in known}
    return AnnotatedEvents(triggers, records, kept)


def _record(entry: Any, position: int) -> EventRecord:
    match entry:
        case {"trigger": str(trigger), **rest}:
            label = rest.get("type") or rest.get("label")
            arguments = rest.get("args", rest.get("arguments")) or []
            if isinstance(label, str) and isinstance(arguments, list):
                return EventRecord(
                    str(rest.get("id") or f"event {position}"),
                    label,
                    trigger,
                    tuple(_argument(each, entry) for each in arguments),
                    any(rest.get(name) for name in MODIFICATIONS),
                )
    raise _not_understood(entry)


def _argument(argument: Any, entry: Any) -> tuple[str, str]:
    match argument:
        case [str(role), str(name)]:
            return role, name
        case {"role": str(role), "ref_id": str(name)} | {"role": str(role), "id": str(name)}:
            return role, name
    raise _not_understood(entry)


def _not_understood(entry: Any) -> DataError:
    return DataError(
        f"'events' contains {str(entry)[:80]}, which is not understood; write {_EXAMPLE}, where "
        "arguments are the ids of spans or of other events",
        code="event-not-understood",
    )


def _check(records: Sequence[EventRecord], spans: set[str], triggers: Mapping[str, Span]) -> None:
    """Raise DataError where an event names something that is missing, or itself."""
    events = {record.id: record for record in records}
    if len(events) < len(records):
        raise DataError(
            "two events have the same id, so that it names neither; give each its own 'id'",
            code="repeated-event-id",
        )
    for record in records:
        if record.trigger not in triggers:
            raise DataError(
                f"the event {record.id!r} has the trigger {record.trigger!r}, which is the "
                f"id of no trigger; write one of {_some(triggers)}, or add it to 'triggers'",
                code="unknown-trigger",
            )
        if triggers[record.trigger].label != record.label:
            raise DataError(
                f"the event {record.id!r} is of type {record.label!r}, but its trigger "
                f"{record.trigger!r} has the label {triggers[record.trigger].label!r}; write the "
                "same for both",
                code="event-of-another-type",
            )
        for role, name in record.arguments:
            if name not in spans and name not in events:
                raise DataError(
                    f"the argument {role!r} of the event {record.id!r} is {name!r}, which is the "
                    f"id of no span and no event; write one of {_some([*spans, *events])}, or add "
                    "the span",
                    code="unknown-argument",
                )
    _check_acyclic(events)


def _some(names: Any) -> str:
    shown = sorted(names)
    return ", ".join(shown[:8]) + " ..." * (len(shown) > 8) or "none"


def _check_acyclic(events: Mapping[str, EventRecord]) -> None:
    finished: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            raise DataError(
                f"the event {name!r} is an argument of itself ({' > '.join((*above, name))}); "
                "remove one of these arguments",
                code="cyclic-events",
            )
        if name in finished:
            return
        for _, other in events[name].arguments:
            if other in events:
                visit(other, (*above, name))
        finished.add(name)

    for name in events:
        visit(name, ())
