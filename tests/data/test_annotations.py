import json
import logging

import pytest

from kgbert.data import Example, Span, read_texts
from tests.support.errors import raises

TEXT = "High fever now"
SIGN = (Span(5, 10, "Sign"),)


@pytest.fixture
def read(tmp_path):
    def read(*records):
        path = tmp_path / "export.jsonl"
        path.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
        return read_texts(path)

    return read


SPANS = {
    "doccano": {"id": 1, "text": TEXT, "label": [[5, 10, "Sign"]], "Comments": []},
    "older doccano": {"text": TEXT, "labels": [[5, 10, "Sign"]]},
    "doccano with relations": {
        "text": TEXT,
        "entities": [{"id": 1, "label": "Sign", "start_offset": 5, "end_offset": 10}],
        "relations": [],
    },
    "spaCy": {"text": TEXT, "entities": [[5, 10, "Sign"]]},
    "Prodigy": {
        "text": TEXT,
        "spans": [{"start": 5, "end": 10, "label": "Sign", "token_start": 1, "token_end": 1}],
        "tokens": [{"text": "High", "start": 0, "end": 4, "id": 0}],
        "answer": "accept",
    },
    "Label Studio": {
        "text": TEXT,
        "label": [{"start": 5, "end": 10, "text": "fever", "labels": ["Sign"]}],
    },
    "annotations": {"text": TEXT, "annotations": [{"start": 5, "end": 10, "label": "Sign"}]},
    "spaCy's JSON": {
        "text": TEXT,
        "ents": [{"start": 5, "end": 10, "label": "Sign"}],
        "tokens": [],
    },
    "ner": {"text": TEXT, "ner": [[5, 10, "Sign"]]},
    "Argilla": {
        "text": TEXT,
        "prediction": [{"start": 0, "end": 4, "label": "Sign", "score": 0.4}],
        "annotation": [{"start": 5, "end": 10, "label": "Sign"}],
        "status": "Validated",
    },
    "tokens and tags": {"text": TEXT, "tokens": TEXT.split(), "ner_tags": ["O", "B-Sign", "O"]},
}


def test_the_number_zero_is_an_id(read):
    spans = [{"id": number, "start": 5, "end": 10, "label": "Sign"} for number in (0, 5)]

    (example,) = read({"text": TEXT, "spans": spans[:1]})

    assert example.spans[0].id == "0"


@pytest.mark.parametrize("record", SPANS.values(), ids=SPANS)
def test_spans_of_annotation_tools_are_read(read, record):
    (example,) = read(record)

    assert (example.text, example.spans, example.target) == (TEXT, SIGN, None)


def test_an_empty_list_among_spans_is_a_text_without_spans(read):
    marked, empty = read(SPANS["doccano"], {"text": "Well", "label": []})

    assert (marked.spans, empty.spans, empty.target) == (SIGN, (), None)


@pytest.mark.parametrize(
    "record",
    [{"text": TEXT, "label": ["ill"]}, {"text": TEXT, "accept": ["ill"], "answer": "accept"}],
    ids=["doccano", "Prodigy"],
)
def test_a_list_of_one_label_is_that_label(read, record):
    assert read(record) == [Example(TEXT, "ill")]


@pytest.mark.parametrize("answer", ["reject", "ignore"])
def test_what_an_annotator_did_not_accept_is_left_out_and_counted(read, caplog, answer):
    rejected = {"text": TEXT, "spans": [{"start": 0, "end": 4, "label": "Sign"}], "answer": answer}

    with caplog.at_level(logging.WARNING):
        examples = read(SPANS["Prodigy"], rejected)

    assert [example.spans for example in examples] == [SIGN]
    assert "1 of 2 records were left out" in caplog.text


def test_another_column_called_answer_is_no_judgement(read):
    examples = read({"text": "a", "answer": "reject"}, {"text": "b", "answer": "maybe"})

    assert [example.text for example in examples] == ["a", "b"]


def test_tags_of_a_hugging_face_data_set_are_read_like_others(read):
    records = (
        {"tokens": ["High", "fever"], name: ["O", "B-Sign"]} for name in ("tags", "ner_tags")
    )

    assert read(*records) == [Example("High fever", spans=SIGN)] * 2


def test_numbers_of_tags_without_names_are_refused(read):
    with raises("unnamed-tags") as raised:
        read({"id": "0", "tokens": ["High", "fever"], "ner_tags": [0, 1]})

    assert "line 1" in str(raised.value)


def test_tokens_that_are_not_in_their_text_are_refused(read):
    with raises("token-outside-text"):
        read({"text": "fever", "tokens": ["high"], "tags": ["B-X"]})


def test_tokens_alone_are_a_text(read):
    assert read({"tokens": ["High", "fever"]}) == [Example("High fever")]


def test_the_entity_of_a_span_is_kept(read):
    (example,) = read({"text": TEXT, "entities": [
        {"start_offset": 5, "end_offset": 10, "label": "Sign", "entity": "HP:0001945"}
    ]})  # fmt: skip

    assert example.spans[0].entity == "HP:0001945"


def test_records_that_were_discarded_in_argilla_are_left_out(read, caplog):
    spans = [{"start": 5, "end": 10, "label": "Sign"}]

    examples = read(
        {"text": TEXT, "annotation": spans, "status": "Validated"},
        {"text": "Another text", "annotation": [], "status": "Discarded"},
    )

    assert [example.text for example in examples] == [TEXT]
    assert "1 of 2 records were left out" in caplog.text


def test_a_column_of_other_states_leaves_no_record_out(read):
    examples = read({"text": "a", "status": "Discarded"}, {"text": "b", "status": "chronic"})

    assert len(examples) == 2
