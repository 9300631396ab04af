import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgbert.data import Example, Span
from kgbert.encoding.processor import KGBertProcessor
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.linking.adapters import from_gold
from kgbert.linking.analysis.evidence import match_evidence
from kgbert.linking.dictionary.settings import LinkerSettings
from kgbert.linking.embedding.abbreviations import (
    definition_spans,
    expand_abbreviations,
    long_forms,
)
from kgbert.linking.embedding.linker import EmbeddingLinker
from kgbert.linking.embedding.name_encoder import NameEncoder
from kgbert.linking.embedding.settings import EmbeddingSettings
from kgbert.linking.embedding.thresholds import with_tuned_threshold
from kgbert.linking.factory import (
    component_linkers,
    linker_from_settings,
    linker_settings,
    make_linker,
)
from kgbert.linking.mention import Candidate, Mention
from kgbert.linking.normalization.stopwords import STOP_NAMES
from kgbert.models.task_models import KGBertModel
from tests.support.errors import raises
from tests.support.tiny import TEXTS, tiny_graph, tiny_processor

ODD = "a lung and an odd lung illness (OLI). OLI is no OLIVE."


@pytest.fixture(scope="module")
def folder(plain_folder):
    return plain_folder("bert", KGBertModel)


@pytest.fixture(scope="module")
def linker(folder):
    made = EmbeddingLinker.from_pretrained(tiny_graph(), folder)
    return made.with_settings(threshold=0.0)


def test_mentions_lie_in_their_text_and_name_entities_with_scores(linker):
    for text, mentions in zip([*TEXTS, ODD], linker([*TEXTS, ODD]), strict=True):
        assert mentions == sorted(mentions)
        for mention in mentions:
            assert 0 <= mention.start < mention.end <= len(text)
            assert 1 <= len(mention.candidates) <= 4
            scores = [candidate.score for candidate in mention.candidates]
            assert scores == sorted(scores, reverse=True)
            assert all(0 < score <= 1 for score in scores)
            assert all(entity in tiny_graph() for entity, _ in mention.candidates)
            assert len({entity for entity, _ in mention.candidates}) == len(mention.candidates)


def test_one_meaning_in_the_dictionary_comes_first(linker):
    (mention,) = linker(["a lung"])[0]

    assert mention.candidates[0] == Candidate("EX:4", 1.0)
    assert all(score <= 0.1 for _, score in mention.candidates[1:])


def test_a_name_of_two_entities_keeps_both(linker):
    best, other, *_ = linker.candidates("fever")

    assert {best.entity, other.entity} == {"EX:1", "EX:8"}


def test_what_the_dictionary_does_not_know_gets_candidates(linker):
    assert not linker.dictionary.candidates("feverishness")
    assert len(linker.candidates("feverishness")) == 4


def test_nothing_below_the_threshold_is_proposed(linker):
    strict = linker.with_settings(threshold=1.0)

    assert strict.candidates("feverishness") == ()
    assert strict.candidates("lung") == (Candidate("EX:4", 1.0),)


def test_texts_linked_together_are_linked_as_alone(linker, folder):
    alone = EmbeddingLinker.from_pretrained(tiny_graph(), folder).with_settings(threshold=0.0)

    assert [alone([text])[0] for text in (*TEXTS, ODD)] == linker([*TEXTS, ODD])


def test_short_forms_of_a_text_mean_what_their_long_form_does(linker):
    found = {ODD[m.start : m.end]: m.candidates for m in linker([ODD])[0]}

    assert "OLI" in found
    assert found["OLI"] == linker.candidates("odd lung illness")
    assert "OLIVE" not in found


def test_given_spans_are_ranked_and_their_own_entities_not_looked_at(linker, folder):
    spans = from_gold({"cold feverishness": [(5, 17, "no such entity")]})
    given = EmbeddingLinker(
        tiny_graph(), linker.encoder, linker.names, settings=linker.options, spans=spans
    )

    ((mention,), nothing) = given(["cold feverishness", "fever"])

    assert (mention.start, mention.end) == (5, 17)
    assert mention.candidates == linker.candidates("feverishness")
    assert nothing == []
    with raises("linker-not-saveable"):
        linker_settings(given)


def test_a_saved_linker_answers_as_before(linker, tmp_path):
    changed = linker.with_settings(max_candidates=2, threshold=0.01)
    before = changed.encoder.model.name_or_path
    changed.save(tmp_path / "linker")

    again = make_linker(tiny_graph(), f"embedding:{tmp_path / 'linker'}")

    changed.encoder.model.name_or_path = before
    assert again.options == changed.options
    assert again([*TEXTS, ODD]) == changed([*TEXTS, ODD])


@pytest.mark.parametrize("name", ["embedding:{}", "embedding:{}+char-ngram"])
def test_the_dictionary_inside_takes_settings_and_keeps_them(linker, folder, tmp_path, name):
    settings = LinkerSettings(max_candidates=1, rules=frozenset(), stop_names=STOP_NAMES | {"lung"})
    made = make_linker(tiny_graph(), name.format(folder), settings=settings)
    tiny_processor(linker=made).save_pretrained(tmp_path)

    again = component_linkers(KGBertProcessor.from_pretrained(tmp_path).linker)[0]

    assert again(TEXTS) == component_linkers(made)[0](TEXTS)
    assert again.dictionary.rules == ()
    assert again(["a lung"]) == [[]]
    assert [len(mention.candidates) for mention in again(["fever"])[0]] == [1]


def test_matches_name_what_found_each_candidate(linker):
    text = "a lung and feverishness"
    lung = Mention(2, 6, linker.candidates("lung"))
    odd = Mention(11, 23, linker.candidates("feverishness"))

    by_dictionary, *others = match_evidence(linker, text, lung)

    assert by_dictionary.how == "exact match"
    assert {one.how for one in (*others, *match_evidence(linker, text, odd))} == {"embedding"}


def test_one_candidate_is_kept_of_a_name_with_two_meanings_but_none_is_sure(linker):
    one = linker.with_dictionary_settings(LinkerSettings(max_candidates=1))

    assert one.certain_candidate("fever") is None
    assert len(one.candidates("fever")) == 1


def test_names_of_another_graph_are_encoded_anew(linker, folder, tmp_path):
    before = linker.encoder.model.name_or_path
    linker.save(tmp_path)
    linker.encoder.model.name_or_path = before
    builder = GraphBuilder()
    builder.add_name("X:1", "fever")

    other = EmbeddingLinker.from_pretrained(builder.build(), tmp_path)

    assert len(other.names.vectors) == 1
    assert other.candidates("feverish")[0].entity == "X:1"


def test_processor_with_the_linker_is_saved_and_opened_again(linker, tmp_path):
    processor = tiny_processor(linker=linker)
    processor.save_pretrained(tmp_path)

    again = KGBertProcessor.from_pretrained(tmp_path)

    assert again.linker([*TEXTS, ODD]) == linker([*TEXTS, ODD])


def test_a_processor_answers_elsewhere_than_where_the_linker_lay(linker, tmp_path):
    before = linker.encoder.model.name_or_path
    linker.encoder.model.name_or_path = ""
    tiny_processor(linker=linker).save_pretrained(tmp_path / "here")
    linker.encoder.model.name_or_path = before
    (tmp_path / "here").rename(tmp_path / "elsewhere")

    again = KGBertProcessor.from_pretrained(tmp_path / "elsewhere")

    assert again.linker([*TEXTS, ODD]) == linker([*TEXTS, ODD])
    assert (again.linker.names.vectors == linker.names.vectors).all()
    again.save_pretrained(tmp_path / "third")
    assert (tmp_path / "third" / "linker-0" / "names.safetensors").is_file()


def test_settings_are_plain_json_and_part_of_a_combination(linker):
    both = make_linker(tiny_graph(), "dictionary+char-ngram")
    both.parts = (*both.parts, linker)

    settings = json.loads(json.dumps(linker_settings(both)))

    assert [part["linker"] for part in settings] == ["dictionary", "char-ngram", "embedding"]
    assert linker_from_settings(tiny_graph(), settings)(TEXTS) == both(TEXTS)


def test_another_encoder_in_the_folder_is_refused(linker):
    (settings,) = linker_settings(linker)

    with raises("another-linker-encoder"):
        linker_from_settings(tiny_graph(), [settings | {"weights": "0"}])


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("embedding", "linker-needs-folder"),
        ("char-ngram:folder", "linker-takes-no-folder"),
        ("embeding:folder", "unknown-name"),
    ],
)
def test_an_incomplete_or_unknown_linker_name_is_refused(name, code):
    with raises(code):
        make_linker(tiny_graph(), name)


def test_graph_without_names_means_nothing(folder):
    builder = GraphBuilder()
    builder.add_entity("X:1")
    linker = EmbeddingLinker.of_graph(builder.build(), NameEncoder.from_pretrained(folder))

    assert linker(["fever"]) == [[]]
    assert linker.candidates("fever") == ()


def test_one_text_is_no_list_of_texts(linker):
    with raises("single-text"):
        linker("fever")


def test_threshold_refuses_given_spans_of_what_is_not_in_the_graph(linker):
    known, unknown = "a lung", "feverishness"
    examples = [
        Example(known, spans=(Span(2, 6, "x", "EX:4"),)),
        Example(unknown, spans=(Span(0, 12, "x", "Y:1"),)),
    ]
    spans = from_gold({known: [(2, 6, "EX:4")], unknown: [(0, 12, "Y:1")]})
    given = EmbeddingLinker(
        linker.graph, linker.encoder, linker.names, settings=linker.options, spans=spans
    )

    chosen = with_tuned_threshold(given, examples)

    assert chosen.candidates("lung")[0].entity == "EX:4"
    assert chosen.candidates("feverishness") == ()


def test_threshold_of_whole_texts_leaves_out_what_nobody_marked(linker):
    annotated = Example(ODD, spans=(Span(2, 6, "x", "EX:4"),))
    found = [ODD[mention.start : mention.end] for mention in linker([ODD])[0]]

    chosen = with_tuned_threshold(linker, [annotated])

    assert "OLI" in found
    assert [ODD[m.start : m.end] for m in chosen([ODD])[0]] == [
        surface for surface in found if linker.certain_candidate(surface)
    ]


def test_threshold_of_whole_texts_keeps_what_is_marked(linker):
    spans = tuple(Span(m.start, m.end, "x", m.candidates[0].entity) for m in linker([ODD])[0])

    chosen = with_tuned_threshold(linker, [Example(ODD, spans=spans)])

    assert chosen.options.threshold == 0.0
    assert chosen([ODD]) == linker([ODD])


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"max_candidates": 0}, "max-candidates-below-one"),
        ({"threshold": 1.5}, "threshold-out-of-range"),
    ],
)
def test_settings_out_of_range_are_refused(wrong, code):
    with raises(code):
        EmbeddingSettings(**wrong)


def test_settings_survive_json():
    settings = EmbeddingSettings(threshold=0.25)

    assert EmbeddingSettings.from_dict(json.loads(json.dumps(settings.as_dict()))) == settings


@given(st.text("abcDEF (),.", max_size=40))
def test_places_of_short_forms_lie_in_the_text_and_overlap_nothing(text):
    taken = [(3, 6)]

    for start, end in definition_spans(text, taken):
        assert 0 <= start < end <= len(text)
        assert end <= 3 or start >= 6


def test_a_short_form_is_spelt_out_only_as_a_word():
    defined = long_forms("an odd lung illness (OLI)")

    assert expand_abbreviations("OLI", defined) == "odd lung illness"
    assert expand_abbreviations("OLIs and OLIVE", defined) == "odd lung illness and OLIVE"
    assert expand_abbreviations("lung", defined) == "lung"
