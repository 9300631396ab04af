import json

import pytest

from kgbert import ReadOptions, read_graph
from kgbert.graph.files.format_detection import detect_format
from kgbert.graph.files.source import Source
from tests.support.errors import raises

IS_A = "rdfs:subClassOf"
WIKIDATA = "http://www.wikidata.org/"


@pytest.fixture
def write(tmp_path):
    def write(content, name="graph.json"):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def names_of(graph, entity):
    return [name.text for name in graph.entity(entity).names]


ENTITIES = [{"id": "E1", "name": "fever", "synonyms": ["pyrexia"]}, {"id": "E2", "name": "cough"}]
TRIPLES = [{"head": "aspirin", "relation": "treats", "tail": "pain"}]


@pytest.mark.parametrize("indent", [None, 2])
def test_a_list_of_entities_is_read(indent, write):
    graph = read_graph(write(json.dumps(ENTITIES, indent=indent)))

    assert names_of(graph, "E1") == ["fever", "pyrexia"]


def test_a_line_may_hold_an_entity_or_a_triple(write):
    lines = [
        {"concept_id": "pain", "aliases": ["ache"], "types": ["T1"], "canonical_name": "pain"},
        {"concept_id": "aspirin", "canonical_name": "aspirin", "definition": "A drug."},
        *TRIPLES,
    ]

    graph = read_graph(write("\n".join(map(json.dumps, lines)), "kb.jsonl"))

    assert names_of(graph, "pain") == ["pain", "ache"]
    assert graph.entity("aspirin").definition == "A drug."
    assert graph.entity("aspirin").edges == (("treats", "pain"),)
    assert any("'types' (1)" in note for note in graph.notes)


@pytest.mark.parametrize(
    "content", [TRIPLES, [["aspirin", "treats", "pain"]], {"triples": TRIPLES}]
)
def test_triples_may_be_written_in_several_ways(content, write):
    assert read_graph(write(content)).entity("aspirin").edges == (("treats", "pain"),)


def test_a_text_may_name_its_language(write):
    graph = read_graph(write([{"id": "E1", "name": {"en": "fever", "de": "Fieber"}}]))

    assert {(name.text, name.language) for name in graph.entity("E1").names} == {
        ("fever", "en"),
        ("Fieber", "de"),
    }


def test_an_export_of_neo4j_is_read(write):
    lines = [
        {"type": "node", "id": "0", "labels": ["Drug"], "properties": {"name": "Aspirin"}},
        {"type": "node", "id": "1", "labels": ["Symptom"], "properties": {"name": "Pain"}},
        {"type": "relationship", "label": "TREATS", "start": {"id": "0"}, "end": {"id": "1"}},
    ]

    graph = read_graph(write("\n".join(map(json.dumps, lines))))

    assert graph.name(graph.index("0")) == "Aspirin"
    assert graph.entity("0").edges == (("TREATS", "1"),)


def test_relationships_of_neo4j_follow_the_ids_of_the_nodes(write):
    lines = [
        {"type": "node", "id": "0", "properties": {"code": "A1", "name": "Aspirin"}},
        {"type": "node", "id": "1", "properties": {"name": "Pain"}},
        {"type": "relationship", "label": "TREATS", "start": {"id": "0"}, "end": {"id": "1"}},
    ]

    options = ReadOptions(columns=("id=code",))
    graph = read_graph(write("\n".join(map(json.dumps, lines))), options=options)

    assert graph.entity("A1").edges == (("TREATS", "1"),)


def test_a_code_system_of_fhir_is_read(write):
    concept = {
        "code": "A",
        "display": "Alpha state",
        "definition": "The first.",
        "designation": [{"value": "Erster Zustand", "language": "de"}],
        "concept": [{"code": "A1", "display": "Alpha one"}],
    }
    old = {"code": "B", "display": "Old", "property": [{"code": "status", "valueCode": "retired"}]}
    child = {
        "code": "C",
        "display": "Gamma",
        "property": [{"code": "parent", "valueCode": "A"}],
    }
    system = {"resourceType": "CodeSystem", "version": "2", "concept": [concept, old, child]}

    graph = read_graph(write(system))

    assert names_of(graph, "A") == ["Alpha state", "Erster Zustand"]
    assert graph.entity("A1").edges == graph.entity("C").edges == ((IS_A, "A"),)
    assert "B" not in graph
    assert graph.version == "2"


FHIR_XML = """\
<?xml version="1.0" encoding="UTF-8"?>
<CodeSystem xmlns="http://hl7.org/fhir">
  <version value="2"/>
  <concept>
    <code value="A"/><display value="Alpha state"/><definition value="The first."/>
    <designation><language value="de"/><value value="Erster Zustand"/></designation>
    <property><code value="note"/><valueString value="seen"/></property>
    <concept><code value="A1"/><display value="Alpha one"/></concept>
  </concept>
  <concept>
    <code value="B"/><display value="Old"/>
    <property><code value="inactive"/><valueBoolean value="true"/></property>
  </concept>
</CodeSystem>
"""


def test_a_code_system_reads_the_same_from_xml(write):
    graph = read_graph(write(FHIR_XML, "system.xml"))

    assert names_of(graph, "A") == ["Alpha state", "Erster Zustand"]
    assert graph.entity("A").definition == "The first."
    assert graph.entity("A1").edges == ((IS_A, "A"),)
    assert "B" not in graph
    assert graph.version == "2"
    assert graph.unused_properties == {"note": 1}


def test_a_code_system_in_broken_xml_is_refused(write):
    with raises("malformed-xml"):
        read_graph(write(FHIR_XML.replace("</designation>", ""), "system.xml"))


def test_a_code_system_without_concepts_is_refused(write):
    with raises("empty-code-system"):
        read_graph(write({"resourceType": "CodeSystem", "content": "not-present"}))


def test_a_bundle_of_stix_is_read(write):
    objects = [
        {
            "type": "attack-pattern",
            "id": "attack-pattern--1",
            "name": "Phishing",
            "description": "Sends messages.",
            "external_references": [{"source_name": "mitre-attack", "external_id": "T1"}],
            "kill_chain_phases": [{"phase_name": "initial-access"}],
        },
        {"type": "attack-pattern", "id": "attack-pattern--2", "name": "Spearphishing"},
        {"type": "attack-pattern", "id": "attack-pattern--3", "name": "Old", "revoked": True},
        {"type": "malware", "id": "malware--1", "name": "Foobar", "x_mitre_aliases": ["Foo"]},
        {
            "type": "x-mitre-tactic",
            "id": "x-mitre-tactic--1",
            "name": "Initial Access",
            "x_mitre_shortname": "initial-access",
        },
        {"type": "identity", "id": "identity--1", "name": "MITRE"},
        *(
            {
                "type": "relationship",
                "id": f"relationship--{head}",
                "relationship_type": relation,
                "source_ref": head,
                "target_ref": "attack-pattern--1",
            }
            for head, relation in (
                ("malware--1", "uses"),
                ("attack-pattern--2", "subtechnique-of"),
            )
        ),
        {
            "type": "relationship",
            "id": "relationship--old",
            "relationship_type": "uses",
            "source_ref": "malware--1",
            "target_ref": "attack-pattern--2",
            "revoked": True,
        },
    ]

    graph = read_graph(write({"type": "bundle", "id": "bundle--1", "objects": objects}))

    assert names_of(graph, "malware--1") == ["Foobar", "Foo"]
    assert graph.entity("malware--1").edges == (("uses", "attack-pattern--1"),)
    assert graph.entity("attack-pattern--2").edges == ((IS_A, "attack-pattern--1"),)
    assert graph.entity("attack-pattern--1").edges == (("tactic", "x-mitre-tactic--1"),)
    assert [target for _, _, target in graph.references] == ["T1"]
    assert "attack-pattern--3" not in graph
    assert graph.dropped_edges == (
        ("a revoked relationship", 1, "malware--1 uses attack-pattern--2"),
    )
    assert "identity--1" not in graph
    assert "STIX objects that are not read as entities: identity (1)" in graph.notes


def item(id, name, **claims):
    return {
        "type": "item",
        "id": id,
        "labels": {"en": {"language": "en", "value": name}},
        "descriptions": {"en": {"language": "en", "value": f"about {name}"}},
        "aliases": {"de": [{"language": "de", "value": f"{name} (de)"}]},
        "claims": {
            relation: [{"mainsnak": {"datavalue": {"value": value}}, "rank": "normal"}]
            for relation, value in claims.items()
        },
    }


@pytest.mark.parametrize("kind", ["dump", "page"])
def test_wikidata_is_read_in_its_own_json(kind, write):
    items = [item("Q1", "fever", P31={"id": "Q2"}, P1="text", P2={}), item("Q2", "symptom")]
    dump = "[\n" + ",\n".join(map(json.dumps, items)) + "\n]\n"
    page = json.dumps({"entities": {each["id"]: each for each in items}})

    graph = read_graph(write(dump if kind == "dump" else page))

    fever = graph.entity(f"{WIKIDATA}entity/Q1")
    assert [(name.text, name.language) for name in fever.names] == [
        ("fever", "en"),
        ("fever (de)", "de"),
    ]
    assert fever.definition == "about fever"
    assert fever.edges == ((f"{WIKIDATA}prop/direct/P31", f"{WIKIDATA}entity/Q2"),)
    assert any(note.startswith("not used: 1 claim with the rank") for note in graph.notes)
    assert graph.unused_properties == {f"{WIKIDATA}prop/direct/P1": 1}


def test_a_tree_of_children_is_a_hierarchy(write):
    tree = {
        "children": [
            {
                "name": "Vehicles",
                "uri": "http://a.org/1",
                "children": [{"name": "Cars", "uri": "http://a.org/2", "altLabels": ["autos"]}],
            }
        ]
    }

    graph = read_graph(write(tree))

    assert names_of(graph, "http://a.org/2") == ["Cars", "autos"]
    assert graph.entity("http://a.org/2").edges == ((IS_A, "http://a.org/1"),)


def test_a_tree_without_ids_uses_the_names(write):
    graph = read_graph(write({"name": "flare", "children": [{"name": "cluster", "value": 3}]}))

    assert graph.entity("cluster").edges == ((IS_A, "flare"),)


@pytest.mark.parametrize(
    "content",
    [
        {"resourceType": "Patient", "gender": "male"},
        [{"colour": "red", "taste": "sweet, sour"}],
        {"colour": "red", "size": 7},
        [],
        [1, 2],
        {"id": "x", "status": "fine, thanks"},
    ],
)
def test_json_that_is_no_graph_is_refused_as_such(content, write):
    with raises("unknown-json"):
        read_graph(write(content))


def test_xml_that_is_no_graph_is_refused_as_such(write):
    with raises("unknown-xml"):
        read_graph(write('<?xml version="1.0"?>\n<ValueSet><id value="a,b"/></ValueSet>\n'))


@pytest.mark.parametrize(
    "line", ['{"id": "E1", "name": "x\\ud800"}', '{"id": "E1", "name": ', '{"id": "E1" "name"}']
)
def test_a_broken_line_is_named(line, write):
    path = write(f'{{"id": "E0", "name": "heart"}}\n{line}\n', "kb.jsonl")

    with raises("malformed-json") as error:
        read_graph(path)

    assert "kb.jsonl, line 2" in str(error.value)


def test_a_text_with_an_at_sign_is_no_json_ld(write):
    path = write([{"id": "E1", "name": "@home"}])

    assert detect_format(Source(path)) == "records"


@pytest.mark.parametrize(
    "key", ["prefLabel", "skos:prefLabel", "rdfs:label", "preferredName", "display"]
)
def test_records_have_names_under_the_keys_of_vocabularies(key, write):
    graph = read_graph(write([{"id": "A", "name": "bolt"}, {"id": "B", key: "nut"}]))

    assert names_of(graph, "B") == ["nut"]


@pytest.mark.parametrize("option", ["P225", "wdt:P225", f"{WIKIDATA}prop/direct/P225"])
def test_an_option_names_a_property_of_wikidata_by_its_number_curie_or_iri(option, write):
    items = [item("Q1", "oak", P225="Quercus"), item("Q2", "elm")]
    items[1]["claims"] = item("Q2", "elm", P225={"text": "Ulmus", "language": "la"})["claims"]

    graph = read_graph(write(items), options=ReadOptions(synonym=option))

    assert names_of(graph, f"{WIKIDATA}entity/Q1") == ["oak", "Quercus", "oak (de)"]
    assert ("Ulmus", "la") in [
        (name.text, name.language) for name in graph.entity(f"{WIKIDATA}entity/Q2").names
    ]
    assert not graph.unused_properties
    assert f"2 synonyms under {option}, which was requested" in graph.notes


BOLT, NUT = {"id": "a", "name": "bolt", "source": "shop"}, {"id": "b", "name": "nut"}
FITS = {"id": "e", "source": "a", "target": "b", "interaction": "fits"}


@pytest.mark.parametrize(
    "elements",
    [
        {"nodes": [{"data": BOLT}, {"data": NUT}], "edges": [{"data": FITS}]},
        [{"data": BOLT}, {"data": NUT}, {"data": FITS}],
    ],
)
def test_the_elements_of_cytoscape_are_read(elements, write):
    graph = read_graph(write({"elements": elements}))

    assert list(graph.names) == ["bolt", "nut"]
    assert graph.entity("a").edges == (("fits", "b"),)


def test_a_list_of_texts_with_nodes_is_no_graph(write):
    with raises("unknown-json"):
        read_graph(write([{"text": "a bolt", "nodes": [{"text": "bolt"}]}]))


def test_code_systems_in_a_bundle_are_read(write):
    system = {"resourceType": "CodeSystem", "concept": [{"code": "A", "display": "Alpha state"}]}
    entries = [{"resource": {"resourceType": "Patient"}}, {"resource": system}]

    graph = read_graph(write({"resourceType": "Bundle", "entry": entries}))

    assert list(graph.names) == ["Alpha state"]


def test_a_hierarchy_of_parts_in_a_code_system_is_one_of_parts(write):
    concept = {"code": "A", "display": "arm", "concept": [{"code": "B", "display": "hand"}]}
    system = {"resourceType": "CodeSystem", "hierarchyMeaning": "part-of", "concept": [concept]}

    graph = read_graph(write(system))

    assert graph.entity("B").edges == (("part_of", "A"),)


@pytest.mark.parametrize("name", ["tree.json", "tree.jsonl"])
def test_children_may_be_ids(name, write):
    nodes = [{"id": "A", "name": "tool", "children": ["B"]}, {"id": "B", "name": "drill"}]
    lines = "\n".join(map(json.dumps, nodes))

    graph = read_graph(write(nodes if name == "tree.json" else lines, name))

    assert graph.entity("B").edges == ((IS_A, "A"),)


def test_the_licence_of_an_obo_graph_comes_before_rights(write):
    licences = [
        {"pred": f"http://purl.org/dc/{name}", "val": value}
        for name, value in (("elements/1.1/rights", "all mine"), ("terms/license", "CC-BY"))
    ]
    nodes = [{"id": "http://a.org/1", "lbl": "bolt"}]
    graphs = [{"id": "g", "nodes": nodes, "meta": {"basicPropertyValues": licences}}]

    graph = read_graph(write({"graphs": graphs}))

    assert graph.licence == "CC-BY"


def test_a_code_system_may_name_children_instead_of_parents(write):
    child = {"code": "child", "valueCode": "B"}
    concepts = [
        {"code": "A", "display": "Alpha", "property": [child]},
        {"code": "B", "display": "Beta"},
    ]

    graph = read_graph(write({"resourceType": "CodeSystem", "concept": concepts}))

    assert graph.entity("B").edges == ((IS_A, "A"),)


def test_a_deprecated_claim_of_wikidata_is_counted_and_not_read(write):
    first = item("Q1", "fever", P31={"id": "Q2"}, P279={"id": "Q3"})
    first["claims"]["P279"][0]["rank"] = "deprecated"
    items = [first, item("Q2", "symptom"), item("Q3", "illness")]

    graph = read_graph(write("\n".join(map(json.dumps, items)), "items.jsonl"))

    edges = graph.entity(f"{WIKIDATA}entity/Q1").edges
    assert edges == ((f"{WIKIDATA}prop/direct/P31", f"{WIKIDATA}entity/Q2"),)
    assert "not used: 1 claim with the rank 'deprecated'" in "\n".join(graph.notes)
