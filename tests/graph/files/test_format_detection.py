import time
from contextlib import suppress

import pytest

from kgbert import GraphError
from kgbert.graph.files.format_detection import detect_format
from kgbert.graph.files.source import Source
from tests.support.errors import raises

#: Beginnings that made a pattern take time that grows with the square of their length.
REPEATED = ["\n", "\n \n", " ", '"', "a:b ", "<a> ", "{", "[", '"a" ', '{"type":"item",', "#", "|"]


def seconds_for(path):
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        with suppress(GraphError):
            detect_format(Source(path))
        best = min(best, time.perf_counter() - start)
    return best


@pytest.mark.parametrize("start", ["", '<a> <b> "', "{", "x"])
@pytest.mark.parametrize("repeated", REPEATED, ids=repr)
def test_the_time_to_detect_a_format_grows_with_the_length_alone(start, repeated, tmp_path):
    small, large = tmp_path / "small.txt", tmp_path / "large.txt"
    small.write_text(start + repeated * (7_000 // len(repeated)) + "x y")
    large.write_text(start + repeated * (56_000 // len(repeated)) + "x y")

    # Eight times as long takes eight times as long, where a quadratic pattern takes 64 times.
    assert seconds_for(large) < 40 * seconds_for(small) + 0.1


def test_a_file_of_blank_lines_before_its_table_is_a_table(tmp_path):
    path = tmp_path / "late.csv"
    path.write_text("\n" * 10_000 + "source,target\na,b\n")

    assert detect_format(Source(path)) == "table"


@pytest.mark.parametrize("content", [b"%PDF-1.4\n1 0 obj", b"SQLite format 3\0\0", b"\0\1\2,\3"])
def test_a_binary_file_is_refused_as_such(content, tmp_path):
    path = tmp_path / "graph.bin"
    path.write_bytes(content)

    with raises("binary-file"):
        detect_format(Source(path))


def test_manchester_syntax_is_refused_with_a_converter(tmp_path):
    path = tmp_path / "pizza.omn"
    path.write_text("Class: Pizza\n    SubClassOf: Food\n")

    with raises("unsupported-owl-syntax"):
        detect_format(Source(path))
