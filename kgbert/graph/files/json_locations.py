"""Find the place of an error in JSON: parsers of JSON-LD say what is wrong with it, not where."""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

#: Keys and positions that lead to a part of a JSON value.
JsonPath = tuple[str | int, ...]
#: Returns the error message of a parser for some JSON, or an empty string.
ErrorReporter = Callable[[bytes], str]

_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\],:]|[^\s{}\[\],:"]++', re.DOTALL)
#: Steps of a long path that are shown.
_MOST_STEPS_SHOWN = 6
#: Bytes that are parsed again to find an error; the place is less exact in a file that needs more.
_MOST_PARSED = 256 << 20


def locate_error(content: bytes, report_error: ErrorReporter) -> str:
    """Return a parser's error message with the line and the part of the JSON that causes it.

    >>> locate_error(b'{"@graph": [{"@id": "a"}, {"@id": 5}]}', lambda text: "5!" * (b"5" in text))
    'line 1, @graph[1].@id: 5!'
    """
    try:
        path = _Search(json.loads(content), report_error).path()
    except RecursionError:  # it was read, but nests too deeply to be written again
        path = ()
    last = path[-_MOST_STEPS_SHOWN:]
    shown = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in last)
    place = f", {'…' if len(last) < len(path) else ''}{shown.removeprefix('.')}" if path else ""
    return f"line {line_of(content.decode(), path)}{place}: {report_error(content)}"


def error_reporter(
    parse: Callable[[bytes], object], errors: tuple[type[BaseException], ...]
) -> ErrorReporter:
    """Return a function that parses JSON and returns the message of the error that is raised."""

    def report_error(content: bytes) -> str:
        try:
            parse(content)
        except errors as error:
            return str(error) or type(error).__name__
        return ""

    return report_error


class _Search:
    """The search for the innermost part that gives the same error without the rest."""

    def __init__(self, whole: Any, report_error: ErrorReporter) -> None:
        self.whole, self.report_error = whole, report_error
        self.remaining = _MOST_PARSED
        self.message = self._parse(json.dumps(whole).encode())

    def path(self) -> JsonPath:
        """Return the path to the part."""
        path: JsonPath = ()
        value = self.whole
        while isinstance(value, dict | list):
            steps: Sequence[Any] = list(value) if isinstance(value, dict) else range(len(value))
            # By halves, since a graph may have a million parts.
            while len(steps) > 1 and self.remaining > 0:
                half = len(steps) // 2
                is_in_first = self._is_cause(path, steps[:half])
                steps = steps[:half] if is_in_first else steps[half:]
            if self.remaining <= 0 or not steps or not self._is_cause(path, steps):
                break
            path, value = (*path, steps[0]), value[steps[0]]
        return path

    def _is_cause(self, path: JsonPath, steps: Sequence[str | int]) -> bool:
        return self._parse(_part_alone(self.whole, path, steps)) == self.message

    def _parse(self, content: bytes) -> str:
        self.remaining -= len(content)
        return self.report_error(content)


def _part_alone(whole: Any, path: JsonPath, steps: Sequence[str | int]) -> bytes:
    """Return as JSON what a path leads to, reduced to some steps, and the contexts above it."""
    above: list[Any] = [whole]
    for step in path:
        above.append(above[-1][step])
    inner = _reduced(above[-1], {step: above[-1][step] for step in steps})
    for step, outer in zip(reversed(path), reversed(above[:-1]), strict=True):
        inner = _reduced(outer, {step: inner})
    return json.dumps(inner).encode()


def _reduced(outer: Any, kept: dict[str | int, Any]) -> Any:
    if isinstance(outer, list):
        return list(kept.values())
    context = {"@context": outer["@context"]} if "@context" in outer else {}
    return context | kept


def line_of(text: str, path: JsonPath) -> int:
    """Return the line on which the part of a JSON text begins that a path leads to.

    Of a key that is written twice the last counts, as it does for Python's parser.
    """
    position = 0
    # One entry a container that is open: the step that its current member is, and whether the
    # path leads through that.
    steps: list[str | int] = []
    is_on_path: list[bool] = []
    is_key_next = False
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark in "}]":
            steps.pop()
            is_on_path.pop()
        elif mark == ",":
            is_key_next = isinstance(steps[-1], str)
            steps[-1] = steps[-1] if isinstance(steps[-1], str) else steps[-1] + 1
        elif is_key_next:
            steps[-1] = json.loads(mark)
            is_key_next = False
        elif mark != ":":
            leads = all(is_on_path[-1:]) and tuple(steps[-1:]) == path[len(steps) - 1 : len(steps)]
            position = token.start() if leads and len(steps) == len(path) else position
            if mark in "{[":
                steps.append("" if mark == "{" else 0)
                is_on_path.append(leads)
                is_key_next = mark == "{"
    return text.count("\n", 0, position) + 1
