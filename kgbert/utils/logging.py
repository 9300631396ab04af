"""Silence the output of other libraries during training and prediction."""

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class _OncePerMessage(logging.Filter):
    """Passes each message template once, because all runs of a comparison encode the same texts."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        is_new = record.msg not in self.seen
        self.seen.add(record.msg)
        return is_new


#: A single instance, since a logger adds the same filter only once.
_ONCE = _OncePerMessage()


def silence_libraries() -> None:
    """Turn off progress bars, load reports and warnings of other libraries for this process."""
    # Imported here: it takes seconds, and many commands do not need it.
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    warnings.filterwarnings("ignore", module=r"(?!kgbert)")
    logging.getLogger("kgbert.encoding.processor").addFilter(_ONCE)
    # The command line prints a line of its own for each failed run.
    logging.getLogger("kgbert.comparison.compare").setLevel(logging.ERROR)


@contextmanager
def without_progress_bars() -> Iterator[None]:
    """Turn off the progress bars of transformers inside the context, but not those of downloads.

    Weights are loaded and saved in about a second, and kgbert reports its own progress.
    """
    from transformers import logging as transformers_logging

    # Switching the bars off and on would also switch those of huggingface_hub on.
    before = transformers_logging.set_tqdm_hook(_without_bar)
    try:
        yield
    finally:
        transformers_logging.set_tqdm_hook(before)


def _without_bar(
    make: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]
) -> Any:
    """Return a progress bar that is not shown."""
    return make(*arguments, **{**options, "disable": True})


@contextmanager
def silenced_transformers() -> Iterator[None]:
    """Turn off transformers' progress bars and load reports inside the context.

    A model for a new task always has an untrained head and is saved once an epoch; what
    transformers reports about both is expected.
    """
    from transformers import logging as transformers_logging

    level = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    try:
        with without_progress_bars():
            yield
    finally:
        transformers_logging.set_verbosity(level)
