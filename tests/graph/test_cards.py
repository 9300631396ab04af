import pytest

from kgbert import GraphError, ReadOptions, read_graph
from kgbert.graph.cards import find_card, is_shareable, list_cards, load_card
from kgbert.graph.readers.registry import READERS
from tests.support.five_entities import OBO
from tests.support.project.folder import PROJECT

CARD = """\
name = "Five entities"
about = "A test."
page = "https://a.org"
licence = "secret"
licence_page = "https://a.org/licence"
shareable = false
files = "five.obo"
formats = ["obo"]
size = "5 entities"

[options]
relations = ["is_a"]
"""


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "five.obo"
    path.write_text(OBO)
    return path


@pytest.fixture
def card(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(CARD)
    return path


def test_the_well_known_graphs_have_cards():
    assert {
        *("hpo", "doid", "mondo", "go", "chebi", "uberon", "cl", "mesh", "umls", "snomed_ct"),
        *("fibo", "schema_org", "brick", "eurovoc", "wordnet", "wikidata"),
    } <= list_cards().keys()


@pytest.mark.parametrize("name", list_cards())
def test_a_card_names_formats_that_can_be_read(name):
    card = list_cards()[name]

    assert set(card.formats) <= READERS.keys()
    assert card.page.startswith("https://")
    assert card.licence_page.startswith("https://")


def test_every_card_has_a_line_in_the_readme():
    readme = PROJECT.joinpath("graphs", "README.md").read_text("utf-8")

    assert [
        name
        for name in list_cards()
        if f"[{name}](../kgbert/graph/cards/{name}.toml)" not in readme
    ] == []


def test_a_card_sets_options_and_licence(source, card):
    graph = read_graph(source, card=str(card))

    assert graph.relation_ids == ("rdfs:subClassOf",)
    assert graph.licence == "secret"


def test_options_of_the_user_come_before_those_of_the_card(source, card):
    options = ReadOptions(relations=("BFO:0000050",))

    graph = read_graph(source, card=str(card), options=options)

    assert graph.relation_ids == ("BFO:0000050",)


def test_a_licence_in_the_source_comes_before_that_of_the_card(source, card):
    source.write_text(OBO.replace("ontology: ex", "property_value: dc:license https://b.org"))

    assert read_graph(source, card=str(card)).licence == "https://b.org"


def test_a_graph_that_must_not_be_shared_is_known_by_its_card(source):
    source.write_text(OBO)

    assert not is_shareable(read_graph(source, card="umls"))
    assert is_shareable(read_graph(source, card="go"))


def test_an_unknown_card_lists_the_known_ones():
    with pytest.raises(ValueError, match="unknown graph card 'hp'; did you mean 'hpo'"):
        find_card("hp")


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (CARD.replace('size = "5 entities"\n', ""), "has no size"),
        (CARD.replace("shareable = false", 'shareable = "no"'), "shareable is 'no'"),
        (CARD.replace("about", "abuot"), "has no about"),
        ("name = ", "not a readable graph card"),
    ],
)
def test_the_error_of_a_faulty_card_names_the_fault(wrong, complaint, tmp_path):
    path = tmp_path / "wrong.toml"
    path.write_text(wrong)

    with pytest.raises(GraphError, match=rf"wrong\.toml: .*{complaint}"):
        load_card(path)


def test_an_unknown_option_in_a_card_is_refused(tmp_path):
    path = tmp_path / "wrong.toml"
    path.write_text(CARD.replace("relations", "relatoins"))

    with pytest.raises(ValueError, match=r"unknown reader option.*did you mean 'relations'"):
        load_card(path)
