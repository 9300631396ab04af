"""Keep what many runs in a row would each say away from whoever waits for their end."""

from collections.abc import Iterator
from contextlib import contextmanager

from transformers import logging


@contextmanager
def quiet() -> Iterator[None]:
    """Silence transformers' bars and load reports while the context lasts.

    A model for a new task has a head that no checkpoint holds, and is saved once an epoch: what
    transformers says of both, each time, is news to nobody.
    """
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
