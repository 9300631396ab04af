"""The choices of a dictionary linker."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kgbert.linking.normalization.casefold import fold_cluster
from kgbert.linking.normalization.rules import RULES
from kgbert.linking.normalization.stopwords import STOP_NAMES
from kgbert.utils.registry import lookup


def longest(start: int, end: int, reached: int) -> bool:
    """Accept what begins after all mentions before."""
    return start >= reached


def nested(start: int, end: int, reached: int) -> bool:
    """Accept also what lies within a mention before; never what crosses its end."""
    return start >= reached or end <= reached


#: Ways with overlaps; each is asked about a run of words, in reading order and longer runs
#: first, and told where the mentions accepted so far end.
OVERLAPS: dict[str, Callable[[int, int, int], bool]] = {"longest": longest, "nested": nested}


#: Shortest word, in letters, in which a typo may be forgiven.
MIN_FUZZY_LENGTH = 4


@dataclass(frozen=True)
class LinkerSettings:
    """What, besides the graph, decides what is linked.

    >>> settings = LinkerSettings(max_candidates=2, rules=frozenset(["plural"]))
    >>> LinkerSettings.from_dict(settings.as_dict()) == settings
    True
    """

    max_candidates: int = 4
    rules: frozenset[str] = frozenset(RULES)
    stop_names: frozenset[str] = STOP_NAMES
    overlaps: str = "longest"
    fuzzy_min_length: int = 0
    min_score: float = 0.0

    def __post_init__(self) -> None:
        if self.max_candidates < 1:
            raise ValueError(
                f"max_candidates is {self.max_candidates}, but a mention needs a candidate; "
                "give 1 to keep only the best."
            )
        for rule in sorted(self.rules):
            lookup(RULES, rule, "normalisation rule")
        lookup(OVERLAPS, self.overlaps, "way with overlaps")
        if self.fuzzy_min_length != 0 and self.fuzzy_min_length < MIN_FUZZY_LENGTH:
            raise ValueError(
                f"fuzzy_min_length is {self.fuzzy_min_length}, but a typo in so short a word makes "
                f"it another word; give {MIN_FUZZY_LENGTH} or more letters, or 0 to forgive none."
            )
        if not 0 <= self.min_score < 1:
            raise ValueError(
                f"min_score is {self.min_score:g}, but scores are above 0 and at most 1; give 0 to "
                "keep all, 0.6 to leave out words that are common."
            )
        object.__setattr__(self, "stop_names", frozenset(map(fold_cluster, self.stop_names)))

    @cached_property
    def ordered_rules(self) -> tuple[str, ...]:
        """The rules that are switched on, in the order in which words pass through them."""
        return tuple(rule for rule in RULES if rule in self.rules)

    def as_dict(self) -> dict[str, Any]:
        """Return the settings for JSON, with a line for each rule there is."""
        return {
            "linker": "dictionary",
            "max_candidates": self.max_candidates,
            "rules": {rule: rule in self.rules for rule in RULES},
            "stop_names": sorted(self.stop_names),
            "overlaps": self.overlaps,
            "fuzzy_min_length": self.fuzzy_min_length,
            "min_score": self.min_score,
        }

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> "LinkerSettings":
        """Return the settings that :meth:`as_dict` gave, or raise ValueError."""
        missing = sorted({"max_candidates", "rules", "stop_names", "overlaps"} - settings.keys())
        if missing:
            raise ValueError(
                f"the linker's settings lack {', '.join(missing)}, so it cannot be rebuilt; give "
                "what DictionaryLinker.settings returned, or make a new linker of the graph."
            )
        return cls(
            settings["max_candidates"],
            frozenset(rule for rule, switched_on in settings["rules"].items() if switched_on),
            frozenset(settings["stop_names"]),
            settings["overlaps"],
            # Linkers saved before there were these choices forgave no typo and kept all scores.
            settings.get("fuzzy_min_length", 0),
            settings.get("min_score", 0.0),
        )
