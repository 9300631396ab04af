"""Mutated files: every reader returns something or refuses the file, and nothing else.

A run takes less than a second a reader. For a long one, with a count of the inputs:

    python -m tests.fuzz --inputs 100000
"""

import logging
import os

import pytest

from kgbert.graph.readers.registry import READERS
from tests.fuzz.families import GRAPHS, TEXTS
from tests.fuzz.running import fuzz

SECONDS = float(os.environ.get("KGBERT_FUZZ_SECONDS", "0.6"))


@pytest.mark.parametrize("name", [*GRAPHS, *TEXTS])
def test_a_mutated_file_is_read_or_refused(name, tmp_path, caplog):
    # rdflib logs mutated IRIs, lone surrogates included, which no test report can carry.
    caplog.set_level(logging.CRITICAL, "rdflib")

    assert fuzz(name, (GRAPHS | TEXTS)[name], tmp_path, seconds=SECONDS).inputs


def test_every_format_has_an_input_to_mutate():
    assert READERS.keys() <= GRAPHS.keys()
