import pytest

from kgbert import GraphError, ReadOptions, read_graph
from kgbert.utils.errors import Remedy
from tests.support.errors import raises
from tests.support.five_entities import TABLE

TURTLE = """\
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix : <http://a.org/> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix dcterms: <http://purl.org/dc/terms/> .
:Drug a rdfs:Class ; rdfs:label "drug" .
:Insulin a rdfs:Class ; rdfs:label "insulin" ; rdfs:subClassOf :Drug ; owl:equivalentClass :Iletin .
:Iletin a rdfs:Class ; rdfs:label "Iletin" ; dcterms:isReplacedBy :Insulin .
:Disease a rdfs:Class ; rdfs:label "disease" .
:gout a :Disease ; rdfs:label "gout" .
:helps a rdf:Property ; rdfs:label "does good" .
:treats a rdf:Property ; rdfs:label "acts against" ; rdfs:subPropertyOf :helps ;
  rdfs:domain :Drug , :Insulin ; rdfs:range :Disease .
:cures a rdf:Property ; rdfs:label "cures" ; dcterms:isReplacedBy :treats .
"""
ENTITIES = """\
id,label,subTypeOf,equivalentClass,enumerationtype,supersededBy
:Drug,drug,,,,
:Insulin,insulin,:Drug,:Iletin,,
:Iletin,Iletin,,,,:Insulin
:Disease,disease,,,,
:gout,gout,,,:Disease,
"""
RELATIONS = """\
id,label,subPropertyOf,domainIncludes,rangeIncludes,supersededBy
:helps,does good,,,,
:treats,acts against,:helps,":Drug, :Insulin",:Disease,
:cures,cures,,,,:treats
"""


def test_a_table_without_labels_uses_its_cells_as_names(tmp_path):
    path = tmp_path / "bare.tsv"
    path.write_text("aspirin\ttreats\theadache\nTP53\tcauses\tcancer\n")

    graph = read_graph(path)

    assert sorted(graph.names) == ["TP53", "aspirin", "cancer", "headache"]
    assert graph.entity("aspirin").edges == (("treats", "headache"),)


def test_a_missing_column_is_named_with_those_that_are_there(tmp_path):
    path = tmp_path / "odd.csv"
    path.write_text("subject,verb,patient,when\na,b,c,d\n")

    with raises("unknown-columns") as error:
        read_graph(path)

    assert "no column 'object' among subject, verb, patient, when" in error.value.message


def test_columns_with_other_names_can_be_named(tmp_path):
    path = tmp_path / "odd.csv"
    path.write_text("who,verb,patient,when\na,b,c,d\n")

    graph = read_graph(path, options=ReadOptions(columns=("who", "verb", "patient")))

    assert graph.entity("a").edges == (("b", "c"),)


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("subject,predicate,object\na,b\n", "line 2: 2 cells, too few"),
        ('subject,predicate,object\na,b,"c\nd,e,f\n', "line 3: not a readable table"),
        ("subject,predicate,object\na,b,caf\udce9\n", "line 2: not UTF-8"),
    ],
)
def test_an_unreadable_table_names_the_line(content, place, tmp_path):
    path = tmp_path / "broken.csv"
    path.write_bytes(content.encode(errors="surrogateescape"))

    with pytest.raises(GraphError, match=place):
        read_graph(path)


def test_a_table_of_entities_is_understood(tmp_path):
    path = tmp_path / "nodes.csv"
    path.write_text(
        "Code,Label,Synonyms,Comment,Parents\n"
        "EX:0000001,disease,,Anything that ails.,\n"
        "EX:0000002,fever,pyrexia|high temperature,,EX:0000001\n"
    )

    fever = read_graph(path).entity("EX:0000002")

    assert [name.text for name in fever.names] == ["fever", "high temperature", "pyrexia"]
    assert fever.edges == (("rdfs:subClassOf", "EX:0000001"),)


def test_tree_numbers_make_a_hierarchy(tmp_path):
    path = tmp_path / "descriptors.tsv"
    path.write_text("D1\tbody\t\tA1|B2\nD2\tarm\tupper limb\tA1.7\nD3\thand\t\tA1.7.1|B2.4\n")
    options = ReadOptions(header=("id", "name", "synonyms", "tree"))

    graph = read_graph(path, options=options)

    assert graph.entity("D3").edges == (("rdfs:subClassOf", "D1"), ("rdfs:subClassOf", "D2"))


@pytest.mark.parametrize(
    ("header", "remedy"),
    [
        (("id", "name", "synonyms", "tree"), ("id", "name", "synonyms")),
        (("id", "name"), ("id", "name", "other")),
    ],
)
def test_a_header_with_another_number_of_columns_is_refused(tmp_path, header, remedy):
    path = tmp_path / "signs.csv"
    path.write_text("1,fever,pyrexia|heat\n2,chill,\n")

    with raises("header-of-another-length") as error:
        read_graph(path, options=ReadOptions(header=header))

    assert error.value.remedies == (Remedy("header", remedy, owner="ReadOptions"),)


def test_a_table_with_its_own_header_needs_not_the_one_of_another(tmp_path):
    (tmp_path / "nodes.csv").write_text("1,heart,core\n2,organ,\n")
    (tmp_path / "edges.csv").write_text("source,target\n1,2\n")
    options = ReadOptions(header=("id", "name", "synonyms"))

    graph = read_graph([tmp_path / "nodes.csv", tmp_path / "edges.csv"], options=options)

    assert (list(graph.names), len(graph.heads)) == (["heart", "core", "organ"], 1)


def test_a_table_of_entities_and_one_of_edges_are_one_graph(tmp_path):
    (tmp_path / "nodes.csv").write_text("id,name\n1,heart\n2,organ\n")
    (tmp_path / "edges.csv").write_text("source,target,type\n1,2,is_a\n")

    graph = read_graph([tmp_path / "nodes.csv", tmp_path / "edges.csv"])

    assert (list(graph.names), graph.relation_names) == (["heart", "organ"], ("is a",))


def test_incomplete_rows_are_counted(tmp_path):
    path = tmp_path / "gaps.csv"
    path.write_text("subject,predicate,object\na,b,c\nd,e,f\ng,,h\n")

    assert "1 row of" in read_graph(path).notes[0]


def test_a_table_of_incomplete_rows_is_refused(tmp_path):
    path = tmp_path / "gaps.csv"
    path.write_text("subject,predicate,object\na,b,c\nd,e,\ng,,h\n")

    with raises("incomplete-triples"):
        read_graph(path)


def test_a_header_alone_is_no_graph(tmp_path):
    path = tmp_path / "header.csv"
    path.write_text(TABLE.splitlines()[0])

    with pytest.raises(GraphError, match="no entity was found"):
        read_graph(path)


@pytest.fixture
def forms(tmp_path):
    turtle, entities, relations = (tmp_path / name for name in ("a.ttl", "a.csv", "b.csv"))
    turtle.write_text(TURTLE)
    entities.write_text(ENTITIES.replace(":", "http://a.org/"))
    relations.write_text(RELATIONS.replace(":", "http://a.org/"))
    return turtle, [entities, relations]


@pytest.mark.parametrize("relations", [(), ("does good",)])
def test_tables_of_entities_and_of_relations_say_what_rdf_does(forms, relations):
    turtle, tables = forms
    options = ReadOptions(relations=relations)

    from_tables, from_rdf = (read_graph(form, options=options) for form in (tables, turtle))

    assert from_tables == from_rdf
    assert from_tables.replaced == from_rdf.replaced
    assert ("http://a.org/treats", "acts against") in zip(
        from_tables.relation_ids, from_tables.relation_names, strict=True
    )


def test_a_table_of_relations_alone_names_no_entity(forms):
    _, (_, relations) = forms

    with pytest.raises(GraphError, match="no entity was found"):
        read_graph(relations, options=ReadOptions(domain_range_edges=False))


def test_what_a_table_calls_obsolete_is_left_out(tmp_path):
    path = tmp_path / "bioportal.csv"
    path.write_text(
        "Class ID,Preferred Label,Synonyms,Definitions,Obsolete,CUI,Semantic Types,Parents\n"
        "http://a.org/1,fever,pyrexia|high temperature,Hot.,false,,,http://a.org/2\n"
        "http://a.org/2,sign,,,false,,,\n"
        "http://a.org/3,ague,,,true,,,http://a.org/2\n"
    )

    graph = read_graph(path)

    assert list(graph.entity_ids) == ["http://a.org/1", "http://a.org/2"]
    assert graph.replaced == {"http://a.org/3": ""}
    assert "not used: 'CUI', 'Semantic Types'" in graph.notes[0]


@pytest.mark.parametrize(
    "header",
    ["Source,Label,Target", "node1,relationship,node2", "child_id,edge_type,parent_id"],
)
def test_what_columns_of_edges_are_called_is_known(header, tmp_path):
    path = tmp_path / "edges.csv"
    path.write_text(f"{header}\nheart,located in,body\n")

    assert read_graph(path).entity("heart").edges == (("located in", "body"),)


@pytest.mark.parametrize("header", ["code\tterm", "concept_id\tconcept_name"])
def test_what_columns_of_entities_are_called_is_known(header, tmp_path):
    path = tmp_path / "entities.tsv"
    path.write_text(f"{header}\nA1\tfever\n")

    assert read_graph(path).entity("A1").name == "fever"


@pytest.mark.parametrize("header", ["Name,Weight", "Entity,Relation,Target"])
def test_a_header_that_lacks_a_column_is_no_row(header, tmp_path):
    path = tmp_path / "half.csv"
    path.write_text(f"{header}\n{header.lower()}\n")

    with raises("unknown-columns") as error:
        read_graph(path)

    assert f"no column 'subject' among {header.replace(',', ', ')}" in error.value.message


def test_the_error_of_a_table_without_header_shows_its_first_row(tmp_path):
    path = tmp_path / "bare.csv"
    path.write_text("heart,part of,body\n")

    assert read_graph(path).notes == (
        "a table without a header: columns are subject, predicate, object, and its first row is "
        "'heart, part of, body'",
    )


def test_edges_without_a_relation_are_reported(tmp_path):
    path = tmp_path / "edges.csv"
    path.write_text("child,parent\nheart,organ\n")

    graph = read_graph(path)

    assert graph.relation_names == ("is a",)
    assert graph.notes[-1] == (
        f"no column names the relations of {path}: every edge is read as is_a"
    )


@pytest.mark.parametrize(
    "table", ["id,name,parent\nA:1,,B:1\nB:1,,\n", "subject,predicate,object\nA:1,in,B:1\n"]
)
def test_a_table_without_names_is_told_its_columns_and_no_property(tmp_path, table):
    path = tmp_path / "codes.csv"
    path.write_text(table)

    with raises("no-names") as error:
        read_graph(path)

    assert "A table needs a column with the names" in error.value.message
    assert "rdfs:label" not in str(error.value)
