"""Paths without private folders, and the file that identifies a saved model."""

from pathlib import Path

#: File that identifies the folder of a saved model.
SETTINGS_FILE = "kgbert_processor.json"


def without_folders(name: str) -> str:
    """Return the last two parts of an existing path; any other string unchanged."""
    path = Path(name)
    return "/".join(path.parts[-2:]) if path.parts[1:] and path.exists() else name
