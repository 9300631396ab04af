import pytest

from kgbert.cli import main
from kgbert.training.pipeline import KGBertPipeline
from kgbert.training.saving import save_model
from tests.support.tiny import tiny_processor


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("nowhere", "nowhere: no such folder; give the folder that `kgbert train` wrote, or the"),
        ("empty", "empty holds no kgbert_processor.json, so it is no kgbert model; give the fol"),
        ("study", "study holds no kgbert_processor.json, so it is no kgbert model; type study/m"),
    ],
)
def test_predict_explains_an_invalid_folder(tmp_path, monkeypatch, capsys, folder, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "study" / "model").mkdir(parents=True)
    (tmp_path / "study" / "model" / "kgbert_processor.json").touch()

    assert main(["predict", folder, "fever"]) == 1

    error = capsys.readouterr().err
    assert f"kgbert: {message}" in error
    assert error.count("\n") == 1


def test_texts_are_answered_and_shown_part_by_part(fused, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    save_model(tmp_path / "model", fused(labels=["ill", "well"]), tiny_processor(linker=None), {})
    (tmp_path / "notes.csv").write_text("text\nfever\ncough\npain\n")
    monkeypatch.setattr("kgbert.cli.commands.predict.TOGETHER", 2)
    answer = KGBertPipeline.__call__
    monkeypatch.setattr(
        KGBertPipeline, "__call__", lambda ask, texts: answer(ask, texts) if texts[1:] else 1 / 0
    )

    with pytest.raises(ZeroDivisionError):
        main(["predict", "model", "notes.csv"])

    shown = capsys.readouterr().out
    assert "fever" in shown
    assert "cough" in shown
    assert "pain" not in shown
