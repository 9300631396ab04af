"""Split labelled abstracts into sentences."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from kgbert.data import Example, Span

#: A sentence boundary: after a full stop and before a capital letter.
_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")


def sentences_of(text: Example) -> Iterator[Example]:
    """Yield the sentences of a text with their spans and its id; no span is split."""
    start = 0
    ends = [match.span() for match in _END.finditer(text.text)]
    for end, following in [*ends, (len(text.text), len(text.text))]:
        if any(span.start < following and span.end > end for span in text.spans):
            continue
        inside = (span for span in text.spans if start <= span.start and span.end <= end)
        spans = tuple(
            Span(span.start - start, span.end - start, span.label, span.entity) for span in inside
        )
        yield Example(text.text[start:end], spans=spans, id=text.id)
        start = following


def event_sentences_of(record: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the sentences of a text with events as rows of a file.

    Spans and triggers that a boundary splits are left out, and so are events with a trigger or an
    argument in another sentence (4 % in BioNLP Pathway Curation).
    """
    text = record["text"]
    boundaries = [match.span() for match in _END.finditer(text)]
    starts = [0, *(end for _, end in boundaries)]
    ends = [*(start for start, _ in boundaries), len(text)]
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        parts = {
            name: [
                span | {"start": span["start"] - start, "end": span["end"] - start}
                for span in record[name]
                if start <= span["start"] and span["end"] <= end
            ]
            for name in ("spans", "triggers")
        }
        events = _events_among(record["events"], {x["id"] for each in parts.values() for x in each})
        yield {"id": f"{record['id']}/{number}", "text": text[start:end], "events": events, **parts}


def _events_among(events: list[dict[str, Any]], known: set[str]) -> list[dict[str, Any]]:
    """Return the events whose trigger and arguments, which may be events, are all known."""
    found: list[dict[str, Any]] = []
    remaining = events
    while True:
        complete = [
            event
            for event in remaining
            if known.issuperset([event["trigger"], *(name for _, name in event["args"])])
        ]
        if not complete:
            return found
        found += complete
        known = known | {event["id"] for event in complete}
        remaining = [event for event in remaining if event not in complete]
