import logging

import transformers

from kgbert.utils import logging as for_commands
from kgbert.utils.logging import silenced_transformers


def test_transformers_is_silenced_inside_the_context_only():
    before = transformers.logging.get_verbosity()
    transformers.logging.set_verbosity_info()
    transformers.logging.enable_progress_bar()

    with silenced_transformers():
        inside = (
            transformers.logging.get_verbosity(),
            transformers.logging.is_progress_bar_enabled(),
        )

    assert inside == (transformers.logging.ERROR, False)
    assert transformers.logging.get_verbosity() == transformers.logging.INFO
    assert transformers.logging.is_progress_bar_enabled()
    transformers.logging.set_verbosity(before)


def test_a_kind_of_message_is_let_through_once():
    once = for_commands._OncePerMessage()
    records = [
        logging.LogRecord("x", logging.WARNING, "", 0, message, (number,), None)
        for number, message in enumerate(("%s texts were cut off", "%s texts were cut off", "%s"))
    ]

    assert [bool(once.filter(record)) for record in records] == [True, False, True]
