from kgbert.data import Example
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.linking.analysis.label_leakage import GoldLabels, label_warnings
from kgbert.linking.factory import make_linker
from kgbert.linking.grounding import ground


def drug_graph():
    builder = GraphBuilder()
    for name in ("codeine", "morphine", "safe"):
        builder.add_name(name, name)
    builder.add_edge("codeine", "kept in", "safe")
    return builder.build()


def warnings(*labelled, grounding=None):
    graph = drug_graph()
    texts = GoldLabels(
        [Example(text) for text, _ in labelled],
        [frozenset({label}) for _, label in labelled],
        "texts with a mention",
    )
    linker = make_linker(graph, "dictionary")
    return list(label_warnings(graph, linker, texts.names, texts, grounding=grounding))


def test_an_edge_from_a_mention_to_its_label_is_counted():
    named, reached = warnings(("Took codeine.", "safe"), ("Took morphine.", "safe"), ("No", "safe"))

    assert named.startswith("Labels that are names of entities in the graph: safe.")
    assert reached.startswith("For 1 of the 2 texts with a mention, the linked entity or a direct")


def test_labels_that_no_entity_is_named_like_give_no_warning():
    assert warnings(("Took codeine.", "pain"), ("Took morphine.", "cough")) == []


def test_grounded_labels_are_meant_to_be_in_the_graph():
    grounding = ground(["safe"], drug_graph())

    assert warnings(("Took morphine.", "safe"), grounding=grounding) == []
