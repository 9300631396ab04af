"""Each graph of a card in the form in which its owner publishes it, in small."""

from dataclasses import dataclass

import pytest

from kgbert import read_graph
from kgbert.graph.cards import list_cards

OBO = """\
format-version: 1.2
data-version: releases/2025-01-01

[Term]
id: {root}
name: {kind}

[Term]
id: {prefix}:0000009
name: heart thing
def: "A thing of the heart." [PMID:1]
synonym: "cardiac thing" EXACT [MESH:D1]
xref: UMLS:C0000001
is_a: {root} {{source="MESH:D1"}} ! {kind}
relationship: part_of {prefix}:0000008 ! body {{all_only="true"}}

[Term]
id: {prefix}:0000008
name: body
is_a: {root}

[Term]
id: BFO:0000002
name: continuant

[Typedef]
id: part_of
xref: BFO:0000050
"""
SNOMED = """\
<?xml version="1.0"?>
<rdf:RDF xmlns="http://snomed.info/id/" xmlns:owl="http://www.w3.org/2002/07/owl#"
  xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
  xmlns:rdfs="http://www.w3.org/2000/01/rdf-schema#"
  xmlns:skos="http://www.w3.org/2004/02/skos/core#">
<owl:Ontology rdf:about="http://snomed.info/sct/900000000000207008"/>
<owl:ObjectProperty rdf:about="http://snomed.info/id/609096000"/>
<owl:ObjectProperty rdf:about="http://snomed.info/id/363698007">
  <rdfs:label xml:lang="en">Finding site (attribute)</rdfs:label>
</owl:ObjectProperty>
<owl:Class rdf:about="http://snomed.info/id/22298006">
  <rdfs:label xml:lang="en">Myocardial infarction (disorder)</rdfs:label>
  <skos:prefLabel xml:lang="en">Myocardial infarction</skos:prefLabel>
  <skos:altLabel xml:lang="en">Heart attack</skos:altLabel>
  <owl:equivalentClass><owl:Class><owl:intersectionOf rdf:parseType="Collection">
    <rdf:Description rdf:about="http://snomed.info/id/64572001"/>
    <owl:Restriction>
      <owl:onProperty rdf:resource="http://snomed.info/id/609096000"/>
      <owl:someValuesFrom><owl:Restriction>
        <owl:onProperty rdf:resource="http://snomed.info/id/363698007"/>
        <owl:someValuesFrom rdf:resource="http://snomed.info/id/74281007"/>
      </owl:Restriction></owl:someValuesFrom>
    </owl:Restriction>
  </owl:intersectionOf></owl:Class></owl:equivalentClass>
</owl:Class>
<owl:Class rdf:about="http://snomed.info/id/64572001">
  <rdfs:label xml:lang="en">Disease (disorder)</rdfs:label>
</owl:Class>
<owl:Class rdf:about="http://snomed.info/id/74281007">
  <rdfs:label xml:lang="en">Myocardium structure (body structure)</rdfs:label>
</owl:Class>
</rdf:RDF>
"""
EUROVOC = """\
<?xml version="1.0" encoding="UTF-8"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
  xmlns:skos="http://www.w3.org/2004/02/skos/core#"
  xmlns:skosxl="http://www.w3.org/2008/05/skos-xl#">
<rdf:Description rdf:about="http://eurovoc.europa.eu/5">
  <rdf:type rdf:resource="http://www.w3.org/2004/02/skos/core#Concept"/>
  <skos:prefLabel xml:lang="en">health policy</skos:prefLabel>
  <skos:prefLabel xml:lang="de">Gesundheitspolitik</skos:prefLabel>
  <skosxl:altLabel rdf:resource="http://eurovoc.europa.eu/505"/>
  <skos:definition rdf:resource="http://eurovoc.europa.eu/506"/>
  <skos:inScheme rdf:resource="http://eurovoc.europa.eu/100141"/>
  <skos:broader rdf:resource="http://eurovoc.europa.eu/6"/>
</rdf:Description>
<rdf:Description rdf:about="http://eurovoc.europa.eu/505">
  <rdf:type rdf:resource="http://www.w3.org/2008/05/skos-xl#Label"/>
  <skosxl:literalForm xml:lang="en">policy on health</skosxl:literalForm>
</rdf:Description>
<rdf:Description rdf:about="http://eurovoc.europa.eu/506">
  <rdf:value xml:lang="en">What a state does for health.</rdf:value>
</rdf:Description>
<rdf:Description rdf:about="http://eurovoc.europa.eu/6">
  <rdf:type rdf:resource="http://www.w3.org/2004/02/skos/core#Concept"/>
  <skos:prefLabel xml:lang="en">social policy</skos:prefLabel>
</rdf:Description>
<rdf:Description rdf:about="http://eurovoc.europa.eu/100141">
  <rdf:type rdf:resource="http://www.w3.org/2004/02/skos/core#ConceptScheme"/>
  <skos:prefLabel xml:lang="en">EuroVoc</skos:prefLabel>
</rdf:Description>
</rdf:RDF>
"""
UMLS = {
    "MRCONSO.RRF": (
        "C1|ENG|P|L1|PF|S1|Y|A1||M1|D1|MSH|MH|D1|Fever|0|N||\n"
        "C1|ENG|S|L2|VO|S2|N|A2||M1|D1|MSH|ET|D1|Pyrexia|0|N||\n"
        "C1|GER|P|L3|PF|S3|Y|A3||M1|D1|MSH|MH|D1|Fieber|0|N||\n"
        "C2|ENG|P|L4|PF|S4|Y|A4||M2|D2|MSH|MH|D2|Sign|0|N||\n"
    ),
    "MRREL.RRF": "C1|A1|AUI|PAR|C2|A4|AUI||R1||MSH|MSH|||N||\n",
}
WIKIDATA = """\
<http://www.wikidata.org/entity/Q1> <http://www.w3.org/2000/01/rdf-schema#label> "heart"@en .
<http://www.wikidata.org/entity/Q1> <http://www.w3.org/2000/01/rdf-schema#label> "Herz"@de .
<http://www.wikidata.org/entity/Q1> <http://www.w3.org/2004/02/skos/core#altLabel> "cor"@en .
<http://www.wikidata.org/entity/Q1> <http://schema.org/description> "organ that pumps"@en .
<http://www.wikidata.org/entity/Q1> <http://www.wikidata.org/prop/direct/P279> \
<http://www.wikidata.org/entity/Q2> .
<http://www.wikidata.org/entity/Q1> <http://www.wikidata.org/prop/direct/P4> "7"^^\
<http://www.w3.org/2001/XMLSchema#decimal> .
<http://www.wikidata.org/entity/Q2> <http://www.w3.org/2000/01/rdf-schema#label> "organ"@en .
"""
WORDNET = """\
@prefix ontolex: <http://www.w3.org/ns/lemon/ontolex#> .
@prefix wn: <https://globalwordnet.github.io/schemas/wn#> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
<lemma/dog> a ontolex:LexicalEntry ; ontolex:canonicalForm [ ontolex:writtenRep "dog"@en ] ;
  wn:partOfSpeech wn:noun ; ontolex:sense <lemma/dog-1> .
<lemma/dog-1> a ontolex:LexicalSense ; ontolex:isLexicalizedSenseOf <id/1> .
<lemma/animal> a ontolex:LexicalEntry ; ontolex:sense <lemma/animal-1> ;
  ontolex:canonicalForm [ ontolex:writtenRep "animal"@en ] .
<lemma/animal-1> a ontolex:LexicalSense ; ontolex:isLexicalizedSenseOf <id/2> .
<id/1> a ontolex:LexicalConcept ; wn:partOfSpeech wn:noun ; wn:hypernym <id/2> ;
  wn:definition [ rdf:value "a member of the genus Canis"@en ] .
<id/2> a ontolex:LexicalConcept ; wn:partOfSpeech wn:noun .
"""
MESH = """\
<http://id.nlm.nih.gov/mesh/D1> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> \
<http://id.nlm.nih.gov/mesh/vocab#TopicalDescriptor> .
<http://id.nlm.nih.gov/mesh/D1> <http://www.w3.org/2000/01/rdf-schema#label> "Fever"@en .
<http://id.nlm.nih.gov/mesh/D1> <http://id.nlm.nih.gov/mesh/vocab#broaderDescriptor> \
<http://id.nlm.nih.gov/mesh/D2> .
<http://id.nlm.nih.gov/mesh/D2> <http://www.w3.org/2000/01/rdf-schema#label> "Signs"@en .
"""


@dataclass(frozen=True)
class Form:
    """A graph as its owner writes it, and what is read of it."""

    files: dict[str, str]
    names: tuple[str, ...]
    edges: tuple[tuple[str, ...], ...]
    definition: str = ""


def obo(prefix, root, kind, *others):
    return Form(
        {f"{prefix.lower()}.obo": OBO.format(prefix=prefix, root=root, kind=kind)},
        tuple(sorted(("body", "cardiac thing", "heart thing", kind, *others))),
        (("body", "is a", kind), ("heart thing", "is a", kind), ("heart thing", "part of", "body")),
        "A thing of the heart.",
    )


FORMS = {
    "mondo": obo("MONDO", "MONDO:0000001", "disease"),
    "cl": obo("CL", "CL:0000000", "cell"),
    # No roots: all that is in the file.
    "uberon": obo("UBERON", "UBERON:0001062", "anatomical entity", "continuant"),
    "snomed_ct": Form(
        {"snomed.owl": SNOMED},
        (
            "Disease (disorder)",
            "Heart attack",
            "Myocardial infarction",
            "Myocardial infarction (disorder)",
            "Myocardium structure (body structure)",
        ),
        (
            (
                "Myocardial infarction",
                "Finding site (attribute)",
                "Myocardium structure (body structure)",
            ),
            ("Myocardial infarction", "is a", "Disease (disorder)"),
        ),
    ),
    "eurovoc": Form(
        {"eurovoc-skos-ap-eu.rdf": EUROVOC},
        ("health policy", "policy on health", "social policy"),
        (("health policy", "is narrower than", "social policy"),),
        "What a state does for health.",
    ),
    "umls": Form(UMLS, ("Fever", "Pyrexia", "Sign"), (("Fever", "is narrower than", "Sign"),)),
    "wikidata": Form(
        {"truthy.nt": WIKIDATA},
        ("cor", "heart", "organ"),
        (("heart", "P279", "organ"),),
        "organ that pumps",
    ),
    "wordnet": Form(
        {"english-wordnet-2024.ttl": WORDNET},
        ("animal", "dog"),
        (("dog", "hypernym", "animal"),),
        "a member of the genus Canis",
    ),
    "mesh": Form(
        {"mesh.nt": MESH},
        ("Fever", "Signs", "topical descriptor"),
        (
            ("Fever", "broader descriptor", "Signs"),
            ("Fever", "instance of", "topical descriptor"),
        ),
    ),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_graph_reads_with_its_card_as_it_is_published(name, tmp_path):
    form = FORMS[name]
    for file, content in form.files.items():
        (tmp_path / file).write_text(content)

    graph = read_graph(tmp_path, card=name)

    heads, tails = map(graph.name, graph.heads.tolist()), map(graph.name, graph.tails.tolist())
    kinds = (graph.relation_names[kind] for kind in graph.relations.tolist())
    assert tuple(sorted(zip(heads, kinds, tails, strict=True))) == form.edges
    assert tuple(sorted(set(graph.names))) == form.names
    assert form.definition in list(graph.definitions)
    assert graph.licence == list_cards()[name].licence
