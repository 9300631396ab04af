"""Let no markup in that would expand without bound, read other files, or nest without end."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from kgbert.graph.files.json_locations import JsonPath, line_of
from kgbert.graph.files.source import Source
from kgbert.utils.errors import GraphError

_DECLARED = re.compile(rb"\s*<\?xml[^>]*?encoding\s*=\s*[\"']([\w.-]+)[\"'][^>]*\?>")
_ENTITY = re.compile(
    rb"<!ENTITY\s+(?P<parameter>%\s+)?(?P<name>[^\s\"'<>]+)\s+(?:[\"'](?P<value>[^\"']*)[\"'])?"
)
#: What may stand before the first element, and its name.
_ROOT = re.compile(
    rb"(?:\s++|(?><\?.*?\?>)|(?><!--.*?-->)|(?><!DOCTYPE[^<>\[]*+(?:\[.*?\]\s*+)?>))*+<([^\s<>/!?]++)",
    re.DOTALL,
)
#: Ontologies declare entities as short names of namespaces; these are longer than any of those.
_LONGEST_ENTITY = 1024
_MOST_EXPANSION = 16 << 20
#: Bytes that are looked at together: more would leave the processor's cache.
_BLOCK = 1 << 17


def safe_xml(source: Source) -> bytes:
    """Return the content of an XML file as UTF-8, once it is known to stay small.

    Raises:
        GraphError: It declares entities that nest, are long or lie elsewhere; or it nests deeply.
    """
    content = _in_utf8(source)
    expansion = 0
    for entity in _ENTITY.finditer(content) if b"<!ENTITY" in content else ():
        value, name = entity["value"], entity["name"]
        line = content.count(b"\n", 0, entity.start()) + 1
        if value is None or entity["parameter"]:
            raise _unsafe(source, line, name, "is parametric or lies in another file")
        if b"&" in value or len(value) > _LONGEST_ENTITY:
            raise _unsafe(source, line, name, "refers to other entities or is long")
        expansion += len(value) * content.count(b"&" + name + b";")
    if expansion > max(_MOST_EXPANSION, 8 * len(content)):
        raise GraphError(
            f"{source.name}: its entities would expand to {expansion:,} bytes, as no ontology "
            f"needs. Expand them with a tool that you trust: xmllint --noent."
        )
    if _depth(content) > source.limits.depth:
        raise _too_deep(source, f"elements nest too deeply (limit {source.limits.depth:,})")
    _refuse_cut(content, source)
    return content


def _refuse_cut(content: bytes, source: Source) -> None:
    """Refuse a file that ends within its root element, which Oxigraph reads as far as it goes."""
    root = _ROOT.match(content)
    if root is None:
        return  # no XML at all, which the parser says better
    end = _before_space(content, len(content))
    while content.endswith(b"-->", 0, end) and (start := content.rfind(b"<!--", 0, end)) >= 0:
        end = _before_space(content, start)
    last = content.rfind(b"<", 0, end)
    is_alone = last == root.start(1) - 1 and content.endswith(b"/>", 0, end)
    is_closed = content.endswith(b">", 0, end) and content[last:end][2:-1].rstrip() == root[1]
    if not is_alone and not is_closed:
        raise GraphError(
            f"{source.name}: ends before its first element, <{root[1].decode(errors='replace')}>, "
            f"is closed. It was not downloaded or written whole; fetch it again."
        )


def _before_space(content: bytes, end: int) -> int:
    while content[end - 1 : end].isspace():
        end -= 1
    return end


def safe_json(source: Source) -> Any:
    """Return the value of a JSON file.

    Raises:
        GraphError: It is no JSON, or it nests deeply.
    """
    try:
        return json.loads(source.content())
    except RecursionError:
        raise _too_deep(source, "values nest too deeply for Python's reader of JSON") from None
    except UnicodeDecodeError as error:
        raise source.not_utf8(error) from None
    except ValueError as error:
        raise GraphError(
            f"{source.name}: not valid JSON ({error}). Mend the file there; if it was not "
            f"downloaded whole, fetch it again."
        ) from None


def refuse_remote_contexts(value: Any, source: Source) -> None:
    """Refuse JSON-LD whose terms are defined in another file or on the web.

    Raises:
        GraphError: A context is an address, not an object.
    """
    for way, inner in _members(value):
        if way[-1] in ("@context", "@import"):
            for context in inner if isinstance(inner, list) else [inner]:
                if isinstance(context, str):
                    raise _remote(way, context, source)


def _members(value: Any) -> Iterator[tuple[JsonPath, Any]]:
    """Yield everything in a JSON value, with the way to it."""
    pending: list[tuple[JsonPath, Any]] = [((), value)]
    while pending:
        way, outer = pending.pop()
        steps: Iterable[tuple[Any, Any]] = ()
        if isinstance(outer, dict):
            steps = outer.items()
        elif isinstance(outer, list):
            steps = enumerate(outer)
        inside = [((*way, step), inner) for step, inner in steps]
        yield from inside
        pending.extend(inside)


def _remote(way: JsonPath, context: str, source: Source) -> GraphError:
    line = line_of(source.content().decode(), way)
    return GraphError(
        f"{source.name}, line {line}: its {way[-1]} is {context[:100]!r}, which lies outside the "
        f"file, and nothing is ever fetched. Download that context yourself, and put its object "
        f"in the place of the address."
    )


def _in_utf8(source: Source) -> bytes:
    content = source.content()
    declared = _DECLARED.match(content)
    if declared is None:
        return content
    encoding = declared[1].decode()
    if encoding.lower() in ("utf-8", "utf8"):
        return content
    body = content[declared.end() :]
    if encoding.lower() in ("us-ascii", "utf-16", "utf-32"):
        return body  # UTF-16 and UTF-32 are UTF-8 by now: they begin with a byte order mark
    try:
        return body.decode(encoding).encode()
    except (LookupError, UnicodeDecodeError) as error:
        raise GraphError(
            f"{source.name}: says that its encoding is {encoding}, but cannot be read so "
            f"({error}). Convert it first: iconv -f {encoding} -t utf-8 {source.path.name}"
        ) from None


def _depth(content: bytes) -> int:
    """Return how deeply elements nest, near enough: what looks like a tag in a comment counts."""
    text = np.frombuffer(content, np.uint8)
    depth = deepest = 0
    for start in range(0, len(text) - 1, _BLOCK):
        here, after = text[start : start + _BLOCK], text[start + 1 : start + _BLOCK + 1]
        places = np.flatnonzero((here[: len(after)] == ord("<")) | (after == ord(">")))
        first, second = here[places], after[places]
        is_tag = first == ord("<")
        is_end = is_tag & (second == ord("/"))
        is_note = is_tag & ((second == ord("!")) | (second == ord("?")))
        is_empty = (first == ord("/")) & (second == ord(">"))
        change = (is_tag & ~is_end & ~is_note).astype(np.int32) - (is_end | is_empty)
        depths = depth + np.cumsum(change)
        deepest = max(deepest, int(depths.max(initial=0)))
        depth += int(change.sum())
    return deepest


def _unsafe(source: Source, line: int, name: bytes, reason: str) -> GraphError:
    return GraphError(
        f"{source.name}, line {line}: declares the XML entity {name.decode(errors='replace')!r}, "
        f"which {reason}; such entities can exhaust memory or read other files. If you trust the "
        f"file, expand them first: xmllint --noent {source.path.name} > expanded{source.suffix}"
    )


def _too_deep(source: Source, what: str) -> GraphError:
    return GraphError(
        f"{source.name}: its {what}, as no ontology does. If you trust it, convert it to "
        f"N-Triples, which has no nesting."
    )
