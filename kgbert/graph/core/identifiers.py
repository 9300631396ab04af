"""Identifiers of entities and relations: IRIs, compact ids, and readable names."""

import re
from functools import lru_cache
from urllib.parse import quote, unquote

_VERSIONED = re.compile(r"^(SNOMEDCT)_US_\d{4}_\d\d_\d\d$")


def normalize_id(identifier: str) -> str:
    """Return the normalized spelling of an id, which is equal for equivalent ids.

    >>> normalize_id("http://id.nlm.nih.gov/mesh/D005334"), normalize_id("MSH:D005334")
    ('MESH:D005334', 'MESH:D005334')
    >>> normalize_id("UMLS_CUI:C0015967"), normalize_id("SNOMEDCT_US_2016_03_01:386661006")
    ('UMLS:C0015967', 'SNOMEDCT:386661006')
    """
    prefix, colon, local = identifier.partition(":")
    if local.startswith("//"):
        return next(
            (
                f"{prefix}:{identifier[len(base) :]}"
                for base, prefix in _BASES.items()
                if identifier.startswith(base)
            ),
            identifier,
        )
    return f"{_normal_prefix(prefix)}:{local}" if colon else identifier


@lru_cache(maxsize=1 << 10)
def _normal_prefix(prefix: str) -> str:
    known = _VERSIONED.sub(r"\1", prefix.upper())
    return _SPELLINGS.get(known, known)


#: Namespaces of well-known vocabularies at their publishers, and the prefixes of their CURIEs.
_BASES = {
    "http://id.nlm.nih.gov/mesh/": "MESH",
    "http://purl.bioontology.org/ontology/MESH/": "MESH",
    "http://linkedlifedata.com/resource/umls/id/": "UMLS",
    "http://purl.bioontology.org/ontology/UMLS/": "UMLS",
    "http://snomed.info/id/": "SNOMEDCT",
    "http://snomed.info/sct/": "SNOMEDCT",
    "http://www.orpha.net/ORDO/Orphanet_": "ORPHA",
    "https://omim.org/entry/": "OMIM",
    "http://identifiers.org/omim/": "OMIM",
    "http://www.ebi.ac.uk/efo/EFO_": "EFO",
    "http://www.wikidata.org/entity/": "WIKIDATA",
    "http://id.who.int/icd/entity/": "ICD11",
}
#: Synonyms of prefixes.
_SPELLINGS = {
    "MSH": "MESH",
    "UMLS_CUI": "UMLS",
    "NCI": "NCIT",
    "ORDO": "ORPHA",
    "ORPHANET": "ORPHA",
    "MIM": "OMIM",
    "SNOMEDCT_US": "SNOMEDCT",
    "SCTID": "SNOMEDCT",
    "SNOMED": "SNOMEDCT",
    "ICD-10": "ICD10",
    "WD": "WIKIDATA",
}


PREFIXES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "skosxl": "http://www.w3.org/2008/05/skos-xl#",
    "ontolex": "http://www.w3.org/ns/lemon/ontolex#",
    "wn": "https://globalwordnet.github.io/schemas/wn#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "schema": "https://schema.org/",
    "oboInOwl": "http://www.geneontology.org/formats/oboInOwl#",
    "obo": "http://purl.obolibrary.org/obo/",
    "efo": "http://www.ebi.ac.uk/efo/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
#: Base IRI of relative IRIs in a file; ids omit it.
BASE = "http://local.invalid/"
#: Namespaces whose terms are written as CURIEs; other IRIs are unchanged.
_SHORTENED = ("rdf", "rdfs", "owl", "skos")
#: All prefixes, including alternative ones in files.
_NAMESPACES = {
    **PREFIXES,
    "dct": PREFIXES["dcterms"],
    "terms": PREFIXES["dcterms"],
    "oio": PREFIXES["oboInOwl"],
    "sdo": PREFIXES["schema"],
    "wdt": "http://www.wikidata.org/prop/direct/",
}

_OBO = PREFIXES["obo"]
_OBO_CURIE = re.compile(r"([A-Za-z][A-Za-z0-9_]*):(\d[A-Za-z0-9]*)")
_OBO_TERM = re.compile(re.escape(_OBO) + r"([A-Za-z][A-Za-z0-9_]*)_(\d[A-Za-z0-9]*)")
_OBO_FRAGMENT = re.compile(re.escape(_OBO) + r"[A-Za-z0-9_/.-]+#(\w+)")
_IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20<>\"{}|\\^`]+")
#: Namespace of ids that are not IRIs, for the export to RDF.
_OWN = "urn:kgbert:"
#: Beginnings of IRIs that may have to be shortened.
_COMPACTED = ("http", _OWN)
#: Most ids that are checked in one joined string, which takes the same memory again.
_MANY = 1 << 18
_SEPARATOR = re.compile(r"[#/:]")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def expand(name: str) -> str:
    """Return the IRI of a CURIE with a well-known prefix, and anything else unchanged.

    >>> expand("skos:prefLabel"), expand("HP:0000001")
    ('http://www.w3.org/2004/02/skos/core#prefLabel', 'HP:0000001')
    """
    prefix, _, local = name.partition(":")
    namespace = _NAMESPACES.get(prefix)
    return namespace + local if namespace and local and local[0] != "/" else name


@lru_cache(maxsize=1 << 16)
def compact(iri: str) -> str:
    """Return the id of an IRI in a graph.

    OBO's permanent addresses become CURIEs, so that an ontology reads the same from OBO and
    from OWL; so do the terms of RDF, RDFS, OWL and SKOS. Other IRIs stay as they are.

    >>> compact("http://purl.obolibrary.org/obo/HP_0000001")
    'HP:0000001'
    >>> compact("http://purl.obolibrary.org/obo/chebi#has_role"), compact("http://a.org/b")
    ('has_role', 'http://a.org/b')
    """
    if not iri.startswith(_COMPACTED):
        return iri
    if match := _OBO_TERM.fullmatch(iri):
        return f"{match[1]}:{match[2]}"
    if match := _OBO_FRAGMENT.fullmatch(iri):
        return match[1]
    if iri.startswith(BASE):
        return iri.removeprefix(BASE)
    if iri.startswith(_OWN):
        return unquote(iri.removeprefix(_OWN))
    for prefix in _SHORTENED:
        if iri.startswith(PREFIXES[prefix]):
            return f"{prefix}:{iri[len(PREFIXES[prefix]) :]}"
    return iri


def compact_all(iris: list[str]) -> list[str]:
    """Return the ids of IRIs in a graph.

    >>> compact_all(["HP:0000002", "http://purl.obolibrary.org/obo/HP_0000001"])
    ['HP:0000002', 'HP:0000001']
    """
    if len(iris) < _MANY:
        together = "\n".join(iris)
        if not any(map(together.__contains__, _COMPACTED)):
            return iris
    return [_compact_term(iri) or compact(iri) for iri in iris]


def _compact_term(iri: str) -> str:
    """Return the id of a plain OBO term, faster than :func:`compact`; empty for other IRIs."""
    if not iri.startswith(_OBO) or not iri.isascii():
        return ""
    prefix, _, number = iri[len(_OBO) :].partition("_")
    return f"{prefix}:{number}" if prefix.isalpha() and number.isdigit() else ""


def to_iri(entity_id: str) -> str:
    """Return the IRI of an id, the inverse of :func:`compact`.

    >>> to_iri("HP:0000001"), to_iri("heart attack")
    ('http://purl.obolibrary.org/obo/HP_0000001', 'urn:kgbert:heart%20attack')
    """
    curie = _OBO_CURIE.fullmatch(entity_id)
    iri = f"{PREFIXES['obo']}{curie[1]}_{curie[2]}" if curie else expand(entity_id)
    if _IRI.fullmatch(iri) and compact(iri) == entity_id:
        return iri
    return _OWN + quote(entity_id, safe="")


def spellings(name: str) -> tuple[str, ...]:
    """Return how a property that a user names may be written in a file; none for no name.

    >>> spellings("skos:note"), spellings("")
    (('http://www.w3.org/2004/02/skos/core#note',), ())
    >>> spellings("IAO:0000115")
    ('IAO:0000115', 'http://purl.obolibrary.org/obo/IAO_0000115')
    """
    iri = to_iri(name)
    return (
        tuple(dict.fromkeys((expand(name), iri)))
        if _OBO_CURIE.fullmatch(name)
        else ((expand(name),) if name else ())
    )


def is_blank(term: str) -> bool:
    """Whether an RDF term is a blank node.

    >>> is_blank("_:b1"), is_blank("http://a.org/b1")
    (True, False)
    """
    return term[:2] == "_:"


def local_name(iri: str) -> str:
    """Return the last part of an IRI or CURIE.

    >>> local_name("http://a.org/onto#LegalPerson"), local_name("HP:0000001")
    ('LegalPerson', '0000001')
    """
    return unquote(_SEPARATOR.split(iri.rstrip("#/:"))[-1])


def name_from_iri(iri: str) -> str:
    """Return a name created from an IRI, or the empty string if it contains no words.

    >>> name_from_iri("http://a.org/onto#LegalPerson"), name_from_iri("http://a.org/is_part_of")
    ('legal person', 'is part of')
    >>> name_from_iri("Heart_attack")
    'Heart attack'
    >>> name_from_iri("http://www.wikidata.org/entity/Q42"), name_from_iri("HP:0000001")
    ('', '')
    """
    if _SEPARATOR.search(iri):
        words = _CAMEL.sub(" ", local_name(iri)).replace("_", " ").replace("-", " ").split()
        text = " ".join(word if word.isupper() and word != "A" else word.lower() for word in words)
    else:
        text = " ".join(iri.replace("_", " ").split())
    letters = sum(character.isalpha() for character in text)
    digits = sum(character.isdigit() for character in text)
    return text if letters >= 2 and letters > digits else ""


def relation_name(relation: str) -> str:
    """Return a name for a relation without a label.

    >>> relation_name("rdfs:subClassOf"), relation_name("http://a.org/hasMember")
    ('is a', 'has member')
    """
    return RELATION_NAMES.get(relation) or name_from_iri(relation) or local_name(relation)


#: Readable names of common relations.
RELATION_NAMES = {
    "rdfs:subClassOf": "is a",
    "rdf:type": "instance of",
    "skos:broader": "is narrower than",
    "skos:related": "is related to",
    "skos:exactMatch": "is the same as",
    "skos:closeMatch": "is close to",
    "skos:broadMatch": "is narrower than",
    "skos:relatedMatch": "is related to",
    "owl:equivalentClass": "is equivalent to",
    "owl:sameAs": "is the same as",
    "part_of": "part of",
    "BFO:0000050": "part of",
}
