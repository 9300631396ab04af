import pytest

import kgbert
from kgbert.data import read_records
from kgbert.training import splits
from kgbert.training.config import TrainingConfig
from tests.support.errors import raises
from tests.support.small_study import SHARED, texts
from tests.support.tiny import tiny_graph

pytestmark = pytest.mark.usefixtures("small_features")


@pytest.fixture
def notes(tmp_path):
    path = tmp_path / "notes.csv"
    rows = "".join(f"{example.text},{example.target}\n" for example in texts(40))
    path.write_text(f"sentence,label\n{rows}")
    return path


CONFIG = TrainingConfig(epochs=1, batch_size=8, max_length=40, options=SHARED)


def test_one_call_trains_tests_predicts_and_saves(tmp_path, backbone, notes, capsys):
    capsys.readouterr()  # what making the backbone printed

    model = kgbert.train(
        tiny_graph(), notes, backbone=backbone, columns={"text": "sentence"}, config=CONFIG
    )

    assert model.task.name == "text-classification"
    assert set(model.test_metrics) == {"accuracy", "macro_f1", "micro_f1"}
    assert model.metadata["Texts"] == "24 for training, 8 for validation, 8 for test"
    predictions = model.predict(["a fever", "nothing"])
    saved = kgbert.pipeline(model.save(tmp_path / "model"))
    assert [x.answer for x in saved(["a fever", "nothing"])] == [x.answer for x in predictions]
    assert set(model.evaluate(texts(6)).metrics) == set(model.test_metrics)
    assert capsys.readouterr() == ("", "")


def test_a_split_is_taken_as_it_is_and_a_file_is_read_once(backbone, notes, monkeypatch):
    reads = []
    monkeypatch.setattr(splits, "read_records", lambda *a: reads.append(a) or read_records(*a))
    columns = {"text": "sentence"}

    task, split = splits.task_and_splits(notes, columns=columns)
    model = kgbert.train(tiny_graph(), split(3), task=task, backbone=backbone, config=CONFIG)
    again = kgbert.train(tiny_graph(), split, task=task, backbone=backbone, config=CONFIG, seed=3)

    assert len(reads) == 1
    assert model.test_metrics.keys() == again.test_metrics.keys()
    with raises("unnamed-task"):
        kgbert.train(tiny_graph(), split, backbone=backbone)


def test_examples_in_memory_need_the_name_of_their_task(backbone):
    with raises("unnamed-task"):
        kgbert.train(tiny_graph(), texts(40), backbone=backbone)


def test_validation_without_test_is_refused(backbone):
    with raises("incomplete-split"):
        kgbert.train(
            tiny_graph(),
            texts(40),
            backbone=backbone,
            task="text-classification",
            validation=texts(9),
        )
