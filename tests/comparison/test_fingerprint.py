"""Code of one's own is told alike as long as it does the same, and otherwise as soon as not."""

import subprocess
import sys
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
import torch

from kgbert.comparison.fingerprint import code_told
from tests.support.paths import PROJECT
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
    (tiny_features(tiny_graph(), seed=0), tiny_features(tiny_graph(), seed=1)),
]


@pytest.mark.parametrize("make", [closure, default, keyword, inner, partly, Slotted])
@pytest.mark.parametrize("values", VALUES)
def test_another_value_is_told_however_it_is_held(make, values):
    one, other = values

    assert code_told(make(one)) == code_told(make(one)) != code_told(make(other))


def test_a_function_that_calls_itself_or_holds_nothing_yet_is_told():
    def change(inputs, seed):
        return change(inputs, seed) if seed else later

    told = code_told(change)
    later = 1

    assert later
    assert "change" in told != code_told(change)


def test_a_value_that_holds_itself_is_told():
    value = [1]
    value.append(value)

    assert code_told(closure(value)) == code_told(closure(value))


def test_another_process_tells_the_same():
    # Sets are ordered otherwise in each, and objects lie elsewhere.
    code = (
        "from tests.comparison.test_fingerprint import *\n"
        "held = [{'a', 'b'}, object(), closure({'c', 'd'}), partial(closure, {'e', 'f'})]\n"
        "print(code_told(closure(held)))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=PROJECT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for _ in range(3)
    }

    assert len(told) == 1
