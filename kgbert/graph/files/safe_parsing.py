"""Parse untrusted XML and JSON: refuse what expands, opens other files or nests without bound.

Every pattern here takes time linear in the input: repetitions are possessive, and what can be long
is searched for once.
"""

import codecs
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from kgbert.graph.files.json_locations import JsonPath, line_of
from kgbert.graph.files.source import Source
from kgbert.utils.errors import GraphError, Remedy

#: An XML declaration. A longer one is refused: parsers would read on and follow its encoding.
_DECLARATION = re.compile(rb"\s*+<\?xml\s([^>]{0,512}?)\?>")
_DECLARATION_START = re.compile(rb"\s*+<\?xml\s")
_ENCODING = re.compile(rb"\bencoding\s*+=\s*+[\"']([\w.-]++)[\"']")
#: Codecs of Python that are no encodings of files.
_NO_ENCODINGS = {
    "undefined",
    "punycode",
    "idna",
    "unicode-escape",
    "raw-unicode-escape",
    "utf-7",
    "mbcs",
    "oem",
}
_ENTITY = re.compile(
    rb"<!ENTITY\s++(?P<parameter>%\s++)?+(?P<name>[^\s\"'<>%]++)\s++"
    rb"(?:\"(?P<double>[^\"]*+)\"|'(?P<single>[^']*+)')?+"
)
_ENTITY_REFERENCE = re.compile(rb"&([^&;<\s\"']++);")
#: What may stand before the first element, and its name.
_ROOT = re.compile(
    rb"(?:\s++|(?><\?.*?\?>)|(?><!--.*?-->)|(?><!DOCTYPE[^<>\[]*+(?:\[.*?\]\s*+)?>))*+<([^\s<>/!?]++)",
    re.DOTALL,
)
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
_JSON_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
#: Ontologies declare entities as short names of namespaces; these are longer than any of those.
_LONGEST_ENTITY = 1024
_MOST_EXPANSION = 16 << 20
#: Bytes that are looked at together: more would leave the processor's cache.
_BLOCK = 1 << 17


def safe_xml(source: Source) -> bytes:
    """Return the content of an XML file as UTF-8, once it is known to stay small.

    Raises:
        GraphError: It declares entities that nest, are long or lie elsewhere; or it nests deeply,
            contains a very long literal, or ends too early.
    """
    content = _to_utf8(source)
    if b"\0" in content:  # also UTF-16 without a byte order mark, which hides declarations
        raise GraphError(
            f"{source.name}: not XML in UTF-8 text, since it contains zero bytes. Save the file as "
            f"UTF-8 first.",
            code="not-utf8",
        )
    if b"<!ENTITY" in content:
        _check_entities(content, source)
    if _depth(content) > source.limits.depth:
        raise _nested_too_deeply(
            source, f"elements nest more than {source.limits.depth:,} levels deep"
        )
    if len(content) > source.limits.line:
        _refuse_long_text(content, source)
    _refuse_truncated(content, source)
    return content


def _check_entities(content: bytes, source: Source) -> None:
    references = Counter(reference[1] for reference in _ENTITY_REFERENCE.finditer(content))
    expansion = 0
    for entity in _ENTITY.finditer(content):
        value = entity["double"] if entity["single"] is None else entity["single"]
        if value is None or entity["parameter"]:
            raise _unsafe_entity(source, content, entity, "is parametric or lies in another file")
        if b"&" in value or len(value) > _LONGEST_ENTITY:
            raise _unsafe_entity(source, content, entity, "refers to other entities or is long")
        expansion += len(value) * references[entity["name"]]
    if expansion > max(_MOST_EXPANSION, 8 * len(content)):
        raise GraphError(
            f"{source.name}: its XML entities would expand to {expansion:,} bytes, as no ontology "
            f"needs. If you trust the file, expand them first: xmllint --noent.",
            code="xml-entity-expansion",
        )


def _refuse_long_text(content: bytes, source: Source) -> None:
    """Refuse a text between two tags, or a tag, that is longer than the limit of a literal."""
    if not _may_have_long_run(content, re.compile(rb"<"), source.limits.line):
        return
    position = 0
    for piece in content.split(b"<"):
        if len(piece) > source.limits.line:
            raise _long_literal(source, content, position, len(piece))
        position += len(piece) + 1


def _may_have_long_run(content: bytes, delimiter: re.Pattern[bytes], limit: int) -> bool:
    """Return whether more bytes than a limit may lie between two delimiters."""
    # A run that is longer than the limit covers a whole block of half its size.
    half = max(1, limit // 2)
    blocks = range(0, len(content) - half + 1, half)
    return any(delimiter.search(content, start, start + half) is None for start in blocks)


def _long_literal(source: Source, content: bytes, position: int, size: int) -> GraphError:
    line = content.count(b"\n", 0, position) + 1
    return GraphError(
        f"{source.name}, line {line}: a literal of more than {source.limits.line:,} bytes, more "
        f"than any name or definition. Leave it out of the export.",
        code="literal-too-long",
        remedies=[Remedy("line", size, "if you trust the file", "Limits")],
    )


def _refuse_truncated(content: bytes, source: Source) -> None:
    """Refuse a file that ends within its root element, which Oxigraph reads as far as it goes."""
    root = _ROOT.match(content)
    if root is None:
        return  # no XML at all, which the parser reports better
    end = _end_before_space(content, len(content))
    while content.endswith(b"-->", 0, end) and (start := content.rfind(b"<!--", 0, end)) >= 0:
        end = _end_before_space(content, start)
    last = content.rfind(b"<", 0, end)
    is_alone = last == root.start(1) - 1 and content.endswith(b"/>", 0, end)
    is_closed = content.endswith(b">", 0, end) and content[last:end][2:-1].rstrip() == root[1]
    if not is_alone and not is_closed:
        raise GraphError(
            f"{source.name}: ends before its first element, <{root[1].decode(errors='replace')}>, "
            f"is closed. It was not downloaded or written whole; fetch it again.",
            code="truncated-file",
        )


def _end_before_space(content: bytes, end: int) -> int:
    while content[end - 1 : end].isspace():
        end -= 1
    return end


def safe_json(source: Source) -> Any:
    """Return the value of a JSON file.

    Raises:
        GraphError: It is not JSON, nests deeply, or contains a very long or broken string.
    """
    content = source.content()
    if len(content) > source.limits.line:
        _refuse_long_strings(content, source)
    # Python's parser would decode bytes less strictly: it lets halves of characters pass.
    text = source.decoded(content)
    try:
        value = json.loads(text)
    except RecursionError:
        raise _nested_too_deeply(
            source, "values nest too deeply for Python's JSON parser"
        ) from None
    except ValueError as error:
        raise GraphError(
            f"{source.name}: not valid JSON ({error}). Correct the file there; if it was not "
            f"downloaded whole, fetch it again.",
            code="malformed-json",
        ) from None
    if _SURROGATE_ESCAPE.search(content):
        _refuse_lone_surrogates(value, content, source)
    return value


def _refuse_long_strings(content: bytes, source: Source) -> None:
    if not _may_have_long_run(content, re.compile(rb'(?<!\\)"'), source.limits.line):
        return
    for string in _JSON_STRING.finditer(content):
        if string.end() - string.start() > source.limits.line:
            size = string.end() - string.start()
            raise _long_literal(source, content, string.start(), size)


def _refuse_lone_surrogates(value: Any, content: bytes, source: Source) -> None:
    """Refuse escapes of half a character, which no encoding can write."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = f"\\u{ord(error.object[error.start]):04x}".encode()
        line = content.count(b"\n", 0, max(0, content.lower().find(half))) + 1
        raise GraphError(
            f"{source.name}, line {line}: a string contains {half.decode()}, which is half a "
            f"character (a lone surrogate) and cannot be written as text. Correct the string.",
            code="lone-surrogate",
        ) from None


def refuse_remote_contexts(value: Any, source: Source) -> None:
    """Refuse JSON-LD whose terms are defined in another file or on the web.

    Raises:
        GraphError: A context is an address, not an object.
    """
    for path, inner in _containers(value):
        for key in ("@context", "@import"):
            if isinstance(inner, dict) and key in inner:
                contexts = inner[key] if isinstance(inner[key], list) else [inner[key]]
                for context in contexts:
                    if isinstance(context, str):
                        raise _remote_context((*_unlinked(path), key), context, source)


#: A path as (last step, path to it), which costs the same at any depth; None is the whole value.
_LinkedPath = tuple[str | int, Any] | None


def _containers(value: Any) -> Iterator[tuple[_LinkedPath, Any]]:
    """Yield the objects and lists in a JSON value, the value itself included, with their paths."""
    pending: list[tuple[_LinkedPath, Any]] = [(None, value)]
    while pending:
        path, outer = pending.pop()
        yield path, outer
        steps: Any = ()
        if isinstance(outer, dict):
            steps = outer.items()
        elif isinstance(outer, list):
            steps = enumerate(outer)
        pending.extend(
            ((step, path), inner) for step, inner in steps if isinstance(inner, dict | list)
        )


def _unlinked(path: _LinkedPath) -> JsonPath:
    steps: list[str | int] = []
    while path is not None:
        steps.append(path[0])
        path = path[1]
    return tuple(reversed(steps))


def _remote_context(path: JsonPath, context: str, source: Source) -> GraphError:
    line = line_of(source.content().decode(), path)
    return GraphError(
        f"{source.name}, line {line}: its {path[-1]} is {context[:100]!r}, which lies outside the "
        f"file, and nothing is ever fetched. Download that context yourself, and put its object "
        f"in the place of the address.",
        code="remote-context",
    )


def _to_utf8(source: Source) -> bytes:
    """Return the content in UTF-8, without a declaration of another encoding."""
    content = source.content()
    declaration = _DECLARATION.match(content)
    if declaration is None:
        if _DECLARATION_START.match(content):
            raise GraphError(
                f"{source.name}: its XML declaration is not closed, or is longer than any. Correct "
                f'the first line: <?xml version="1.0" encoding="UTF-8"?>',
                code="xml-declaration",
            )
        return content
    named = _ENCODING.search(declaration[1])
    encoding = named[1].decode() if named else "utf-8"
    if encoding.lower() in ("utf-8", "utf8"):
        return content
    body = content[declaration.end() :]
    if encoding.lower() in ("us-ascii", "utf-16", "utf-32"):
        return body  # UTF-16 and UTF-32 are UTF-8 by now: they begin with a byte order mark
    try:
        if codecs.lookup(encoding).name.replace("_", "-") in _NO_ENCODINGS:
            raise LookupError("not an encoding of files")
        return body.decode(encoding).encode()
    except (LookupError, UnicodeError) as error:
        raise GraphError(
            f"{source.name}: declares the encoding {encoding}, but cannot be decoded with it "
            f"({error}). Convert it first: iconv -f {encoding} -t utf-8 {source.path.name}",
            code="unknown-encoding",
        ) from None


def _depth(content: bytes) -> int:
    """Return how deeply elements nest, near enough: what looks like a tag in a comment counts."""
    text = np.frombuffer(content, np.uint8)
    depth = deepest = 0
    for start in range(0, len(text) - 1, _BLOCK):
        here, after = text[start : start + _BLOCK], text[start + 1 : start + _BLOCK + 1]
        positions = np.flatnonzero((here[: len(after)] == ord("<")) | (after == ord(">")))
        first, second = here[positions], after[positions]
        is_tag = first == ord("<")
        is_end = is_tag & (second == ord("/"))
        is_markup = is_tag & ((second == ord("!")) | (second == ord("?")))
        is_empty = (first == ord("/")) & (second == ord(">"))
        change = (is_tag & ~is_end & ~is_markup).astype(np.int32) - (is_end | is_empty)
        depths = depth + np.cumsum(change)
        deepest = max(deepest, int(depths.max(initial=0)))
        depth += int(change.sum())
    return deepest


def _unsafe_entity(
    source: Source, content: bytes, entity: re.Match[bytes], reason: str
) -> GraphError:
    line = content.count(b"\n", 0, entity.start()) + 1
    name = entity["name"].decode(errors="replace")
    return GraphError(
        f"{source.name}, line {line}: declares the XML entity {name!r}, which {reason}; such "
        f"entities can exhaust memory or read other files. If you trust the file, expand them "
        f"first: xmllint --noent {source.path.name} > expanded{source.suffix}",
        code="unsafe-xml-entity",
    )


def _nested_too_deeply(source: Source, problem: str) -> GraphError:
    return GraphError(
        f"{source.name}: its {problem}, as no ontology does. If you trust it, convert it to "
        f"N-Triples, which has no nesting.",
        code="nested-too-deeply",
    )
