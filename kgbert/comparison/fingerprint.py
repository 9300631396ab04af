"""Identify code: the package's own source, and functions of the user's own.

A finished run is reused only if the code that made it is the same.
"""

import hashlib
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache, partial
from pathlib import Path
from types import CellType, CodeType
from typing import Any

import numpy as np
import torch

_PACKAGE = Path(__file__).parent.parent

#: The parts of the package that a run executes. Tables, plots and the verdict are recomputed from
#: the run records, so a change of their code invalidates no run.
_RUN_CODE = (
    "baselines",
    "comparison/arms",
    "comparison/checks/slices.py",
    "comparison/run.py",
    "data",
    "encoding",
    "features",
    "graph",
    "linking",
    "models",
    "tasks",
    "training",
)


@cache
def package_hash() -> str:
    """Return a hash of the package's source files that a run depends on."""
    digest = hashlib.sha256()
    for part in _RUN_CODE:
        path = _PACKAGE / part
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(file.relative_to(_PACKAGE).as_posix().encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def describe_code(code: Callable[..., Any]) -> str:
    """Return name, state and a hash of the source of a function or callable object.

    The state is the values it is bound to: closures, defaults, attributes, and the constants and
    functions of its module that it refers to. Interactive code has no source; its bytecode is
    hashed instead. An object in the state is described by its ``hash``, its fields or ``repr``.
    """
    return _describe_code(code, frozenset())


def _describe_code(code: Callable[..., Any], visited: frozenset[int]) -> str:
    if id(code) in visited:  # a function that calls itself
        return ""
    visited |= {id(code)}
    if isinstance(code, partial):
        bound = _describe([code.args, code.keywords], visited)
        return f"{_describe_code(code.func, visited)} {bound}"
    unwrapped = inspect.unwrap(code)
    definition = unwrapped if inspect.isroutine(unwrapped) else type(unwrapped)
    try:
        source = inspect.getsource(definition)
    except (OSError, TypeError):
        source = repr(getattr(getattr(definition, "__code__", None), "co_code", ""))
    state = _describe(_state(code), visited)
    name = f"{definition.__module__}.{definition.__qualname__}"
    return f"{name} {state} {hashlib.sha256(source.encode()).hexdigest()}"


def _state(code: Callable[..., Any]) -> list[Any]:
    """Return the values that a function or an object is bound to."""
    owner = getattr(code, "__self__", code)
    attributes = [] if inspect.isroutine(owner) else [owner.__getstate__()]
    cells: Iterable[CellType] = getattr(code, "__closure__", None) or ()
    defaults = [getattr(code, name, None) for name in ("__defaults__", "__kwdefaults__")]
    return [*attributes, *map(_cell_content, cells), *defaults, *_named_globals(code)]


def _cell_content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not assigned yet
        return None


def _named_globals(code: Callable[..., Any]) -> Iterator[Any]:
    """Yield the constants and functions of its module that a function refers to."""
    compiled = getattr(code, "__code__", None)
    if not isinstance(compiled, CodeType):
        return
    namespace: Mapping[str, Any] = getattr(code, "__globals__", {})
    for name in sorted(_names_in(compiled) & namespace.keys()):
        value = namespace[name]
        is_own_function = inspect.isfunction(value) and value.__module__ == code.__module__
        if is_own_function or isinstance(value, int | float | str | bool):
            yield value


def _names_in(code: CodeType) -> set[str]:
    nested = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return set(code.co_names).union(*map(_names_in, nested))


def _describe(value: Any, visited: frozenset[int]) -> str:
    """Return a description of a value that is the same in every process."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().float().numpy()
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return f"{value.dtype}{value.shape} {hashlib.sha256(value.tobytes()).hexdigest()}"
    if inspect.isroutine(value) or isinstance(value, partial):
        return _describe_code(value, visited)
    if isinstance(getattr(value, "hash", None), str):  # a graph, features
        return f"{type(value).__qualname__} {value.hash}"
    parts = _parts(value)
    if parts is None:
        return re.sub(r" at 0x[0-9a-f]+", "", repr(value))
    if id(value) in visited:
        return "..."
    described = [_describe(part, visited | {id(value)}) for part in parts]
    if isinstance(value, set | frozenset):
        described.sort()
    return f"{type(value).__qualname__}[{', '.join(described)}]"


def _parts(value: Any) -> list[Any] | None:
    """Return the items of a container; None for a value that is no container."""
    if isinstance(value, Mapping):
        return [part for pair in value.items() for part in pair]
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    if isinstance(value, np.ndarray):
        return list(value.ravel())
    if is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, field.name) for field in fields(value)]
    if isinstance(value, torch.nn.Module):
        return [repr(value), value.state_dict()]
    has_own_repr = any("__repr__" in vars(kind) for kind in type(value).__mro__[:-1])
    return None if has_own_repr else [value.__getstate__()]
