"""Read OBO files line by line."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

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
_SHARED_RELATION = re.compile(r"[A-Za-z]+:\d{4,}")
_XREF = compact(XREF)
_SYNONYMS = {
    "synonym": "related",
    "exact_synonym": "exact",
    "related_synonym": "related",
    "broad_synonym": "broad",
    "narrow_synonym": "narrow",
}
_SCOPES = {"EXACT": "exact", "RELATED": "related", "BROAD": "broad", "NARROW": "narrow"}


@dataclass(frozen=True)
class _Stanza:
    """The lines of one stanza by tag: (line number, text)."""

    kind: str
    line: int
    tags: dict[str, list[tuple[int, str]]]

    def values(self, tag: str) -> list[str]:
        return [text for _, text in self.tags.get(tag, ())]


def read_obo(source: Source, statements: Statements) -> None:
    """Add what an OBO file (1.0 to 1.4) says."""
    builder = GraphBuilder()
    stanzas = list(_stanzas(source))
    relations = dict(_typedef(stanza) for stanza in stanzas if stanza.kind == "Typedef")
    for stanza in stanzas:
        if stanza.kind in ("Term", "Instance"):
            _read_entity(stanza, source, builder)
    _rename_relations(builder, relations)
    header = stanzas[0]
    builder.version = next(iter(header.values("data-version")), "")
    for text in header.values("property_value"):
        if re.match(r"\S*(terms|dc|dct):license\s", text):
            builder.licence = text.split()[1].strip('"')
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


def _stanzas(source: Source) -> Iterator[_Stanza]:
    stanza = _Stanza("", 1, {})
    pending = ""
    for number, raw in enumerate(source.lines(), start=1):
        tag, colon, text = raw.partition(":")
        text = text.strip()
        # Nearly all lines are whole and plain.
        if colon and tag.isidentifier() and not pending and not text.endswith("\\"):
            stanza.tags.setdefault(tag, []).append((number, text))
            continue
        line = pending + raw.strip()
        if line.endswith("\\") and not line.endswith("\\\\"):
            pending = line[:-1]
            continue
        pending = ""
        if line.startswith("[") and line.endswith("]"):
            yield stanza
            stanza = _Stanza(line[1:-1], number, {})
        elif line and not line.startswith("!"):
            tag, text = _tag(line, number, source)
            stanza.tags.setdefault(tag, []).append((number, text))
    yield stanza


def _tag(line: str, number: int, source: Source) -> tuple[str, str]:
    tag, colon, text = line.partition(":")
    if not colon:
        raise GraphError(
            f"{source.name}, line {number}: {line[:60]!r} is not 'tag: value', so it is not OBO. "
            f"Mend the line, or say which format the file has: "
            f"read_graph({source.name!r}, format='turtle')."
        )
    return tag, text.strip()


def _read_entity(stanza: _Stanza, source: Source, builder: GraphBuilder) -> None:
    if "id" not in stanza.tags:
        raise GraphError(
            f"{source.name}, line {stanza.line}: a [{stanza.kind}] without an id, so nothing can "
            f"refer to it. Add a line such as 'id: EX:0000001' below it, or remove it."
        )
    entity = _identifier(stanza.values("id")[0])
    for text in stanza.values("alt_id"):
        builder.replaced.setdefault(_identifier(text), entity)
    if any(text.startswith("true") for text in stanza.values("is_obsolete")):
        replacements = sorted(_identifier(text) for text in stanza.values("replaced_by"))
        builder.replaced[entity] = replacements[0] if replacements else ""
        return
    _describe(entity, stanza, source, builder)
    _relate(entity, stanza, source, builder)
    _refer(entity, stanza, builder)


def _describe(entity: str, stanza: _Stanza, source: Source, builder: GraphBuilder) -> None:
    builder.add_entity(entity)
    for text in stanza.values("name"):
        builder.add_name(entity, unquote(text))
    for tag, scope in _SYNONYMS.items():
        for number, text in stanza.tags.get(tag, ()):
            name, word = _quoted(text, number, source)
            builder.add_name(entity, name, _SCOPES.get(word, scope))
    for number, text in stanza.tags.get("def", ()):
        builder.add_entity(entity, _quoted(text, number, source)[0])
    if "def" not in stanza.tags:
        for text in stanza.values("comment"):
            builder.add_entity(entity, unquote(text))


def _relate(entity: str, stanza: _Stanza, source: Source, builder: GraphBuilder) -> None:
    for tag in ("is_a", "instance_of", "equivalent_to"):
        for text in stanza.values(tag):
            builder.add_edge(entity, RELATION_WORDS[tag], _identifier(text))
    for text in stanza.values("union_of"):
        builder.add_edge(_identifier(text), RELATION_WORDS["is_a"], entity)
    for tag in ("relationship", "intersection_of"):
        for number, text in stanza.tags.get(tag, ()):
            words = text.partition(" ! ")[0].split()
            if tag == "intersection_of" and len(words) == 1:
                words = ["is_a", *words]
            relation, target = _claim(words, number, source)
            builder.add_edge(entity, relation, target)


def _refer(entity: str, stanza: _Stanza, builder: GraphBuilder) -> None:
    """Add what the entity is called in other vocabularies."""
    for text in stanza.values("xref"):
        builder.add_reference(entity, _XREF, _identifier(text))
    for text in stanza.values("property_value"):
        predicate, _, target = text.partition(" ")
        if "skos" in predicate and target[:1] != '"':
            builder.add_reference(entity, compact(expand(predicate)), _identifier(target))


def _claim(words: list[str], number: int, source: Source) -> tuple[str, str]:
    if len(words) < 2:
        raise GraphError(
            f"{source.name}, line {number}: a relationship lacks its relation or its target "
            f"({' '.join(words)!r}). Write it as 'relationship: part_of EX:0000001'."
        )
    return RELATION_WORDS.get(words[0], words[0]), _identifier(words[1])


def _typedef(stanza: _Stanza) -> tuple[str, tuple[str, str]]:
    """Return a relation's id in the file, its shared id (BFO, RO) if it has one, and its name."""
    own = _identifier(next(iter(stanza.values("id")), ""))
    relation = shared_relation(own, map(_identifier, stanza.values("xref")))
    return own, (relation, unquote(next(iter(stanza.values("name")), "")))


def _rename_relations(builder: GraphBuilder, typedefs: dict[str, tuple[str, str]]) -> None:
    known = builder.edges.relations()
    shared = {name: typedefs.get(name, (name, ""))[0] for name in known}
    entities = builder.edges.heads() | builder.edges.tails()
    builder.edges = builder.edges.renamed({entity: entity for entity in entities}, shared)
    builder.relations = dict.fromkeys(shared.values(), "")
    for name, (relation, text) in typedefs.items():
        if name in known and text:
            builder.add_relation(relation, text)


def _quoted(text: str, number: int, source: Source) -> tuple[str, str]:
    parsed = parse_quoted(text)
    if parsed is None:
        raise GraphError(
            f"{source.name}, line {number}: {text[:60]!r} has no closed pair of double quotes, so "
            f'the text in it is not known. Write it as "text" EXACT [].'
        )
    return parsed


def _identifier(text: str) -> str:
    word = text.split(maxsplit=1)[0] if text else ""
    return compact(_ESCAPE.sub(r"\1", word) if "\\" in word else word)


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), text)
