"""Read the values of a JSON file one by one, and the texts in them."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from kgbert.graph.files.safe_parsing import safe_json
from kgbert.graph.files.source import Source
from kgbert.utils.errors import GraphError

_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]+)*")
LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def read_values(source: Source) -> Iterator[Any]:
    """Yield the values of JSON Lines, of a list, or of the lists of an object."""
    if has_a_value_a_line(source.head(), source.suffix):
        yield from _lines(source)
        return
    content = safe_json(source)
    if isinstance(content, dict):
        lists = [value for value in content.values() if isinstance(value, list)]
        content = [value for values in lists for value in values] if lists else [content]
    yield from content if isinstance(content, list) else [content]


def has_a_value_a_line(head: str, suffix: str) -> bool:
    """Whether a file, of which this is the beginning, is JSON Lines."""
    first, *others = [line.strip() for line in head.splitlines() if line.strip()][:2] or [""]
    if suffix in (".jsonl", ".ndjson"):
        return True
    return first.startswith("{") and first.endswith("}") and bool(others and others[0][:1] == "{")


def _lines(source: Source) -> Iterator[Any]:
    for number, line in enumerate(source.lines(), start=1):
        # The dump of Wikidata is a list with a value a line.
        text = line.strip().rstrip(",")
        if text and text not in ("[", "]"):
            yield _parse(text, number, source)


def _parse(text: str, number: int, source: Source) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _malformed(text, f"is not valid JSON ({error})", number, source) from None
    if "\\u" in text and LONE_SURROGATE.search(json.dumps(value, ensure_ascii=False)):
        raise _malformed(text, "has half a character (a lone surrogate)", number, source)
    return value


def _malformed(text: str, problem: str, number: int, source: Source) -> GraphError:
    return GraphError(
        f"{source.name}, line {number}: {text[:60]!r} {problem}. Correct the line.",
        code="malformed-json",
    )


def texts_in(value: Any) -> Iterator[tuple[str, str]]:
    """Yield the texts of a value, and the language of each where it is known.

    >>> list(texts_in(["fever", {"de": "Fieber"}, {"value": "heat", "language": "en"}, 7]))
    [('fever', ''), ('Fieber', 'de'), ('heat', 'en'), ('7', '')]
    """
    if isinstance(value, str):
        yield value, ""
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value), ""
    elif isinstance(value, list):
        for item in value:
            yield from texts_in(item)
    elif isinstance(value, dict):
        yield from _texts_of_object(value)


def literals_in(value: Any) -> Iterator[str]:
    """Yield the texts of a value, of which truth values are some.

    >>> list(literals_in([True, "fever"]))
    ['true', 'fever']
    """
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, bool):
            yield str(item).lower()
        else:
            yield from (text for text, _ in texts_in(item))


def _texts_of_object(value: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if isinstance(text := value.get("value"), str):
        language = value.get("language")
        yield text, language if isinstance(language, str) else ""
    elif all(_LANGUAGE.fullmatch(key) for key in value):
        for language, inner in value.items():
            yield from ((text, language) for text, _ in texts_in(inner))


def members(value: Any, key: str) -> Iterable[Any]:
    """Return the members of a list in an object, or nothing where there is no such list.

    >>> list(members({"concept": [1]}, "concept")), list(members(5, "concept"))
    ([1], [])
    """
    inner = value.get(key) if isinstance(value, dict) else None
    return inner if isinstance(inner, list) else ()
