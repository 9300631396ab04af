import logging

from kgbert.tasks.registry import TASKS
from kgbert.training.splits import examples_of, task_and_splits

TASK = TASKS["text-classification"]


def test_empty_texts_are_counted(tmp_path, caplog):
    notes = tmp_path / "notes.csv"
    notes.write_text("text,label\nfever,ill\n,well\n  ,ill\n")

    with caplog.at_level(logging.WARNING):
        examples = examples_of(notes, TASK, None)

    assert len(examples) == 3
    (warning,) = caplog.messages
    assert "empty texts: 2 of 3" in warning
    assert "line 3" in warning


def test_texts_of_a_training_are_checked_as_well(caplog):
    rows = [{"text": "" if n == 4 else f"text {n}", "label": "ab"[n % 2]} for n in range(12)]

    with caplog.at_level(logging.WARNING):
        task_and_splits(rows)

    assert any("empty texts: 1 of 12 (the first: texts: row 5)" in x for x in caplog.messages)
