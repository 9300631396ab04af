import json
from dataclasses import replace
from shutil import copytree, rmtree

import pytest

from kgbert.encoding.processor import KGBertProcessor
from kgbert.features.entity_features import encode_entities
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.graph.verbalize import verbalize
from kgbert.linking.analysis.evidence import match_evidence
from kgbert.linking.embedding.description_linker import DescriptionLinker
from kgbert.linking.factory import linker_from_settings, linker_settings, make_linker
from kgbert.models.task_models import KGBertModel
from tests.support.errors import raises
from tests.support.tiny import TEXTS, tiny_graph, tiny_tokenizer


@pytest.fixture(scope="module")
def folder(plain_folder):
    return plain_folder("bert", KGBertModel)


@pytest.fixture(scope="module")
def features(folder):
    return encode_entities(tiny_graph(), str(folder), cache=None)


@pytest.fixture(scope="module")
def linker(folder):
    return DescriptionLinker.from_pretrained(tiny_graph(), folder)


def test_a_whole_text_gets_so_many_candidates_best_first(linker):
    linker = DescriptionLinker(tiny_graph(), linker.encoder, candidates=3)

    for text, [mention] in zip(TEXTS, linker(TEXTS), strict=True):
        assert (mention.start, mention.end) == (0, len(text))
        scores = [candidate.score for candidate in mention.candidates]
        assert len({candidate.entity for candidate in mention.candidates}) == 3
        assert scores[0] == 1.0
        assert scores == sorted(scores, reverse=True)
        assert scores[-1] > 0


def test_a_description_is_nearest_to_itself(linker):
    graph = tiny_graph()

    for index in range(len(graph)):
        [[mention]] = linker([verbalize(graph, index)])
        best = graph.entity_ids.find(mention.candidates[0].entity)
        assert verbalize(graph, best) == verbalize(graph, index)


def test_case_counts_where_the_encoder_sees_it(plain_folder):
    # The features are also computed from unfolded texts.
    builder = GraphBuilder()
    for entity, name in (("EX:1", "of mice"), ("EX:2", "OF MICE"), ("EX:3", "Of Mice")):
        builder.add_entity(entity)
        builder.add_name(entity, name)
    graph = builder.build()
    linker = DescriptionLinker.from_pretrained(graph, plain_folder("roberta", KGBertModel))

    found = linker([verbalize(graph, index) for index in range(3)])

    assert [mention.candidates[0].entity for [mention] in found] == ["EX:1", "EX:2", "EX:3"]


def test_a_lower_temperature_leaves_the_best_more_alone(linker):
    def second(temperature):
        made = DescriptionLinker(tiny_graph(), linker.encoder, temperature=temperature)
        return made(["a lung"])[0][0].candidates[1].score

    assert second(0.01) < second(0.1) < 1


def test_texts_linked_together_are_linked_as_alone(linker):
    alone = [linker([text])[0] for text in TEXTS]

    for [one], [other] in zip(alone, linker(TEXTS), strict=True):
        assert one[:2] == other[:2]
        assert [entity for entity, _ in one.candidates] == [e for e, _ in other.candidates]
        scores = [score for _, score in other.candidates]
        # Scores have four decimals, and products of batches differ in the last bits.
        assert [score for _, score in one.candidates] == pytest.approx(scores, abs=3e-4)


def test_nothing_is_proposed_for_no_words_or_by_no_entities(linker, folder):
    nobody = DescriptionLinker.from_pretrained(GraphBuilder().build(), folder)

    assert linker(["", " \n", "fever"])[:2] == [[], []]
    assert linker(["", " \n", "fever"])[2] == linker(["fever"])[0]
    assert nobody(["fever"]) == [[]]
    assert linker([]) == []


def test_the_evidence_names_the_entity_and_how_it_was_found(linker):
    [[mention]] = linker(["a lung"])

    evidence = match_evidence(linker, "a lung", mention)

    named = [tiny_graph().name(tiny_graph().entity_ids.find(x.entity)) for x in mention.candidates]
    assert [one.name for one in evidence] == named
    assert {one.how for one in evidence} == {"description"}


def test_it_is_named_with_its_encoder_and_the_same_after_saving_its_settings(linker, folder):
    made = make_linker(tiny_graph(), f"dictionary+description:{folder}")

    again = linker_from_settings(tiny_graph(), json.loads(json.dumps(linker_settings(made))))

    assert again(TEXTS) == made(TEXTS)
    assert made.parts[1](TEXTS) == linker(TEXTS)


def test_a_saved_folder_contains_a_local_encoder_and_works_without_the_original(folder, tmp_path):
    encoder = copytree(folder, tmp_path / "encoder")
    made = make_linker(tiny_graph(), f"description:{encoder}")
    settings = linker_settings(made, tmp_path / "model")
    expected = made(TEXTS)

    rmtree(encoder)
    moved = (tmp_path / "model").rename(tmp_path / "elsewhere")

    assert linker_from_settings(tiny_graph(), settings, moved)(TEXTS) == expected


def test_an_encoder_of_the_hub_is_found_by_its_name(linker, tmp_path, monkeypatch):
    monkeypatch.setattr(linker.encoder.model, "name_or_path", "owner/encoder")

    [settings] = linker_settings(linker, tmp_path / "model")

    assert settings["encoder"] == "owner/encoder"
    assert not (tmp_path / "model").exists()


def test_features_at_hand_are_searched_and_not_made_again(linker, features, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("encoded again")

    fresh = linker_from_settings(tiny_graph(), linker_settings(linker))
    monkeypatch.setattr("kgbert.linking.embedding.description_linker.encode_entities", refuse)

    fresh.use_features(replace(features, graph_hash="another"))
    with pytest.raises(AssertionError, match="encoded again"):
        fresh(TEXTS)
    fresh.use_features(features)

    assert fresh(TEXTS) == linker(TEXTS)


def test_a_processor_lends_it_its_own_features(linker, features, tmp_path, monkeypatch):
    processor = KGBertProcessor(tiny_tokenizer("bert"), tiny_graph(), features, linker=linker)
    processor.save_pretrained(tmp_path)
    monkeypatch.setattr("kgbert.linking.embedding.description_linker.encode_entities", None)

    again = KGBertProcessor.from_pretrained(tmp_path)

    assert again.linker(TEXTS) == linker(TEXTS)


def test_features_of_another_encoder_are_refused(linker, features):
    with raises("features-of-another-encoder"):
        DescriptionLinker(tiny_graph(), linker.encoder, replace(features, encoder_hash="another"))


def test_a_missing_or_changed_encoder_is_refused(folder, tmp_path):
    encoder = tmp_path / "encoder"
    copytree(folder, encoder)
    [settings] = linker_settings(make_linker(tiny_graph(), f"description:{encoder}"))

    with raises("another-linker-encoder"):
        linker_from_settings(tiny_graph(), [settings | {"weights": "0"}])
    rmtree(encoder)
    with raises("missing-linker-encoder"):
        linker_from_settings(tiny_graph(), [settings])
