"""Write files and folders atomically."""

import glob
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout
from safetensors import SafetensorError


@contextmanager
def replacing(folder: str | Path, what: str) -> Iterator[Path]:
    """Provide a new folder to write to, which replaces ``folder`` if no error occurs.

    The new folder is created in the same parent folder. A full disk or a killed process therefore
    leaves the old folder intact; what a killed process left beside it is removed by the next call.

    Args:
        folder: The final folder; an existing one is replaced.
        what: What is written, for messages.

    Raises:
        OSError: The folder could not be written; the message names it.

    >>> place = Path(tempfile.mkdtemp()) / "model"
    >>> with replacing(place, "model") as fresh:
    ...     _ = (fresh / "weights").write_text("1")
    >>> [file.name for file in place.iterdir()]
    ['weights']
    """
    folder = Path(folder).absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(folder)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".tmp", dir=folder.parent))
    try:
        with _writing(fresh):
            yield fresh
            fresh.chmod(0o755)
            _replace_folder(fresh, folder)
    except (OSError, SafetensorError) as error:
        raise OSError(
            error.errno if isinstance(error, OSError) else None,
            f"could not write the {what} to {folder} ({error}); nothing was changed. Free "
            "some space or choose another folder, then run the same command again",
        ) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


@contextmanager
def _writing(fresh: Path) -> Iterator[None]:
    """Hold the lock that tells other processes that a folder is being written.

    Raises:
        Timeout: Another process is writing it.
    """
    lock = fresh.with_suffix(".lock")
    with FileLock(lock, timeout=0):
        try:
            yield
        finally:
            with suppress(OSError):  # Windows cannot remove an open file
                lock.unlink()


def _remove_leftovers(folder: Path) -> None:
    """Remove what killed processes left beside a folder; put the folder back if it was moved."""
    name = glob.escape(folder.name)
    for old in folder.parent.glob(f".{name}.*.old"):
        if folder.exists():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.rename(folder)
    left = (path for end in ("tmp", "lock") for path in folder.parent.glob(f".{name}.*.{end}"))
    for unfinished in {path.with_suffix(".tmp") for path in left}:
        with suppress(Timeout), _writing(unfinished):
            shutil.rmtree(unfinished, ignore_errors=True)


def _replace_folder(fresh: Path, folder: Path) -> None:
    """Rename ``fresh`` to ``folder``; delete the old folder only afterwards."""
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


def write_atomically(path: str | Path, content: str | bytes | Iterable[bytes]) -> Path:
    """Write ``content`` to ``path`` atomically, and return the path.

    The content goes to a temporary file in the same folder, which is then renamed to ``path``.
    Missing folders are created. Text is written as UTF-8; an iterable of bytes allows content that
    is larger than memory.

    Raises:
        OSError: The file could not be written (disk full, no permission); the message names the
            path, an existing file is unchanged, and no temporary file remains.

    >>> folder = tempfile.mkdtemp()
    >>> write_atomically(f"{folder}/verdict.txt", "helps").read_text()
    'helps'
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(
            prefix=f".{path.name[:40]}.", suffix=".tmp", dir=path.parent
        )
        try:
            _fill(number, _pieces(content))
            os.chmod(name, _mode(path))
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise OSError(
            error.errno,
            f"could not write {path} ({error.strerror}); nothing was changed. Free some space or "
            f"choose another folder, then run the same command again",
        ) from error
    return path


def _pieces(content: str | bytes | Iterable[bytes]) -> Iterable[bytes]:
    if isinstance(content, str):
        return [content.encode()]
    return [content] if isinstance(content, bytes) else content


def _fill(number: int, pieces: Iterable[bytes]) -> None:
    with os.fdopen(number, "wb") as file:
        file.writelines(pieces)
        file.flush()
        os.fsync(file.fileno())


def _mode(path: Path) -> int:
    # mkstemp creates files that only the owner can read. Keep the mode of an existing file, or use
    # the mode that open() would use.
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
