"""Frozen dataclasses as JSON and back, each field checked against its annotation."""

import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from functools import lru_cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from kgbert.utils.errors import KGBertError

T = TypeVar("T")

#: A value that JSON can represent.
JSONValue = Any


def to_json(value: Any) -> JSONValue:
    """Return dataclasses as objects, mappings with text keys, and sequences as lists.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Score:
    ...     name: str
    ...     values: tuple[float, ...] = ()
    >>> to_json(Score("f1", (0.5, 0.75)))
    {'name': 'f1', 'values': [0.5, 0.75]}
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [to_json(item) for item in value]
    return value


def from_json(kind: type[T], value: JSONValue, *, source: str) -> T:
    """Return the dataclass that a JSON object represents.

    Args:
        kind: The dataclass.
        value: What ``json.loads`` returned.
        source: What the value came from, for the message of an error.

    Raises:
        KGBertError: A field is missing, unknown or of another type.
    """
    record: T = _decode(kind, value, source)
    return record


def _decode(kind: Any, value: JSONValue, path: str) -> Any:
    origin = get_origin(kind)
    if kind is Any:
        return value
    if origin in (Union, types.UnionType):
        return _decode_union(get_args(kind), value, path)
    if origin is tuple:
        return _decode_tuple(get_args(kind), value, path)
    if origin is not None and issubclass(origin, Mapping):
        _require(isinstance(value, dict), "an object", value, path)
        item = get_args(kind)[1]
        return {key: _decode(item, entry, f"{path}.{key}") for key, entry in value.items()}
    if is_dataclass(kind):
        return _decode_record(kind, value, path)
    return _decode_scalar(kind, value, path)


def _decode_record(kind: Any, value: JSONValue, path: str) -> Any:
    _require(isinstance(value, dict), "an object", value, path)
    hints = _type_hints(kind)
    if unknown := sorted(value.keys() - hints.keys()):
        raise KGBertError(
            f"{path} has the unknown field {unknown[0]!r}; known fields: {', '.join(hints)}.",
            code="unknown-field",
        )
    required = {
        field.name
        for field in fields(kind)
        if field.default is MISSING and field.default_factory is MISSING
    }
    if missing := sorted(required - value.keys()):
        raise KGBertError(f"{path} lacks the field {missing[0]!r}.", code="missing-field")
    return kind(
        **{name: _decode(hints[name], entry, f"{path}.{name}") for name, entry in value.items()}
    )


def _decode_tuple(kinds: tuple[Any, ...], value: JSONValue, path: str) -> tuple[Any, ...]:
    _require(isinstance(value, list), "a list", value, path)
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    _require(len(value) == len(kinds), f"{len(kinds)} values", value, path)
    return tuple(
        _decode(kind, entry, f"{path}[{position}]")
        for position, (kind, entry) in enumerate(zip(kinds, value, strict=True))
    )


def _decode_union(kinds: tuple[Any, ...], value: JSONValue, path: str) -> Any:
    if value is None and type(None) in kinds:
        return None
    others = [kind for kind in kinds if kind is not type(None)]
    exact = [kind for kind in others if type(value) is kind]
    return _decode((exact or others)[0], value, path)


def _decode_scalar(kind: Any, value: JSONValue, path: str) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    _require(type(value) is kind, kind.__name__, value, path)
    return value


def _require(is_valid: bool, expected: str, value: JSONValue, path: str) -> None:
    if not is_valid:
        raise KGBertError(f"{path} is {value!r:.80}; expected {expected}.", code="invalid-field")


@lru_cache(maxsize=64)
def _type_hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)
