"""Leave annotated axioms out of OWL before it is parsed: big ontologies consist of them mostly.

OBO's converters write five statements for each synonym and definition, about a blank node that
only repeats and annotates another statement. No reader here makes anything of those, and to find
them by a pattern takes a third of the time that parsing them does. What the pattern finds is
well-formed by itself and says nothing that class expressions are made of; what is written in
another way is parsed as ever.
"""

import codecs
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class _Syntax:
    """How axioms look, what is put in their place, and what makes it unsafe to leave them out."""

    axioms: re.Pattern[bytes]
    kept: bytes
    doubtful: tuple[bytes, ...]


def strip_axioms(syntax: str, content: bytes) -> bytes:
    r"""Return Turtle or RDF/XML without annotated axioms, where that says the same for sure.

    >>> axiom = b'[] a owl:Axiom ; owl:annotatedSource <a> ; owl:annotatedTarget "b" .'
    >>> strip_axioms("turtle", b'<a> <b> "c" .\n%b\n' % axiom)
    b'<a> <b> "c" .\n'
    """
    if syntax not in _SYNTAXES or b"owl:Axiom" not in content:
        return content
    said = _SYNTAXES[syntax]
    shorter = said.axioms.sub(said.kept, content)
    if any(map(shorter.__contains__, said.doubtful)) or _is_rebound(shorter):
        return content
    return shorter if _is_text(content) else content


def _is_rebound(content: bytes) -> bool:
    """Whether a namespace that class expressions are made of has another prefix than its own."""
    for namespace in _STRUCTURAL.finditer(content):
        before = content[max(0, namespace.start() - 40) : namespace.start()]
        if not _PREFIXES[namespace[1]].search(before):
            return True
    return False


def _is_text(content: bytes) -> bool:
    """Whether bytes are UTF-8, also in what the parser would not see."""
    decode = codecs.getincrementaldecoder("utf-8")().decode
    try:
        for start in range(0, len(content), _BLOCK):
            decode(content[start : start + _BLOCK])
        decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


#: Bytes that are looked at together.
_BLOCK = 1 << 20
#: Predicates that matter on blank nodes are defined there; below they are known by these prefixes.
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
_SAID = rb"(?:%b|<(?!http://www\.w3\.org/)\w++:[^<>\s\\]++>)\s++%b(?:\s*+,\s*+%b)*+" % (
    _PREDICATE,
    _OBJECT,
    _OBJECT,
)
_BODY = rb"\s++(?:a|rdf:type)\s++owl:Axiom(?:\s*+;(?:\s*+%b)?+)*+\s*+" % _SAID

_ATTRIBUTE = (
    rb"\s++(?:rdf:resource=|rdf:datatype=|xml:lang=|xmlns(?::\w++)?+=(?!.http://www\.w3\.org/))"
    rb'"[^"<>]*+"'
)
_ELEMENT = rb"<(?:%b|\w++(?!:))(?:%b)*+\s*+(?:/>|>[^<>]*+</[\w:.-]++>)" % (_PREDICATE, _ATTRIBUTE)
_AXIOM = rb'<owl:Axiom(?:\s++rdf:nodeID="[\w-]++")?+>(?:\s*+%b)*+\s*+</owl:Axiom>' % _ELEMENT

_SYNTAXES = {
    # A text over several lines might hold what looks like an axiom.
    "turtle": _Syntax(
        re.compile(rb"\n(?:(?:_:[\w-]++|\[\s*+\])%b|\[%b\]\s*+)\.(?=\s)" % (_BODY, _BODY)),
        b"",
        (b'"""', b"'''"),
    ),
    # Behind the end of another element it is no property's only value; nor is it then in text,
    # unless markup is text.
    "xml": _Syntax(
        re.compile(rb"(</[\w:.-]++>)(?:\s*+%b)++" % _AXIOM),
        rb"\1",
        (b"<![CDATA[", b'"Literal"', b"'Literal'"),
    ),
}
