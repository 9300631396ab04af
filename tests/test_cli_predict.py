import pytest

from kgbert.cli import main


@pytest.mark.parametrize(
    ("folder", "said"),
    [
        ("nowhere", "nowhere: no such folder; give the folder that `kgbert train` wrote, or the"),
        ("empty", "empty holds no kgbert_processor.json, so it is no kgbert model; give the fol"),
        ("study", "study holds no kgbert_processor.json, so it is no kgbert model; type study/m"),
    ],
)
def test_predict_says_what_is_wrong_with_a_folder(tmp_path, monkeypatch, capsys, folder, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "study" / "model").mkdir(parents=True)
    (tmp_path / "study" / "model" / "kgbert_processor.json").touch()

    assert main(["predict", folder, "fever"]) == 1

    error = capsys.readouterr().err
    assert f"kgbert: {said}" in error
    assert error.count("\n") == 1
