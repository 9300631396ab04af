"""The predicates and classes that readers interpret."""

import re

from kgbert.graph.core.identifiers import PREFIXES, expand, local_name


def _iris(*curies: str) -> tuple[str, ...]:
    return tuple(expand(curie) for curie in curies)


RDF_TYPE, SUBCLASS, EQUIVALENT = _iris("rdf:type", "rdfs:subClassOf", "owl:equivalentClass")
ONTOLOGY, ANNOTATION_PROPERTY = _iris("owl:Ontology", "owl:AnnotationProperty")
#: The SKOS extension for thesauri of ISO 25964.
_ISO_THES = "http://purl.org/iso25964/skos-thes#"
#: The annotation vocabulary of the OMG, which FIBO uses.
_COMMONS = "https://www.omg.org/spec/Commons/AnnotationVocabulary/"
#: Namespaces of RDF languages, whose terms are never entities.
META_NAMESPACES = tuple(
    PREFIXES[prefix] for prefix in ("rdf", "rdfs", "owl", "skos", "xsd", "oboInOwl", "ontolex")
)

#: Words in tables, edge attributes and OBO files -> the predicates that they mean.
RELATION_ALIASES = {
    "is_a": "rdfs:subClassOf",
    "isa": "rdfs:subClassOf",
    "is a": "rdfs:subClassOf",
    "subclass_of": "rdfs:subClassOf",
    "subclassof": "rdfs:subClassOf",
    "subclass of": "rdfs:subClassOf",
    "is-a": "rdfs:subClassOf",
    "kind of": "rdfs:subClassOf",
    "kind_of": "rdfs:subClassOf",
    "hypernym": "rdfs:subClassOf",
    "p279": "http://www.wikidata.org/prop/direct/P279",
    "wdt:p279": "http://www.wikidata.org/prop/direct/P279",
    "wdt:p31": "http://www.wikidata.org/prop/direct/P31",
    "p31": "http://www.wikidata.org/prop/direct/P31",
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
    "concept replaced by": "dcterms:isReplacedBy",
}

#: Predicate of names -> their scope. If an entity has several preferred names in one language,
#: those of an earlier predicate in this list come first.
NAME_SCOPES = {
    **dict.fromkeys(
        _iris(
            "skos:prefLabel",
            "rdfs:label",
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
            "obo:OMO_0003000",
            "efo:alternative_term",
            "dcterms:alternative",
            *(f"{_COMMONS}{name}" for name in ("synonym", "abbreviation", "acronym")),
        ),
        "exact",
    ),
    **dict.fromkeys(
        _iris("skos:hiddenLabel", "oboInOwl:hasRelatedSynonym", "oboInOwl:hasSynonym"), "related"
    ),
    **dict.fromkeys(_iris("oboInOwl:hasBroadSynonym"), "broad"),
    **dict.fromkeys(_iris("oboInOwl:hasNarrowSynonym"), "narrow"),
}

#: Scope -> the predicate of its names in an export.
SCOPE_PREDICATES = {
    "preferred": "rdfs:label",
    "exact": "oboInOwl:hasExactSynonym",
    "related": "oboInOwl:hasRelatedSynonym",
    "broad": "oboInOwl:hasBroadSynonym",
    "narrow": "oboInOwl:hasNarrowSynonym",
}
#: The predicate of definitions in an export.
DEFINITION = "obo:IAO_0000115"

SYNONYM = SCOPE_PREDICATES["exact"]

#: Predicate of definitions -> its priority; the lowest number wins.
DEFINITION_RANKS = {
    **dict.fromkeys(
        _iris(
            "obo:IAO_0000115",
            "skos:definition",
            "efo:definition",
            "wn:definition",
            "oboInOwl:hasDefinition",
        ),
        0,
    ),
    **dict.fromkeys(
        _iris(
            "dcterms:description",
            "dc:description",
            "schema:description",
            "http://schema.org/description",
            "skos:scopeNote",
        ),
        1,
    ),
    **dict.fromkeys(_iris("rdfs:comment"), 2),
}

DEPRECATED = _iris("owl:deprecated", "oboInOwl:is_obsolete")
#: Classes of obsolete entities, which are also their superclasses in some ontologies.
DEPRECATED_TYPES = frozenset(
    _iris("owl:DeprecatedClass", "owl:DeprecatedProperty", "oboInOwl:ObsoleteClass")
)
REPLACED_BY = _iris(
    "obo:IAO_0100001",
    "dcterms:isReplacedBy",
    "schema:supersededBy",
    "http://schema.org/supersededBy",
    "oboInOwl:replacedBy",
)
ALTERNATIVE_ID = _iris("oboInOwl:hasAlternativeId")

#: Classes of relations.
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

#: Classes of metadata, whose instances are never entities.
METADATA_TYPES = _iris(
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
    *(f"ontolex:{kind}" for kind in ("LexicalEntry", "Word", "MultiwordExpression", "Affix")),
    *("ontolex:LexicalSense", "ontolex:Form", "http://www.w3.org/ns/lemon/lime#Lexicon"),
    "http://www.w3.org/ns/prov#Activity",
    *(f"http://rdfs.org/ns/void#{kind}" for kind in ("Dataset", "Linkset")),
)

#: Predicates between IRIs that are metadata of the file or its terms.
METADATA_PREDICATES = frozenset(
    _iris(
        "rdfs:seeAlso",
        "rdfs:isDefinedBy",
        "owl:disjointWith",
        "owl:disjointUnionOf",
        "owl:differentFrom",
        "owl:versionIRI",
        "owl:priorVersion",
        "owl:backwardCompatibleWith",
        "owl:incompatibleWith",
        "owl:equivalentProperty",
        "owl:inverseOf",
        "owl:propertyDisjointWith",
        "owl:annotatedSource",
        "owl:annotatedProperty",
        "owl:annotatedTarget",
        "skos:inScheme",
        "skos:topConceptOf",
        "skos:hasTopConcept",
        "skos:member",
        "skos:semanticRelation",
        "skos:mappingRelation",
        "foaf:page",
        "foaf:depiction",
        "foaf:homepage",
        "foaf:isPrimaryTopicOf",
        "foaf:primaryTopic",
        "foaf:thumbnail",
        "oboInOwl:inSubset",
        "oboInOwl:hasOBONamespace",
        "oboInOwl:hasSynonymType",
        "oboInOwl:created_by",
        "wn:partOfSpeech",
        "schema:source",
        "schema:contributor",
        "http://creativecommons.org/ns#license",
        f"{_ISO_THES}status",
        "http://metadataregistry.org/uri/profile/regap/status",
        *(
            f"{prefix}:{term}"
            for prefix in ("dc", "dcterms")
            for term in (
                *("creator", "contributor", "publisher", "license", "rights", "source"),
                *("subject", "language", "format", "isReferencedBy", "bibliographicCitation"),
            )
        ),
    )
)
#: Namespaces of provenance, publication and validation. Their predicates are metadata, and their
#: terms are entities only where a file describes them.
METADATA_NAMESPACES = (
    "http://www.w3.org/ns/prov#",
    "http://rdfs.org/ns/void#",
    "http://www.w3.org/ns/dcat#",
    "http://www.w3.org/ns/adms#",
    "http://www.w3.org/ns/shacl#",
    "http://www.w3.org/2003/06/sw-vocab-status/ns#",
    "http://purl.org/pav/",
)
#: Predicates of equivalent or similar outside concepts; some files write these as text.
MATCHES = _iris(*(f"skos:{kind}Match" for kind in ("exact", "close", "broad", "narrow", "related")))
#: Predicates whose objects are entities only where a file describes them: others are the same
#: thing in another graph, or a resource about the subject.
_REFERENCES = frozenset(
    (
        *MATCHES,
        EQUIVALENT,
        *_iris("foaf:maker", "foaf:account", "foaf:mbox", "schema:isPartOf"),
        "http://schema.org/isPartOf",
    )
)
#: Local names of such predicates in any vocabulary.
_REFERENCE_NAMES = frozenset(
    (
        *("sameas", "url", "homepage", "website", "image", "img", "logo", "depiction", "thumbnail"),
        *("mainentityofpage", "wikipageexternallink", "externallink", "accessrights"),
    )
)
#: A web address of a file, a query or a whole site, or an address of a person.
_DOCUMENT = re.compile(
    r"(?:mailto|tel):.*"
    r"|https?://(?:[^/#]*/?|[^#]*\?[^#]*|[^?#]*\.(?:x?html?|php|aspx?|jsp|pdf|docx?|txt|csv|xml|json"
    r"|png|jpe?g|gif|svg|tiff?|webp|mp[34]|wav|zip|gz|owl|rdf|ttl|obo))",
    re.IGNORECASE,
)
#: The predicate of cross-references, which kgbert.merge_graphs can use.
XREF = expand("oboInOwl:hasDbXref")
LICENCES = _iris(
    "dcterms:license",
    "dc:license",
    "http://creativecommons.org/ns#license",
    "schema:license",
    "http://schema.org/license",
    "dcterms:rights",
    "dc:rights",
)
VERSIONS = _iris("owl:versionInfo", "owl:versionIRI")
#: Predicates with text objects, for formats that do not distinguish text from ids.
TEXT_PREDICATES = frozenset((*DEFINITION_RANKS, *DEPRECATED, *REPLACED_BY, *ALTERNATIVE_ID))

IMPORTS, SUBPROPERTY = _iris("owl:imports", "rdfs:subPropertyOf")
DOMAINS = _iris("rdfs:domain", "schema:domainIncludes", "http://schema.org/domainIncludes")
RANGES = _iris("rdfs:range", "schema:rangeIncludes", "http://schema.org/rangeIncludes")
#: Predicates about relations and ontologies, not between entities.
SCHEMA_PREDICATES = frozenset((IMPORTS, SUBPROPERTY, *DOMAINS, *RANGES))

#: Predicates of replacements, references and metadata whose objects are texts or IRIs.
IRI_OR_TEXT_PREDICATES = frozenset((*REPLACED_BY, *ALTERNATIVE_ID, XREF, *VERSIONS, *LICENCES))
#: Predicates of texts whose sub-properties are read like them.
TEXT_SUPERPROPERTIES = frozenset((*NAME_SCOPES, *DEFINITION_RANKS))

#: Relation -> the relation that it is a kind of, as its vocabulary defines it.
SUPERPROPERTIES = {
    f"{namespace}{kind}": expand(f"skos:{direction}")
    for direction in ("broader", "narrower")
    for namespace in (
        f"{_ISO_THES}{direction}",
        f"https://d-nb.info/standards/elementset/gnd#{direction}Term",
    )
    for kind in ("General", "Generic", "Instantial", "Partitive")
}
#: Relation -> the relation that its statements are read as in a file without any of that.
TRANSITIVE = {
    expand(f"skos:{name}Transitive"): expand(f"skos:{name}") for name in ("broader", "narrower")
}

#: Relation -> the inverse relation that is stored instead, so that each edge has one form.
INVERSES = {
    expand("skos:narrower"): expand("skos:broader"),
    expand("skos:narrowMatch"): expand("skos:broadMatch"),
}


def is_reference(predicate: str) -> bool:
    """Whether undescribed objects of a predicate are references, and never entities.

    >>> is_reference("http://a.org/image"), is_reference("http://a.org/imageOf")
    (True, False)
    """
    return (
        predicate in _REFERENCES
        or predicate.startswith((PREFIXES["dc"], PREFIXES["dcterms"]))
        or local_name(predicate).lower() in _REFERENCE_NAMES
    )


def is_outside(iri: str) -> bool:
    """Whether an undescribed IRI is a document, an address or a term of metadata, and no entity.

    >>> is_outside("http://a.org/heart.png"), is_outside("http://a.org/anatomy.owl#Heart")
    (True, False)
    """
    return iri.startswith(METADATA_NAMESPACES) or _DOCUMENT.fullmatch(iri) is not None


#: Local names of unknown text properties -> the known property that they are read as.
_LOCAL_NAMES = {
    **dict.fromkeys(
        ("label", "preflabel", "preferredlabel", "preferredname", "preferredterm", "name"),
        "rdfs:label",
    ),
    **dict.fromkeys(
        (
            *("synonym", "synonyms", "exactsynonym", "hasexactsynonym", "hassynonym", "alias"),
            *("altlabel", "alternativelabel", "alternatelabel", "alternativename"),
            *("alternatename", "alternativeterm", "alternateterm", "abbreviation", "acronym"),
        ),
        "oboInOwl:hasExactSynonym",
    ),
    **dict.fromkeys(("relatedsynonym", "hasrelatedsynonym"), "oboInOwl:hasRelatedSynonym"),
    **dict.fromkeys(("broadsynonym", "hasbroadsynonym"), "oboInOwl:hasBroadSynonym"),
    **dict.fromkeys(("narrowsynonym", "hasnarrowsynonym"), "oboInOwl:hasNarrowSynonym"),
    **dict.fromkeys(("definition", "hasdefinition", "textdefinition", "def"), "skos:definition"),
    "description": "dcterms:description",
    **dict.fromkeys(("deprecated", "isdeprecated", "obsolete", "isobsolete"), "owl:deprecated"),
    **dict.fromkeys(
        ("replacedby", "isreplacedby", "termreplacedby", "supersededby"), "dcterms:isReplacedBy"
    ),
}


def by_local_name(predicate: str) -> str:
    """Return the known predicate for the local name of a predicate, or an empty string.

    >>> by_local_name("http://a.org/onto#alternate_name")
    'http://www.geneontology.org/formats/oboInOwl#hasExactSynonym'
    >>> by_local_name("http://a.org/onto#weight")
    ''
    """
    name = local_name(predicate).lower().replace("_", "").replace("-", "")
    return expand(_LOCAL_NAMES[name]) if name in _LOCAL_NAMES else ""
