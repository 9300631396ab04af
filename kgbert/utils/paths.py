"""Places of files, as others may be told of them, and the file by which a model is known."""

from pathlib import Path

#: In the folder of a saved model, and in no other.
SETTINGS_FILE = "kgbert_processor.json"


def without_folders(told: str) -> str:
    """Return the last two parts of what is the place of something; anything else as it is."""
    path = Path(told)
    return "/".join(path.parts[-2:]) if path.parts[1:] and path.exists() else told
