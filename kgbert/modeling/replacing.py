"""Write a folder whole or not at all."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError


@contextmanager
def replacing(folder: str | Path, what: str) -> Iterator[Path]:
    """Give a new folder to write to, which takes the place of ``folder`` if all went well.

    The new folder lies beside the final one, so that a full disk or a kill leaves what stood
    there before.

    Args:
        folder: Where to; what stands there is replaced.
        what: What is written, for the message.

    Raises:
        OSError: It could not be written; the message names the folder.

    >>> place = Path(tempfile.mkdtemp()) / "model"
    >>> with replacing(place, "model") as fresh:
    ...     _ = (fresh / "weights").write_text("1")
    >>> [file.name for file in place.iterdir()]
    ['weights']
    """
    folder = Path(folder).absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".tmp", dir=folder.parent))
    try:
        yield fresh
        fresh.chmod(0o755)
        _take_place(fresh, folder)
    except (OSError, SafetensorError) as error:
        raise OSError(
            error.errno if isinstance(error, OSError) else None,
            f"could not write the {what} to {folder} ({error}); nothing was changed. Free "
            "some space or choose another folder, then run the same command again",
        ) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _take_place(fresh: Path, folder: Path) -> None:
    """Rename ``fresh`` to ``folder``, which goes only once the new one stands in its place."""
    if not folder.exists():
        fresh.rename(folder)
        return
    old = fresh.with_suffix(".old")
    folder.rename(old)
    try:
        fresh.rename(folder)
    except BaseException:
        old.rename(folder)
        raise
    shutil.rmtree(old)
