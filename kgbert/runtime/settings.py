"""The settings of an exported model, which the runtime reads instead of a configuration."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from kgbert.utils.errors import KGBertError, MissingFileError
from kgbert.utils.paths import RUNTIME_FILE

MODEL_FILE = "model.onnx"
TOKENIZER_FILE = "tokenizer.json"

#: Version of the settings; the runtime rejects newer ones.
VERSION = 1


@dataclass(frozen=True)
class TokenizerSettings:
    """What ``tokenizer.json`` leaves out."""

    padding: dict[str, int]
    """Input of the model -> value of its padding."""
    padding_side: str
    truncation_side: str
    unk_token_id: int | None
    all_special_ids: list[int]
    sep_token: str | None


@dataclass(frozen=True)
class RuntimeSettings:
    """Everything besides weights, tokenizer, graph and vectors that answers depend on.

    The fields up to ``nil_threshold`` are those of the configuration that tasks read.
    """

    task: str
    id2label: dict[int, str]
    task_settings: dict[str, Any]
    nil_threshold: float
    max_length: int
    candidates: int
    reads_last_token: bool
    answers_tokens: bool
    """Whether the model has an output for each token instead of one for each text."""
    tokenizer: TokenizerSettings
    linker: list[dict[str, Any]]
    graph_left_out: dict[str, str] = field(default_factory=dict)
    """Source, version, licence and hash of a graph that is not in the folder."""
    untrained_labels: list[str] = field(default_factory=list)
    """The labels without training texts, which tasks read like the fields of the configuration."""
    paths: dict[str, Any] = field(default_factory=dict)
    """How the paths of the graph are counted; empty for a model that scores none."""
    version: int = VERSION

    def save(self, folder: Path) -> None:
        """Write the settings to a folder."""
        text = json.dumps(asdict(self), indent=2)
        (folder / RUNTIME_FILE).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "RuntimeSettings":
        """Return the settings in a folder.

        Raises:
            KGBertError: The folder has no exported model, a damaged one, or one of a newer kgbert.
        """
        path = folder / RUNTIME_FILE
        try:
            values: Any = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise MissingFileError(
                f"{folder} contains no {RUNTIME_FILE}, so it is no exported model. Give the folder "
                "that `kgbert export MODEL --onnx FOLDER` wrote.",
                code="no-exported-model",
            ) from error
        except ValueError as error:
            raise _damaged(path) from error
        if not isinstance(values, dict):
            raise _damaged(path)
        if values.get("version", 0) > VERSION:
            raise KGBertError(
                f"{path} has version {values['version']}, and this kgbert reads up to {VERSION}. "
                "Update kgbert, or export the model again.",
                code="newer-settings",
            )
        try:
            values["tokenizer"] = TokenizerSettings(**values["tokenizer"])
            values["id2label"] = {int(i): label for i, label in values["id2label"].items()}
            return cls(**values)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise _damaged(path) from error


def _damaged(path: Path) -> KGBertError:
    return KGBertError(
        f"{path} is damaged. Restore the folder from its source, or export the model again.",
        code="damaged-settings",
    )
