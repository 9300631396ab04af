import time
from contextlib import suppress

import pytest

from kgbert import GraphError, read_graph

#: What a file of a format may repeat many times, where a scan might begin anew each time.
REPEATED = {
    "empty stanzas": ("obo", "", "[Term]\n"),
    "stanzas": ("obo", "", "[Term]\nid: X:1\nname: a\n\n"),
    "spaces in a name": ("obo", "[Term]\nid: X:1\nname: a", " "),
    "spaces and braces in a name": ("obo", "[Term]\nid: X:1\nname: a ! b", " {"),
    "quotes in a synonym": ("obo", "[Term]\nid: X:1\nname: a\nsynonym: ", '\\"'),
    "backslashes": ("obo", "[Term]\nid: X:1\nname: a\nproperty_value: a ", "\\"),
    "exclamation marks": ("obo", "[Term]\nid: X:1\nname: a\nis_a: X", "!"),
    "quotes in a table": ("table", "id,name\n1,", '"'),
    "separators in a table": ("table", "id,name,synonyms\n1,a,", "|"),
    "commas in synonyms": ("table", 'id,name,synonyms\n1,a,"', "b,"),
    "quotes between tabs": ("table", "id\tname\n1\t", '"'),
    "steps of a path": ("names", "", "a > "),
    "bars": ("dictionary", "1||", "a|"),
    "brackets": ("records", "", "["),
    "lines of JSON": ("records", "", '{"id": "1", "name": "a"}\n'),
}


def seconds_for(path, format_name):
    best = float("inf")
    for _ in range(2):
        start = time.perf_counter()
        with suppress(GraphError):
            read_graph(path, format=format_name, cache=None)
        best = min(best, time.perf_counter() - start)
    return best


@pytest.mark.parametrize("case", REPEATED)
def test_the_time_to_read_grows_with_the_length_alone(case, tmp_path):
    format_name, start, repeated = REPEATED[case]
    small, large = tmp_path / "small.txt", tmp_path / "large.txt"
    small.write_text(start + repeated * (10_000 // len(repeated)) + "\n")
    large.write_text(start + repeated * (80_000 // len(repeated)) + "\n")

    # Eight times as long takes eight times as long, where a quadratic scan takes 64 times.
    assert seconds_for(large, format_name) < 40 * seconds_for(small, format_name) + 0.2
