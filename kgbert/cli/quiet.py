"""Keep the answer of a command free of what the libraries below it say."""

import logging
import warnings


def quieten() -> None:
    """Silence progress bars, load reports and warnings that tell a user of kgbert nothing."""
    # Imported here: it takes seconds, and many commands need none of it.
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    warnings.filterwarnings("ignore", module=r"(?!kgbert)")
    # Each failed run has a line of its own already.
    logging.getLogger("kgbert.comparing.compare").setLevel(logging.ERROR)
