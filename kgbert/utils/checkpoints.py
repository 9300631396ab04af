"""Checkpoints of an interrupted training, of which the last may have been cut by a kill."""

import json
import shutil
from pathlib import Path

#: Trainer writes this file last.
_STATE_FILE = "trainer_state.json"


def last_checkpoint(folder: Path) -> Path | None:
    """Return the last complete checkpoint of a Trainer; None if there is none.

    Checkpoints that a kill left incomplete are removed, since training writes them again. Only one
    process may call this at a time.

    Args:
        folder: The folder of the checkpoints, which may not exist.
    """
    found = {
        int(number): path
        for path in folder.glob("checkpoint-*")
        if (number := path.name.removeprefix("checkpoint-")).isdecimal()
    }
    for step in sorted(found, reverse=True):
        if _is_complete(found[step]):
            return found[step]
        shutil.rmtree(found[step])
    return None


def _is_complete(checkpoint: Path) -> bool:
    try:
        json.loads((checkpoint / _STATE_FILE).read_bytes())
    except (OSError, ValueError):
        return False
    return True
