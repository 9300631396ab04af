"""Mutated graph files: every reader returns a graph or raises a GraphError, and nothing else.

A run takes a few seconds a format. For a long one:

    KGBERT_FUZZ_SECONDS=600 python -m pytest tests/fuzz
"""

import logging
import os
import random
from time import monotonic

import pytest

from kgbert import GraphError, ReadOptions, read_graph
from kgbert.graph.core.options import Limits
from tests.fuzz.mutations import mutated
from tests.support.five_entities import WRITERS

SECONDS = float(os.environ.get("KGBERT_FUZZ_SECONDS", "2"))
#: Small limits, so that an input that grows meets them.
OPTIONS = ReadOptions(
    name_from_id=True, limits=Limits(bytes=1 << 24, in_memory=1 << 24, line=1 << 16)
)


@pytest.mark.parametrize("format_name", WRITERS)
def test_a_mutated_file_is_read_or_refused(format_name, tmp_path, caplog):
    # rdflib logs mutated IRIs, lone surrogates included, which no test report can carry.
    caplog.set_level(logging.CRITICAL, "rdflib")
    original = WRITERS[format_name](tmp_path).read_bytes()
    path = tmp_path / f"mutated.{format_name}"
    end, seed = monotonic() + SECONDS, 0

    while monotonic() < end:
        content = mutated(original, random.Random(seed))
        path.write_bytes(content)
        try:
            read_graph(path, format=format_name, options=OPTIONS, cache=None).health()
        except GraphError:
            pass
        except Exception as error:
            error.add_note(f"format {format_name}, seed {seed}: {content[:2000]!r}")
            raise
        seed += 1
