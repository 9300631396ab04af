from kgbert.comparison.arms.texts import append_entities, mark_mentions, verbalize_definition
from kgbert.data import Example, Span
from kgbert.graph.verbalize import verbalize
from kgbert.linking.factory import make_linker
from kgbert.linking.mention import Candidate, Mention
from kgbert.tasks.token_classification import word_tags, words_of
from tests.comparison.arms.test_arms import linker
from tests.support.tiny import tiny_graph, tiny_processor

SPAN = (Span(2, 6, "Organ"),)


def test_each_entity_is_described_once_in_appended_text():
    graph = tiny_graph()
    twice = Example("lung and lung", "ill")

    (rewritten,) = append_entities(linker(), graph, [twice])

    assert rewritten.text == f"lung and lung. {verbalize(graph, graph.index('EX:4'))}"
    assert rewritten.target == "ill"


def test_appended_definitions_contain_name_type_and_definition(graph):
    texts = [Example("a high temperature", "ill")]

    (rewritten,) = append_entities(
        make_linker(graph, "dictionary"), graph, texts, verbalize_definition
    )

    description = "fever is symptom; A body temperature above the normal."
    assert rewritten.text == f"a high temperature. {description}"


def test_text_without_mention_stays_as_it_was():
    plain = [Example("no mention", "ill")]

    assert append_entities(linker(), tiny_graph(), plain) == plain
    assert mark_mentions(linker(), tiny_graph(), plain) == plain


def test_spans_stay_on_their_words_when_text_is_appended():
    spans = (Span(0, 5, "Sign"), Span(13, 17, "Organ"))

    (rewritten,) = append_entities(
        linker(), tiny_graph(), [Example("fever of the lung", spans=spans)]
    )

    assert rewritten.spans == spans
    assert [rewritten.text[span.start : span.end] for span in rewritten.spans] == ["fever", "lung"]


def test_words_that_were_appended_have_no_tags():
    (rewritten,) = append_entities(linker(), tiny_graph(), [Example("a lung", spans=SPAN)])

    (encoded,) = tiny_processor().encode([rewritten])

    assert len(encoded.offsets) > len(tiny_processor().encode(["a lung"])[0].offsets)
    assert [encoded.text[word.start : word.end] for word in words_of(rewritten, encoded)] == [
        "a",
        "lung",
    ]
    assert word_tags(rewritten, encoded) == ["O", "B-Organ"]


def test_typed_markers_stand_around_mentions_and_spans_move_with_their_words(graph):
    spans = (Span(0, 2, "Word"), Span(2, 7, "Sign"), Span(8, 17, "Both"))
    example = Example("a fever in lung .", "ill", spans)

    (rewritten,) = mark_mentions(make_linker(graph, "dictionary"), graph, [example])

    assert rewritten.text == "a @ * symptom * fever @ in @ * entity * lung @ ."
    assert [rewritten.text[span.start : span.end] for span in rewritten.spans] == [
        "a ",
        "fever",
        "in @ * entity * lung @ .",
    ]


def test_of_mentions_that_overlap_the_longer_one_is_marked(graph):
    mentions = [[Mention(0, 4, (Candidate("EX:5", 1.0),)), Mention(0, 14, (Candidate("EX:1", 1),))]]

    (rewritten,) = mark_mentions(lambda texts: mentions, graph, [Example("lung infection", "ill")])

    assert rewritten.text == "@ * entity * lung infection @"
