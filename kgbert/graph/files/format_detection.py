"""Detect the format of a file by its content; the suffix decides between similar formats."""

import re
from collections.abc import Callable

from kgbert.graph.files.source import Source
from kgbert.utils.errors import GraphError, Remedy
from kgbert.utils.registry import READERS_GROUP, known_names, lookup

_TERM = r"(?:<[^<>\s]*>|_:\S+)"
_LITERAL = r"\"[^\"\\]*+(?:\\.[^\"\\]*+)*+\"\S*+"
_NTRIPLE = re.compile(rf"\s*{_TERM}\s+<[^<>\s]*>\s+(?:{_TERM}|\".*\S)\s*\.\s*(?:#.*)?$")
_NQUAD = re.compile(
    rf"\s*{_TERM}\s+<[^<>\s]*>\s+(?:{_TERM}|{_LITERAL})\s++{_TERM}\s*\.\s*(?:#.*)?$"
)
_TURTLE = re.compile(r"^[ \t]*+(?:@prefix|@base|prefix\s+\S*:\s*<|base\s+<)", re.IGNORECASE | re.M)
_STATEMENT = re.compile(
    r"^[ \t]*+(?:<[^<>\s]*>|\w*:\w+|\[\])\s+(?:a|<[^<>\s]*>|\w*:\w+)\s+\S", re.M
)
_GRAPH_BLOCK = re.compile(
    r"^[ \t]*+(?:GRAPH\s+)?(?:<[^<>\s]*>|\w*:\w+)?[ \t]*+(?:\r?\n[ \t]*+)?\{[ \t\r]*+$", re.I | re.M
)
_MARKUP = re.compile(r"\s*<(?:[?!]|(?:[\w-]+:)?(?:RDF|TriX|graphml|gexf|CodeSystem)\b)")
_RDF_ROOT = re.compile(r"<(?:\w+:)?RDF\b")
_OTHER_OWL = re.compile(
    r"^[ \t]*+(?:(?:Prefix|Ontology)\(|(?:Prefix|Ontology|Class|ObjectProperty): )|<Ontology\b",
    re.M,
)
_DICTIONARY = re.compile(r"[^\s|]+(?:\|[^\s|]+)*\|\|[^|]")
_PAGE = re.compile(r"\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype\s+html|html)\b", re.IGNORECASE)
_POINTER = "version https://git-lfs"
_TAR = re.compile(r"[^\0]{1,100}\0.{0,256}ustar", re.DOTALL)
_XML = re.compile(r"\s*<[?!\w]")
_JSON = re.compile(r"\s*(?:\{\s*[\"}]|\[\s*(?:[\[{\"\]]|\d+\s*,))")
#: What the beginning of a file in JSON has in it, in the order of looking.
_JSON_FORMATS = {
    "obographs": re.compile(r'^\s*+\{(?=.*"graphs")\s*+"(?:meta|graphs)"\s*+:', re.DOTALL),
    "json-ld": re.compile(r'"@(?:context|graph|id|type|value|vocab|base)"'),
    "fhir": re.compile(r'"resourceType"\s*+:\s*+"CodeSystem"'),
    "stix": re.compile(r'"type"\s*+:\s*+"bundle"'),
    "wikidata": re.compile(
        r'"datavalue"\s*+:|"claims"\s*+:|"descriptions"\s*+:\s*+\{\s*+"[a-z-]+"'
    ),
    "node-link": re.compile(
        r'"nodes"\s*+:|"elements"\s*+:\s*+[\[{](?=[^\]]{0,200}?"data"\s*+:\s*+\{)'
    ),
    "tree": re.compile(r'"children"\s*+:\s*+\['),
}
#: Keys that only records of entities or triples have.
_RECORD_KEYS = re.compile(
    r'"(?:id|_id|name|head|subject|source|concept_id|canonical_name|code|start|uri|iri)"\s*+:'
)
_JSON_TRIPLE = re.compile(r'\s*\[\s*\[\s*"')
_OBO = re.compile(r"^(?:format-version:|\[Term\]|\[Typedef\])", re.M)


def detect_format(source: Source) -> str:
    """Return the name of a file's format in ``READERS``.

    Raises:
        GraphError: The content matches no format that can be read.
    """
    head = source.head()
    _refuse_other_files(head, source)
    is_json = _JSON.match(head) is not None
    for recognize in _RECOGNIZERS[:2] if is_json else _RECOGNIZERS:
        if format_name := recognize(head, source.suffix):
            return format_name
    if is_json:
        raise GraphError(
            f"{source.name}: JSON, but none of the formats that are read: OBO Graphs, JSON-LD, "
            f"node-link, HexTuples, FHIR CodeSystem, STIX 2, Wikidata's dump, a tree of "
            f"'children', or records of entities (id, name) or triples (head, relation, tail). "
            f"Export one of these, or a table.",
            code="unknown-json",
        )
    if _XML.match(head):
        raise GraphError(
            f"{source.name}: XML, but none of the formats that are read: RDF/XML, TriX, GraphML, "
            f"GEXF or FHIR CodeSystem. Export one of these.",
            code="unknown-xml",
        )
    for name in known_names((), READERS_GROUP):
        # A reader of another package may have a method that recognises its own files.
        recognizes = getattr(lookup({}, name, "graph format", READERS_GROUP), "recognizes", None)
        if recognizes is not None and recognizes(head, source.suffix):
            return name
    if format_name := _names(head, source.suffix):
        return format_name
    raise GraphError(
        f"{source.name}: the format was not recognised (it begins {head.lstrip()[:40]!r}).",
        code="unknown-format",
        remedies=[
            Remedy("format", "names", "if it is a list of names, one a line"),
            Remedy("format", "turtle", "if you know that it is Turtle, for example"),
        ],
    )


def _refuse_other_files(head: str, source: Source) -> None:
    """Refuse what is often given in the place of a graph, and is none."""
    if not head.strip():
        raise GraphError(
            f"{source.name}: the file is empty, so there is no graph in it. Name another file, "
            f"or write this one again.",
            code="empty-file",
        )
    if _TAR.match(head):
        raise GraphError(
            f"{source.name}: a tar archive, which is not read. Unpack it and name the file or the "
            f"folder: tar xf {source.path.name}",
            code="unsupported-archive",
        )
    if source.member == "[Content_Types].xml" or "\0" in head or head.startswith("%PDF"):
        raise GraphError(
            f"{source.name}: a binary file or an office document, not text. Save the table in it "
            f"as CSV, or the ontology as RDF.",
            code="binary-file",
        )
    if _PAGE.match(head) or head.startswith(_POINTER):
        what = "a web page" if _PAGE.match(head) else "a pointer of Git LFS"
        raise GraphError(
            f"{source.name}: {what} and not the graph itself. Download the file that it links "
            f"to; that may need another address, or a login.",
            code="not-the-graph-itself",
        )
    if _OTHER_OWL.search(head) and not _RDF_ROOT.search(head):
        raise GraphError(
            f"{source.name}: OWL in functional syntax, Manchester syntax or OWL/XML, which kgbert "
            f"does not read. Convert it to RDF/XML with Protégé (save as) or with ROBOT: "
            f"robot convert --input {source.path.name} --output converted.owl",
            code="unsupported-owl-syntax",
        )


def _markup(head: str, suffix: str) -> str | None:
    if not _MARKUP.match(head):
        return None
    if _RDF_ROOT.search(head):
        return "xml"
    if re.search(r"<TriX\b", head):
        return "trix"
    if re.search(r"<graphml\b", head):
        return "graphml"
    if re.search(r"<gexf\b", head):
        return "gexf"
    if re.search(r"<CodeSystem\b", head):
        return "fhir"
    return "xml" if suffix in (".rdf", ".owl") else None


def _json(head: str, suffix: str) -> str | None:
    if not _JSON.match(head):
        return None
    if head.lstrip().startswith('["') and suffix not in (".json", ".jsonld"):
        return "hext"
    for format_name, pattern in _JSON_FORMATS.items():
        if pattern.search(head):
            return format_name
    if suffix == ".jsonld":
        return "json-ld"
    return "records" if _RECORD_KEYS.search(head) or _JSON_TRIPLE.match(head) else None


def _obo(head: str, suffix: str) -> str | None:
    return "obo" if _OBO.search(head) else None


def _graph_editor(head: str, suffix: str) -> str | None:
    if re.match(r"\s*(?:Creator\s+\"[^\"]*\"\s*)?graph\s*\[", head):
        return "gml"
    return "pajek" if re.match(r"\s*\*(?:network|vertices)\b", head, re.I) else None


def _rrf(head: str, suffix: str) -> str | None:
    first = head.lstrip().split("\n", 1)[0]
    return "rrf" if suffix == ".rrf" and first.count("|") >= 5 else None


def _dictionary(head: str, suffix: str) -> str | None:
    lines = [line for line in head.splitlines()[:-1] if line.strip()]
    return "dictionary" if lines and all(_DICTIONARY.match(line) for line in lines) else None


def _lines(head: str, suffix: str) -> str | None:
    lines = [line for line in head.splitlines() if line.strip() and not line.startswith("#")]
    if lines and _NTRIPLE.match(lines[0]):
        return "nquads" if suffix == ".nq" else "nt"
    return "nquads" if lines and _NQUAD.match(lines[0]) else None


def _turtle(head: str, suffix: str) -> str | None:
    if not (_TURTLE.search(head) or _STATEMENT.search(head)):
        return None
    if suffix == ".n3":
        return "n3"
    return "trig" if suffix == ".trig" or _GRAPH_BLOCK.search(head) else "turtle"


def _table(head: str, suffix: str) -> str | None:
    lines = [line for line in head.splitlines() if line.strip()]
    while len(lines) > 1 and lines[0].startswith("#") and not _separators_in(lines[0]):
        lines.pop(0)
    first, *others = lines[:2]
    if _separators_in(first) or first.lower().lstrip('"').startswith("sep="):
        return "table"
    # OpenKE's tables begin with the number of their rows.
    return "table" if first.strip().isdigit() and others and len(others[0].split()) > 1 else None


def _paths(head: str, suffix: str) -> str | None:
    lines = _content_lines(head)
    deep = [line for line in lines if " > " in line]
    # The first steps of some paths stand alone, and a table may have such a column.
    # One may be a header.
    is_list = 2 * len(deep) >= len(lines) and not any("\t" in line or "|" in line for line in lines)
    return "paths" if len(deep) > 1 and is_list else None


def _names(head: str, suffix: str) -> str | None:
    """Recognise a list of names, as opposed to a text: short lines that end no sentence."""
    lines = _content_lines(head)
    is_list = all(len(line.split()) <= 8 and line[-1] not in ".?!:,{}" for line in lines)
    # Three words in every line may be triples.
    is_list = is_list and any(len(line.split()) != 3 for line in lines)
    return (
        "names" if len(lines) > 1 and is_list and suffix in ("", ".txt", ".csv", ".tsv") else None
    )


def _content_lines(head: str) -> list[str]:
    """Return the whole lines of the beginning of a file, without comments."""
    lines = head.splitlines()
    # The last may be cut.
    whole = lines[:-1] if len(head) >= 1 << 15 else lines
    return [line.strip() for line in whole if line.strip() and not line.startswith("#")]


def _separators_in(line: str) -> int:
    return max(map(line.count, "\t,;|"))


_RECOGNIZERS: tuple[Callable[[str, str], str | None], ...] = (
    _markup,
    _json,
    _obo,
    _graph_editor,
    _rrf,
    _lines,
    _turtle,
    _dictionary,
    _paths,
    _table,
)
