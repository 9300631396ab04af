"""Read OBO files, many stanzas at a time and tag by tag, which is faster than one by one."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from kgbert.graph.files.source import Source
from kgbert.graph.rdf.relation_hierarchy import climb
from kgbert.graph.rdf.statements import Statements
from kgbert.graph.readers.obo_tags import (
    ADD,
    Entities,
    MalformedError,
    identifier,
    identifiers,
    shared_relation,
    unquote,
)
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.graph.storage.string_pool import Terms
from kgbert.utils.errors import GraphError

#: A line that ends with a backslash goes on in the next.
_CONTINUED = re.compile(r"\\(?<!\\\\)[ \t]*\r?\n[ \t]*")
_LICENCE = re.compile(r"\s*\S*(?:terms|dc|dct):license\s+(\S+)")
_REMEDY = (
    'Mend the line (tag: value; an entity has an id; synonym: "text" EXACT []; relationship: '
    "part_of EX:0000001), or say which format the file has:"
)

#: Places of stanzas in a block, and the text that a line has for each.
_Lines = tuple[list[int], list[str]]
#: The lines with each tag.
_Said = dict[str, _Lines]


@dataclass(frozen=True)
class _Ontology:
    """What was read of a file."""

    builder: GraphBuilder
    obsolete: set[str] = field(default_factory=set)
    typedefs: dict[str, tuple[str, str]] = field(default_factory=dict)
    """The shared id (BFO, RO) and the name of each relation that the file defines."""


def read_obo(source: Source, statements: Statements) -> None:
    """Add what an OBO file (1.0 to 1.4) says."""
    # A builder of its own: the file's names for relations hold in the file alone.
    ontology = _Ontology(GraphBuilder(statements.builder.terms))
    before = 0
    for block in _blocks(source):
        try:
            before += _read_block(block, ontology)
        except MalformedError as error:
            raise _located(error, before, source) from None
    ontology.builder.forget(ontology.obsolete)
    _rename_relations(ontology.builder, ontology.typedefs)
    climb(ontology.builder.edges, ontology.builder)
    statements.builder.absorb(ontology.builder)


def _blocks(source: Source) -> Iterator[str]:
    """Yield the text in pieces of many whole stanzas; the header is made one too."""
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
    """Add what some stanzas say, and return how many there are."""
    header, typedefs, said = map(_unsaid, (_HEADER, _TYPEDEF, _TERM))
    kinds = {"Header": header, "Typedef": typedefs, "Term": said, "Instance": said}
    count = _gather(block, kinds)
    _read_header(header, ontology.builder)
    _read_typedefs(typedefs, ontology)
    entities = _identified(said, count, block, ontology.builder.terms)
    _retire(said, entities.ids, ontology)
    for tag, add in ADD.items():
        places, texts = said[tag]
        if texts:
            add(places, texts, entities, ontology.builder)
    return count


def _unsaid(tags: Iterable[str]) -> _Said:
    return {tag: ([], []) for tag in tags}


def _gather(block: str, kinds: dict[str, _Said]) -> int:
    """Sort the lines by kind of stanza and tag, and return how many stanzas there are."""
    count = 0
    said: _Said = {}
    for line in block.split("\n"):
        tag, _, text = line.partition(":")
        if lines := said.get(tag):
            places, texts = lines
            places.append(count)
            texts.append(text)
        elif line[:1] == "[":
            count += 1
            said = kinds.get(line[1:].partition("]")[0], {})
            if _BEGIN in said:
                said[_BEGIN][0].append(count)
        elif line and not line.isspace():
            _gather_odd(line.strip(), count, said)
    return count


def _gather_odd(line: str, place: int, said: _Said) -> None:
    """Sort a line that is no plain "tag: value" of a tag that matters."""
    tag, colon, text = line.partition(":")
    if not colon and line[0] != "!":
        raise MalformedError(line, "is not 'tag: value', so it is not OBO")
    if lines := said.get(tag.rstrip()):
        lines[0].append(place)
        lines[1].append(text)


def _read_header(said: _Said, builder: GraphBuilder) -> None:
    for version in said["data-version"][1][:1]:
        builder.version = version.strip()
    for licence in filter(None, map(_LICENCE.match, said["property_value"][1])):
        builder.licence = licence[1].strip('"')


def _read_typedefs(said: _Said, ontology: _Ontology) -> None:
    names = dict(zip(*said["name"], strict=True))
    xrefs, kinds = (_by_place(*said[tag]) for tag in ("xref", "is_a"))
    for place, text in zip(*said["id"], strict=True):
        own = identifier(text)
        relation = shared_relation(own, xrefs[place])
        ontology.typedefs[own] = relation, unquote(names.get(place, "").strip())
        for general in kinds[place]:
            ontology.builder.add_kind(own, general)


def _by_place(places: list[int], texts: list[str]) -> defaultdict[int, list[str]]:
    """Return the ids that lines name, by the place of their stanzas."""
    found = defaultdict(list)
    for place, text in zip(places, texts, strict=True):
        found[place].append(identifier(text))
    return found


def _identified(said: _Said, count: int, block: str, terms: Terms) -> Entities:
    """Return the entities of the stanzas in a block; of several ids the first counts."""
    entities = [""] * (count + 1)
    places, texts = said["id"]
    for place, entity in zip(reversed(places), reversed(identifiers(texts)), strict=True):
        entities[place] = entity
    for place in said[_BEGIN][0]:
        if not entities[place]:
            _, _, lines = f"\n{block}".split("\n[")[place].partition("]")
            raise MalformedError(lines.strip(), "is said of nothing: its stanza has no id")
    return Entities(entities, terms.numbers(entities))


def _retire(said: _Said, entities: list[str], ontology: _Ontology) -> None:
    """Note which entities are obsolete, and what stands for them now."""
    places = {
        place
        for place, text in zip(*said["is_obsolete"], strict=True)
        if text.lstrip().startswith("true")
    }
    replacements = _by_place(*said["replaced_by"])
    for place in places:
        ontology.obsolete.add(entities[place])
        ontology.builder.replaced[entities[place]] = min(replacements[place], default="")


def _rename_relations(builder: GraphBuilder, typedefs: dict[str, tuple[str, str]]) -> None:
    """Call relations what all ontologies call them, and name those that have edges or kinds."""
    kinds = [(own, general) for own, above in builder.kinds.items() for general in above]
    known = builder.edges.relations() | {general for _, general in kinds}
    shared = {own: relation for own, (relation, _) in typedefs.items()}
    builder.edges.rename_relations(shared)
    builder.kinds.clear()
    for own, general in kinds:
        builder.add_kind(shared[own], shared.get(general, general))
    builder.relations = {shared.get(own, own): "" for own in known}
    for own, (relation, text) in typedefs.items():
        if text and (own in known or builder.relations.get(relation) == ""):
            builder.add_relation(relation, text)


def _located(error: MalformedError, before: int, source: Source) -> GraphError:
    """Return the error that names the line: the first, behind some stanzas, with such a text."""
    text, problem = error.args
    content = "".join(source.lines())
    place = 0
    for _ in range(before - 1):
        place = content.find("\n[", place) + 1
    number = content.count("\n", 0, max(place, content.find(text, place))) + 1
    return GraphError(
        f"{source.name}, line {number}: {text.strip().splitlines()[0][:60]!r} {problem}. {_REMEDY} "
        f"read_graph({source.name!r}, format='turtle')."
    )


#: Not a tag: the places where stanzas begin.
_BEGIN = "["
_HEADER = ("data-version", "property_value")
_TYPEDEF = ("id", "name", "xref", "is_a")
_TERM = (_BEGIN, "is_obsolete", "replaced_by", *ADD)
