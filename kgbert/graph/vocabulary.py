"""Which predicates name, define, retire or relate entities, and how their ids are written."""

import re
from functools import lru_cache
from urllib.parse import quote, unquote

PREFIXES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "skosxl": "http://www.w3.org/2008/05/skos-xl#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "schema": "https://schema.org/",
    "oboInOwl": "http://www.geneontology.org/formats/oboInOwl#",
    "obo": "http://purl.obolibrary.org/obo/",
    "efo": "http://www.ebi.ac.uk/efo/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
#: Namespaces whose terms are written as CURIEs; every other IRI stays as it is.
_SHORTENED = ("rdf", "rdfs", "owl", "skos")
#: Prefixes that files use for a namespace besides the one above.
_SYNONYMOUS_PREFIXES = {"dct": "dcterms", "terms": "dcterms", "oio": "oboInOwl", "sdo": "schema"}

_OBO_CURIE = re.compile(r"([A-Za-z][A-Za-z0-9_]*):(\d[A-Za-z0-9]*)")
_OBO_TERM = re.compile(re.escape(PREFIXES["obo"]) + r"([A-Za-z][A-Za-z0-9_]*)_(\d[A-Za-z0-9]*)")
_OBO_FRAGMENT = re.compile(re.escape(PREFIXES["obo"]) + r"[A-Za-z0-9_/.-]+#(\w+)")
_IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20<>\"{}|\\^`]+")
#: Where ids live that are no IRIs, when a graph is written as RDF.
_OWN = "urn:kgbert:"
_CURIE = re.compile(r"([A-Za-z]\w*):(?!/)(.+)")
_SEPARATOR = re.compile(r"[#/:]")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def expand(name: str) -> str:
    """Return the IRI of a CURIE with a well-known prefix, and anything else unchanged.

    >>> expand("skos:prefLabel"), expand("HP:0000001")
    ('http://www.w3.org/2004/02/skos/core#prefLabel', 'HP:0000001')
    """
    match = _CURIE.fullmatch(name)
    if match is None:
        return name
    prefix = _SYNONYMOUS_PREFIXES.get(match[1], match[1])
    return PREFIXES[prefix] + match[2] if prefix in PREFIXES else name


@lru_cache(maxsize=1 << 16)
def compact(iri: str) -> str:
    """Return the id under which a graph holds an IRI.

    OBO's permanent addresses become CURIEs, so that an ontology reads the same from OBO and
    from OWL; so do the terms of RDF, RDFS, OWL and SKOS. Other IRIs stay as they are.

    >>> compact("http://purl.obolibrary.org/obo/HP_0000001")
    'HP:0000001'
    >>> compact("http://purl.obolibrary.org/obo/chebi#has_role"), compact("http://a.org/b")
    ('has_role', 'http://a.org/b')
    """
    if match := _OBO_TERM.fullmatch(iri):
        return f"{match[1]}:{match[2]}"
    if match := _OBO_FRAGMENT.fullmatch(iri):
        return match[1]
    if iri.startswith(_OWN):
        return unquote(iri.removeprefix(_OWN))
    for prefix in _SHORTENED:
        if iri.startswith(PREFIXES[prefix]):
            return f"{prefix}:{iri[len(PREFIXES[prefix]) :]}"
    return iri


def as_iri(entity_id: str) -> str:
    """Return the IRI whose id is given: :func:`compact` turns it back.

    >>> as_iri("HP:0000001"), as_iri("heart attack")
    ('http://purl.obolibrary.org/obo/HP_0000001', 'urn:kgbert:heart%20attack')
    """
    curie = _OBO_CURIE.fullmatch(entity_id)
    iri = f"{PREFIXES['obo']}{curie[1]}_{curie[2]}" if curie else expand(entity_id)
    if _IRI.fullmatch(iri) and compact(iri) == entity_id:
        return iri
    return _OWN + quote(entity_id, safe="")


def local_name(iri: str) -> str:
    """Return the last part of an IRI or CURIE.

    >>> local_name("http://a.org/onto#LegalPerson"), local_name("HP:0000001")
    ('LegalPerson', '0000001')
    """
    return unquote(_SEPARATOR.split(iri.rstrip("#/:"))[-1])


def readable(iri: str) -> str:
    """Return a name made from an IRI, or the empty string where it holds no words.

    >>> readable("http://a.org/onto#LegalPerson"), readable("http://a.org/is_part_of")
    ('legal person', 'is part of')
    >>> readable("Heart_attack")
    'Heart attack'
    >>> readable("http://www.wikidata.org/entity/Q42"), readable("HP:0000001")
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
    """Return the name of a relation that nobody named.

    >>> relation_name("rdfs:subClassOf"), relation_name("http://a.org/hasMember")
    ('is a', 'has member')
    """
    return RELATION_NAMES.get(relation) or readable(relation) or local_name(relation)


def _iris(*curies: str) -> tuple[str, ...]:
    return tuple(expand(curie) for curie in curies)


RDF_TYPE, SUBCLASS, EQUIVALENT = _iris("rdf:type", "rdfs:subClassOf", "owl:equivalentClass")
ONTOLOGY, ANNOTATION_PROPERTY = _iris("owl:Ontology", "owl:AnnotationProperty")
#: Namespaces of the languages themselves: what they define is never an entity.
META_NAMESPACES = tuple(
    PREFIXES[prefix] for prefix in ("rdf", "rdfs", "owl", "skos", "xsd", "oboInOwl")
)

#: Readable names of the relations that every vocabulary shares.
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

#: What plain words in tables, edge attributes and OBO files stand for.
RELATION_WORDS = {
    "is_a": "rdfs:subClassOf",
    "isa": "rdfs:subClassOf",
    "is a": "rdfs:subClassOf",
    "subclass_of": "rdfs:subClassOf",
    "subclassof": "rdfs:subClassOf",
    "a": "rdf:type",
    "instance_of": "rdf:type",
    "equivalent_to": "owl:equivalentClass",
    "instance of": "rdf:type",
    "broader": "skos:broader",
    "narrower": "skos:narrower",
    "related": "skos:related",
    "name": "rdfs:label",
    "label": "rdfs:label",
    "synonym": "oboInOwl:hasExactSynonym",
    "alias": "oboInOwl:hasExactSynonym",
    "definition": "skos:definition",
    "description": "dcterms:description",
}

#: Predicates that hold names, and the scope of those names.
NAME_SCOPES = {
    **dict.fromkeys(
        _iris(
            "rdfs:label",
            "skos:prefLabel",
            "schema:name",
            "http://schema.org/name",
            "dc:title",
            "dcterms:title",
            "foaf:name",
        ),
        "preferred",
    ),
    **dict.fromkeys(
        _iris(
            "skos:altLabel",
            "oboInOwl:hasExactSynonym",
            "schema:alternateName",
            "http://schema.org/alternateName",
            "obo:IAO_0000118",
            "efo:alternative_term",
            "dcterms:alternative",
        ),
        "exact",
    ),
    **dict.fromkeys(
        _iris("skos:hiddenLabel", "oboInOwl:hasRelatedSynonym", "oboInOwl:hasSynonym"), "related"
    ),
    **dict.fromkeys(_iris("oboInOwl:hasBroadSynonym"), "broad"),
    **dict.fromkeys(_iris("oboInOwl:hasNarrowSynonym"), "narrow"),
}

#: The predicate under which names of a scope are written.
SCOPE_PREDICATES = {
    "preferred": "rdfs:label",
    "exact": "oboInOwl:hasExactSynonym",
    "related": "oboInOwl:hasRelatedSynonym",
    "broad": "oboInOwl:hasBroadSynonym",
    "narrow": "oboInOwl:hasNarrowSynonym",
}
#: The predicate under which definitions are written.
DEFINITION = "obo:IAO_0000115"

#: Predicates that hold definitions, and how much each is one: the least number wins.
DEFINITION_RANKS = {
    **dict.fromkeys(_iris("obo:IAO_0000115", "skos:definition", "efo:definition"), 0),
    **dict.fromkeys(
        _iris("dcterms:description", "dc:description", "schema:description", "skos:scopeNote"), 1
    ),
    **dict.fromkeys(_iris("rdfs:comment"), 2),
}

DEPRECATED = _iris("owl:deprecated", "oboInOwl:is_obsolete")
REPLACED_BY = _iris("obo:IAO_0100001", "dcterms:isReplacedBy", "schema:supersededBy")
ALTERNATIVE_ID = _iris("oboInOwl:hasAlternativeId")

#: Classes of things that are relations, not entities.
PROPERTY_TYPES = _iris(
    "rdf:Property",
    "owl:ObjectProperty",
    "owl:DatatypeProperty",
    "owl:TransitiveProperty",
    "owl:SymmetricProperty",
    "owl:AsymmetricProperty",
    "owl:ReflexiveProperty",
    "owl:IrreflexiveProperty",
    "owl:FunctionalProperty",
    "owl:InverseFunctionalProperty",
    "owl:OntologyProperty",
)

#: Classes of things about the file or the vocabulary: never entities.
BOOKKEEPING_TYPES = _iris(
    "owl:Ontology",
    "owl:AllDisjointClasses",
    "owl:AllDifferent",
    "owl:AllDisjointProperties",
    "owl:Axiom",
    "owl:NegativePropertyAssertion",
    "rdfs:Datatype",
    "skos:ConceptScheme",
    "skos:Collection",
    "skos:OrderedCollection",
    "skosxl:Label",
)

#: Predicates between IRIs that say nothing about the world.
BOOKKEEPING = frozenset(
    _iris(
        "rdfs:seeAlso",
        "rdfs:isDefinedBy",
        "rdfs:subPropertyOf",
        "owl:disjointWith",
        "owl:disjointUnionOf",
        "owl:differentFrom",
        "owl:imports",
        "owl:versionIRI",
        "owl:priorVersion",
        "owl:backwardCompatibleWith",
        "owl:incompatibleWith",
        "owl:equivalentProperty",
        "owl:inverseOf",
        "owl:propertyDisjointWith",
        "skos:inScheme",
        "skos:topConceptOf",
        "skos:hasTopConcept",
        "skos:member",
        "skos:broaderTransitive",
        "skos:narrowerTransitive",
        "skos:semanticRelation",
        "skos:mappingRelation",
        "oboInOwl:hasDbXref",
        "oboInOwl:inSubset",
        "oboInOwl:hasOBONamespace",
        "oboInOwl:hasSynonymType",
        "oboInOwl:created_by",
        "schema:source",
        "schema:contributor",
        "http://creativecommons.org/ns#license",
        *(
            f"{prefix}:{term}"
            for prefix in ("dc", "dcterms")
            for term in ("creator", "contributor", "publisher", "license", "rights", "source")
        ),
    )
)
LICENCES = _iris("dcterms:license", "dc:license", "dcterms:rights", "dc:rights", "schema:license")
VERSIONS = _iris("owl:versionInfo", "owl:versionIRI")
#: Predicates whose objects are text even where a format does not tell text from ids.
TEXT_PREDICATES = frozenset((*DEFINITION_RANKS, *DEPRECATED, *REPLACED_BY, *ALTERNATIVE_ID))

#: Relations that are stored as their inverse, so that one direction has one name.
INVERSES = {
    expand("skos:narrower"): expand("skos:broader"),
    expand("skos:narrowMatch"): expand("skos:broadMatch"),
}
