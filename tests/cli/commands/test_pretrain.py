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
