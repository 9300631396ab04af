"""Tell what code of the user's own does, so that a run of it is known again, and only then."""

import hashlib
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from functools import partial
from types import CellType
from typing import Any

import numpy as np
import torch


def code_told(code: Callable[..., Any]) -> str:
    """Return the name of a function or callable object, a hash of its source, and what it holds.

    At a prompt there is no source; what stands for it there is the compiled code. Of objects inside
    what it holds no more is told than they say themselves, by ``hash``, as fields or by ``repr``.
    """
    return _code_told(code, frozenset())


def _code_told(code: Callable[..., Any], inside: frozenset[int]) -> str:
    if id(code) in inside:  # a function that calls itself
        return ""
    inside |= {id(code)}
    if isinstance(code, partial):
        return f"{_code_told(code.func, inside)} {_told([code.args, code.keywords], inside)}"
    made = inspect.unwrap(code)
    made = made if inspect.isroutine(made) else type(made)
    try:
        source = inspect.getsource(made)
    except (OSError, TypeError):
        source = repr(getattr(getattr(made, "__code__", None), "co_code", ""))
    held = _told(_held(code), inside)
    name = f"{made.__module__}.{made.__qualname__}"
    return f"{name} {held} {hashlib.sha256(source.encode()).hexdigest()}"


def _held(code: Callable[..., Any]) -> list[Any]:
    """Return the values that a function or an object brings along."""
    owner = getattr(code, "__self__", code)
    state = [] if inspect.isroutine(owner) else [owner.__getstate__()]
    cells: Iterable[CellType] = getattr(code, "__closure__", None) or ()
    defaults = [getattr(code, name, None) for name in ("__defaults__", "__kwdefaults__")]
    return [*state, *(_content(cell) for cell in cells), *defaults]


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not assigned yet
        return None


def _told(value: Any, inside: frozenset[int]) -> str:
    """Return a value in words that are the same in every process."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().float().numpy()
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return f"{value.dtype}{value.shape} {hashlib.sha256(value.tobytes()).hexdigest()}"
    if inspect.isroutine(value) or isinstance(value, partial):
        return _code_told(value, inside)
    if isinstance(getattr(value, "hash", None), str):  # a graph, features
        return f"{type(value).__qualname__} {value.hash}"
    parts = _parts(value)
    if parts is None:
        return re.sub(r" at 0x[0-9a-f]+", "", repr(value))
    if id(value) in inside:
        return "..."
    told = [_told(part, inside | {id(value)}) for part in parts]
    if isinstance(value, set | frozenset):
        told.sort()
    return f"{type(value).__qualname__}[{', '.join(told)}]"


def _parts(value: Any) -> list[Any] | None:
    """Return what a container holds; None for what is told as a whole."""
    if isinstance(value, Mapping):
        return [part for pair in value.items() for part in pair]
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    if isinstance(value, np.ndarray):
        return list(value.ravel())
    if is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, field.name) for field in fields(value)]
    return None
