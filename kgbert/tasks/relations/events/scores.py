"""Scores of events as the BioNLP shared tasks define them."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter

from kgbert.tasks.metrics import set_scores, share
from kgbert.tasks.relations.events.tree import Argument, Event, Filler

#: The role whose arguments count in a nested event when events are matched approximately.
THEME = "Theme"

#: Number of characters on each side of a trigger in which the next word begins.
_REACH = 80

_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class EventsAnswer:
    """The triggers and events of a text, gold or predicted."""

    triggers: frozenset[Filler] = frozenset()
    events: frozenset[Event] = frozenset()
    text: str = ""
    equivalent: Mapping[Filler, Filler] = field(default_factory=dict)
    """A span that each of some spans may be exchanged with; only in gold answers."""

    def canonical(self, gold: "EventsAnswer") -> "EventsAnswer":
        """Return the answer with one span for all spans that are equivalent in the gold answer."""
        if not gold.equivalent:
            return self
        events = frozenset(_exchanged(event, gold.equivalent) for event in self.events)
        return replace(self, events=events)

    def keep(self, wanted: Callable[[Event], bool]) -> "EventsAnswer":
        """Return an answer with only some events, and with their triggers."""
        events = frozenset(filter(wanted, self.events))
        triggers = frozenset(Filler(x.start, x.end, x.label) for x in events)
        return replace(self, triggers=triggers, events=events)


def _exchanged(event: Event, equivalent: Mapping[Filler, Filler]) -> Event:
    arguments = [
        Argument(
            role,
            equivalent.get(filler, filler)
            if isinstance(filler, Filler)
            else _exchanged(filler, equivalent),
        )
        for role, filler in event.arguments
    ]
    return Event.of(event.label, event.start, event.end, arguments, event.probability)


def event_scores(
    gold: Sequence[EventsAnswer], predicted: Sequence[EventsAnswer]
) -> dict[str, float]:
    """Return the scores of events, exact and approximate, of triggers and of arguments.

    ``event_f1`` with ``precision`` and ``recall`` counts events of which type, trigger and all
    arguments are right, recursively. ``event_f1_approximate`` counts as the main criterion of the
    shared tasks does ("approximate span matching" and "approximate recursive matching", Kim et al.
    2009): the trigger may extend over one word more on each side, and of an event that is an
    argument only the type, the trigger and its own themes have to match. ``trigger_f1`` counts
    triggers with their types, ``argument_f1`` triples of trigger, role and argument, where an event
    stands for its trigger.
    """
    predicted = [x.canonical(right) for x, right in zip(predicted, gold, strict=True)]
    gold = [right.canonical(right) for right in gold]
    events, triggers, arguments = (
        set_scores([*map(part, gold)], [*map(part, predicted)])
        for part in (attrgetter("events"), attrgetter("triggers"), _arguments)
    )
    found = answered = given = wanted = 0
    for right, answer in zip(gold, predicted, strict=True):
        given, wanted = given + len(answer.events), wanted + len(right.events)
        pairs = [
            (one, other)
            for one in right.events
            for other in answer.events
            if matches(one, other, right.text)
        ]
        found += len({one for one, _ in pairs})
        answered += len({other for _, other in pairs})
    return {
        "event_f1": events["f1"],
        "event_f1_approximate": _f1(share(answered, given), share(found, wanted)),
        "trigger_f1": triggers["f1"],
        "argument_f1": arguments["f1"],
        "precision": events["precision"],
        "recall": events["recall"],
    }


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _arguments(answer: EventsAnswer) -> set[tuple[Filler, str, Filler]]:
    """Return trigger, role and argument of each argument; an event stands for its trigger."""
    return {
        (
            Filler(event.start, event.end, event.label),
            role,
            filler if isinstance(filler, Filler) else Filler(*_trigger(filler)),
        )
        for event in answer.events
        for role, filler in event.arguments
    }


def _trigger(event: Event) -> tuple[int, int, str]:
    return event.start, event.end, event.label


def matches(gold: Event, predicted: Event, text: str, *, is_nested: bool = False) -> bool:
    """Return whether a predicted event matches a gold event approximately.

    Args:
        gold: The gold event.
        predicted: The predicted event.
        text: The text of both.
        is_nested: Whether the events are arguments of others, so that only their themes count.

    >>> text = "strong binding of A"
    >>> theme = [Argument("Theme", Filler(18, 19, "Gene"))]
    >>> gold, longer = Event.of("Bind", 7, 14, theme), Event.of("Bind", 0, 14, theme)
    >>> matches(gold, longer, text), matches(gold, Event.of("Bind", 7, 14), text)
    (True, False)
    """
    if gold.label != predicted.label:
        return False
    start, end = _extended(gold.start, gold.end, text)
    if predicted.start < start or predicted.end > end:
        return False
    if is_nested:
        wanted, given = (
            [x for x in event.arguments if x.role.startswith(THEME)] for event in (gold, predicted)
        )
    else:
        wanted, given = list(gold.arguments), list(predicted.arguments)
    return len(wanted) == len(given) and _assignable(wanted, given, text)


def _assignable(wanted: Sequence[Argument], given: Sequence[Argument], text: str) -> bool:
    """Return whether each gold argument has a predicted argument of its own."""
    if not wanted:
        return True
    first, *others = wanted
    return any(
        _fills(first, each, text)
        and _assignable(others, [*given[:place], *given[place + 1 :]], text)
        for place, each in enumerate(given)
    )


def _fills(gold: Argument, predicted: Argument, text: str) -> bool:
    if gold.role != predicted.role:
        return False
    one, other = gold.filler, predicted.filler
    if isinstance(one, Event) and isinstance(other, Event):
        return matches(one, other, text, is_nested=True)
    return one == other


def _extended(start: int, end: int, text: str) -> tuple[int, int]:
    """Return a span with one word more on each side, where there is one.

    >>> _extended(7, 14, "strong binding of A")
    (0, 17)
    """
    before = [*_WORD.finditer(text, max(0, start - _REACH), start)]
    after = _WORD.search(text, end, end + _REACH)
    return (before[-1].start() if before else start), (after.end() if after else end)
