"""The settings of a dictionary linker."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from kgbert.linking.normalization.casefold import fold_cluster
from kgbert.linking.normalization.rules import DOMAINS, RULES, active_rules
from kgbert.linking.normalization.stopwords import STOP_NAMES
from kgbert.utils.errors import KGBertError, Remedy
from kgbert.utils.registry import lookup


def longest(start: int, end: int, covered: int) -> bool:
    """Accept a mention that begins behind all mentions before it."""
    return start >= covered


def nested(start: int, end: int, covered: int) -> bool:
    """Accept also a mention inside an earlier one, but none that crosses its end."""
    return start >= covered or end <= covered


#: How overlapping mentions are treated. Each function is called for the first word of a run of
#: words, the word behind its last, and the end of the mentions accepted so far, in reading order
#: and longer runs first.
OVERLAPS: dict[str, Callable[[int, int, int], bool]] = {"longest": longest, "nested": nested}

#: Shortest word, in letters, in which a typo may be tolerated.
MIN_FUZZY_LENGTH = 4


@dataclass(frozen=True)
class LinkerSettings:
    """The settings that determine, with the graph, which mentions a dictionary linker finds.

    >>> settings = LinkerSettings(max_candidates=2, rules=frozenset(["plural"]))
    >>> LinkerSettings.from_dict(settings.as_dict()) == settings
    True
    """

    max_candidates: int = 4
    """Most candidate entities of a mention, the best first."""
    rules: frozenset[str] = frozenset(RULES)
    """Names of the RULES that are switched on."""
    stop_names: frozenset[str] = STOP_NAMES
    """Names that are never linked, unless they are acronyms."""
    overlaps: str = "longest"
    """A name in OVERLAPS."""
    fuzzy_min_length: int = 0
    """Shortest word, in letters, in which one typo is tolerated; 0 tolerates none."""
    min_score: float = 0.0
    """Candidates with lower scores are left out."""
    domain_words: str | None = None
    """A name in DOMAINS, whose word lists are used; None means the domain of the graph's card."""

    def __post_init__(self) -> None:
        if self.max_candidates < 1:
            raise KGBertError(
                f"max_candidates is {self.max_candidates}, but a mention needs at least one "
                "candidate.",
                code="max-candidates-below-one",
                remedies=[Remedy("max_candidates", 1, "to keep only the best", "LinkerSettings")],
            )
        for rule in sorted(self.rules):
            lookup(RULES, rule, "normalization rule")
        lookup(OVERLAPS, self.overlaps, "treatment of overlaps")
        if self.domain_words is not None:
            lookup(dict.fromkeys(DOMAINS), self.domain_words, "domain")
        if self.fuzzy_min_length != 0 and self.fuzzy_min_length < MIN_FUZZY_LENGTH:
            raise KGBertError(
                f"fuzzy_min_length is {self.fuzzy_min_length}, but one typo turns a word this "
                "short into another word.",
                code="fuzzy-min-length-too-short",
                remedies=[
                    Remedy("fuzzy_min_length", MIN_FUZZY_LENGTH, "or more", "LinkerSettings"),
                    Remedy("fuzzy_min_length", 0, "to tolerate no typo", "LinkerSettings"),
                ],
            )
        if not 0 <= self.min_score < 1:
            raise KGBertError(
                f"min_score is {self.min_score:g}, but scores are above 0 and at most 1.",
                code="min-score-out-of-range",
                remedies=[
                    Remedy("min_score", 0, "to keep all candidates", "LinkerSettings"),
                    Remedy("min_score", 0.6, "to leave out common words", "LinkerSettings"),
                ],
            )
        object.__setattr__(self, "stop_names", frozenset(map(fold_cluster, self.stop_names)))

    @cached_property
    def ordered_rules(self) -> tuple[str, ...]:
        """The rules that are active, in the order in which they are applied to a word."""
        return active_rules(self.rules, self.domain_words or "none")

    def for_domain(self, domain: str) -> "LinkerSettings":
        """Return the settings with the domain of a graph if they have none."""
        return self if self.domain_words else replace(self, domain_words=domain or "none")

    def as_dict(self) -> dict[str, Any]:
        """Return the settings for JSON, with an entry for each known rule."""
        return {
            "linker": "dictionary",
            "max_candidates": self.max_candidates,
            "rules": {rule: rule in self.rules for rule in RULES},
            "stop_names": sorted(self.stop_names),
            "overlaps": self.overlaps,
            "fuzzy_min_length": self.fuzzy_min_length,
            "min_score": self.min_score,
            "domain_words": self.domain_words,
        }

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> "LinkerSettings":
        """Return the settings of a dictionary that :meth:`as_dict` returned.

        Raises:
            KGBertError: A setting is missing.
        """
        names = list(cls.__dataclass_fields__)
        if missing := sorted(set(names) - settings.keys()):
            raise KGBertError(
                f"the settings of the linker lack {', '.join(missing)}, so it cannot be restored; "
                "give what DictionaryLinker.settings returned, or make a new linker of the graph.",
                code="incomplete-linker-settings",
            )
        values = {name: settings[name] for name in names}
        values["rules"] = frozenset(rule for rule, on in settings["rules"].items() if on)
        values["stop_names"] = frozenset(settings["stop_names"])
        return cls(**values)
