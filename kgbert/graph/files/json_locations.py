"""Where JSON says what it must not: parsers tell what is wrong with JSON-LD, and not where."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

#: Keys and positions that lead to a part of a JSON value.
JsonPath = tuple[str | int, ...]
#: Returns what a parser complains of in JSON, or nothing.
ErrorReporter = Callable[[bytes], str]

_SPACE = " \t\r\n"
#: Steps of a long way that are shown.
_SHOWN = 6


def locate_error(content: bytes, report_error: ErrorReporter) -> str:
    """Return what a parser complains of, behind the line and the part of the JSON that it is in.

    >>> locate_error(b'{"@graph": [{"@id": "a"}, {"@id": 5}]}', lambda text: "5!" * (b"5" in text))
    'line 1, @graph[1].@id: 5!'
    """
    try:
        way = _culprit(json.loads(content), report_error)
    except RecursionError:  # it was read, but nests too deeply to be written again
        way = ()
    last = way[-_SHOWN:]
    shown = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in last)
    place = f", {'…' if len(last) < len(way) else ''}{shown.removeprefix('.')}" if way else ""
    return f"line {line_of(content.decode(), way)}{place}: {report_error(content)}"


def error_reporter(
    parse: Callable[[bytes], object], errors: tuple[type[BaseException], ...]
) -> ErrorReporter:
    """Return what tells the complaint of a parser, which raises some errors where it has one."""

    def report_error(content: bytes) -> str:
        try:
            parse(content)
        except errors as error:
            return str(error) or type(error).__name__
        return ""

    return report_error


def _culprit(value: Any, report_error: ErrorReporter) -> JsonPath:
    """Return the way to the innermost part that is complained of when all beside it is gone."""
    way: JsonPath = ()
    whole, complaint = value, report_error(json.dumps(value).encode())
    while isinstance(value, dict | list):
        steps: Sequence[Any] = list(value) if isinstance(value, dict) else range(len(value))
        # By halves, since a graph may have a million parts.
        while len(steps) > 1:
            half = len(steps) // 2
            left = report_error(_only(whole, way, steps[:half])) == complaint
            steps = steps[:half] if left else steps[half:]
        if not steps or report_error(_only(whole, way, steps)) != complaint:
            break
        way, value = (*way, steps[0]), value[steps[0]]
    return way


def _only(whole: Any, way: JsonPath, steps: Sequence[str | int]) -> bytes:
    """Return as JSON what a way leads to, reduced to some steps, and the contexts above it."""
    above: list[Any] = [whole]
    for step in way:
        above.append(above[-1][step])
    inner = _reduced(above[-1], {step: above[-1][step] for step in steps})
    for step, outer in zip(reversed(way), reversed(above[:-1]), strict=True):
        inner = _reduced(outer, {step: inner})
    return json.dumps(inner).encode()


def _reduced(outer: Any, kept: dict[str | int, Any]) -> Any:
    if isinstance(outer, list):
        return list(kept.values())
    context = {"@context": outer["@context"]} if "@context" in outer else {}
    return context | kept


def line_of(text: str, way: JsonPath) -> int:
    """Return the line on which the part of a JSON text begins that a way leads to."""
    at = 0
    for step in way:
        # Of a key that is written twice the last counts.
        at = [start for key, start in _members(text, at) if key == step][-1]
    return text.count("\n", 0, at) + 1


def _members(text: str, start: int) -> Iterator[tuple[str | int, int]]:
    """Yield the keys, or positions, of the object or list that begins somewhere, with places."""
    decode = json.JSONDecoder().raw_decode
    opening = _beyond(text, start, _SPACE)
    at = _beyond(text, opening + 1, _SPACE)
    position = 0
    while text[at] not in "}]":
        key: str | int = position
        if text[opening] == "{":
            key, at = decode(text, at)
            at = _beyond(text, at, _SPACE + ":")
        yield key, at
        at = _beyond(text, decode(text, at)[1], _SPACE + ",")
        position += 1


def _beyond(text: str, at: int, characters: str) -> int:
    while text[at] in characters:
        at += 1
    return at
