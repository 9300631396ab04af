"""Files inside installed packages."""

from importlib import metadata
from pathlib import Path


def package_file(package: str, path: str) -> Path:
    """Return a file of an installed package."""
    for file in metadata.files(package) or ():
        if str(file).endswith(path):
            return Path(str(file.locate()))
    raise SystemExit(f"no {path} in {package}: pip install {package}, or give the file's path")
