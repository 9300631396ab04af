import pytest

from kgbert import ReadOptions, read_graph
from tests.support.errors import raises


def row(count, **cells):
    """Return a row of an RRF file; cells are named by their place."""
    return "|".join(cells.get(f"_{place}", "") for place in range(count)) + "|\n"


def name(cui, text, language="ENG", preferred=True, suppressed="N"):
    marks = {"_2": "P", "_4": "PF", "_6": "Y"} if preferred else {"_2": "S", "_4": "VO", "_6": "N"}
    return row(18, _0=cui, _1=language, _14=text, _16=suppressed, **marks)


def relation(first, kind, second, label=""):
    return row(16, _0=first, _3=kind, _4=second, _7=label, _14="N")


@pytest.fixture
def folder(tmp_path):
    meta = tmp_path / "META"
    meta.mkdir()
    (meta / "MRCONSO.RRF").write_text(
        name("C0000001", "Fever")
        + name("C0000001", "Pyrexia", preferred=False)
        + name("C0000001", "Fieber", language="GER")
        + name("C0000001", "Old fever", suppressed="O")
        + name("C0000002", "Sign")
        + name("C0000003", "Aspirin")
    )
    (meta / "MRREL.RRF").write_text(
        relation("C0000001", "PAR", "C0000002")
        + relation("C0000002", "CHD", "C0000001")
        + relation("C0000001", "RO", "C0000003", "may_treat")
        + relation("C0000002", "CHD", "C0000003", "isa")
        + relation("C0000001", "RO", "C0000001", "same")
    )
    (meta / "MRSTY.RRF").write_text(row(6, _0="C0000003", _1="T121", _3="Pharmacologic Substance"))
    (meta / "MRDEF.RRF").write_text(row(8, _0="C0000001", _5="A high body temperature.", _6="N"))
    return meta


def test_a_folder_of_rrf_files_is_one_graph(folder):
    graph = read_graph(folder)

    fever, aspirin = graph.entity("C0000001"), graph.entity("C0000003")
    assert [(n.text, n.scope, n.language) for n in fever.names] == [
        ("Fever", "preferred", "en"),
        ("Fieber", "preferred", "de"),
        ("Pyrexia", "exact", "en"),
    ]
    assert fever.definition == "A high body temperature."
    assert fever.edges == (("skos:broader", "C0000002"),)
    assert aspirin.edges == (
        ("may_treat", "C0000001"),
        ("rdf:type", "T121"),
        ("rdfs:subClassOf", "C0000002"),
    )
    assert graph.name(graph.index("T121")) == "Pharmacologic Substance"
    assert (
        dict(zip(graph.relation_ids, graph.relation_names, strict=True))["may_treat"] == "may treat"
    )


def test_languages_are_the_usual_tags(folder):
    graph = read_graph(folder, options=ReadOptions(languages=("en",)))

    assert "Fieber" not in list(graph.names)


def test_a_cut_row_names_file_and_line(folder):
    (folder / "MRREL.RRF").write_text(relation("C0000001", "PAR", "C0000002") + "C0000001|A1|\n")

    with raises("malformed-rrf") as error:
        read_graph(folder)

    assert "MRREL.RRF, line 2: 3 columns, but this file has 16" in str(error.value)


def test_other_rrf_files_are_named_with_those_that_are_read(folder):
    path = folder / "MRRANK.RRF"
    path.write_text("1|2|3|4|5|6|\n")

    with raises("unknown-rrf-file"):
        read_graph(path)


def test_a_relation_without_a_label_is_that_of_related_concepts(folder):
    with (folder / "MRREL.RRF").open("a") as file:
        file.write(relation("C0000002", "RO", "C0000003"))

    graph = read_graph(folder)

    assert ("skos:related", "C0000002") in graph.entity("C0000003").edges
