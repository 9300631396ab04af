"""Places of files, as others may be told of them."""

from pathlib import Path


def without_folders(told: str) -> str:
    """Return the last two parts of what is the place of something; anything else as it is."""
    path = Path(told)
    return "/".join(path.parts[-2:]) if path.parts[1:] and path.exists() else told
