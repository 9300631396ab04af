"""Damaged models and caches: a model is loaded or refused, a cache is made again."""

import logging

import pytest

from tests.fuzz.running import fuzz
from tests.fuzz.saved import SAVED
from tests.fuzz.test_readers import SECONDS


@pytest.mark.parametrize("name", SAVED)
def test_a_damaged_file_is_refused_or_healed(name, tmp_path, caplog):
    caplog.set_level(logging.CRITICAL)

    assert fuzz(name, SAVED[name], tmp_path / "files", seconds=2 * SECONDS).inputs
