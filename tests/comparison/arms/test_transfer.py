"""Arms that start from a model of another domain."""

import json
import shutil

import pytest
import torch

import kgbert
from kgbert.cli import main
from kgbert.comparison.arms.transfer import transfer_arms
from kgbert.data import Example
from kgbert.data.texts_read import TextsRead, text_digest
from kgbert.models.pretrained_knowledge import save_knowledge_for
from kgbert.models.task_models import KGBertForSequenceClassification, KGBertModel
from kgbert.training.config import TrainingConfig
from kgbert.training.splits import further_texts
from kgbert.utils.paths import TEXTS_FILE
from kgbert.utils.progress import LOG_REPORTER
from tests.support.planted.edges import SIZE, kinds_graph, label_of, learnt_pipeline, names, text_of
from tests.support.planted.label_children import CHILDREN, label_graph
from tests.support.tiny import TINY


@pytest.fixture(scope="module")
def model(plain_folder, tmp_path_factory):
    """Return the folder of a model that has learnt to read the kinds of another graph."""
    folder = tmp_path_factory.mktemp("models") / "first"
    learnt = learnt_pipeline(plain_folder("bert", KGBertModel))
    kgbert.save_model(folder, learnt.model, learnt.processor, {})
    return folder


def texts(seed):
    return [Example(text_of(name), label_of(n)) for n, name in enumerate(names(seed))]


def test_what_a_model_learnt_with_one_graph_saves_training_with_another(
    model, plain_folder, tmp_path
):
    graph = kinds_graph("B", 1, "skos:broader")
    rows = [{"text": x.text, "label": x.target} for x in texts(0)] + [{"text": "x", "label": "?"}]
    (tmp_path / "kinds-a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    result = kgbert.compare(
        graph,
        {"train": texts(1)[:12], "validation": texts(1)[12:18], "test": texts(1)[18:]},
        task="text-classification",
        backbone=plain_folder("bert", KGBertModel),
        arms=["plain", "knowledge"],
        transfer=[model],
        also_test=[tmp_path / "kinds-a.jsonl"],
        seeds=1,
        config=TrainingConfig(epochs=2, batch_size=4, max_length=24),
        output=tmp_path / "results",
    )

    scores = {run.arm: run.metrics["accuracy"] for run in result.runs}
    assert scores.keys() == {"plain", "knowledge", "plain-first", "knowledge-first"}
    assert scores["knowledge-first"] > 0.9
    assert max(scores["plain-first"], scores["plain"], scores["knowledge"]) < 0.8
    # The graph of this study does not describe the entities of the other texts.
    elsewhere = {run.arm: run.slices["also tested: kinds-a.jsonl"] for run in result.runs}
    assert {part.size for part in elsewhere.values()} == {SIZE}
    assert elsewhere["knowledge-first"].metrics["accuracy"] < 0.8
    report = (tmp_path / "results" / "report.html").read_text()
    assert "accuracy 1.000 on kinds-a.jsonl before" in report
    (table,) = [x for x in report.split("<h2>") if x.startswith("On further texts")]
    assert all(arm in table for arm in scores)


def test_relations_keep_their_weights_in_both_directions(model, tmp_path):
    builder = kgbert.GraphBuilder()
    for entity in ("B:1", "B:2", "B:3"):
        builder.add_name(entity, entity)
    builder.add_edge("B:1", "x:treats", "B:2")
    builder.add_edge("B:2", "skos:broader", "B:3")
    graph = builder.build(source="B")
    first, _, _ = kgbert.load_model(model)

    arms = transfer_arms([model], tmp_path, graph, LOG_REPORTER)

    started = KGBertForSequenceClassification.from_backbone(
        str(next((tmp_path / "transfer").glob("first-*"))), graph, labels=["a", "b"],
        **{"feature_size": first.config.feature_size, "pooling": "mean", **arms[1].options},
    )  # fmt: skip
    for name, tensor in first.backbone.base_model.state_dict().items():
        assert torch.equal(started.backbone.base_model.state_dict()[name], tensor)
    places = {x: started.config.relations.index(x) for x in started.config.relations}
    before = first.graph_encoder.layers[0].relation.weight
    after = started.graph_encoder.layers[0].relation.weight
    for new, old in ((places["skos:broader"], 0), (2 + places["skos:broader"], 1)):
        assert torch.equal(after[new], before[old])
        assert not torch.equal(before[old], torch.zeros_like(before[old]))
    # The only known relation is the mean of the known ones.
    assert torch.equal(after[places["x:treats"]], before[0])
    for name, tensor in first.injections.state_dict().items():
        assert torch.equal(started.injections.state_dict()[name], tensor)
    assert [arm.name for arm in arms] == ["plain-first", "knowledge-first"]


def test_what_is_no_model_is_refused(model, plain_folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = [{"text": text_of(n), "label": label_of(i)} for i, n in enumerate(names(1))]
    (tmp_path / "texts.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "graph.csv").write_text("subject,predicate,object\n" + "".join(
        f"{name},is,kind\n" for name in names(1)))  # fmt: skip
    command = ["compare", "graph.csv", "--texts", "texts.jsonl", "--backbone",
               plain_folder("bert", KGBertModel), "--transfer"]  # fmt: skip

    assert main([*command, str(tmp_path)]) == 1
    assert "so it is no kgbert model" in capsys.readouterr().err
    assert main([*command, str(model), "--budget", "1h"]) == 1
    assert "a budget plans one comparison" in capsys.readouterr().err
    (tmp_path / "other.jsonl").write_text('{"text": "x", "label": "?"}')
    assert main([*command[:-1], "--also-test", "other.jsonl"]) == 1
    assert "none of the 1 texts has a label that a training text has" in capsys.readouterr().err


def test_weights_that_depend_on_the_number_of_relations_start_anew(fused, tmp_path, caplog):
    folder = tmp_path / "model"
    model = fused(graph_encoder="rgcn")
    graph = kinds_graph("B", 1)
    model.backbone.base_model.save_pretrained(folder)
    save_knowledge_for(folder, model, graph, [None])

    started = KGBertForSequenceClassification.from_backbone(
        str(folder), graph, **TINY | {"graph_encoder": "rgcn"}
    )

    assert "graph_encoder" in caplog.text
    for name, tensor in model.injections.state_dict().items():
        assert torch.equal(started.injections.state_dict()[name], tensor)


def test_a_model_without_injections_starts_a_plain_arm_only(model, plain_folder, tmp_path):
    graph, rows = kinds_graph(), texts(0)
    plain = kgbert.train(
        graph,
        {"train": rows, "validation": rows[:4], "test": rows[:4]},
        backbone=plain_folder("bert", KGBertModel),
        task="text-classification",
        ground=None,
        config=TrainingConfig(epochs=1, max_length=24, options={"injected_layers": []}),
    ).save(tmp_path / "unfused")

    arms = transfer_arms([plain, model], tmp_path, graph, LOG_REPORTER)

    assert [arm.name for arm in arms] == ["plain-unfused", "plain-first", "knowledge-first"]
    before = set((tmp_path / "transfer").iterdir())
    transfer_arms([model], tmp_path, graph, LOG_REPORTER)
    assert set((tmp_path / "transfer").iterdir()) == before


def test_a_start_knows_the_texts_that_the_model_and_its_backbone_have_read(plain_folder, tmp_path):
    backbone, graph, rows = tmp_path / "backbone", kinds_graph(), texts(0)
    shutil.copytree(plain_folder("bert", KGBertModel), backbone)
    TextsRead().with_unlabelled([text_digest(rows[-1].text)]).save(backbone)
    config = TrainingConfig(epochs=1, max_length=24, options={"injected_layers": []})
    split = {"train": rows[:20], "validation": rows[20:24], "test": rows[24:]}
    model = kgbert.train(
        graph,
        split,
        backbone=str(backbone),
        task="text-classification",
        ground=None,
        config=config,
    )
    saved = model.with_graph(kinds_graph("B", 1)).save(tmp_path / "model")

    (arm,) = transfer_arms([saved], tmp_path, graph, LOG_REPORTER)

    read = TextsRead.load(arm.transform.folder)
    assert [read.count_labelled(part) for part in split.values()] == [20, 4, 0]
    assert [read.count_unlabelled(part) for part in split.values()] == [0, 0, 1]
    (saved / TEXTS_FILE).unlink()
    assert not kgbert.load_model(saved)[0].texts_read


def test_further_texts_of_the_same_name_are_kept_apart(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "test.csv").write_text("text,label\nfever,ill\n", encoding="utf-8")
    sources = [tmp_path / folder / "test.csv" for folder in ("a", "b")]
    task, train = kgbert.TASKS["text-classification"], [Example("x", "ill")]

    assert list(further_texts(sources, task, train, None, LOG_REPORTER)) == [
        "test.csv",
        "test.csv (2)",
    ]


def test_a_model_with_label_entities_is_a_start_as_well(plain_folder, tmp_path):
    model = kgbert.zero_shot(
        label_graph(), list(CHILDREN), backbone=plain_folder("bert", KGBertModel)
    )
    kgbert.save_model(tmp_path / "labels", model.model, model.processor, {})

    arms = transfer_arms([tmp_path / "labels"], tmp_path, label_graph(), LOG_REPORTER)

    assert arms
    assert len(list((tmp_path / "transfer").iterdir())) == 1
