"""Checks of examples that several tasks share."""

from collections.abc import Callable, Mapping, Sequence

from kgbert.data import Example
from kgbert.utils.errors import DataError, Remedy


def place_of(
    example: Example,
    position: int,
    part: str = "",
    question: Callable[[Example], str] | None = None,
) -> str:
    """Return where an example was read and how it begins, for messages.

    Args:
        example: The example.
        position: Its number, which tells where it is if it was made in memory.
        part: The part of a split that it belongs to.
        question: Returns the question of an example, if the examples are questions.

    >>> place_of(Example("a fever", place="notes.csv: line 3"), 2, "train")
    "notes.csv: line 3 ('a fever')"
    >>> place_of(Example("a fever"), 2, "train")
    "train: text 2 ('a fever')"
    """
    kind = "question" if question else "text"
    words = question(example) if question else example.text
    place = f"{part}: {kind} {position:,}" if part else f"{kind} {position:,}"
    return f"{example.place or place} ({words[:40]!r})"


def check_targets(
    parts: Mapping[str, Sequence[Example]],
    lacks: str,
    *,
    code: str,
    remedies: Sequence[Remedy] = (),
    question: Callable[[Example], str] | None = None,
) -> None:
    """Raise DataError at the first example without a target.

    Args:
        parts: The examples of each part of a split.
        lacks: What is missing and what to do about it, as the end of a sentence.
        code: Code of the error.
        remedies: Remedies of the error.
        question: Returns the question of an example, if the examples are questions.

    >>> examples = [Example("fever", 1.0), Example("cough")]
    >>> check_targets({"train": examples}, "no value; fill it in.", code="missing-value")
    Traceback (most recent call last):
    kgbert.utils.errors.DataError: train: text 2 ('cough') has no value; fill it in.
    """
    for part, examples in parts.items():
        for position, example in enumerate(examples, start=1):
            if example.target is None:
                raise DataError(
                    f"{place_of(example, position, part, question)} has {lacks}",
                    code=code,
                    remedies=remedies,
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
