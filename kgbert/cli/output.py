"""Make sure of the folder that results go to, before anything takes long."""

import os
from pathlib import Path


def check_output(folder: Path, kind: str = "", mark: str = "") -> None:
    """Raise ValueError where a folder cannot be written, or what it holds would be lost.

    Args:
        folder: Where results go; it need not exist yet.
        kind: What alone may be overwritten there; empty if what is there is gone on with.
        mark: The file by which that is known.
    """
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not there.is_dir():
        which = "this" if there == folder else there
        raise ValueError(f"--output {folder}: {which} is a file; name a folder")
    if not os.access(there, os.W_OK):
        raise ValueError(
            f"--output {folder}: nothing may be written in {there}; name a folder of your own"
        )
    if kind and there == folder and any(folder.iterdir()) and not (folder / mark).exists():
        raise ValueError(
            f"--output {folder}: this folder holds files that are no {kind} of kgbert, and they "
            "would be lost; name a new folder"
        )
