"""Pairs of texts: models that were trained on them answer nothing else."""

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from kgbert.data import Example
from kgbert.tasks.checks import place_of
from kgbert.utils.errors import DataError

#: The inputs of a row that is a pair of texts.
PAIR_SAMPLE = MappingProxyType({"text": "a text", "text_pair": "another text"})

#: The setting of a model that was trained on pairs of texts.
_PAIRS = "pairs"


def are_pairs(examples: Sequence[Example]) -> bool:
    """Return whether examples have a second text; all of them have one, or none."""
    return bool(examples and examples[0].others)


def pair_settings(train: Sequence[Example]) -> dict[str, bool]:
    """Return the settings of a model that say whether its training examples are pairs of texts."""
    return {_PAIRS: True} if are_pairs(train) else {}


def answers_pairs(settings: Mapping[str, Any]) -> bool:
    """Return whether a model with these settings was trained on pairs of texts."""
    return bool(settings.get(_PAIRS))


def check_pairs(parts: Mapping[str, Sequence[Example]]) -> None:
    """Raise DataError where some examples are pairs of texts and others are single texts."""
    counts = {len(x.texts) for examples in parts.values() for x in examples}
    if len(counts) < 2:
        return
    for part, examples in parts.items():
        for position, example in enumerate(examples, start=1):
            if not example.others:
                raise DataError(
                    f"{place_of(example, position, part)} has no 'text_pair' while others have "
                    "one; fill it in, or leave the text out",
                    code="missing-text-pair",
                )


def check_all_pairs(examples: Sequence[Example]) -> None:
    """Raise DataError at the first example that is no pair of texts.

    >>> check_all_pairs([Example("fever", others=("cough",)), Example("fever")])
    Traceback (most recent call last):
    kgbert.utils.errors.DataError: text 2 ('fever') has no 'text_pair', and the model was trained on
    pairs of texts; add that column to a file, or write {"text": "a text", "text_pair": "another
    text"}.
    """
    sample = json.dumps(dict(PAIR_SAMPLE))
    for position, example in enumerate(examples, start=1):
        if not example.others:
            raise DataError(
                f"{place_of(example, position)} has no 'text_pair', and the model was trained on "
                f"pairs of texts; add that column to a file, or write {sample}.",
                code="missing-text-pair",
            )
