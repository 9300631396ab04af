from kgbert.data import Example, Span
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.linking.dictionary.linker import DictionaryLinker
from kgbert.linking.gold_names import unreliable_names, with_added_names, with_gold_names


def graph():
    builder = GraphBuilder()
    builder.add_name("HP:1", "Cough")
    builder.add_name("HP:2", "Group")
    builder.add_edge("HP:1", "is_a", "HP:2")
    return builder.build(source="small")


def marked(text, *spans):
    return Example(text, spans=tuple(Span(a, b, "Phenotype", entity) for a, b, entity in spans))


def test_gold_spans_become_names_and_the_rest_of_the_graph_stays():
    extended = with_gold_names(graph(), [marked("barking fits", (0, 12, "HP:1"))])

    assert [name.text for name in extended.names_of(extended.index("HP:1"))] == [
        "Cough",
        "barking fits",
    ]
    assert len(extended.heads) == 1
    ((mention,),) = DictionaryLinker(extended)(["Barking fit"])
    assert mention.candidates[0].entity == "HP:1"


def test_entities_that_the_graph_lacks_are_not_added():
    extended = with_gold_names(graph(), [marked("barking fits", (0, 12, "HP:9"))])

    assert extended is not None
    assert list(extended.names) == list(graph().names)


def test_what_people_mean_by_a_name_overrules_the_graph():
    builder = GraphBuilder()
    builder.add_name("HP:1", "Alcohols")
    builder.add_name("HP:0", "alcohol")
    original = builder.build()

    extended = with_added_names(original, [("HP:1", "Alcohol")])

    def meanings(graph):
        return [candidate.entity for candidate in DictionaryLinker(graph).candidates("alcohol")]

    assert (meanings(original)[0], meanings(extended)) == ("HP:0", ["HP:1", "HP:0"])
    assert [extended.name(index) for index in range(2)] == ["alcohol", "Alcohols"]


def test_a_name_added_to_two_entities_keeps_both_meanings():
    added = [("HP:1", "fits"), ("HP:2", "fits"), ("HP:2", "Cough")]

    linker = DictionaryLinker(with_added_names(graph(), added))

    both = linker.candidates("fits")
    assert ({x.entity for x in both}, {x.score for x in both}) == ({"HP:1", "HP:2"}, {1.0})
    assert linker.candidates("cough")[0].entity == "HP:2"


def test_short_forms_of_one_text_are_no_names():
    text = "barking fits (BF), BFs and BF"
    spans = [(0, 12, "HP:1"), (14, 16, "HP:1"), (19, 22, "HP:1")]

    extended = with_gold_names(graph(), [marked(text, *spans)])

    assert set(extended.names) == {"Cough", "Group", "barking fits"}


def test_what_is_found_and_seldom_marked_misleads():
    texts = [marked("a group with cough", (13, 18, "HP:1")), marked("the groups"), marked("cough")]

    assert unreliable_names(DictionaryLinker(graph()), texts, least=1) == {"group", "groups"}
    assert unreliable_names(DictionaryLinker(graph()), texts, least=3) == set()


def test_a_misleading_name_is_stopped():
    stopped = unreliable_names(DictionaryLinker(graph()), [marked("group"), marked("Group")])

    assert DictionaryLinker(graph(), stop_names=stopped)(["a group, cough"])[0][0].start == 9
