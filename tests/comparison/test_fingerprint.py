"""The description of custom code changes exactly if its behaviour changes."""

import inspect
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
import torch

from kgbert.comparison.fingerprint import describe_code
from tests.support.processes import printed_elsewhere
from tests.support.tiny import tiny_features, tiny_graph


def closure(value):
    def change(inputs, seed):
        return value

    return change


def default(value):
    def change(inputs, seed, value=value):
        return value

    return change


def keyword(value):
    def change(inputs, seed, *, value=value):
        return value

    return change


def inner(value):
    return closure(closure(value))


def partly(value):
    def change(value, inputs, seed):
        return value

    return partial(change, value)


class Slotted:
    __slots__ = ("value",)

    def __init__(self, value):
        self.value = value

    def __call__(self, inputs, seed):
        return self.value


@dataclass
class Setting:
    value: object


class Plain:
    def __init__(self, value):
        self.value = value


def linear(weight):
    layer = torch.nn.Linear(1, 1)
    torch.nn.init.constant_(layer.weight, weight)
    torch.nn.init.zeros_(layer.bias)
    return layer


def large(last):
    values = np.zeros(10_000)
    values[5_000] = last
    return values


VALUES = [
    (0.1, 0.9),
    (large(0), large(1)),
    (torch.tensor(large(0)), torch.tensor(large(1))),
    (torch.ones(2, dtype=torch.bfloat16), torch.zeros(2, dtype=torch.bfloat16)),
    (np.array(["a", None], object), np.array(["b", None], object)),
    ({"a": [large(0)]}, {"a": [large(1)]}),
    ({"a", "b"}, {"a", "c"}),
    (Setting(large(0)), Setting(large(1))),
    (Plain(large(0)), Plain(large(1))),
    (linear(0.0), linear(1.0)),
    (tiny_features(tiny_graph(), seed=0), tiny_features(tiny_graph(), seed=1)),
]


@pytest.mark.parametrize("make", [closure, default, keyword, inner, partly, Slotted])
@pytest.mark.parametrize("values", VALUES)
def test_a_changed_value_changes_the_description(make, values):
    one, other = values

    assert describe_code(make(one)) == describe_code(make(one)) != describe_code(make(other))


def test_recursive_functions_and_empty_cells_are_described():
    def change(inputs, seed):
        return change(inputs, seed) if seed else later

    description = describe_code(change)
    later = 1

    assert later
    assert "change" in description != describe_code(change)


FACTOR = 1.0


def helper():
    return 1


def uses_globals(inputs, seed):
    return [helper() * FACTOR for _ in inputs]


@pytest.mark.parametrize(("name", "value"), [("FACTOR", 2.0), ("helper", lambda: 2)])
def test_a_changed_constant_or_helper_of_the_module_changes_the_description(
    monkeypatch, name, value
):
    before = describe_code(uses_globals)
    if callable(value):
        value.__module__ = __name__
    monkeypatch.setitem(globals(), name, value)

    assert describe_code(uses_globals) != before


def test_a_value_that_contains_itself_is_described():
    value = [1]
    value.append(value)

    assert describe_code(closure(value)) == describe_code(closure(value))


def test_the_description_is_the_same_in_another_process(tmp_path):
    # The order of sets and the addresses of objects differ between processes. A script that
    # imports little starts quickly.
    script = tmp_path / "script.py"
    script.write_text(
        "from functools import partial\n"
        "from kgbert.comparison.fingerprint import describe_code\n"
        f"{inspect.getsource(closure)}"
        "held = [{'a', 'b'}, object(), closure({'c', 'd'}), partial(closure, {'e', 'f'})]\n"
        "print(describe_code(closure(held)))\n"
    )
    code = f"import runpy; runpy.run_path({str(script)!r})"

    description = printed_elsewhere(code, hash_seed=1)

    assert "closure" in description
    assert printed_elsewhere(code, hash_seed=2) == description
