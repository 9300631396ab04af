from kgbert.graph.storage.builder import GraphBuilder
from kgbert.linking.analysis.diagnosis import check_linked
from kgbert.linking.factory import make_linker
from tests.support.errors import raises
from tests.support.tiny import tiny_graph


def test_texts_that_mention_an_entity_are_accepted():
    check_linked(tiny_graph(), make_linker(tiny_graph(), "dictionary"), ["nothing", "a fever"])


def test_texts_are_linked_until_one_mentions_an_entity():
    linker, linked = make_linker(tiny_graph(), "dictionary"), []

    def counted(texts):
        linked.extend(texts)
        return linker(texts)

    check_linked(tiny_graph(), counted, ["nothing", "a fever", *["nothing"] * 1_000])

    assert 2 <= len(linked) < 1_000


def test_entities_of_another_graph_do_not_count():
    linker = make_linker(tiny_graph(), "dictionary")
    other = small_other_graph()

    with raises("nothing-linked"):
        check_linked(other, linker, ["a fever"])


def small_other_graph():
    builder = GraphBuilder()
    builder.add_name("X:1", "gold")
    return builder.build()
