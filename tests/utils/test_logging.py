import io
import logging

import huggingface_hub
import pytest
import transformers

from kgbert.utils import logging as for_commands
from kgbert.utils.logging import silenced_transformers, without_progress_bars


@pytest.fixture(autouse=True)
def bars(monkeypatch):
    """Turn the bars on, which commands in other tests turn off."""
    monkeypatch.setattr(transformers.utils.logging, "_tqdm_active", True)


def has_bar():
    return not transformers.logging.tqdm(range(3), file=io.StringIO()).disable


def test_transformers_is_silenced_inside_the_context_only():
    before = transformers.logging.get_verbosity()
    transformers.logging.set_verbosity_info()

    with silenced_transformers():
        inside = (transformers.logging.get_verbosity(), has_bar())

    assert inside == (transformers.logging.ERROR, False)
    assert transformers.logging.get_verbosity() == transformers.logging.INFO
    assert has_bar()
    transformers.logging.set_verbosity(before)


def test_bars_of_downloads_stay_as_the_user_set_them():
    huggingface_hub.utils.disable_progress_bars()
    try:
        with without_progress_bars():
            assert not has_bar()

        assert has_bar()
        assert huggingface_hub.utils.are_progress_bars_disabled()
    finally:
        huggingface_hub.utils.enable_progress_bars()


def test_a_kind_of_message_is_let_through_once():
    once = for_commands._OncePerMessage()
    records = [
        logging.LogRecord("x", logging.WARNING, "", 0, message, (number,), None)
        for number, message in enumerate(("%s texts were cut off", "%s texts were cut off", "%s"))
    ]

    assert [bool(once.filter(record)) for record in records] == [True, False, True]
