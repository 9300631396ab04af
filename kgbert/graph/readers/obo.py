"""Read OBO files: many stanzas at once and tag by tag, which is faster than one by one."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from kgbert.graph.core.identifiers import PREFIXES, compact, expand, to_iri
from kgbert.graph.core.vocabulary import DEPRECATED, LICENCES, REPLACED_BY, VERSIONS
from kgbert.graph.files.source import Source
from kgbert.graph.rdf.relation_hierarchy import add_hierarchy_edges
from kgbert.graph.rdf.statements import Statements
from kgbert.graph.readers.obo_tags import (
    ADD,
    Entities,
    MalformedError,
    Positions,
    Values,
    identifier,
    identifiers,
    parse_property_value,
    parse_quoted,
    shared_relation,
    unquote,
)
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.graph.storage.string_pool import StringPool
from kgbert.utils.errors import GraphError, Remedy

#: A line that ends with a backslash is continued in the next.
_CONTINUED = re.compile(r"\\(?<!\\\\)[ \t]*\r?\n[ \t]*")
_SYNTAX = (
    'Correct the line (tag: value; an entity has an id; synonym: "text" EXACT []; relationship: '
    "part_of EX:0000001)."
)

#: The lines with each tag.
_LinesByTag = dict[str, tuple[Positions, Values]]


@dataclass(frozen=True)
class _Ontology:
    """What was read so far of a file."""

    builder: GraphBuilder
    obsolete: set[str] = field(default_factory=set)
    typedefs: dict[str, tuple[str, str]] = field(default_factory=dict)
    """The shared id (BFO, RO) and the name of each relation that the file defines."""
    property_values: list[tuple[str, str]] = field(default_factory=list)
    """Entities, and what a line with the tag of the same name states about them."""
    unused_tags: Counter[str] = field(default_factory=Counter)
    """How often entities have tags that are not read."""
    custom_tags: tuple[str, ...] = ()
    """Tags that the options name as properties."""
    custom_values: list[tuple[str, str, str]] = field(default_factory=list)
    """Entities, such a tag, and the value of a line with it."""


def read_obo(source: Source, statements: Statements) -> None:
    """Add the terms, instances and relations of an OBO file (1.0 to 1.4)."""
    # A builder of its own: the names of relations are local to the file.
    custom_tags = tuple(tag for tag in statements.custom if ":" not in tag)
    ontology = _Ontology(GraphBuilder(statements.builder.terms), custom_tags=custom_tags)
    before = 0
    for block in _blocks(source):
        try:
            before += _read_block(block, ontology)
        except MalformedError as error:
            raise _with_line(error, before, source) from None
    _add_property_values(ontology, statements)
    ontology.builder.remove(ontology.obsolete)
    ontology.builder.unused_properties += ontology.unused_tags
    _rename_relations(ontology.builder, ontology.typedefs)
    add_hierarchy_edges(ontology.builder.edges, ontology.builder)
    statements.builder.take_over(ontology.builder)


def _blocks(source: Source) -> Iterator[str]:
    """Yield the text in blocks of whole stanzas; the header becomes a stanza too."""
    pieces = ["[Header]\n"]
    for block in source.blocks():
        text = _CONTINUED.sub("", block) if "\\" in block else block
        end = text.rfind("\n[") + 1
        if end or (text[:1] == "[" and pieces[-1][-1:] == "\n"):
            yield "".join((*pieces, text[:end]))
            pieces = [text[end:]]
        else:
            pieces.append(text)
    yield "".join(pieces)


def _read_block(block: str, ontology: _Ontology) -> int:
    """Add a block of stanzas, and return how many they are."""
    header, typedefs = _no_lines(_HEADER), _no_lines(_TYPEDEF)
    terms = _no_lines((*_TERM, *ontology.custom_tags))
    sections = {"Header": header, "Typedef": typedefs, "Term": terms, "Instance": terms}
    count = _gather(block, sections, ontology.unused_tags)
    _read_header(header, ontology.builder)
    _read_typedefs(typedefs, ontology)
    entities = _identify(terms, count, block, ontology.builder.terms)
    _add_obsolete(terms, entities.ids, ontology)
    positions, texts = terms["property_value"]
    ontology.property_values.extend(zip(entities.at(positions), texts, strict=True))
    for tag in ontology.custom_tags:
        positions, texts = terms[tag]
        values = zip(entities.at(positions), texts, strict=True)
        ontology.custom_values.extend((entity, tag, text) for entity, text in values)
    for tag, add in ADD.items():
        positions, texts = terms[tag]
        if texts:
            add(positions, texts, entities, ontology.builder)
    return count


def _no_lines(tags: Iterable[str]) -> _LinesByTag:
    return {tag: ([], []) for tag in tags}


def _gather(block: str, sections: dict[str, _LinesByTag], unused: Counter[str]) -> int:
    """Sort the lines by type of stanza and tag, and return the number of stanzas.

    Lines of entities with other tags are counted.
    """
    count = 0
    lines_by_tag: _LinesByTag = {}
    for line in block.split("\n"):
        tag, _, text = line.partition(":")
        if lines := lines_by_tag.get(tag):
            positions, texts = lines
            positions.append(count)
            texts.append(text)
        elif line[:1] == "[":
            count += 1
            lines_by_tag = sections.get(line[1:].partition("]")[0], {})
            if _BEGIN in lines_by_tag:
                lines_by_tag[_BEGIN][0].append(count)
        elif line and not line.isspace():
            tag = _gather_irregular(line.strip(), count, lines_by_tag)
            if tag and _BEGIN in lines_by_tag:
                unused[tag] += 1
    return count


def _gather_irregular(line: str, position: int, lines_by_tag: _LinesByTag) -> str:
    """Sort a line that is not a plain "tag: value" with a known tag; return an unknown tag."""
    tag, colon, text = line.partition(":")
    if not colon and line[0] != "!":
        raise MalformedError(line, "is not 'tag: value', so it is not OBO")
    if lines := lines_by_tag.get(tag.rstrip()):
        lines[0].append(position)
        lines[1].append(text)
        return ""
    return "" if line[0] == "!" else tag.rstrip()


def _read_header(lines_by_tag: _LinesByTag, builder: GraphBuilder) -> None:
    for version in lines_by_tag["data-version"][1][:1]:
        builder.version = version.strip()
    values: dict[str, str] = {}
    for predicate, value, _ in map(parse_property_value, lines_by_tag["property_value"][1]):
        values.setdefault(expand(predicate), value)
    for predicates, name in ((LICENCES, "licence"), (VERSIONS, "version")):
        found = next((values[each] for each in predicates if each in values), "")
        setattr(builder, name, getattr(builder, name) or found)


def _read_typedefs(lines_by_tag: _LinesByTag, ontology: _Ontology) -> None:
    names = dict(zip(*lines_by_tag["name"], strict=True))
    xrefs, parents = (_by_position(*lines_by_tag[tag]) for tag in ("xref", "is_a"))
    for position, text in zip(*lines_by_tag["id"], strict=True):
        own = identifier(text)
        relation = shared_relation(own, xrefs[position])
        ontology.typedefs[own] = relation, unquote(names.get(position, "").strip())
        for general in parents[position]:
            ontology.builder.add_subproperty(own, general)


def _by_position(positions: list[int], texts: list[str]) -> defaultdict[int, list[str]]:
    """Return the ids that lines name, by the position of their stanzas."""
    ids = defaultdict(list)
    for position, text in zip(positions, texts, strict=True):
        ids[position].append(identifier(text))
    return ids


def _identify(lines_by_tag: _LinesByTag, count: int, block: str, terms: StringPool) -> Entities:
    """Return the entities of the stanzas in a block; of several ids the first counts."""
    entities = [""] * (count + 1)
    positions, texts = lines_by_tag["id"]
    for position, entity in zip(reversed(positions), reversed(identifiers(texts)), strict=True):
        entities[position] = entity
    for position in lines_by_tag[_BEGIN][0]:
        if not entities[position]:
            kind, _, lines = f"\n{block}".split("\n[")[position].partition("]")
            text = lines.strip() or f"[{kind}]"
            raise MalformedError(text, "belongs to no entity: its stanza has no id", position)
    return Entities(entities, terms.numbers(entities))


def _add_obsolete(lines_by_tag: _LinesByTag, entities: list[str], ontology: _Ontology) -> None:
    """Record the obsolete entities and their replacements."""
    positions = {
        position
        for position, text in zip(*lines_by_tag["is_obsolete"], strict=True)
        if text.lstrip()[:4].lower() == "true"
    }
    replacements = _by_position(*lines_by_tag["replaced_by"])
    for position in sorted(replacements.keys() - positions):
        example = f"{entities[position]} {replacements[position][0]}"
        ontology.builder.drop_edges("a replacement of what is not obsolete", 1, example)
    for position in positions:
        ontology.obsolete.add(entities[position])
        ontology.builder.replaced[entities[position]] = min(replacements[position], default="")


def _add_property_values(ontology: _Ontology, statements: Statements) -> None:
    """Add names, definitions and mappings under properties; what is unknown is counted there."""
    texts = [
        (entity, tag, quoted[0] if (quoted := parse_quoted(text)) else unquote(text.strip()))
        for entity, tag, text in ontology.custom_values
    ]
    for entity, line in ontology.property_values:
        own, value, is_text = parse_property_value(line)
        relation = ontology.typedefs.get(own, (own, ""))[0]
        predicate = to_iri(compact(relation))
        custom = next(filter(statements.option_of, (own, relation, predicate)), "")
        if custom or not _add_known_property(ontology, entity, predicate, value):
            if is_text or custom or not relation.startswith(_MAPPINGS):
                texts.append((entity, expand(custom) or predicate, value))
            else:
                ontology.builder.add_reference(entity, compact(predicate), value)
    for entity, predicate, value in texts:
        is_obsolete = entity in ontology.obsolete
        if not is_obsolete:
            statements.described.add(entity)
        if not is_obsolete or statements.option_of(predicate) == "replacement":
            statements.add_literal(entity, predicate, value)


def _add_known_property(ontology: _Ontology, entity: str, predicate: str, value: str) -> bool:
    """Add whether an entity is obsolete, or what replaces it; return whether it is so."""
    if predicate in DEPRECATED:
        if value.lower() == "true":
            ontology.obsolete.add(entity)
            ontology.builder.replaced.setdefault(entity, "")
        return True
    if predicate in REPLACED_BY:
        ontology.builder.replaced[entity] = compact(value)
        return True
    return False


def _rename_relations(builder: GraphBuilder, typedefs: dict[str, tuple[str, str]]) -> None:
    """Give relations their shared ids, and names to those with edges or sub-properties."""
    pairs = [(own, general) for own, above in builder.superproperties.items() for general in above]
    known = builder.edges.relations() | {general for _, general in pairs}
    shared = {own: relation for own, (relation, _) in typedefs.items()}
    builder.edges.rename_relations(shared)
    builder.superproperties.clear()
    for own, general in pairs:
        builder.add_subproperty(shared[own], shared.get(general, general))
    builder.relations = {shared.get(own, own): "" for own in known}
    for own, (relation, text) in typedefs.items():
        if text and (own in known or builder.relations.get(relation) == ""):
            builder.add_relation(relation, text)


def _with_line(error: MalformedError, before: int, source: Source) -> GraphError:
    """Return the error that names the line: the first with its text in or after its stanza."""
    content = "\n" + "".join(source.lines())
    # The header is the first stanza, and the only one that no bracket begins.
    start = 0
    for _ in range(before + error.stanza - 1):
        start = content.find("\n[", start) + 1
    if text := error.text.strip():
        position, shown = content.find(error.text, start), repr(text.splitlines()[0][:60])
    else:
        blank = _BLANK_VALUE.search(content, start)
        position, shown = (blank.end() if blank else start), "an empty value"
    number = content.count("\n", 0, max(start, position))
    return GraphError(
        f"{source.name}, line {number}: {shown} {error.problem}. {_SYNTAX}",
        code="malformed-obo",
        remedies=[Remedy("format", "turtle", "if that is its format")],
    )


#: A line with a tag and nothing after it.
_BLANK_VALUE = re.compile(r"^[^:\n]+:[ \t]*$", re.MULTILINE)
#: Not a tag: the positions of the stanzas themselves.
_BEGIN = "["
_HEADER = ("data-version", "property_value")
_TYPEDEF = ("id", "name", "xref", "is_a")
_TERM = (_BEGIN, "is_obsolete", "replaced_by", "property_value", *ADD)
#: Namespaces of mappings to other vocabularies.
_MAPPINGS = ("skos:", PREFIXES["skos"])
