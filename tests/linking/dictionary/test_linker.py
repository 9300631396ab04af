import gc
import json
import pickle

import numpy as np
import pandas as pd
import pytest

from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.linking.dictionary.linker import DictionaryLinker
from kgbert.linking.mention import Mention
from tests.support.errors import raises


def graph_of(*names: tuple[str, ...]) -> KnowledgeGraph:
    builder = GraphBuilder()
    for name in names:
        builder.add_name(*name)
    return builder.build()


def found(linker: DictionaryLinker, text: str) -> list[tuple[str, str]]:
    """Return the text and the best entity of each mention."""
    return [(text[m.start : m.end], m.candidates[0].entity) for m in linker([text])[0]]


def test_longest_name_wins_over_a_name_inside_it():
    linker = DictionaryLinker(graph_of(("E:1", "renal failure"), ("E:2", "acute renal failure")))

    mentions = found(linker, "Acute renal failure, then renal failure")

    assert mentions == [("Acute renal failure", "E:2"), ("renal failure", "E:1")]


def test_name_inside_another_word_is_not_a_mention():
    linker = DictionaryLinker(graph_of(("E:1", "fever"), ("E:2", "ache")))

    assert linker(["xfevering feverfew headache fever2 2fever"]) == [[]]


def test_acronym_is_linked_in_capitals_only():
    linker = DictionaryLinker(graph_of(("E:1", "AIDS"), ("E:2", "polycystic kidney")))

    assert found(linker, "AIDS, not hearing aids, nor aid, nor Aids") == [("AIDS", "E:1")]


def test_plural_of_an_acronym_is_linked():
    linker = DictionaryLinker(graph_of(("E:1", "AVM"), ("E:2", "arteriovenous malformation")))

    assert found(linker, "two AVMs") == [("AVMs", "E:1")]


def test_stronger_scope_scores_higher():
    scopes = ("preferred", "exact", "related", "broad", "narrow")
    linker = DictionaryLinker(
        graph_of(*((f"E:{i}", "colic", scope) for i, scope in enumerate(scopes))), max_candidates=5
    )

    [[mention]] = linker(["colic"])

    assert [candidate.entity for candidate in mention.candidates] == [f"E:{i}" for i in range(5)]
    scores = [candidate.score for candidate in mention.candidates]
    assert scores == sorted(set(scores), reverse=True)


def test_exact_match_scores_higher_than_a_match_by_rule():
    linker = DictionaryLinker(graph_of(("E:1", "skin tumor"), ("E:2", "skin tumours")))

    [[mention]] = linker(["skin tumours"])

    assert [candidate.entity for candidate in mention.candidates] == ["E:2", "E:1"]
    assert mention.candidates[0].score > mention.candidates[1].score


def test_max_candidates_limits_the_candidates():
    graph = graph_of(*((f"E:{i}", "colic") for i in range(6)))

    [[mention]] = DictionaryLinker(graph, max_candidates=2)(["colic"])

    assert [candidate.entity for candidate in mention.candidates] == ["E:0", "E:1"]


@pytest.mark.parametrize(
    ("text", "matched"),
    [
        ("İX fever", "fever"),
        ("ＦＥＶＥＲ", "ＦＥＶＥＲ"),
        ("fe\u00adver", "fe\u00adver"),
        ("a cafe\u0301 with fever.", "fever"),
        ("𝔸 𝔣𝔢𝔳𝔢𝔯 😀", "𝔣𝔢𝔳𝔢𝔯"),
    ],
)
def test_offsets_are_those_of_the_text_given(text, matched):
    linker = DictionaryLinker(graph_of(("E:1", "Fever")))

    assert found(linker, text) == [(matched, "E:1")]


def test_accented_name_is_found_composed_and_decomposed():
    linker = DictionaryLinker(graph_of(("E:1", "Straße"), ("E:2", "café")), rules=[])

    assert found(linker, "STRASSE cafe\u0301 café") == [
        ("STRASSE", "E:1"),
        ("cafe\u0301", "E:2"),
        ("café", "E:2"),
    ]


def test_mention_does_not_cross_a_blank_line():
    linker = DictionaryLinker(graph_of(("E:1", "kidney stone")))

    assert found(linker, "kidney\n\nstone, kidney\nstone") == [("kidney\nstone", "E:1")]


def test_function_words_and_single_letters_are_not_linked():
    linker = DictionaryLinker(graph_of(("E:1", "All"), ("E:2", "K"), ("E:3", "12")))

    assert linker(["all 12 K"]) == [[]]


def test_candidates_below_the_least_score_are_left_out():
    graph = graph_of(("E:1", "Number"), ("E:2", "colic"), ("E:3", "colic", "related"))

    linker = DictionaryLinker(graph, min_score=0.75)

    [[mention]] = linker(["a number, colic"])
    assert mention.candidates == (("E:2", 1.0),)
    assert linker.settings["min_score"] == 0.75
    assert DictionaryLinker.from_settings(graph, linker.settings).settings == linker.settings


def test_least_score_that_nothing_reaches_is_refused():
    with raises("min-score-out-of-range"):
        DictionaryLinker(graph_of(("E:1", "fever")), min_score=1.5)


def test_settings_rebuild_the_linker():
    graph = graph_of(("E:1", "Neoplasms, Skin"), ("E:2", "colic"))
    linker = DictionaryLinker(graph, rules=["inversion"], max_candidates=1, stop_names=["colic"])

    rebuilt = DictionaryLinker.from_settings(graph, json.loads(json.dumps(linker.settings)))

    assert rebuilt.settings == linker.settings
    assert rebuilt(["skin neoplasms, colic"]) == linker(["skin neoplasms, colic"])
    assert found(rebuilt, "skin neoplasms, colic") == [("skin neoplasms", "E:1")]


def test_linker_travels_to_a_worker_process():
    linker = DictionaryLinker(graph_of(("E:1", "fever")), max_candidates=3)

    travelled = pickle.loads(pickle.dumps(linker))

    assert travelled.settings == linker.settings
    assert travelled(["fever"]) == linker(["fever"]) == [[Mention(0, 5, (("E:1", 1.0),))]]


def test_unknown_rule_names_the_known_ones():
    with raises("unknown-name"):
        DictionaryLinker(graph_of(("E:1", "fever")), rules=["plurals"])


def test_single_text_instead_of_a_list_is_refused():
    with raises("single-text"):
        DictionaryLinker(graph_of(("E:1", "fever")))("fever")


def test_fewer_than_one_candidate_is_refused():
    with raises("max-candidates-below-one"):
        DictionaryLinker(graph_of(("E:1", "fever")), max_candidates=0)


@pytest.mark.parametrize("running", [True, False])
def test_garbage_collection_is_as_before_after_linking(running, monkeypatch):
    linker = DictionaryLinker(graph_of(("E:1", "fever")))
    before = gc.isenabled()
    (gc.enable if running else gc.disable)()

    try:
        linker(["a fever"])
        after = gc.isenabled()
        monkeypatch.setattr(linker, "_link_all", _fail)
        with pytest.raises(RuntimeError):
            linker(["a fever"])
        after_error = gc.isenabled()
    finally:
        (gc.enable if before else gc.disable)()

    assert (after, after_error) == (running, running)


def _fail(texts):
    raise RuntimeError


@pytest.mark.parametrize("kind", [np.array, pd.Series, tuple, iter])
def test_texts_may_be_any_iterable_of_strings(kind):
    linker = DictionaryLinker(graph_of(("E:1", "fever")))

    assert linker(kind(["no fever", ""])) == linker(["no fever", ""])


def test_a_missing_text_is_refused():
    with raises("text-is-no-string"):
        DictionaryLinker(graph_of(("E:1", "fever")))(pd.Series(["fever", None]))


def test_a_name_of_very_many_words_is_not_indexed_and_breaks_nothing():
    linker = DictionaryLinker(graph_of(("E:1", "w " * 100_000 + "end"), ("E:2", "fever")))

    assert found(linker, "w w end of a fever") == [("fever", "E:2")]
