"""The settings of an embedding linker."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from kgbert.linking.dictionary.settings import LinkerSettings
from kgbert.linking.embedding.calibration import Calibration
from kgbert.utils.errors import KGBertError, Remedy


@dataclass(frozen=True)
class EmbeddingSettings:
    """How many candidates a mention has, and how they are scored."""

    max_candidates: int = 4
    threshold: float = 0.1
    """Candidates with lower scores are left out; a mention without candidates is NIL."""
    calibration: Calibration = field(default_factory=Calibration)
    """Maps a similarity to a score."""
    string_weight: float = 0.15
    """Weight of the string similarity of names, relative to that of their vectors."""
    popularity_weight: float = 0.005
    """Weight of the logarithm of an entity's number of names: it ranks entities with one name."""
    dictionary: LinkerSettings = field(default_factory=LinkerSettings)
    """Settings of the dictionary that finds the mentions and takes precedence if it is certain."""

    def __post_init__(self) -> None:
        if self.max_candidates < 1:
            raise KGBertError(
                f"max_candidates is {self.max_candidates}, but a mention needs at least one "
                "candidate.",
                code="max-candidates-below-one",
                remedies=[Remedy("max_candidates", 1, "to keep only the best")],
            )
        if not 0 <= self.threshold <= 1:
            raise KGBertError(
                f"threshold is {self.threshold}, but scores are between 0 and 1.",
                code="threshold-out-of-range",
                remedies=[Remedy("threshold", 0, "to keep every candidate")],
            )
        if min(self.string_weight, self.popularity_weight) < 0:
            raise KGBertError(
                f"string_weight is {self.string_weight} and popularity_weight is "
                f"{self.popularity_weight}, but weights must be >= 0; 0 switches a term off.",
                code="negative-linker-weight",
            )

    def as_dict(self) -> dict[str, Any]:
        """Return the settings for JSON."""
        return asdict(self) | {"dictionary": self.dictionary.as_dict()}

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> "EmbeddingSettings":
        """Return the settings that :meth:`as_dict` gave.

        >>> settings = EmbeddingSettings(threshold=0.3)
        >>> EmbeddingSettings.from_dict(settings.as_dict()) == settings
        True
        """
        return cls(
            settings["max_candidates"],
            settings["threshold"],
            Calibration(**settings["calibration"]),
            settings["string_weight"],
            settings["popularity_weight"],
            LinkerSettings.from_dict(settings["dictionary"]),
        )
