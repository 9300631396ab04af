import pytest

from kgbert.graph.health.generic_names import SAMPLE, generic_names
from kgbert.graph.storage.builder import GraphBuilder


def built(name, definitions):
    builder = GraphBuilder()
    builder.add_name("E:name", name)
    for number, definition in enumerate(definitions):
        builder.add_entity(f"E:{number:07}", definition)
        builder.add_name(f"E:{number:07}", f"thing{number}")
    return builder.build()


def test_a_name_that_definitions_use_is_ordinary():
    shares = generic_names(built("Share", ["a share of something"] * 30 + ["nothing"] * 69))

    assert shares == {"share": pytest.approx(0.31)}


@pytest.mark.parametrize("name", ["SHARE", "share of a company", "a"])
def test_acronyms_and_names_that_say_more_are_not_ordinary(name):
    assert generic_names(built(name, ["a share of a company"] * 30)) == {}


def test_words_of_a_few_entities_are_not_ordinary():
    assert generic_names(built("gout", ["gout of the toe"] * 5)) == {}


def test_words_that_are_no_names_are_not_ordinary():
    assert generic_names(built("gout", ["a share of something"] * 30)) == {}


def test_a_word_counts_once_an_entity():
    assert generic_names(built("gout", ["gout " * 50] * 5)) == {}


def test_an_empty_graph_has_no_names():
    assert generic_names(GraphBuilder().build()) == {}


def test_the_share_is_estimated_from_a_sample_of_a_large_graph():
    shares = generic_names(built("share", ["a share", "nothing"] * SAMPLE))

    assert shares == {"share": pytest.approx(0.5, abs=0.05)}
