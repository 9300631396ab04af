from pathlib import Path

import pytest
from transformers import AutoModel

from kgbert.cli.main import main
from kgbert.models.task_models import KGBertModel
from kgbert.pretraining.record import pretraining_record

TINY = ["--batch-size", "4", "--max-length", "24", "--max-steps", "2", "--evaluations", "1"]

OBO = """format-version: 1.2

[Term]
id: EX:1
name: fever
synonym: "high temperature" EXACT []
is_a: EX:2 ! sign

[Term]
id: EX:2
name: sign
def: "What is seen." []
"""


@pytest.fixture
def files(tmp_path, monkeypatch, plain_folder):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "signs.obo").write_text(OBO)
    (tmp_path / "notes.txt").write_text("".join(f"fever of patient {n}\n" for n in range(12)))
    return plain_folder("bert", KGBertModel)


def test_an_encoder_is_pretrained_on_texts_with_a_graph(files, capsys):
    command = ["pretrain", "notes.txt", "--graph", "signs.obo", "--backbone", files, *TINY]

    assert main([*command, "--output", "encoder"]) == 0

    shown = capsys.readouterr().out
    assert "step 2 of 2: held-out loss" in shown
    assert "perplexity" in shown
    assert "encoder  encoder\n" in shown
    assert pretraining_record("encoder").corpus.share_in_mentions > 0
    AutoModel.from_pretrained("encoder")


def test_an_encoder_is_pretrained_on_a_graph_quietly(files, capsys):
    command = ["pretrain", "--graph", "signs.obo", "--backbone", files, "--quiet", *TINY]

    assert main([*command, "--output", "encoder"]) == 0

    captured = capsys.readouterr()
    assert captured.out.startswith("contrastive learning of")
    assert pretraining_record("encoder").graph.pairs is not None


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "give a corpus"),
        (["notes.txt", "--pairs", "identity"], "leave out one of them"),
        (["note.txt"], "did you mean notes.txt?"),
        (["notes.txt", "--output", "notes.txt"], "notes.txt is a file"),
        (["notes.txt", "--text-column", "note"], "no columns"),
    ],
)
def test_mistakes_are_explained_in_one_line(files, capsys, arguments, expected):
    assert main(["pretrain", *arguments, "--backbone", files]) == 1

    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("kgbert: ")
    assert expected in error


def test_an_output_that_exists_is_refused_before_anything_is_read(files, capsys):
    assert main(["pretrain", "missing.txt", "--backbone", files, "--output", "."]) == 1

    assert "Use --output ... to name a new folder." in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--graph", "signs.obo", "--exclude", "notes.txt"],
        ["--graph", "signs.obo", "--injected-layers", "1"],
        ["--graph", "signs.obo", "--link-prediction", "1", "--pairs", "identity"],
    ],
)
def test_options_that_exclude_each_other_are_refused_before_anything_is_read(
    files, capsys, arguments
):
    assert main(["pretrain", *arguments, "--backbone", files, "--output", "encoder"]) == 1

    assert "leave" in capsys.readouterr().err
    assert not Path("encoder").exists()


def test_files_that_are_no_texts_and_excluded_texts_are_counted(files, capsys):
    Path("corpus").mkdir()
    Path("notes.txt").rename("corpus/notes.txt")
    Path("corpus/scan.png").write_bytes(b"\x89PNG")
    Path("test.csv").write_text("text,label\nfever of patient 3,a\nanother text,b\n")
    command = ["pretrain", "corpus", "--exclude", "test.csv", "--backbone", files, *TINY]

    assert main([*command, "--output", "encoder"]) == 0

    shown = capsys.readouterr().out
    assert "skipped files that are no texts: 1 x .png" in shown
    assert "left out of the corpus: 1 text\n" in shown


def test_a_held_out_loss_that_does_not_improve_is_said(files, capsys):
    command = ["pretrain", "notes.txt", "--backbone", files, *TINY, "--learning-rate", "1e-30"]

    assert main([*command, "--output", "encoder"]) == 0

    assert "The held-out loss did not improve" in capsys.readouterr().out


def test_an_interrupted_command_says_how_to_continue(files, capsys, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("kgbert.pretraining.pretrain.pretrain", interrupted)

    status = main(["pretrain", "notes.txt", "--backbone", files, "--output", "encoder"])

    assert status == 130
    assert "the same command continues in encoder" in capsys.readouterr().out
