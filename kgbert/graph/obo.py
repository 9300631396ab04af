"""Read OBO files line by line."""

import re
from collections.abc import Callable, Iterable, Iterator

from kgbert.graph.builder import GraphBuilder
from kgbert.graph.graph import SCOPES, GraphError
from kgbert.graph.identifiers import compact, expand
from kgbert.graph.source import Source
from kgbert.graph.statements import Statements
from kgbert.graph.vocabulary import RELATION_WORDS, XREF

_QUOTED = re.compile(r'\s*"([^"\\]*(?:\\.[^"\\]*)*)"\s*(\w*)')
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "W": " ", "t": "\t"}
_TRAILING = re.compile(r"(?:\s+\{[^{}]*\})?(?:\s+!.*)?$")
_ID = re.compile(r"\n[ \t]*id[ \t]*:[ \t]*(\S+)")
#: A line that ends with a backslash goes on in the next.
_CONTINUED = re.compile(r"\\(?<!\\\\)[ \t]*\r?\n[ \t]*")
_SHARED_RELATION = re.compile(r"[A-Za-z]+:\d{4,}")
_XREF = compact(XREF)
_SCOPES = {"EXACT": "exact", "RELATED": "related", "BROAD": "broad", "NARROW": "narrow"}


#: Entities, and the text that a line has for each.
_Pairs = tuple[list[str], list[str]]
_Add = Callable[[list[str], list[str], GraphBuilder], None]
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
    before = 0
    for stanzas in _stanzas(source):
        try:
            _read_stanzas(stanzas, builder, typedefs)
        except _MalformedError as error:
            raise _located(error, before, source) from None
        before += len(stanzas)
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


def _stanzas(source: Source) -> Iterator[list[str]]:
    """Yield the stanzas, many at a time, each without its first bracket; the header is one too."""
    rest = "\n[Header]\n"
    for block in source.blocks():
        text = rest + block
        if "\\" in text:
            text = _CONTINUED.sub("", text)
        *whole, last = text.split("\n[")
        yield list(filter(None, whole))
        rest = f"\n[{last}"
    yield [rest.removeprefix("\n[")]


def _read_stanzas(
    stanzas: list[str], builder: GraphBuilder, typedefs: dict[str, tuple[str, str]]
) -> None:
    """Add what some stanzas say, tag by tag, which is faster than one by one."""
    said: dict[str, _Pairs] = {tag: ([], []) for tag in _ADD}
    for stanza in stanzas:
        kind, _, lines = stanza.partition("]")
        if kind in ("Term", "Instance"):
            if entity := _declare(lines, builder):
                _gather(entity, lines, said)
        elif kind == "Typedef":
            own, relation, name = _typedef(lines)
            typedefs[own] = relation, name
        elif kind == "Header":
            _read_header(lines, builder)
    for tag, (entities, texts) in said.items():
        _ADD[tag](entities, texts, builder)


def _declare(lines: str, builder: GraphBuilder) -> str | None:
    """Return the entity that a stanza is about, unless it is obsolete."""
    found = _ID.search(lines)
    if found is None:
        raise _MalformedError(lines.strip(), "is said of nothing: its stanza has no id")
    entity = _identifier(found[1])
    if "alt_id" in lines:
        for text in _values(lines, "alt_id"):
            builder.replaced.setdefault(_identifier(text), entity)
    if "is_obsolete" in lines and any(
        text.startswith("true") for text in _values(lines, "is_obsolete")
    ):
        replacements = map(_identifier, _values(lines, "replaced_by"))
        builder.replaced[entity] = min(replacements, default="")
        return None
    builder.add_entity(entity)
    return entity


def _gather(entity: str, lines: str, said: dict[str, _Pairs]) -> None:
    for line in lines.split("\n"):
        tag, colon, text = line.partition(":")
        if pairs := said.get(tag):
            pairs[0].append(entity)
            pairs[1].append(text.strip())
        elif line[:1].isspace():
            _gather(entity, line.strip(), said)
        elif not colon and line and line[0] != "!":
            raise _MalformedError(line, "is not 'tag: value', so it is not OBO")


def _values(lines: str, wanted: str) -> list[str]:
    """Return the values of one tag."""
    parts = (line.partition(":") for line in lines.split("\n"))
    return [text.strip() for tag, _, text in parts if tag.strip() == wanted]


def _read_header(lines: str, builder: GraphBuilder) -> None:
    _gather("", lines, {})
    builder.version = next(iter(_values(lines, "data-version")), "")
    for text in _values(lines, "property_value"):
        if re.match(r"\S*(terms|dc|dct):license\s", text):
            builder.licence = text.split()[1].strip('"')


def _add_names(entities: list[str], texts: list[str], builder: GraphBuilder) -> None:
    builder.add_names(entities, map(unquote, texts), "preferred")


def _synonyms_of(scope: str) -> _Add:
    def add(entities: list[str], texts: list[str], builder: GraphBuilder) -> None:
        by_scope: dict[str, _Pairs] = {each: ([], []) for each in SCOPES}
        for entity, text in zip(entities, texts, strict=True):
            name, word = _quoted(text)
            owners, names = by_scope[_SCOPES.get(word, scope)]
            owners.append(entity)
            names.append(name)
        for each, (owners, names) in by_scope.items():
            builder.add_names(owners, names, each)

    return add


def _add_definitions(entities: list[str], texts: list[str], builder: GraphBuilder) -> None:
    for entity, text in zip(entities, texts, strict=True):
        builder.add_entity(entity, _quoted(text)[0])


def _add_comments(entities: list[str], texts: list[str], builder: GraphBuilder) -> None:
    """Add comments in the place of definitions that are missing."""
    undefined = {entity for entity in entities if not builder.entities[entity]}
    for entity, text in zip(entities, texts, strict=True):
        if entity in undefined:
            builder.add_entity(entity, unquote(text))


def _edges_of(relation: str) -> _Add:
    def add(entities: list[str], texts: list[str], builder: GraphBuilder) -> None:
        if texts:
            builder.add_edges(entities, relation, list(map(_identifier, texts)))

    return add


def _add_members(entities: list[str], texts: list[str], builder: GraphBuilder) -> None:
    for entity, text in zip(entities, texts, strict=True):
        builder.add_edge(_identifier(text), RELATION_WORDS["is_a"], entity)


def _add_claims(entities: list[str], texts: list[str], builder: GraphBuilder) -> None:
    for entity, text in zip(entities, texts, strict=True):
        words = text.partition(" ! ")[0].split()
        if len(words) < 2:
            raise _MalformedError(text, "is a relationship that lacks its relation or its target")
        builder.add_edge(entity, RELATION_WORDS.get(words[0], words[0]), _identifier(words[1]))


def _add_conjuncts(entities: list[str], texts: list[str], builder: GraphBuilder) -> None:
    conjuncts = (text.partition(" ! ")[0].strip() for text in texts)
    claims = [f"is_a {text}" if len(text.split()) == 1 else text for text in conjuncts]
    _add_claims(entities, claims, builder)


def _add_xrefs(entities: list[str], texts: list[str], builder: GraphBuilder) -> None:
    builder.references.extend(entities, _XREF, list(map(_identifier, texts)))


def _add_matches(entities: list[str], texts: list[str], builder: GraphBuilder) -> None:
    """Add what entities are called in other vocabularies, where a property says that."""
    for entity, text in zip(entities, texts, strict=True):
        predicate, _, target = text.partition(" ")
        if "skos" in predicate and target[:1] != '"':
            builder.add_reference(entity, compact(expand(predicate)), _identifier(target))


def _typedef(lines: str) -> tuple[str, str, str]:
    """Return a relation's id in the file, its shared id (BFO, RO) if it has one, and its name."""
    own = _identifier(next(iter(_values(lines, "id")), ""))
    relation = shared_relation(own, map(_identifier, _values(lines, "xref")))
    return own, relation, unquote(next(iter(_values(lines, "name")), ""))


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


def _located(error: _MalformedError, before: int, source: Source) -> GraphError:
    """Return the error that names the line: the first, behind some stanzas, with such a text."""
    text, problem = error.args
    content = "".join(source.lines())
    place = 0
    for _ in range(before - 1):
        place = content.find("\n[", place) + 1
    number = content.count("\n", 0, max(place, content.find(text, place))) + 1
    return GraphError(
        f"{source.name}, line {number}: {text.splitlines()[0][:60]!r} {problem}. {_REMEDY} "
        f"read_graph({source.name!r}, format='turtle')."
    )


def _identifier(text: str) -> str:
    word = text.split(maxsplit=1)[0] if text else ""
    return compact(_ESCAPE.sub(r"\1", word) if "\\" in word else word)


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), text)


#: Tags of an entity -> a function that adds what lines with it say of entities.
_ADD: dict[str, _Add] = {
    "name": _add_names,
    "synonym": _synonyms_of("related"),
    "exact_synonym": _synonyms_of("exact"),
    "related_synonym": _synonyms_of("related"),
    "broad_synonym": _synonyms_of("broad"),
    "narrow_synonym": _synonyms_of("narrow"),
    "def": _add_definitions,
    "comment": _add_comments,  # behind the definitions, which are better
    **{tag: _edges_of(RELATION_WORDS[tag]) for tag in ("is_a", "instance_of", "equivalent_to")},
    "union_of": _add_members,
    "relationship": _add_claims,
    "intersection_of": _add_conjuncts,
    "xref": _add_xrefs,
    "property_value": _add_matches,
}
