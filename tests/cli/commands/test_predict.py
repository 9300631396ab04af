import json
import re
import subprocess
import sys

import pytest

from kgbert.cli import main
from kgbert.training.pipeline import KGBertPipeline, pipeline
from kgbert.training.saving import save_model
from tests.support.tiny import tiny_processor


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("nowhere", "nowhere: no such folder; give the folder that `kgbert train` wrote, or the"),
        (
            "empty",
            "empty: there is no kgbert_processor.json, so this is no kgbert model; giv",
        ),
        (
            "study",
            "study: there is no kgbert_processor.json, so this is no kgbert model; typ",
        ),
    ],
)
@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_an_invalid_folder_is_explained(tmp_path, monkeypatch, capsys, command, folder, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "study" / "model").mkdir(parents=True)
    (tmp_path / "study" / "model" / "kgbert_processor.json").touch()

    assert main([command, folder, "fever"]) == 1

    error = capsys.readouterr().err
    assert f"kgbert: {message}" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    "command",
    [
        ["predict", "nowhere", "fever"],
        ["evaluate", "nowhere", "notes.csv"],
        ["explain", "nowhere", "fever"],
        ["distil", "nowhere", "--texts", "notes.csv"],
        ["export", "nowhere", "--onnx", "small"],
        ["serve", "nowhere"],
    ],
    ids=lambda command: command[0],
)
def test_a_missing_model_is_reported_before_torch_is_loaded(tmp_path, command):
    (tmp_path / "notes.csv").write_text("text,label\nfever,ill\n")
    program = (
        f"import sys\nfrom kgbert.cli import main\nprint(main({command!r}), 'torch' in sys.modules)"
    )

    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path
    )

    assert "nowhere: no such folder" in ran.stderr
    assert ran.stdout.split() == ["1", "False"]


def test_texts_are_answered_and_shown_part_by_part(fused, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    save_model(tmp_path / "model", fused(labels=["ill", "well"]), tiny_processor(linker=None), {})
    (tmp_path / "notes.csv").write_text("text\nfever\ncough\npain\n")
    monkeypatch.setattr("kgbert.cli.commands.predict.TOGETHER", 2)
    answer = KGBertPipeline.__call__

    def fail_at_one_text(ask, texts, **rest):
        return answer(ask, texts, **rest) if texts[1:] else 1 / 0

    monkeypatch.setattr(KGBertPipeline, "__call__", fail_at_one_text)

    with pytest.raises(ZeroDivisionError):
        main(["predict", "model", "notes.csv"])

    shown = capsys.readouterr().out
    assert "fever" in shown
    assert "cough" in shown
    assert "pain" not in shown


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_parents_are_added_to_labels_only_where_several_are_possible(
    command, fused, tmp_path, capsys
):
    save_model(tmp_path / "model", fused(labels=["ill", "well"]), tiny_processor(linker=None), {})
    (tmp_path / "notes.csv").write_text("text,label\nfever,ill\n")
    files = [str(tmp_path / "model"), str(tmp_path / "notes.csv")]

    status = main([command, *files, "--with-parents"])

    assert status == 1
    assert "leave with_parents (typed: --with-parents) out" in capsys.readouterr().err


def test_evaluate_shows_the_scores_by_slice_and_writes_them(fused, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    save_model(tmp_path / "model", fused(labels=["ill", "well"]), tiny_processor(linker=None), {})
    (tmp_path / "notes.csv").write_text("note,label\nfever,ill\ncough,well\npain,ill\n")

    status = main(["evaluate", "model", "notes.csv", "--text-column", "note", "-o", "out.json"])

    shown, scores = capsys.readouterr().out, json.loads((tmp_path / "out.json").read_text())
    python = pipeline(tmp_path / "model").evaluate("notes.csv", columns={"text": "note"})
    assert status == 0
    assert scores == python.to_json()
    assert (scores["texts"], scores["slices"]["linked"]["size"]) == (3, 2)
    assert set(scores["slices"]) == {"linked", "unlinked", "class: ill", "class: well"}
    assert re.search(r"all texts +3 +\d\.\d{3}", shown)
    assert python.table() in shown


def test_evaluate_refuses_texts_without_label(fused, tmp_path, capsys):
    save_model(tmp_path / "model", fused(labels=["ill", "well"]), tiny_processor(linker=None), {})
    (tmp_path / "notes.csv").write_text("text,label\nfever,ill\ncough,\n")

    status = main(["evaluate", str(tmp_path / "model"), str(tmp_path / "notes.csv")])

    assert status == 1
    assert "notes.csv: line 3 ('cough') has no label" in capsys.readouterr().err
