"""Check that the labels of a task can be learnt and scored."""

from collections import Counter
from collections.abc import Mapping, Sequence

from kgbert.data.example import Example


def check_labels(
    train: Sequence[Example],
    validation: Sequence[Example] = (),
    test: Sequence[Example] = (),
) -> tuple[str, ...]:
    """Return the labels of the training texts in order, or raise ValueError.

    The labels are those of the texts; where no text has one, those of the spans.

    >>> check_labels([Example("a", "ill"), Example("b", "well")], test=[Example("c", "Well")])
    Traceback (most recent call last):
    ValueError: test: 'Well' (1) unknown to train, which knows 'ill', 'well'; ...
    """
    of_spans = not any(example.label for example in train)
    parts = {"train": train, "validation": validation, "test": test}
    _check_arguments(parts)
    counts = {
        name: Counter(_labels(name, examples, of_spans=of_spans))
        for name, examples in parts.items()
    }
    known = tuple(sorted(counts["train"]))
    if not known:
        raise ValueError(
            f"train: none of the {len(train):,} texts has a label or a span, so nothing can be "
            "learnt; name the column with --label-column (in Python: label_column=...)"
        )
    if len(known) == 1 and not of_spans:
        raise ValueError(
            f"train: all {len(train):,} texts have the label {known[0]!r}, so there is nothing to "
            "tell apart; add texts with another label, or name another --label-column"
        )
    for name, found in counts.items():
        if unknown := sorted(found.keys() - known):
            raise ValueError(
                f"{name}: {_shown(unknown, found)} unknown to train, which knows "
                f"{', '.join(map(repr, known))}; correct the spelling, move such texts to train, "
                "or leave them out"
            )
    return known


def _check_arguments(parts: Mapping[str, Sequence[Example]]) -> None:
    """Raise ValueError where some texts say where a relation's arguments are, and others do not."""
    if not any(example.arguments for examples in parts.values() for example in examples):
        return
    for name, examples in parts.items():
        for position, example in enumerate(examples, start=1):
            if not example.arguments:
                raise ValueError(
                    f"{name}: text {position:,} ({example.text[:40]!r}) does not say where the two "
                    "arguments of its relation are, while others do; fill in head_start, head_end, "
                    "tail_start and tail_end, or leave the text out"
                )


def _labels(name: str, examples: Sequence[Example], *, of_spans: bool) -> list[str]:
    if of_spans:
        return [span.label for example in examples for span in example.spans]
    for position, example in enumerate(examples, start=1):
        if not example.label:
            raise ValueError(
                f"{name}: text {position:,} ({example.text[:40]!r}) has no label while others "
                "have one; fill it in, or leave the text out"
            )
    return [example.label for example in examples]


def _shown(labels: Sequence[str], counts: Counter[str]) -> str:
    return ", ".join(f"{label!r} ({counts[label]:,})" for label in labels)
