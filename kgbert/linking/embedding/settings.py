"""The choices of an embedding linker."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from kgbert.linking.dictionary.settings import LinkerSettings
from kgbert.linking.embedding.calibration import Calibration


@dataclass(frozen=True)
class EmbeddingSettings:
    """How many candidates a mention keeps, and how they are scored."""

    max_candidates: int = 4
    threshold: float = 0.1
    """Candidates that score less are left out; a mention without any is NIL."""
    calibration: Calibration = field(default_factory=Calibration)
    """How a likeness becomes a score."""
    spelling: float = 0.15
    """How much the letters of names count, where what the encoder reads in them counts 1."""
    renown: float = 0.005
    """What each e-fold of names speaks for an entity: it parts those that share a name."""
    dictionary: LinkerSettings = field(default_factory=LinkerSettings)
    """Of the dictionary that finds the mentions, and has the first word where it is sure."""

    def __post_init__(self) -> None:
        if self.max_candidates < 1:
            raise ValueError(
                f"max_candidates is {self.max_candidates}, but a mention needs a candidate; "
                "give 1 to keep only the best."
            )
        if not 0 <= self.threshold <= 1:
            raise ValueError(
                f"threshold is {self.threshold}, but scores lie between 0 and 1; give 0 to keep "
                "every candidate."
            )
        if min(self.spelling, self.renown) < 0:
            raise ValueError(
                f"spelling is {self.spelling} and renown {self.renown}, but what speaks for a name "
                "cannot count less than nothing; give 0 to leave it out."
            )

    def as_dict(self) -> dict[str, Any]:
        """Return the settings for JSON."""
        return asdict(self) | {"dictionary": self.dictionary.as_dict()}

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> "EmbeddingSettings":
        """Return the settings that :meth:`as_dict` gave, or raise ValueError.

        >>> settings = EmbeddingSettings(threshold=0.3)
        >>> EmbeddingSettings.from_dict(settings.as_dict()) == settings
        True
        """
        told = settings.get("dictionary")
        return cls(
            settings["max_candidates"],
            settings["threshold"],
            Calibration(**settings["calibration"]),
            # Linkers saved before there were these choices were calibrated without them.
            settings.get("spelling", 0.0),
            settings.get("renown", 0.0),
            LinkerSettings.from_dict(told) if told else LinkerSettings(),
        )
