from pathlib import Path

import pytest

from kgbert.cli import main
from kgbert.cli.core.checks import check_output

COMPARE = ("compare", "nowhere.obo", "--texts", "nowhere.csv", "--backbone", "nowhere")


@pytest.mark.parametrize("command", [COMPARE, ("train", *COMPARE[1:]), ("demo",)])
def test_a_file_as_output_folder_is_rejected_before_anything_is_read(command, tmp_path, capsys):
    taken = tmp_path / "notes.csv"
    taken.write_text("text", encoding="utf-8")

    assert main([*command, "--output", str(taken)]) == 1

    captured = capsys.readouterr()
    assert captured.err == f"kgbert: --output {taken}: this is a file; name a folder\n"
    assert captured.out == ""


def test_a_folder_below_a_file_is_refused(tmp_path):
    taken = tmp_path / "notes.csv"
    taken.write_text("text", encoding="utf-8")

    with pytest.raises(ValueError, match=r"notes\.csv is a file; name a folder"):
        check_output(taken / "results")


def test_a_folder_that_may_not_be_written_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda place, mode: place != tmp_path)

    with pytest.raises(ValueError, match=f"{tmp_path} cannot be written to; name another folder"):
        check_output(tmp_path / "some" / "results")


def test_a_folder_with_what_would_be_lost_is_refused_and_one_to_go_on_in_is_not(tmp_path):
    (tmp_path / "kgbert_processor.json").write_text("{}", encoding="utf-8")

    check_output(tmp_path)
    check_output(tmp_path, "model", "kgbert_processor.json")
    with pytest.raises(ValueError, match="other files than a linker of kgbert, which"):
        check_output(tmp_path, "linker", "kgbert_linker.json")


def test_a_folder_named_without_its_place_is_fine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    check_output(Path("results"))


@pytest.mark.parametrize(
    ("arms", "message"),
    [
        ("knowledge", "lack 'plain', without which there is no verdict. Use --arms plain,"),
        ("plain,knowlege", "unknown arm 'knowlege'; did you mean 'knowledge'?"),
        ("plain,knowledge,plain", "the arm 'plain' is named 2 times; name it once"),
    ],
)
def test_arms_that_cannot_be_judged_are_rejected_before_anything_is_read(arms, message, capsys):
    assert main([*COMPARE, "--arms", arms]) == 1

    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "the file does not exist"), ("{", "is not JSON (Expecting")],
)
def test_invalid_results_files_are_rejected(content, message, tmp_path, capsys):
    path = tmp_path / "results.json"
    if content:
        path.write_text(content, encoding="utf-8")

    with pytest.raises(SystemExit, match="1"):
        main(["compare", "--reproduce", str(path)])

    error_output = capsys.readouterr().err
    assert str(path) in error_output
    assert message in error_output
