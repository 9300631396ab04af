"""Pretraining, fine-tuning and comparison in a row."""

import json
from pathlib import Path
from random import Random

import pytest

import kgbert
from kgbert.cli.main import main
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.models.task_models import KGBertModel
from tests.support.small_study import SHARED
from tests.support.tiny import ExactLinker

#: Letters are single tokens of the tiny tokenizer; no text to fine-tune on tells their group.
GROUPS = {"ill": "abcdefghijk", "well": "mnopqrstuvw"}


def planted_corpus(count=500):
    """Return texts in which letters of one group occur with a word of that group."""
    random = Random(0)
    words = {"ill": "fever", "well": "lung"}
    return [
        " ".join([*random.choices(GROUPS[group], k=5), words[group]])
        for _ in range(count // 2)
        for group in GROUPS
    ]


def letters(part):
    return [
        {"text": letter, "label": group} for group, some in GROUPS.items() for letter in some[part]
    ]


def letter_graph():
    builder = GraphBuilder()
    for letter in "".join(GROUPS.values()):
        builder.add_name(f"EX:{letter}", letter)
    return builder.build(source="letters")


def test_a_fact_learnt_by_pretraining_is_used_in_fine_tuning(plain_folder, tmp_path):
    plain = plain_folder("bert", KGBertModel)
    encoder = kgbert.pretrain(
        planted_corpus(),
        backbone=plain,
        output=tmp_path / "encoder",
        config=kgbert.PretrainingConfig(
            epochs=10,
            batch_size=25,
            learning_rate=5e-3,
            head_warmup=0.05,
            evaluations=4,
            max_length=16,
            bf16=False,
        ),
        masking=kgbert.MaskingConfig(packing="lines", probability=0.3),
    )

    accuracies = {
        backbone: kgbert.train(
            letter_graph(),
            letters(slice(0, 4)),
            validation=letters(slice(4, 6)),
            test=letters(slice(6, 11)),
            backbone=backbone,
            linker=ExactLinker(letter_graph()),
            config=kgbert.TrainingConfig(
                epochs=10, batch_size=8, options={**SHARED, "injected_layers": []}
            ),
        ).test_metrics["accuracy"]
        for backbone in (plain, encoder.folder)
    }

    assert accuracies[encoder.folder] >= 0.9
    assert accuracies[plain] <= 0.7


@pytest.fixture
def workplace(tmp_path, monkeypatch, plain_folder):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    rows = [f"fever {n},ill\n" if n % 2 else f"a cough {n},well\n" for n in range(30)]
    (tmp_path / "notes.csv").write_text("text,label\n" + "".join(rows))
    (tmp_path / "signs.csv").write_text("subject,predicate,object\nfever,is,sign\ncough,is,sign\n")
    return plain_folder("bert", KGBertModel)


def test_pretrain_train_and_compare_follow_each_other(workplace, capsys):
    tiny = ["--batch-size", "8", "--max-length", "24"]
    learn = [*tiny, "--max-steps", "2", "--evaluations", "1"]
    fit = ["signs.csv", "--texts", "notes.csv", *tiny, "--epochs", "1"]

    commands = [
        ["pretrain", "--graph", "signs.csv", "--backbone", workplace, "--output", "domain", *learn],
        ["pretrain", "notes.csv", "--graph", "signs.csv", "--link-prediction", "0.1", "--backbone",
         "domain", "--output", "both", *learn],
        ["train", *fit, "--backbone", "both", "--output", "model"],
        ["compare", *fit, "--backbone", workplace, "--pretrained", "domain,both", "--seeds", "1",
         "--arms", "plain,knowledge", "--output", "results"],
    ]  # fmt: skip

    assert [main(command) for command in commands] == [0, 0, 0, 0]
    results = json.loads(Path("results/results.json").read_text())
    costs = {arm["name"]: arm["cost"]["pretrain_seconds"] for arm in results["arms"]}
    domain, both = (kgbert.pretraining_record(name) for name in ("domain", "both"))
    assert costs == {
        "plain": None,
        "knowledge": None,
        "plain-domain": domain.seconds,
        "knowledge-domain": domain.seconds,
        "plain-both": domain.seconds + both.seconds,
        "knowledge-both": domain.seconds + both.seconds,
    }
    scores = {run["arm"]: run["fingerprint"] for run in results["runs"]}
    assert len({*scores.values()}) == 6
    table = capsys.readouterr().out
    assert "pretraining" in table
    report = Path("results/report.html").read_text()
    assert "with the graph read and link prediction on notes.csv" in report
    assert "Test texts that both has read before, without labels:" in report


def test_arms_on_pretrained_encoders_can_be_reproduced_but_not_budgeted(workplace, capsys):
    command = ["compare", "signs.csv", "--texts", "notes.csv", "--backbone", workplace]

    assert main([*command, "--pretrained", workplace, "--budget", "1h"]) == 1

    assert "Leave either out" in capsys.readouterr().err
