"""Read OBO files line by line."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from kgbert.graph.builder import GraphBuilder
from kgbert.graph.graph import GraphError
from kgbert.graph.identifiers import compact, expand
from kgbert.graph.source import Source
from kgbert.graph.statements import Statements
from kgbert.graph.vocabulary import RELATION_WORDS, XREF

_QUOTED = re.compile(r'\s*"([^"\\]*(?:\\.[^"\\]*)*)"\s*(\w*)')
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "W": " ", "t": "\t"}
_TRAILING = re.compile(r"(?:\s+\{[^{}]*\})?(?:\s+!.*)?$")
_CONTINUED = re.compile(r"(?<!\\)\\[ \t]*\r?\n[ \t]*")
_SHARED_RELATION = re.compile(r"[A-Za-z]+:\d{4,}")
_XREF = compact(XREF)
_SCOPES = {"EXACT": "exact", "RELATED": "related", "BROAD": "broad", "NARROW": "narrow"}


_Add = Callable[[str, str, GraphBuilder], None]
_REMEDY = (
    'Mend the line (tag: value; an entity has an id; synonym: "text" EXACT []; relationship: '
    "part_of EX:0000001), or say which format the file has:"
)


class _MalformedError(ValueError):
    """A line cannot be understood: its text, and why."""


def read_obo(source: Source, statements: Statements) -> None:
    """Add what an OBO file (1.0 to 1.4) says."""
    # A builder of its own: the file's names for relations hold in the file alone.
    builder = GraphBuilder(statements.builder.terms)
    typedefs: dict[str, tuple[str, str]] = {}
    for number, stanza in enumerate(_stanzas(source)):
        kind, _, lines = stanza.partition("]") if number else ("", "", stanza)
        try:
            if kind in ("Term", "Instance"):
                _read_entity(lines.split("\n"), builder)
            elif not number:
                _read_header(lines, builder)
            elif kind == "Typedef":
                own, relation, name = _typedef(lines.split("\n"))
                typedefs[own] = relation, name
        except _MalformedError as error:
            raise _located(error, number, source) from None
    _rename_relations(builder, typedefs)
    statements.builder.absorb(builder)


def parse_quoted(text: str) -> tuple[str, str] | None:
    r"""Return the quoted text of a synonym or definition and the word after it, or None.

    >>> parse_quoted('"a \\"fever\\"" EXACT [PMID:1]')
    ('a "fever"', 'EXACT')
    """
    match = _QUOTED.match(text)
    return (_unescape(match[1]), match[2]) if match else None


def unquote(text: str) -> str:
    r"""Return the text of a tag that has no quotes, without modifiers, comment and escapes.

    >>> unquote('tall {source="X:1"} ! as a tree'), unquote(r"50\% \{v\}")
    ('tall', '50% {v}')
    """
    return _unescape(_TRAILING.sub("", text) if "{" in text or "!" in text else text)


def shared_relation(own: str, xrefs: Iterable[str]) -> str:
    """Return the id that a relation has in all ontologies (BFO, RO), if its xrefs tell it.

    >>> shared_relation("part_of", ["BFO:0000050"]), shared_relation("X:1", ["BFO:0000050"])
    ('BFO:0000050', 'X:1')
    """
    shared = sorted(xref for xref in xrefs if _SHARED_RELATION.fullmatch(xref))
    return shared[0] if shared and ":" not in own else own


def _stanzas(source: Source) -> Iterator[str]:
    """Yield the header, and what stands behind the opening bracket of each stanza."""
    rest = ""
    for block in source.blocks():
        text = rest + block if rest else "\n" + block
        # A line that ends with a backslash goes on in the next.
        if "\\" in text:
            text = _CONTINUED.sub("", text)
        *whole, rest = text.split("\n[")
        yield from whole
    yield rest


def _values(lines: Iterable[str]) -> defaultdict[str, list[str]]:
    """Return the values of each tag that is read."""
    values: defaultdict[str, list[str]] = defaultdict(list)
    for line in lines:
        tag, colon, text = line.partition(":")
        if tag in _READ:
            values[tag].append(text.strip())
        elif not colon or not tag.isidentifier():
            tag = tag.strip()
            if colon and tag in _READ:
                values[tag].append(text.strip())
            elif not colon and tag and tag[0] != "!":
                raise _MalformedError(tag, "is not 'tag: value', so it is not OBO")
    return values


def _read_header(header: str, builder: GraphBuilder) -> None:
    values = _values(header.split("\n"))
    builder.version = next(iter(values["data-version"]), "")
    for text in values["property_value"]:
        if re.match(r"\S*(terms|dc|dct):license\s", text):
            builder.licence = text.split()[1].strip('"')


def _read_entity(lines: list[str], builder: GraphBuilder) -> None:
    values = _values(lines)
    if "id" not in values:
        raise _MalformedError("", "has no id, so nothing can refer to it")
    entity = _identifier(values["id"][0])
    for text in values["alt_id"]:
        builder.replaced.setdefault(_identifier(text), entity)
    if any(text.startswith("true") for text in values["is_obsolete"]):
        builder.replaced[entity] = min(map(_identifier, values["replaced_by"]), default="")
        return
    builder.add_entity(entity)
    for tag, add in _ADD.items():
        for text in values.get(tag, ()):
            add(entity, text, builder)
    if "def" not in values:
        for text in values["comment"]:
            builder.add_entity(entity, unquote(text))


def _add_name(entity: str, text: str, builder: GraphBuilder) -> None:
    builder.add_name(entity, unquote(text))


def _add_synonym(scope: str) -> _Add:
    def add(entity: str, text: str, builder: GraphBuilder) -> None:
        name, word = _quoted(text)
        builder.add_name(entity, name, _SCOPES.get(word, scope))

    return add


def _add_definition(entity: str, text: str, builder: GraphBuilder) -> None:
    builder.add_entity(entity, _quoted(text)[0])


def _add_edge(relation: str) -> _Add:
    def add(entity: str, text: str, builder: GraphBuilder) -> None:
        builder.add_edge(entity, relation, _identifier(text))

    return add


def _add_member(entity: str, text: str, builder: GraphBuilder) -> None:
    builder.add_edge(_identifier(text), RELATION_WORDS["is_a"], entity)


def _add_claim(entity: str, text: str, builder: GraphBuilder) -> None:
    words = text.partition(" ! ")[0].split()
    if len(words) < 2:
        raise _MalformedError(text, "is a relationship that lacks its relation or its target")
    builder.add_edge(entity, RELATION_WORDS.get(words[0], words[0]), _identifier(words[1]))


def _add_conjunct(entity: str, text: str, builder: GraphBuilder) -> None:
    words = text.partition(" ! ")[0].split()
    _add_claim(entity, f"is_a {words[0]}" if len(words) == 1 else text, builder)


def _add_xref(entity: str, text: str, builder: GraphBuilder) -> None:
    builder.add_reference(entity, _XREF, _identifier(text))


def _add_match(entity: str, text: str, builder: GraphBuilder) -> None:
    """Add what the entity is called in another vocabulary, if a property says that."""
    predicate, _, target = text.partition(" ")
    if "skos" in predicate and target[:1] != '"':
        builder.add_reference(entity, compact(expand(predicate)), _identifier(target))


def _typedef(lines: list[str]) -> tuple[str, str, str]:
    """Return a relation's id in the file, its shared id (BFO, RO) if it has one, and its name."""
    values = _values(lines)
    own = _identifier(next(iter(values["id"]), ""))
    relation = shared_relation(own, map(_identifier, values["xref"]))
    return own, relation, unquote(next(iter(values["name"]), ""))


def _rename_relations(builder: GraphBuilder, typedefs: dict[str, tuple[str, str]]) -> None:
    known = builder.edges.relations()
    shared = {name: typedefs.get(name, (name, ""))[0] for name in known}
    builder.edges.rename_relations(shared)
    builder.relations = dict.fromkeys(shared.values(), "")
    for name, (relation, text) in typedefs.items():
        if name in known and text:
            builder.add_relation(relation, text)


def _quoted(text: str) -> tuple[str, str]:
    parsed = parse_quoted(text)
    if parsed is None:
        raise _MalformedError(text, "has no closed pair of double quotes, so its text is not known")
    return parsed


def _located(error: _MalformedError, stanza: int, source: Source) -> GraphError:
    """Return the error that names the line: the first of a stanza that holds the text."""
    text, problem = error.args
    lines = list(source.lines())
    starts = [place for place, line in enumerate(lines) if line.startswith("[")]
    first = starts[stanza - 1] if stanza else 0
    place = next(place for place in range(first, len(lines)) if text in lines[place])
    return GraphError(
        f"{source.name}, line {place + 1}: {lines[place].strip()[:60]!r} {problem}. {_REMEDY} "
        f"read_graph({source.name!r}, format='turtle')."
    )


def _identifier(text: str) -> str:
    word = text.split(maxsplit=1)[0] if text else ""
    return compact(_ESCAPE.sub(r"\1", word) if "\\" in word else word)


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), text)


#: Tags of an entity -> a function that adds what a line with it says.
_ADD: dict[str, _Add] = {
    "name": _add_name,
    "synonym": _add_synonym("related"),
    "exact_synonym": _add_synonym("exact"),
    "related_synonym": _add_synonym("related"),
    "broad_synonym": _add_synonym("broad"),
    "narrow_synonym": _add_synonym("narrow"),
    "def": _add_definition,
    **{tag: _add_edge(RELATION_WORDS[tag]) for tag in ("is_a", "instance_of", "equivalent_to")},
    "union_of": _add_member,
    "relationship": _add_claim,
    "intersection_of": _add_conjunct,
    "xref": _add_xref,
    "property_value": _add_match,
}
_READ = frozenset((*_ADD, "id", "alt_id", "is_obsolete", "replaced_by", "comment", "data-version"))
