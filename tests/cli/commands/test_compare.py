import json
import re
import shutil

import pytest
import torch
from transformers import AutoConfig, AutoModel

from kgbert.cli import main
from kgbert.cli.core import checks as backbone
from kgbert.comparison import compare
from tests.support.invented_study import study, summarised
from tests.support.small_study import texts
from tests.support.tiny import tiny_config, tiny_tokenizer

OBO = """format-version: 1.2
ontology: signs

[Term]
id: EX:0
name: pneumonia
relationship: has EX:1

[Term]
id: EX:1
name: fever

[Term]
id: EX:2
name: lung
"""

QUICK = ("--epochs", "1", "--batch-size", "16", "--max-length", "40", "--linker", "dictionary")


def table(rows):
    return "text,label\n" + "".join(f"{text},{label}\n" for text, label in rows)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoder")
    torch.manual_seed(0)
    AutoModel.from_config(tiny_config("bert")).save_pretrained(folder)
    tiny_tokenizer("bert").save_pretrained(folder)
    return folder


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch, encoder):
    """Change to a folder with a graph, texts and an encoder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "encoder").symlink_to(encoder)
    (tmp_path / "signs.obo").write_text(OBO, encoding="utf-8")
    rows = [(example.text, example.target) for example in texts(40)]
    (tmp_path / "notes.csv").write_text(table(rows), encoding="utf-8")
    return tmp_path


def typed(command, *arguments, graph="signs.obo", texts="notes.csv", encoder="encoder"):
    return main(
        [command, graph, "--texts", texts, "--backbone", encoder, *QUICK, *map(str, arguments)]
    )


def test_train_saves_a_model_that_predict_answers_with(workplace, capsys):
    assert typed("train", "--output", "model") == 0
    trained = capsys.readouterr()
    assert main(["predict", "model", "fever of the lung"]) == 0

    answered = capsys.readouterr().out
    assert trained.err == ""
    assert re.search(r"Texts +24 for training, 8 for validation, 8 for test", trained.out)
    assert re.search(r"Test accuracy +0\.\d+", trained.out)
    assert re.search(r"label (well|ill|dead)  \(\d+%\)", answered)
    assert re.search(r"0-5  fever\n +\d+%  fever \(EX:1, linked 1\)", answered)
    assert answered.count("none of these") == 2


def test_train_says_how_long_it_trained_and_that_it_replaces_a_model(workplace, capsys):
    typed("train", "--output", "model")
    first = capsys.readouterr().out
    typed("train", "--output", "model")

    assert re.search(r"Epochs +1; kept the weights of epoch 1\n", first)
    assert "will be replaced" not in first
    assert "the model in model will be replaced" in capsys.readouterr().out


def test_card_of_a_trained_model_has_its_scores_and_its_graph(workplace):
    typed("train", "--output", "model")

    card = (workplace / "model" / "README.md").read_text(encoding="utf-8")
    assert "| Texts | 24 for training, 8 for validation, 8 for test |" in card
    assert re.search(r"\| Test accuracy \| 0\.\d{3} \|", card)
    assert "3 entities, 1 edge " in card
    assert len(card.splitlines()) <= 40


def test_compare_runs_the_arms_and_reports_what_a_verdict_needs(workplace, capsys):
    assert typed("compare", "--seeds", "2", "--output", "results") == 0

    captured = capsys.readouterr()
    results = json.loads((workplace / "results" / "results.json").read_text(encoding="utf-8"))
    assert captured.err == ""
    assert [line for line in captured.out.splitlines() if line.startswith("[6/6]")]
    assert "Too few seeds for a verdict: 2 complete, 6 needed" in " ".join(captured.out.split())
    assert "kgbert predict results/model" in captured.out
    assert results["missing"] == []
    assert main(["predict", "results/model", "fever"]) == 0


def test_compare_reproduces_a_results_file(workplace, capsys):
    sizes = ("--train-sizes", "12,all", "--learning-rates", "1e-3,2e-3")
    typed("compare", "--seeds", "1", "--arms", "plain,knowledge", "--output", "results", *sizes)

    with pytest.raises(SystemExit) as ended:
        main(["compare", "--reproduce", "results/results.json"])

    output = capsys.readouterr().out
    assert ended.value.code == 0
    assert "Reproduced: the verdict is 'too few seeds' again. All 2 runs have" in output
    assert (workplace / "results-again" / "train-12" / "report.html").exists()


def test_compare_with_a_budget_lists_excluded_arms_and_can_be_reproduced(
    workplace, capsys, monkeypatch
):
    # A fast machine trains all arms in the shortest time that can be typed.
    monkeypatch.setattr("kgbert.cli.commands.compare.duration", lambda typed: 0.1)
    options = ("--budget", "1s", "--seeds", "2", "--arms", "plain,knowledge,no-edges")
    typed("compare", *options, "--without-graph", "--output", "results")
    with pytest.raises(SystemExit, match="0"):
        main(["compare", "--reproduce", "results/results.json"])

    output = capsys.readouterr().out
    results = json.loads((workplace / "results-again" / "results.json").read_text(encoding="utf-8"))
    assert "Left out, as they do not fit: no-edges (not timed)." in output
    assert "--graph GRAPH" in output
    assert [arm["name"] for arm in results["arms"]] == ["plain", "knowledge"]
    assert results["study"]["seeds"] == [0]


def test_an_arm_that_makes_no_sense_is_refused_before_entities_are_encoded(capsys):
    assert typed("compare", "--arms", "plain,knowledge,oracle-links", "--seeds", "1") == 1

    captured = capsys.readouterr()
    assert "the arm 'oracle-links' needs texts whose spans name entities" in captured.err
    assert "encoding" not in captured.out


def test_results_without_their_command_cannot_be_done_again(workplace, capsys):
    result = summarised(study(), [])
    (workplace / "results.json").write_text(json.dumps(result.to_json()), encoding="utf-8")

    with pytest.raises(SystemExit) as ended:
        main(["compare", "--reproduce", "results.json"])

    assert ended.value.code == 1
    assert "run that command again with another --output" in capsys.readouterr().err


def test_compare_goes_on_where_it_was_interrupted(workplace, monkeypatch, capsys):
    run_arm, done = compare.run_arm, []

    def interrupted(study, arm, seed, **options):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(arm.name)
        return run_arm(study, arm, seed, **options)

    monkeypatch.setattr(compare, "run_arm", interrupted)
    first = typed("compare", "--seeds", "1", "--output", "results")
    captured = capsys.readouterr()
    monkeypatch.setattr(compare, "run_arm", run_arm)
    second = typed("compare", "--seeds", "1", "--output", "results")

    assert (first, second) == (130, 0)
    assert captured.err == "kgbert: interrupted\n"
    assert "finished runs are kept in results" in captured.out
    assert "[2/3] finished before" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["train", "compare"])
@pytest.mark.parametrize(
    ("arguments", "content", "message"),
    [
        ({"graph": "missing.obo"}, "", "missing.obo: no such file"),
        ({"texts": "missing.csv"}, "", "missing.csv: no such file"),
        ({"texts": "new.csv"}, "", "the file is empty; put one text a line"),
        (
            {"texts": "new.csv"},
            "note,label\na,b\n",
            "no column 'text'; found 'note', 'label'. Use --text-column note",
        ),
        (
            {"texts": "new.csv"},
            "text,purpose\na,b\n",
            "the task of the rows cannot be detected from their columns, 'text', 'purpose'",
        ),
        (
            {"texts": "new.csv"},
            "text,purpose\na,b\n",
            "Use --label-column purpose if the labels are in this column",
        ),
        (
            {"texts": "new.csv"},
            "text,label\nfever,\nlung,\n",
            "cannot be detected from their columns, 'text', 'label' (empty)",
        ),
        (
            {"texts": "new.csv"},
            table([(f"fever {i}", "ill") for i in range(20)]),
            "all 20 texts have the label 'ill', so there is nothing to distinguish",
        ),
        (
            {"texts": "new.csv"},
            table([(f"fever {i}", "ab"[i % 2]) for i in range(20)] + [("lung", "")]),
            "new.csv: line 22 ('lung') has no label while others have one",
        ),
        (
            {"texts": "new.csv"},
            table([("fever", "ill"), ("lung", "well")]),
            "too few to draw a split from; give at least 10",
        ),
        (
            {"texts": "new.csv"},
            table([(f"dogs bark {i}", "ab"[i % 2]) for i in range(20)]),
            "mentions any of the 3 entities of signs.obo, so it cannot help",
        ),
        ({"graph": "new.obo"}, OBO.replace("name: ", "comment: "), "new.obo"),
        ({"encoder": "./nowhere"}, "", "--backbone ./nowhere: no such folder"),
        ({"encoder": "no/such-encoder"}, "", "--backbone no/such-encoder cannot be loaded"),
        ({"encoder": "."}, "", "there is no config.json, so this is not the folder of a model"),
    ],
    ids=[
        "no graph",
        "no texts",
        "empty",
        "no column",
        "no label column",
        "one further column",
        "empty label column",
        "one label",
        "empty label",
        "too few",
        "no mention",
        "no names",
        "no folder",
        "not on the hub",
        "no encoder",
    ],
)
def test_bad_input_is_one_line_before_anything_is_written(
    workplace, capsys, command, arguments, content, message
):
    for name in arguments.values():
        if name.startswith("new"):
            (workplace / name).write_text(content, encoding="utf-8")
    before = sorted(workplace.iterdir())

    status = typed(command, "--output", "results", **arguments)

    error_output = capsys.readouterr().err
    assert status == 1
    assert error_output.startswith("kgbert: ")
    assert error_output.count("\n") == 1
    assert message in error_output
    assert sorted(workplace.iterdir()) == before


def test_label_that_only_the_test_has_is_named(workplace, capsys):
    rows = [(example.text, example.target) for example in texts(20)]
    (workplace / "test.csv").write_text(table([("fever", "lost")]), encoding="utf-8")
    (workplace / "rest.csv").write_text(table(rows), encoding="utf-8")

    status = main(
        [
            "compare",
            "signs.obo",
            "--train",
            "rest.csv",
            "--validation",
            "rest.csv",
            "--test",
            "test.csv",
            "--backbone",
            "encoder",
        ]
    )

    assert status == 1
    assert "test: 'lost' (1) unknown to train" in capsys.readouterr().err


def test_texts_have_to_be_named(capsys):
    status = main(["compare", "signs.obo", "--backbone", "encoder", "--train", "notes.csv"])

    assert status == 1
    assert "one file with --texts FILE" in capsys.readouterr().err


def test_unknown_arm_names_the_arms(capsys):
    assert typed("compare", "--arms", "plain,knowlege") == 1

    error_output = capsys.readouterr().err
    assert "unknown arm 'knowlege'; did you mean 'knowledge'?" in error_output
    assert "shuffled" in error_output


def test_a_tokenizer_of_another_vocabulary_is_refused_before_anything_takes_long(workplace, capsys):
    folder = workplace / "albert"
    config = AutoConfig.for_model("albert", hidden_size=8, num_attention_heads=2, vocab_size=50)
    config.save_pretrained(folder)
    tiny_tokenizer("bert").save_pretrained(folder)

    status = typed("compare", encoder="albert")

    error_output = capsys.readouterr().err
    assert status == 1
    assert "they do not belong together" in error_output
    assert not (workplace / "kgbert-results").exists()


def test_an_unreachable_hub_switches_to_offline_mode(monkeypatch):
    def refuse(address, timeout):
        raise OSError("Name or service not known")

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr("urllib.request.getproxies", dict)
    monkeypatch.setattr(backbone.socket, "create_connection", refuse)

    with pytest.raises(ValueError, match="check the spelling and the connection"):
        backbone.check_backbone("no/such-encoder")

    assert backbone.os.environ["HF_HUB_OFFLINE"] == "1"


def test_learning_rates_reach_the_training_of_every_arm(workplace):
    rates = ("--learning-rate", "3e-4", "--head-learning-rate", "2e-3")

    typed("compare", "--seeds", "1", "--output", "results", *rates)

    runs = [json.loads(path.read_text()) for path in (workplace / "results/runs").iterdir()]
    assert len(runs) == 3
    for run in runs:
        assert run["training_config"]["encoder_learning_rate"] == 3e-4
        assert run["training_config"]["head_learning_rate"] == 2e-3


def test_train_replaces_no_folder_of_other_things(workplace, capsys):
    (workplace / "thesis").mkdir()
    (workplace / "thesis" / "draft.txt").write_text("years of work")

    status = typed("train", "--output", "thesis")

    assert status == 1
    assert "contains other files than a model of kgbert" in capsys.readouterr().err
    assert (workplace / "thesis" / "draft.txt").read_text() == "years of work"


def test_a_model_trained_without_graph_asks_for_it_and_answers_with_it(workplace, capsys):
    typed("train", "--output", "model", "--without-graph")
    output = capsys.readouterr().out

    assert not (workplace / "model" / "graph.safetensors").exists()
    assert 'kgbert predict model "a text" --graph signs.obo' in output
    assert main(["predict", "model", "fever"]) == 1
    assert "Use --graph ... with your copy." in capsys.readouterr().err
    assert main(["predict", "model", "fever", "--graph", "signs.obo"]) == 0
    assert "fever (EX:1, linked 1)" in capsys.readouterr().out


def test_predict_refuses_a_model_with_another_graph(workplace, capsys):
    typed("train", "--output", "one")
    (workplace / "signs.obo").write_text(OBO.replace("lung", "liver"), encoding="utf-8")
    typed("train", "--output", "other")
    capsys.readouterr()
    shutil.copy(workplace / "other" / "graph.safetensors", workplace / "one")

    status = main(["predict", "one", "fever"])

    error_output = capsys.readouterr().err
    assert status == 1
    assert "was made for the graph" in error_output
    assert error_output.count("\n") == 1
