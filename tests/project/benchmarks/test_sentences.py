"""Abstracts with events become sentences with the events that lie within one."""

from benchmarks.verdict.sentences import event_sentences_of
from kgbert.tasks.registry import TASKS

TEXT = "A20 binds p65. It is lost. This blocks binding."

RECORD = {
    "id": "12",
    "text": TEXT,
    "spans": [
        {"id": "T1", "start": 0, "end": 3, "label": "Gene"},
        {"id": "T2", "start": 10, "end": 13, "label": "Gene"},
    ],
    "triggers": [
        {"id": "T3", "start": 4, "end": 9, "label": "Binding"},
        {"id": "T4", "start": 32, "end": 38, "label": "Inhibition"},
        {"id": "T5", "start": 39, "end": 46, "label": "Binding"},
    ],
    "events": [
        {"id": "E1", "type": "Inhibition", "trigger": "T4", "args": [["Theme", "E2"]]},
        {"id": "E2", "type": "Binding", "trigger": "T5", "args": []},
        {"id": "E3", "type": "Binding", "trigger": "T3", "args": [["Theme", "T1"]]},
        {"id": "E4", "type": "Inhibition", "trigger": "T4", "args": [["Theme", "E3"]]},
    ],
}


def test_each_sentence_is_a_row_with_the_events_that_lie_within_it():
    rows = list(event_sentences_of(RECORD))

    assert [row["text"] for row in rows] == [
        "A20 binds p65.",
        "It is lost.",
        "This blocks binding.",
    ]
    assert [row["id"] for row in rows] == ["12/0", "12/1", "12/2"]
    assert [[event["id"] for event in row["events"]] for row in rows] == [["E3"], [], ["E2", "E1"]]


def test_offsets_count_from_the_start_of_the_sentence():
    example = TASKS["event-extraction"].read(list(event_sentences_of(RECORD))[2])

    words = [example.text[x.start : x.end] for x in example.target.triggers]
    assert words == ["blocks", "binding"]


def test_a_span_across_a_boundary_is_left_out():
    across = {"id": "T9", "start": 10, "end": 17, "label": "Gene"}

    rows = list(event_sentences_of(RECORD | {"spans": [across]}))

    assert [row["spans"] for row in rows] == [[], [], []]
    assert rows[0]["events"] == []
