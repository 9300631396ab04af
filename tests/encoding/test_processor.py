import json
import logging

import numpy as np
import pytest
import torch

from kgbert.encoding.processor import KGBertProcessor
from kgbert.features.backbones import family_of
from kgbert.linking.mention import Candidate, Mention
from kgbert.tasks.base import IGNORED
from kgbert.tasks.registry import TASKS
from kgbert.training.dataset import Item, KGBertCollator
from tests.support.errors import raises
from tests.support.tiny import (
    FAMILIES,
    TEXTS,
    ExactLinker,
    tiny_config,
    tiny_features,
    tiny_graph,
    tiny_processor,
)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_batch_starts_with_input_ids_and_has_its_links_at_the_right_tokens(family):
    processor = tiny_processor(family)
    encoded = processor.encode(TEXTS)

    batch = processor.collate(encoded)

    assert next(iter(batch)) == "input_ids"
    others = {name for name, value in batch.items() if not isinstance(value, torch.Tensor)}
    assert others == {"hop_sizes", "table_size"}
    rows, tokens = batch["link_batch_index"].tolist(), batch["link_token_index"].tolist()
    width = batch["input_ids"].shape[1]
    linked = set()
    for row, text in enumerate(encoded):
        shift = width - len(text.offsets) if processor.pads_left else 0
        linked |= {(row, token + shift) for token in text.links.tokens}
    assert set(zip(rows, tokens, strict=True)) == linked
    assert all(batch["attention_mask"][row, token] for row, token in linked)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_position_that_heads_read_is_linked_to_every_entity_of_its_text(family):
    batch = tiny_processor(family)(["a lung", "fever and cough"])
    last = [int(mask.nonzero().max()) for mask in batch["attention_mask"]]
    read = [0, 0] if family_of(tiny_config(family)).reads_first_token else last
    at = [
        (int(batch["link_batch_index"][position]), int(batch["link_token_index"][position]))
        for position in batch["link_query_index"]
    ]

    counts = [sum(place == (row, read[row]) for place in at) for row in range(2)]

    assert counts == [1, 3]


def test_links_lead_to_the_features_of_their_entity():
    processor = tiny_processor()
    encoded = processor.encode(TEXTS)

    batch = processor.collate(encoded)

    entities = [entity for text in encoded for entity in text.links.entities]
    found = batch["node_features"][batch["link_node_index"]].numpy()
    assert np.array_equal(found, processor.features.vectors[entities])


def test_a_score_of_zero_hides_its_link(recwarn):
    def linker(texts):
        return [[Mention(0, 5, (Candidate("EX:1", 0.0), Candidate("EX:2", 1.0)))] for _ in texts]

    batch = tiny_processor(linker=linker)(["fever"])

    assert sorted(set(batch["link_scores"].tolist())) == [-np.inf, 0.0]
    assert not [warning for warning in recwarn if "divide" in str(warning.message)]


@pytest.mark.parametrize("family", FAMILIES)
def test_texts_without_anything_to_link_make_a_batch(family):
    batch = tiny_processor(family)(["", "nothing"])

    assert len(batch["link_node_index"]) == len(batch["node_features"]) == 0
    assert batch["hop_sizes"] == [(0, 0)] * 3
    assert batch["edge_index"].shape == (2, 0)


def test_no_texts_are_no_texts():
    assert tiny_processor().encode([]) == []


def test_one_text_that_is_no_list_is_refused():
    with pytest.raises(TypeError, match=r"must be a list of texts, not one text: \['fever'\]"):
        tiny_processor().encode("fever")


def test_texts_that_are_cut_off_are_counted_once_a_call(caplog, monkeypatch):
    # An earlier command in this process may have warned already, and the warning comes only once.
    monkeypatch.setattr(logging.getLogger("kgbert.encoding.processor"), "filters", [])
    processor = tiny_processor(max_length=6)

    with caplog.at_level(logging.WARNING, "kgbert"):
        encoded = processor.encode(["fever", "fever fever fever fever fever", "cough" * 9])

    assert len(caplog.records) == 1
    message = caplog.records[0].getMessage()
    assert "2 of 3 texts are longer than 6 tokens and were cut off" in message
    assert "larger max_length" in message
    assert [len(text.offsets) for text in encoded] == [3, 6, 6]


def test_a_linker_with_ids_outside_the_graph_causes_a_warning(caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("kgbert.encoding.processor"), "filters", [])

    def foreign(texts):
        return [[Mention(0, 5, (Candidate("EX_1", 1.0),))] for _ in texts]

    with caplog.at_level(logging.WARNING, "kgbert"):
        encoded = tiny_processor(linker=foreign).encode(["fever", "cough"])

    (record,) = caplog.records
    expected = "2 of 2 mentions are linked to no entity of the graph (the first to 'EX_1', where"
    assert record.getMessage().startswith(expected)
    assert all(not len(text.links.entities) for text in encoded)


def test_texts_that_fit_are_not_warned_of(caplog):
    with caplog.at_level(logging.WARNING, "kgbert"):
        tiny_processor().encode(TEXTS)

    assert not caplog.records


def test_a_length_beyond_what_the_tokenizer_knows_its_backbone_takes_is_refused():
    tokenizer = tiny_processor().tokenizer
    tokenizer.model_max_length = 32
    graph = tiny_graph()

    with raises("max-length-too-long"):
        KGBertProcessor(tokenizer, graph, tiny_features(graph), max_length=64)
    assert KGBertProcessor(tokenizer, graph, tiny_features(graph)).max_length == 32


def test_features_of_another_graph_are_refused(graph):
    with raises("features-of-another-graph"):
        KGBertProcessor(tiny_processor().tokenizer, graph, tiny_features(tiny_graph()))


def test_a_linker_that_loses_texts_is_refused():
    processor = tiny_processor()
    processor.linker = lambda texts: [[]]

    with raises("linker-result-count"):
        processor.encode(["fever", "cough"])


def test_texts_that_are_mostly_unknown_to_the_tokenizer_are_refused():
    with raises("unknown-tokens"):
        tiny_processor().encode(["日 本 語 の 文 章 で す 。 ! " * 3] * 3)


def test_a_single_short_text_of_unknown_words_is_only_warned_of(caplog):
    tiny_processor().encode(["日 本"])

    assert "are unknown to the tokenizer" in caplog.text


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("{", "damaged-settings"),
        ("", "damaged-settings"),
        ("[]", "damaged-settings"),
        ("{}", "damaged-settings"),
    ],
)
def test_damaged_settings_are_refused_by_the_name_of_their_file(tmp_path, content, code):
    tiny_processor(linker=None).save_pretrained(tmp_path)
    (tmp_path / "kgbert_processor.json").write_text(content)

    with raises(code) as caught:
        KGBertProcessor.from_pretrained(tmp_path)

    assert "kgbert_processor.json" in str(caught.value)


def test_settings_of_a_newer_version_are_refused(tmp_path):
    tiny_processor(linker=None).save_pretrained(tmp_path)
    path = tmp_path / "kgbert_processor.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"newer": 1}))

    with raises("newer-settings"):
        KGBertProcessor.from_pretrained(tmp_path)


def test_a_tokenizer_without_offsets_is_refused(monkeypatch):
    tokenizer = tiny_processor().tokenizer
    monkeypatch.setattr(type(tokenizer), "is_fast", False)

    with raises("slow-tokenizer"):
        KGBertProcessor(tokenizer, tiny_graph(), tiny_features(tiny_graph()))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_saved_processor_makes_the_same_batches(family, tmp_path):
    processor = tiny_processor(family, linker=None, fan_out=2, hops=1)
    before = processor(TEXTS)

    processor.save_pretrained(tmp_path)
    again = KGBertProcessor.from_pretrained(tmp_path)

    assert before.keys() == (after := again(TEXTS)).keys()
    for plain in ("hop_sizes", "table_size"):
        assert before.pop(plain) == after.pop(plain)
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())
    for name in ("pads_left", "reads_last_token", "max_length"):
        assert getattr(again, name) == getattr(processor, name), name


def test_a_folder_without_a_processor_is_named(tmp_path):
    with raises("no-saved-model"):
        KGBertProcessor.from_pretrained(tmp_path)


def test_a_linker_of_the_users_own_cannot_be_saved(tmp_path):
    processor = tiny_processor(linker=ExactLinker(tiny_graph()))

    with pytest.raises(ValueError, match="type ExactLinker has no settings"):
        processor.save_pretrained(tmp_path)


@pytest.mark.parametrize("family", ["bert", "xlnet"])
def test_token_labels_are_padded_on_the_side_of_the_tokens(family):
    processor = tiny_processor(family)
    encoded = processor.encode(["fever and lung", "a"])
    items = [Item((text,), [1] * len(text.offsets), 0) for text in encoded]

    batch = KGBertCollator(TASKS["token-classification"], processor)(items)

    assert torch.equal(batch["labels"] == IGNORED, batch["attention_mask"] == 0)
