"""Assemble events from triggers and scored arguments, by the rules of the training texts."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Any, NamedTuple

from kgbert.data import Span
from kgbert.tasks.relations.events.annotation import AnnotatedEvents
from kgbert.tasks.relations.events.tree import Argument, Event, Filler

#: Most events of one trigger, so that a wrong model cannot multiply them without limit.
MAX_EVENTS = 32

#: Most levels of nested events: with two nested arguments, each further level doubles the work.
MAX_DEPTH = 8


@dataclass(frozen=True)
class EventRules:
    """What the events of the training texts look like."""

    role_sets: Mapping[str, tuple[tuple[str, ...], ...]]
    """The roles that events of each type have together, sorted; a role may occur twice."""
    joint: frozenset[tuple[str, str]]
    """Types with the roles of which one event has all fillers; of others each event has one."""
    fillers: frozenset[tuple[str, str, str]]
    """Type, role, and the label of a span or the type of an event that fills it."""

    @classmethod
    def learn(cls, examples: Iterable[tuple[AnnotatedEvents, Sequence[Span]]]) -> "EventRules":
        """Return the rules of annotated texts, each with its spans."""
        role_sets: dict[str, set[tuple[str, ...]]] = {}
        fillers: set[tuple[str, str, str]] = set()
        together, apart = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
        for target, spans in examples:
            labels = {span.id: span.label for span in spans}
            labels |= {record.id: record.label for record in target.events}
            by_trigger: dict[str, list[Counter[str]]] = {}
            for record in target.events:
                roles = Counter(role for role, _ in record.arguments)
                role_sets.setdefault(record.label, set()).add(tuple(sorted(roles.elements())))
                fillers |= {(record.label, x, labels[name]) for x, name in record.arguments}
                by_trigger.setdefault(record.trigger, []).append(roles)
            types = {record.trigger: record.label for record in target.events}
            for trigger, counts in by_trigger.items():
                for role in {role for roles in counts for role in roles}:
                    if any(roles[role] > 1 for roles in counts):
                        together[types[trigger], role] += 1
                    elif sum(roles[role] for roles in counts) > 1:
                        apart[types[trigger], role] += 1
        return cls(
            {label: tuple(sorted(sets)) for label, sets in role_sets.items()},
            frozenset(x for x in together if together[x] >= apart[x]),
            frozenset(fillers),
        )

    def to_settings(self) -> dict[str, Any]:
        """Return the rules as JSON values."""
        return {
            "role_sets": {name: list(map(list, x)) for name, x in sorted(self.role_sets.items())},
            "joint": sorted(map(list, self.joint)),
            "fillers": sorted(map(list, self.fillers)),
        }

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> "EventRules":
        """Return the rules of :meth:`to_settings`."""
        return cls(
            {name: tuple(map(tuple, sets)) for name, sets in settings["role_sets"].items()},
            frozenset((label, role) for label, role in settings["joint"]),
            frozenset((label, role, kind) for label, role, kind in settings["fillers"]),
        )


class ScoredArgument(NamedTuple):
    """An argument that a model predicts for a trigger."""

    trigger: int
    """Position of the trigger."""
    role: str
    filler: int
    """Position of the span, or of the trigger of the event, that fills the role."""
    is_event: bool
    probability: float


def assemble(
    triggers: Sequence[Span],
    spans: Sequence[Span],
    arguments: Iterable[ScoredArgument],
    rules: EventRules,
) -> list[Event]:
    """Return the events of a text.

    An argument that no training event has, or that would close a circle, is left out. The
    fillers of a role become one event or several, as for most such triggers in training. An event
    whose roles no training event has together loses its least probable arguments; a trigger that
    then lacks arguments has no event.

    Args:
        triggers: The triggers.
        spans: The spans that may be arguments.
        arguments: The predicted arguments.
        rules: The rules of the training texts.
    """
    allowed = [
        each
        for each in sorted(arguments, key=lambda x: -x.probability)
        if (
            triggers[each.trigger].label,
            each.role,
            (triggers if each.is_event else spans)[each.filler].label,
        )
        in rules.fillers
    ]
    own: dict[int, list[ScoredArgument]] = {place: [] for place in range(len(triggers))}
    for each in allowed:
        if not (each.is_event and _leads_to(each.filler, each.trigger, own)):
            own[each.trigger].append(each)
    built: dict[int, list[Event]] = {}

    def build(place: int) -> list[Event]:
        if place not in built:
            trigger = triggers[place]
            fillers: dict[str, list[tuple[Filler | Event, float]]] = {}
            for each in own[place]:
                found: Sequence[Filler | Event] = (
                    [event for event in build(each.filler) if event.depth < MAX_DEPTH]
                    if each.is_event
                    else [Filler.of(spans[each.filler])]
                )
                fillers.setdefault(each.role, []).extend((x, each.probability) for x in found)
            built[place] = _events(trigger, fillers, rules)
        return built[place]

    return [event for place in range(len(triggers)) for event in build(place)]


def _leads_to(start: int, end: int, own: Mapping[int, Sequence[ScoredArgument]]) -> bool:
    """Return whether a trigger is an argument of another one, directly or not."""
    waiting, seen = [start], set[int]()
    while waiting:
        place = waiting.pop()
        if place == end:
            return True
        if place not in seen:
            seen.add(place)
            waiting += [each.filler for each in own[place] if each.is_event]
    return False


#: The fillers of each role with their probabilities.
_Fillers = Mapping[str, Sequence[tuple[Filler | Event, float]]]


def _events(trigger: Span, fillers: _Fillers, rules: EventRules) -> list[Event]:
    """Return the events of a trigger."""
    choices: list[list[list[tuple[str, Filler | Event, float]]]] = []
    for role, found in sorted(fillers.items()):
        named = [(role, filler, probability) for filler, probability in found]
        is_joint = (trigger.label, role) in rules.joint
        choices.append([named] if is_joint else [[each] for each in named])
    events: dict[Event, None] = {}
    for combination in islice(product(*choices), MAX_EVENTS):
        event = _event(trigger, [each for group in combination for each in group], rules)
        if event is not None:
            events[event] = None
    return list(events)


def _event(
    trigger: Span, arguments: Sequence[tuple[str, Filler | Event, float]], rules: EventRules
) -> Event | None:
    """Return the event with the most probable arguments that training events have together."""
    ranked = sorted(arguments, key=lambda each: -each[2])
    best: tuple[float, int] | None = None
    chosen: list[tuple[str, Filler | Event, float]] = []
    for roles in rules.role_sets.get(trigger.label, ()):
        left, kept = Counter(roles), []
        for each in ranked:
            if left[each[0]] > 0:
                left[each[0]] -= 1
                kept.append(each)
        if left.total():
            continue
        value = sum(probability for _, _, probability in kept), len(kept)
        if best is None or value > best:
            best, chosen = value, kept
    if best is None:
        return None
    lowest = min((probability for _, _, probability in chosen), default=1.0)
    own = [Argument(role, filler) for role, filler, _ in chosen]
    return Event.of(trigger.label, trigger.start, trigger.end, own, lowest)
