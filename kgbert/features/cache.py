"""Cache files of encoded vectors; a cache that cannot be read or written is no error."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from kgbert.utils.errors import KGBertError

logger = logging.getLogger(__name__)


Cached = TypeVar("Cached")


def load_cached(path: Path, load: Callable[[Path], Cached]) -> Cached | None:
    """Return the vectors in a cache file; None if it is missing, or with a warning if damaged.

    Args:
        path: The cache file. After None, the caller computes the vectors and writes it.
        load: Reads the file.
    """
    if not path.exists():
        return None
    try:
        return load(path)
    except (KGBertError, ValueError, OSError) as error:
        logger.warning("the features cached in %s are not used and made again: %s", path, error)
        return None


def save_cached(save: Callable[[Path], None], path: Path) -> None:
    """Call ``save`` with the path of a cache file; warn and continue if that fails."""
    try:
        save(path)
    except OSError as error:
        logger.warning("the features are not cached: %s", error)
