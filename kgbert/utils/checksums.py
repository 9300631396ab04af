"""Checksums of the files of a saved model, which belong together."""

import hashlib
import json
from collections.abc import Collection
from pathlib import Path

from kgbert.utils.errors import KGBertError

CHECKSUMS_FILE = "kgbert_checksums.json"


def write_checksums(folder: Path, *, without: Collection[str] = ()) -> None:
    """Write the checksums of the weights, the features and the tokenizer in a folder.

    Args:
        folder: The folder.
        without: Files that are checked otherwise.
    """
    checked = sorted(_checked_files(folder) - {*without})
    checksums = {name: file_checksum(folder / name) for name in checked}
    (folder / CHECKSUMS_FILE).write_text(json.dumps(checksums, indent=1) + "\n", encoding="utf-8")


def verify_checksums(folder: Path) -> None:
    """Check that the files in a folder are those that were saved together.

    A folder without checksums, for example of transformers' own ``save_pretrained``, is accepted.

    Raises:
        KGBertError: A file is missing, damaged, or of another model.
    """
    path = folder / CHECKSUMS_FILE
    if not path.is_file():
        return
    try:
        checksums = dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise KGBertError(
            f"{path} is damaged ({error}). Restore the folder from its source; without this file, "
            "the others are not checked.",
            code="damaged-checksums",
        ) from error
    for name, checksum in checksums.items():
        # Only names of files in this folder: a folder may come from anywhere.
        file = folder / Path(str(name)).name
        if not file.is_file() or file_checksum(file) != checksum:
            raise KGBertError(
                f"{file} is not the file that was saved with this model: it is missing, damaged or "
                f"of another model. Restore the folder from its source; if you replaced the file "
                f"on purpose, remove {CHECKSUMS_FILE}.",
                code="changed-file",
            )


def _checked_files(folder: Path) -> set[str]:
    return {path.name for pattern in _CHECKED for path in folder.glob(pattern)}


def file_checksum(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


#: Settings are left out: they are read with care, and people edit them.
_CHECKED = ("*.safetensors", "tokenizer*.json", "vocab.*", "merges.txt", "*.model")
