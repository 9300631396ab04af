"""An event as a tree: a trigger with arguments, which are spans or other events."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Union

from kgbert.data import Span


class Filler(NamedTuple):
    """A span that fills a role."""

    start: int
    end: int
    label: str

    @classmethod
    def of(cls, span: Span) -> "Filler":
        """Return a span as a filler."""
        return cls(span.start, span.end, span.label)


class Argument(NamedTuple):
    """A role and what fills it."""

    role: str
    filler: Union[Filler, "Event"]


@dataclass(frozen=True)
class Event:
    """An event. Two events are equal if type, trigger and all arguments are equal, recursively.

    >>> inner = Event.of("Binding", 9, 16, [Argument("Theme", Filler(0, 3, "Gene"))])
    >>> outer = Event.of("Regulation", 20, 28, [Argument("Theme", inner)])
    >>> outer.depth, inner in outer.nested
    (2, True)
    """

    label: str
    start: int
    """The characters of the trigger, end exclusive."""
    end: int
    arguments: tuple[Argument, ...]
    """In a fixed order; see :meth:`of`."""
    probability: float = field(default=1.0, compare=False)

    @classmethod
    def of(
        cls,
        label: str,
        start: int,
        end: int,
        arguments: Iterable[Argument] = (),
        probability: float = 1.0,
    ) -> "Event":
        """Return an event with its arguments in the order of roles and of the text."""
        ordered = sorted(arguments, key=lambda each: (each.role, _place(each.filler)))
        return cls(label, start, end, tuple(ordered), probability)

    @property
    def nested(self) -> list["Event"]:
        """The events among the arguments."""
        return [x.filler for x in self.arguments if isinstance(x.filler, Event)]

    @property
    def depth(self) -> int:
        """Number of levels of events."""
        return 1 + max((event.depth for event in self.nested), default=0)

    def lines(self, text: str, indent: str = "", role: str = "") -> Iterator[str]:
        """Yield the event as a tree for a terminal.

        Args:
            text: The text of the offsets.
            indent: Blanks before each line.
            role: The role that the event fills, if any.
        """
        before = f"{indent}{role}: " if role else indent
        words = text[self.start : self.end]
        yield f"{before}{self.label} {words!r} {self.start}-{self.end}"
        for argument in self.arguments:
            if isinstance(argument.filler, Event):
                yield from argument.filler.lines(text, f"{indent}  ", argument.role)
            else:
                start, end, label = argument.filler
                yield f"{indent}  {argument.role}: {text[start:end]} ({label} {start}-{end})"

    def to_dict(self, text: str) -> dict[str, Any]:
        """Return the event as JSON values, with its arguments below it."""
        return {
            "type": self.label,
            "start": self.start,
            "end": self.end,
            "text": text[self.start : self.end],
            "probability": self.probability,
            "arguments": [
                {"role": role, **filler.to_dict(text)}
                if isinstance(filler, Event)
                else {"role": role, **filler._asdict(), "text": text[filler.start : filler.end]}
                for role, filler in self.arguments
            ],
        }


def _place(filler: Filler | Event) -> tuple[int, int, str, str]:
    """Return a key by which arguments of one role are ordered."""
    if isinstance(filler, Filler):
        return filler.start, filler.end, filler.label, ""
    return filler.start, filler.end, filler.label, repr(filler.arguments)


def top_level(events: Iterable[Event]) -> list[Event]:
    """Return the events that are no arguments of others, in reading order."""
    given = list(events)
    nested = {inner for event in given for inner in event.nested}
    return sorted(
        (event for event in given if event not in nested), key=lambda each: (each.start, each.end)
    )
