from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from kgbert.utils.errors import KGBertError
from kgbert.utils.json_records import from_json, to_json


@dataclass(frozen=True)
class Inner:
    name: str
    values: tuple[float, ...] = ()


@dataclass(frozen=True)
class Outer:
    pair: tuple[int, str]
    inner: Inner | None = None
    number: int | float | None = None
    scores: Mapping[str, float] | None = None
    anything: Any = None


def test_a_record_survives_the_way_to_json_and_back():
    record = Outer((1, "a"), Inner("f1", (0.5, 1.0)), 2.5, {"f1": 0.5}, {"free": [None]})

    assert from_json(Outer, to_json(record), source="x") == record


def test_a_number_of_a_union_keeps_its_type():
    read = [from_json(Outer, {"pair": [1, "a"], "number": n}, source="x").number for n in (2, 2.0)]

    assert [type(number) for number in read] == [int, float]


@pytest.mark.parametrize(
    ("value", "code", "said"),
    [
        ([], "invalid-field", "run.json is []; expected an object"),
        ({}, "missing-field", "run.json lacks the field 'pair'"),
        ({"pair": [1, "a"], "par": 1}, "unknown-field", "unknown field 'par'; known fields: pair,"),
        ({"pair": "1a"}, "invalid-field", "run.json.pair is '1a'; expected a list"),
        ({"pair": [1]}, "invalid-field", "run.json.pair is [1]; expected 2 values"),
        ({"pair": [True, "a"]}, "invalid-field", "run.json.pair[0] is True; expected int"),
        ({"pair": [1, "a"], "inner": 3}, "invalid-field", "run.json.inner is 3; expected an obj"),
        (
            {"pair": [1, "a"], "inner": {"name": "x", "values": ["y"]}},
            "invalid-field",
            "run.json.inner.values[0] is 'y'; expected float",
        ),
        ({"pair": [1, "a"], "scores": [1]}, "invalid-field", "run.json.scores is [1]; expected an"),
    ],
)
def test_a_wrong_field_is_named_with_its_place(value, code, said):
    with pytest.raises(KGBertError) as caught:
        from_json(Outer, value, source="run.json")

    assert caught.value.code == code
    assert said in str(caught.value)
