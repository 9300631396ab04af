"""Mutate the bytes of a valid file into others that a parser may not expect."""

from random import Random

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


MUTATIONS = (_delete, _repeat, _move, _insert, _replace, _cut, _flip)
