import json

import pytest

from kgbert.cli import main
from kgbert.training.saving import save_model
from tests.support.tiny import perturb, tiny_processor


@pytest.fixture
def folder(fused, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = perturb(fused(labels=["ill", "well"]))
    save_model(tmp_path / "model", model, tiny_processor(linker=None), {})
    return tmp_path


def test_contributions_are_printed(folder, capsys):
    assert main(["explain", "model", "fever and cough"]) == 0

    shown = capsys.readouterr().out
    assert "without the graph: label" in shown
    assert "fever (EX:1)" in shown


def test_a_page_and_json_are_written_for_each_text_of_a_file(folder, capsys):
    (folder / "notes.csv").write_text("text\nfever\ncough\n")
    options = [
        "--contrast",
        "ill",
        "--answer",
        "well",
        "--method",
        "shapley",
        "--parts",
        "mentions",
    ]

    assert main(["explain", "model", "notes.csv", "--html", "page.html", "--json", *options]) == 0

    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["text"] for each in found] == ["fever", "cough"]
    assert {each["answers"][0]["contrast"] for each in found} == {"ill"}
    assert (folder / "page.html").read_text().count("<article>") == 2


def test_changes_that_turn_an_answer_and_other_entities_are_shown(folder, capsys):
    options = ["--counterfactual", "--swap", "fever=cough", "--parts", "mentions"]

    assert main(["explain", "model", "fever of the lung", *options]) == 0

    shown = capsys.readouterr().out
    assert "if fever were cough (EX:2): label" in shown
    assert "    without " in shown or "no change of links and edges turns it" in shown


def test_the_most_similar_texts_of_a_file_are_shown(folder, capsys):
    (folder / "train.csv").write_text("text,label\nfever,ill\ncough,well\n")

    assert main(["explain", "model", "fever of the lung", "--examples", "train.csv"]) == 0

    shown = capsys.readouterr().out
    assert "ill: fever  (fever" in shown
    assert "well: cough" in shown


def test_an_incomplete_swap_is_refused(folder, capsys):
    with pytest.raises(SystemExit):
        main(["explain", "model", "fever", "--swap", "fever"])

    assert "'fever' is no swap; write MENTION=ENTITY" in capsys.readouterr().err


def test_an_unknown_method_is_one_line(folder, capsys):
    assert main(["explain", "model", "fever", "--method", "shaply"]) == 1

    assert "unknown attribution method 'shaply'; did you mean 'shapley'?" in capsys.readouterr().err


def test_methods_are_evaluated(folder, capsys):
    (folder / "notes.csv").write_text("text\nfever and cough\ncough of the lung\n")
    options = ["--evaluate", "--method", "removal,attention", "--parts", "mentions"]

    assert main(["explain", "model", "notes.csv", *options]) == 0

    shown = capsys.readouterr().out
    # Removed parts, erased elements of vectors, and checks.
    rows = [line.split()[:2] for line in shown.splitlines() if line.startswith("mentions ")]
    assert rows == [["mentions", "removal"], ["mentions", "attention"]] * 3


def test_options_without_an_effect_are_refused(capsys):
    assert main(["explain", "model", "notes.csv", "--evaluate", "--answer", "ill"]) == 1
    assert "--answer belongs to the explanation of texts" in capsys.readouterr().err
    assert main(["explain", "model", "text", "--swap", "a=b", "--swap", "a=c"]) == 1
    assert "--swap names a mention twice" in capsys.readouterr().err
