"""Remove axiom annotations from OWL before parsing: most of a large ontology consists of them.

OBO converters write five statements for each synonym and definition. Their subject is a blank node
that only repeats and annotates another statement. No reader uses these statements, and removing
them with a pattern takes a third of the time of parsing them. The pattern only matches well-formed
annotations without class expressions; the parser reads all others.
"""

import codecs
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class _Syntax:
    """The pattern of axioms, their replacement, and the marks that make the removal unsafe."""

    axioms: re.Pattern[bytes]
    replacement: bytes
    unsafe: tuple[bytes, ...]


def strip_axioms(syntax: str, content: bytes) -> bytes:
    r"""Return Turtle or RDF/XML without axiom annotations, or unchanged if removal is unsafe.

    >>> axiom = b'[] a owl:Axiom ; owl:annotatedSource <a> ; owl:annotatedTarget "b" .'
    >>> strip_axioms("turtle", b'<a> <b> "c" .\n%b\n' % axiom)
    b'<a> <b> "c" .\n'
    """
    if syntax not in _SYNTAXES or b"owl:Axiom" not in content:
        return content
    rules = _SYNTAXES[syntax]
    shorter = rules.axioms.sub(rules.replacement, content)
    if any(map(shorter.__contains__, rules.unsafe)) or _is_rebound(shorter):
        return content
    return shorter if _is_text(content) else content


def _is_rebound(content: bytes) -> bool:
    """Whether a namespace of class expressions has an unusual prefix."""
    for namespace in _STRUCTURAL.finditer(content):
        before = content[max(0, namespace.start() - 40) : namespace.start()]
        if not _PREFIXES[namespace[1]].search(before):
            return True
    return False


def _is_text(content: bytes) -> bool:
    """Whether bytes are UTF-8, including the axioms that the parser does not see."""
    decode = codecs.getincrementaldecoder("utf-8")().decode
    try:
        for start in range(0, len(content), _BLOCK):
            decode(content[start : start + _BLOCK])
        decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


#: Bytes that are decoded at a time.
_BLOCK = 1 << 20
#: Namespaces of the predicates that matter on blank nodes; ``_PREDICATE`` assumes their prefixes.
_STRUCTURAL = re.compile(
    rb"http://www\.w3\.org/(2002/07/owl|1999/02/22-rdf-syntax-ns|2008/05/skos-xl)#[\"'>]"
)
_PREFIXES = {
    namespace: re.compile(rb"(?:\sxmlns:%b\s*=\s*\"|\s%b:\s*<)$" % (prefix, prefix))
    for namespace, prefix in {
        b"2002/07/owl": b"owl",
        b"1999/02/22-rdf-syntax-ns": b"rdf",
        b"2008/05/skos-xl": b"skosxl",
    }.items()
}
_PREDICATE = rb"(?:owl:annotated\w++|(?!(?:owl|rdf|skosxl|_):)[\w-]*+:[\w-]++)"

_IRI = rb"<[^<>\s\\]*+>"
_NAME = rb"(?!_:)[\w-]*+:[\w-]++(?:\.[\w-]++)*+"
_TEXT = rb'"[^"\\\r\n]*+(?:\\.[^"\\\r\n]*+)*+"(?:@[\w-]++|\^\^(?:%b|%b))?+' % (_IRI, _NAME)
_OBJECT = rb"(?:%b|%b|%b)" % (_IRI, _TEXT, _NAME)
_PROPERTY_VALUES = rb"(?:%b|<(?!http://www\.w3\.org/)\w++:[^<>\s\\]++>)\s++%b(?:\s*+,\s*+%b)*+" % (
    _PREDICATE,
    _OBJECT,
    _OBJECT,
)
_BODY = rb"\s++(?:a|rdf:type)\s++owl:Axiom(?:\s*+;(?:\s*+%b)?+)*+\s*+" % _PROPERTY_VALUES

_ATTRIBUTE = (
    rb"\s++(?:rdf:resource=|rdf:datatype=|xml:lang=|xmlns(?::\w++)?+=(?!.http://www\.w3\.org/))"
    rb'"[^"<>]*+"'
)
_ELEMENT = rb"<(?:%b|\w++(?!:))(?:%b)*+\s*+(?:/>|>[^<>]*+</[\w:.-]++>)" % (_PREDICATE, _ATTRIBUTE)
_AXIOM = rb'<owl:Axiom(?:\s++rdf:nodeID="[\w-]++")?+>(?:\s*+%b)*+\s*+</owl:Axiom>' % _ELEMENT

_SYNTAXES = {
    # A literal over several lines could contain the text of an axiom.
    "turtle": _Syntax(
        re.compile(rb"\n(?:(?:_:[\w-]++|\[\s*+\])%b|\[%b\]\s*+)\.(?=\s)" % (_BODY, _BODY)),
        b"",
        (b'"""', b"'''"),
    ),
    # After the end tag of another element, an axiom is neither the only value of a property nor
    # part of a text, except in the unsafe cases, where markup is text.
    "xml": _Syntax(
        re.compile(rb"(</[\w:.-]++>)(?:\s*+%b)++" % _AXIOM),
        rb"\1",
        (b"<![CDATA[", b'"Literal"', b"'Literal'"),
    ),
}
