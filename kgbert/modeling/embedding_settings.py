"""The choices of an embedding linker."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kgbert.modeling.calibration import Calibration


@dataclass(frozen=True)
class EmbeddingSettings:
    """How many candidates a mention keeps, and how they are scored."""

    max_candidates: int = 4
    threshold: float = 0.1
    """Candidates that score less are left out; a mention without any is NIL."""
    calibration: Calibration = field(default_factory=Calibration)
    """How a similarity becomes a score."""

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

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> "EmbeddingSettings":
        """Return the settings that ``dataclasses.asdict`` gave.

        >>> from dataclasses import asdict
        >>> settings = EmbeddingSettings(threshold=0.3)
        >>> EmbeddingSettings.from_dict(asdict(settings)) == settings
        True
        """
        return cls(
            settings["max_candidates"],
            settings["threshold"],
            Calibration(**settings["calibration"]),
        )
