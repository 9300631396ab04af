"""Mutate a valid file, its bytes or its JSON, into one that a parser may not expect."""

import json
from copy import deepcopy
from random import Random
from typing import Any

#: Pieces that have a meaning in some format, or in Python's codecs.
PIECES = (
    *(b"", b"\0", b"\n", b"\r", b"\t", b" ", b'"', b"'", b"\\", b"<", b">", b"{", b"}", b"["),
    *(b"]", b"(", b")", b",", b";", b":", b"|", b"||", b"#", b"!", b"@", b"^^", b"_:", b"&a;"),
    *(b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xe2\x80\x8b", b"\\ud800"),
    *(b"null", b"true", b"1e999", b"-1", b"NaN", b"<!ENTITY a 'b'>", b"<?xml ", b"@prefix : <>."),
    *(b"http://", b"urn:", b"rdf:type", b"[Term]", b"id: ", b"is_a: ", b"@context", b"@id"),
)
#: Mutations of one file.
MOST_MUTATIONS = 6


def mutated(content: bytes, random: Random) -> bytes:
    """Return a content after a few random changes."""
    if random.random() < _SHARE_OF_JSON and (changed := _mutated_json(content, random)):
        return changed
    for _ in range(random.randint(1, MOST_MUTATIONS)):
        content = random.choice(MUTATIONS)(content, random)
    return content


def _span(content: bytes, random: Random) -> tuple[int, int]:
    start = random.randint(0, len(content))
    return start, min(len(content), start + int(random.expovariate(0.1)))


def _delete(content: bytes, random: Random) -> bytes:
    start, end = _span(content, random)
    return content[:start] + content[end:]


def _repeat(content: bytes, random: Random) -> bytes:
    start, end = _span(content, random)
    return content[:end] + content[start:end] * random.choice((1, 2, 200)) + content[end:]


def _move(content: bytes, random: Random) -> bytes:
    start, end = _span(content, random)
    rest = content[:start] + content[end:]
    target = random.randint(0, len(rest))
    return rest[:target] + content[start:end] + rest[target:]


def _insert(content: bytes, random: Random) -> bytes:
    start = random.randint(0, len(content))
    return content[:start] + random.choice(PIECES) * random.choice((1, 1, 1, 50)) + content[start:]


def _replace(content: bytes, random: Random) -> bytes:
    start, end = _span(content, random)
    return content[:start] + random.choice(PIECES) + content[end:]


def _cut(content: bytes, random: Random) -> bytes:
    return content[: random.randint(0, len(content))]


def _flip(content: bytes, random: Random) -> bytes:
    if not content:
        return content
    place = random.randrange(len(content))
    return content[:place] + bytes([random.randrange(256)]) + content[place + 1 :]


def _mutated_json(content: bytes, random: Random) -> bytes:
    """Return JSON or JSON Lines in which a value is another; nothing if the content is neither."""
    lines = content.split(b"\n")
    place = None
    try:
        value = json.loads(content)
    except ValueError:
        place = random.randrange(len(lines))
        try:
            value = json.loads(lines[place].rstrip(b","))
        except ValueError:
            return b""
    for _ in range(random.randint(1, MOST_MUTATIONS)):
        value = _changed(value, random)
    changed = json.dumps(value).encode()
    if place is None:
        return changed
    lines[place] = changed
    return b"\n".join(lines)


def _changed(value: Any, random: Random) -> Any:
    """Return a value in which one part, at any depth, is removed, moved or another."""
    if not isinstance(value, dict | list) or not value or random.random() < _SHARE_OF_WHOLE:
        return deepcopy(random.choice(VALUES))
    keys: list[Any] = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = random.choice(keys)
    action = random.random()
    if action < 0.1:
        del value[key]
    elif action < 0.2:
        value[key] = deepcopy(value[random.choice(keys)])
    elif action < 0.3 and isinstance(value, dict):
        value[random.choice(("id", "@id", "name", "type", "", key))] = value.pop(key)
    else:
        value[key] = _changed(value[key], random)
    return value


#: Share of the mutations of a JSON file that change its values, and not its bytes.
_SHARE_OF_JSON = 0.7
#: Share of the changes that replace a whole object or list.
_SHARE_OF_WHOLE = 0.1
#: What stands in the place of a value.
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1e308, 10**30, "", " ", "0", "a", "a" * 70_000, "_:b", "http://a"),
    *("\u200b", "\U0001f600", "é", "\0", [], {}, [None], [[]], {"": None}, [{}], {"a": {"b": []}}),
    *({"@id": 5}, {"value": "x"}, [1, 2, 3], ["a", "b", "c"], {"id": "a", "name": "b"}),
)

MUTATIONS = (_delete, _repeat, _move, _insert, _replace, _cut, _flip)
