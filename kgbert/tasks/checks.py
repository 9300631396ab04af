"""Checks of examples that several tasks share."""

from collections.abc import Iterator, Mapping, Sequence

from kgbert.data import Example
from kgbert.utils.errors import DataError


def without_target(parts: Mapping[str, Sequence[Example]]) -> Iterator[tuple[str, int, Example]]:
    """Yield the part, the position from 1 and the example of each example without a target.

    >>> list(without_target({"train": [Example("fever", 1.0), Example("cough")]}))
    [('train', 2, Example(text='cough', target=None, spans=(), id=''))]
    """
    for part, examples in parts.items():
        for position, example in enumerate(examples, start=1):
            if example.target is None:
                yield part, position, example


def check_pairs(parts: Mapping[str, Sequence[Example]]) -> None:
    """Raise DataError where some examples are pairs of texts and others are single texts."""
    counts = {len(x.texts) for examples in parts.values() for x in examples}
    if len(counts) < 2:
        return
    for part, examples in parts.items():
        for position, example in enumerate(examples, start=1):
            if not example.others:
                raise DataError(
                    f"{part}: text {position:,} ({example.text[:40]!r}) has no 'text_pair' while "
                    "others have one; fill it in, or leave the text out",
                    code="missing-text-pair",
                )


def check_continuous(parts: Mapping[str, Sequence[Example]]) -> None:
    """Raise DataError where spans are discontinuous, with their number."""
    for part, examples in parts.items():
        spans = [(x, span) for x in examples for span in x.spans]
        if broken := [(x, span) for x, span in spans if span.fragments]:
            example, first = broken[0]
            raise DataError(
                f"{part}: {len(broken):,} of {len(spans):,} spans are discontinuous (the first: "
                f"{first.words(example.text)[:60]!r} of {example.text[:40]!r}), which one tag a "
                "word cannot express; leave them out, or write each as one span from its first to "
                "its last character.",
                code="discontinuous-spans",
            )
