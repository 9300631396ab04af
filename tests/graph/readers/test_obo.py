import obonet
import pytest

from kgbert import GraphError, read_graph
from kgbert.graph.files import source
from tests.support.errors import raises
from tests.support.five_entities import OBO, TURTLE

ODD = r"""
format-version: 1.4
data-version: 2026-11

[Term]
id: X:0000001
name: water {source="X:9"}
def: "A \"clear\" liquid.\nIt flows." [http\://a.org/b "title, with comma", PMID:1] {a="b"}
synonym: "eau" EXACT []
synonym: "aqua \"pura\"" RELATED layperson [PMID:1, PMID:2] {a="b"}
synonym: "wet" BROAD []
xref: Y:1 "described"
xref: Y:http\://a.org/b\,c
xref: Y:2\n
is_a: X:0000002 {source="X:9"} ! liquid
relationship: part_of X:0000003 {cardinality="1"} ! sea

[Term]
id: X:0000002
name: liquid
comment: "Fluid" is not the same.

[Term]
id: X:0000003
name: sea
alt_id: X:0000009

[Term]
id: X:0000004
name: matter

[Term]
id: X:0000005
name: ether
is_obsolete: true

[Typedef]
id: part_of
name: part of
xref: BFO:0000050

[Typedef]
id: has_quality
name: has quality
"""


@pytest.mark.parametrize("content", [OBO, ODD.lstrip()])
def test_obo_reads_as_obonet_reads_it(content, tmp_path):
    path = tmp_path / "graph.obo"
    path.write_text(content)

    ours, theirs = read_graph(path), read_graph(obonet.read_obo(path))

    assert ours == theirs
    assert ours.version == theirs.version
    assert list(ours.references) == list(theirs.references)


def test_ids_are_read_without_what_escapes_them_in_obo(tmp_path):
    path = tmp_path / "graph.obo"
    path.write_text(ODD)

    graph = read_graph(path)

    assert [target for _, _, target in graph.references] == ["Y:1", "Y:2", "Y:http://a.org/b,c"]


def test_obo_reads_as_its_owl_form_does(tmp_path):
    obo, owl = tmp_path / "five.obo", tmp_path / "five.owl"
    obo.write_text(OBO)
    owl.write_text(TURTLE)

    assert read_graph(obo) == read_graph(owl)


@pytest.mark.parametrize("chunk", [1, 7, 64, 1 << 20])
@pytest.mark.parametrize("content", [OBO, ODD.lstrip()])
def test_the_size_of_blocks_changes_nothing(content, chunk, tmp_path, monkeypatch):
    path = tmp_path / "graph.obo"
    path.write_text(content)
    usual = read_graph(path)

    monkeypatch.setattr(source, "_CHUNK", chunk)

    assert read_graph(path) == usual


def test_lines_may_go_on_be_indented_and_end_as_on_windows(tmp_path):
    path = tmp_path / "odd.obo"
    lines = [
        "[Term]",
        "  id: X:1",
        "name: much \\",
        "   water",
        "! a comment",
        "",
        "[Term]",
        "id: X:2",
    ]
    path.write_bytes("\r\n".join([*lines, "name: sea", "is_a: X:1 ! water", ""]).encode())

    graph = read_graph(path)

    assert [graph.name(0), graph.name(1)] == ["much water", "sea"]
    assert graph.entity("X:2").edges == (("rdfs:subClassOf", "X:1"),)


@pytest.mark.parametrize("chunk", [16, 1 << 20])
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("synonym: eau EXACT []", "line 9: 'eau EXACT []' has no closed pair"),
        ("relationship: part_of", "line 9: 'part_of' is a relationship that lacks"),
        ("relationship: ", "line 9: an empty value is a relationship that lacks"),
        ("synonym:", "line 9: an empty value has no closed pair of double quotes"),
        ("name sea", "line 9: 'name sea' is not 'tag: value'"),
        ("[Term]\nname: sea", "line 10: 'name: sea' belongs to no entity"),
    ],
)
def test_what_cannot_be_understood_is_named_with_its_line(
    wrong, message, chunk, tmp_path, monkeypatch
):
    monkeypatch.setattr(source, "_CHUNK", chunk)
    path = tmp_path / "wrong.obo"
    path.write_text(f"ontology: x\n\n[Term]\nid: X:1\nname: water\n\n[Term]\nid: X:2\n{wrong}\n")

    with raises("malformed-obo") as error:
        read_graph(path)

    assert f"wrong.obo, {message}" in str(error.value)


def test_the_id_of_a_stanza_need_not_come_first(tmp_path):
    path = tmp_path / "late.obo"
    path.write_text("[Term]\nname: sea\nid: X:1\n\n[Term]\nname:lake \nid : X:2\n")

    graph = read_graph(path)

    assert list(graph.entity_ids) == ["X:1", "X:2"]
    assert [graph.name(0), graph.name(1)] == ["sea", "lake"]


def test_what_is_obsolete_leaves_nothing_behind(tmp_path):
    path = tmp_path / "old.obo"
    stanza = (
        '[Term]\nid: X:1\nname: ether\ndef: "Air." []\nsynonym: "sky" EXACT []\nis_a: X:2\n'
        "alt_id: X:7\nxref: Y:1\nis_obsolete: true\nreplaced_by: X:2\n"
    )
    path.write_text(f"ontology: x\n\n{stanza}\n[Term]\nid: X:2\nname: matter\n")

    graph = read_graph(path)

    assert list(graph.entity_ids) == ["X:2"]
    assert list(graph.names) == ["matter"]
    assert not list(graph.references)
    assert graph.replaced == {"X:1": "X:2", "X:7": "X:2"}


@pytest.mark.timeout(20)
def test_a_long_file_without_stanzas_takes_no_longer_than_its_length_asks(tmp_path, monkeypatch):
    monkeypatch.setattr(source, "_CHUNK", 64)
    path = tmp_path / "header.obo"
    path.write_text("remark: nothing but remarks\n" * 100_000)

    with pytest.raises(GraphError, match="no entity was found"):
        read_graph(path, format="obo")


@pytest.fixture
def read(tmp_path):
    def read(content):
        path = tmp_path / "graph.obo"
        path.write_text(content)
        return read_graph(path)

    return read


def test_a_comment_may_follow_an_id_at_once(read):
    graph = read(
        "[Term]\nid: X:1\nname: instrument\n\n[Term]\nid: X:2!a comment\nname: detector\n"
        "is_a: X:1! instrument\nrelationship: part_of X:3! machine\n"
        "intersection_of: X:1! instrument\n\n"
        "[Term]\nid: X:3\nname: machine\nis_a: X:1 !instrument\n"
    )

    assert graph.entity("X:2").edges == (("part_of", "X:3"), ("rdfs:subClassOf", "X:1"))
    assert graph.entity("X:3").edges == (("rdfs:subClassOf", "X:1"),)


@pytest.mark.parametrize("true", ["true", "TRUE", "True ! old", ' true {a="b"}'])
def test_obsolete_may_be_written_in_capitals(true, read):
    graph = read(f"[Term]\nid: X:1\nname: a\nis_obsolete: {true}\n\n[Term]\nid: X:2\nname: b\n")

    assert list(graph.names) == ["b"]


SPECIMEN = """\
format-version: 1.2
property_value: terms:license "CC BY 4.0" xsd:string
property_value: owl:versionInfo "2026-11" xsd:string

[Term]
id: PY:1
name: specimen
property_value: IAO:0000118 "biological sample" xsd:string
property_value: http://www.w3.org/2004/02/skos/core#altLabel "sample of tissue" xsd:string
property_value: skos:definition "A part." xsd:string
property_value: skos:exactMatch Y:1
created_by: somebody

[Term]
id: PY:2
name: old specimen
property_value: owl:deprecated "true" xsd:boolean
property_value: IAO:0000118 "bygone" xsd:string
property_value: IAO:0100001 PY:1

[Typedef]
id: other_name
xref: IAO:0000118
"""


def test_names_under_properties_are_read(read):
    own = SPECIMEN.replace('IAO:0000118 "biological', 'other_name "biological')

    graph = read(own)

    names = {name.text for name in graph.entity("PY:1").names}
    assert names == {"specimen", "biological sample", "sample of tissue"}
    assert graph.entity("PY:1").definition == "A part."
    assert [target for _, _, target in graph.references] == ["Y:1"]
    assert (graph.licence, graph.version) == ("CC BY 4.0", "2026-11")


def test_what_a_property_retires_leaves_nothing_behind(read):
    graph = read(SPECIMEN)

    assert list(graph.entity_ids) == ["PY:1"]
    assert graph.replaced == {"PY:2": "PY:1"}


def test_tags_that_are_not_read_are_noted(read):
    assert read(SPECIMEN).unused_properties["created_by"] == 1


def test_a_stanza_without_anything_is_named_with_its_line(read):
    with raises("malformed-obo") as error:
        read("[Term]\nid: X:1\nname: a\n\n[Term]\n\n[Term]\nid: X:2\nname: b\n")

    assert "line 5" in str(error.value)


def test_the_licence_in_the_header_comes_before_rights(read):
    graph = read(
        'property_value: dc:rights "all mine" xsd:string\n'
        'property_value: dcterms:license "CC-BY" xsd:string\n'
        'property_value: dc:rights "or nobody\'s" xsd:string\n\n[Term]\nid: X:1\nname: one\n'
    )

    assert graph.licence == "CC-BY"


def test_an_edge_to_an_alternative_id_leads_to_the_entity(read):
    graph = read(
        "[Term]\nid: X:1\nname: one\nalt_id: X:9\n\n[Term]\nid: X:2\nname: two\nis_a: X:9\n"
    )

    assert graph.entity("X:2").edges == (("rdfs:subClassOf", "X:1"),)
    assert "redirected: 1 edge to obsolete or merged ids, to what replaced these" in graph.notes


def test_what_replaces_a_term_that_is_not_obsolete_is_counted(read):
    graph = read("[Term]\nid: X:1\nname: one\nreplaced_by: X:2\n\n[Term]\nid: X:2\nname: two\n")

    assert graph.dropped_edges == (("a replacement of what is not obsolete", 1, "X:1 X:2"),)


def test_the_members_of_a_union_are_its_children(read):
    graph = read(
        "[Term]\nid: X:1\nname: limb\nunion_of: X:2 ! arm\nunion_of: X:3\n\n"
        "[Term]\nid: X:2\nname: arm\n\n[Term]\nid: X:3\nname: leg\n"
    )

    assert graph.entity("X:2").edges == graph.entity("X:3").edges == (("rdfs:subClassOf", "X:1"),)
