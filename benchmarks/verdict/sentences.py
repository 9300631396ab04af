"""Split labelled abstracts into sentences."""

import re
from collections.abc import Iterator

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
