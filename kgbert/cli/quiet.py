"""Keep the answer of a command free of what the libraries below it say."""

import logging
import warnings


class _Once(logging.Filter):
    """Lets each kind of message through once: a comparison encodes the same texts for every run."""

    def __init__(self) -> None:
        super().__init__()
        self.said: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        new = record.msg not in self.said
        self.said.add(record.msg)
        return new


#: One for all calls, for a logger takes a filter once.
_ONCE = _Once()


def quieten() -> None:
    """Silence progress bars, load reports and warnings that tell a user of kgbert nothing."""
    # Imported here: it takes seconds, and many commands need none of it.
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    warnings.filterwarnings("ignore", module=r"(?!kgbert)")
    logging.getLogger("kgbert.batching.processor").addFilter(_ONCE)
    # Each failed run has a line of its own already.
    logging.getLogger("kgbert.comparing.compare").setLevel(logging.ERROR)
