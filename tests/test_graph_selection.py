import pytest
from five_entities import WRITERS

from kgbert import GraphError, ReadOptions, read_graph

TONGUES = """\
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
<http://a.org/1> skos:prefLabel "heart"@en , "Herz"@de-AT , "cœur"@fr , "cor" .
"""


@pytest.mark.parametrize(
    ("languages", "names"),
    [
        ((), ["cor", "heart", "Herz", "cœur"]),
        (("en",), ["cor", "heart"]),
        (("DE", "fr"), ["cor", "Herz", "cœur"]),
        (("de-at",), ["cor", "Herz"]),
    ],
)
def test_names_of_other_languages_are_left_out(languages, names, tmp_path):
    path = tmp_path / "tongues.ttl"
    path.write_text(TONGUES)

    graph = read_graph(path, options=ReadOptions(languages=languages))

    assert list(graph.names) == names


def test_languages_that_no_name_has_are_refused(tmp_path):
    path = tmp_path / "tongues.ttl"
    path.write_text(TONGUES.replace(' , "cor"', ""))

    with pytest.raises(GraphError, match=r"in la; they are in de-at, en, fr"):
        read_graph(path, options=ReadOptions(languages=("la",)))


@pytest.mark.parametrize(
    "word", ["part of", "BFO:0000050", "http://purl.obolibrary.org/obo/BFO_0000050"]
)
def test_edges_of_other_relations_are_left_out(word, tmp_path):
    graph = read_graph(WRITERS["obo"](tmp_path), options=ReadOptions(relations=(word,)))

    assert graph.relation_ids == ("BFO:0000050",)
    assert "3 edges of other relations left out" in graph.notes


def test_an_unknown_relation_lists_those_that_are_there(tmp_path):
    with pytest.raises(GraphError, match=r"Relations here: BFO:0000050, rdfs:subClassOf"):
        read_graph(WRITERS["obo"](tmp_path), options=ReadOptions(relations=("eats",)))


def test_what_is_not_below_the_roots_is_left_out(tmp_path):
    graph = read_graph(WRITERS["obo"](tmp_path), options=ReadOptions(roots=("EX:0000005",)))

    assert sorted(graph.names) == ["heart", "heart attack", "infarct", "organ"]


@pytest.mark.parametrize(("hops", "size"), [(0, 1), (1, 3), (2, 5)])
def test_hops_count_edges_in_any_direction(hops, size, tmp_path):
    options = ReadOptions(roots=("EX:0000004",), hops=hops)

    assert len(read_graph(WRITERS["obo"](tmp_path), options=options)) == size


def test_an_unknown_root_is_refused(tmp_path):
    with pytest.raises(GraphError, match=r"no entity 'EX:9' to start from.*'EX:0000001'"):
        read_graph(WRITERS["obo"](tmp_path), options=ReadOptions(roots=("EX:9",)))
