import json
from copy import deepcopy
from dataclasses import replace
from functools import partial

import pytest
import torch

import kgbert
from kgbert.cli import main
from kgbert.deployment import measure
from kgbert.deployment.distillation import _divergence, _state_loss, distil
from kgbert.models.task_models import KGBertModel
from kgbert.training.config import TrainingConfig
from kgbert.training.inference import model_outputs
from kgbert.training.saving import load_model
from tests.support.errors import raises
from tests.support.exported import tiny_model
from tests.support.planted.label_children import CHILDREN, label_graph, labelled_texts
from tests.support.tiny import BLOCKS, save_plain, tiny_graph

#: Too slow a training to change a weight visibly.
STILL = TrainingConfig(1e-12, 1e-12, epochs=1, batch_size=8)
QUICK = TrainingConfig(5e-3, 5e-3, epochs=10, batch_size=8)


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    return save_plain(tmp_path_factory.mktemp("plain"), "bert", KGBertModel)


@pytest.fixture(scope="module")
def teacher(backbone):
    model, examples = tiny_model("text-classification", backbone)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():  # so that every block has an effect
        for parameter in model.model.backbone.parameters():
            parameter += 0.2 * torch.randn(parameter.shape, generator=generator)
    return model, examples


@pytest.fixture
def few_singles(monkeypatch):
    monkeypatch.setattr(measure, "_SINGLE", 3)


def outputs(model, processor, task, examples):
    rows = model_outputs(model, processor, task, task.encode(examples, processor))
    return torch.tensor([row[0].tolist() for row in rows])


def student_outputs(teacher, examples, folder, **options):
    result = distil(teacher, examples, output=folder, **options)
    return result, outputs(*load_model(folder), examples)


@pytest.mark.parametrize(
    "name", ["text-classification", "relation-classification", "multiple-choice", "regression"]
)
def test_a_student_of_all_blocks_starts_as_its_teacher(name, backbone, tmp_path):
    teacher, examples = tiny_model(name, backbone)

    _, found = student_outputs(teacher, examples, tmp_path / "s", layers=BLOCKS, config=STILL)

    expected = outputs(teacher.model, teacher.processor, teacher.task, examples)
    assert torch.allclose(found, expected, atol=1e-4)


def test_a_plain_student_starts_as_its_teacher_without_knowledge(teacher, tmp_path):
    model, examples = teacher

    result, found = student_outputs(
        model, examples, tmp_path / "plain", with_graph=False, config=STILL
    )

    with model.model.without_knowledge():
        expected = outputs(model.model, model.processor, model.task, examples)
    assert torch.allclose(found, expected, atol=1e-4)
    assert (result.layers, result.reads_graph) == (BLOCKS, False)
    student, processor, _ = load_model(tmp_path / "plain")
    assert len(processor.graph) == 0
    assert not student.injections


@pytest.mark.parametrize("with_graph", [True, False])
def test_a_student_of_fewer_blocks_learns_to_answer_like_its_teacher(teacher, tmp_path, with_graph):
    model, examples = teacher
    expected = outputs(model.model, model.processor, model.task, examples)
    options = {"layers": 2, "with_graph": with_graph}
    _, before = student_outputs(model, examples, tmp_path / "a", config=STILL, **options)

    result, after = student_outputs(model, examples, tmp_path / "b", config=QUICK, **options)

    assert result.layers == 2
    before, after, expected = (x.softmax(-1) for x in (before, after, expected))
    assert (after - expected).abs().mean() < 0.5 * (before - expected).abs().mean()


def test_injections_move_with_their_blocks(teacher, tmp_path):
    model, examples = teacher  # injected after the upper blocks, the last one included

    distil(model, examples, output=tmp_path / "s", layers=1, config=STILL)

    student, _, _ = load_model(tmp_path / "s")
    assert student.config.injected_layers == [1]
    moved, source = (
        x.injections[name] for x, name in ((student, "layer_1"), (model.model, "layer_3"))
    )
    assert torch.allclose(moved.gate, source.gate, atol=1e-5)
    # It has read the texts without their labels.
    assert student.texts_read.count_unlabelled(examples) == len(examples)
    assert student.texts_read.count_labelled(examples) == 0


def test_a_distillation_is_repeatable_and_leaves_the_teacher_as_it_was(teacher, tmp_path):
    model, examples = teacher
    before = {name: x.clone() for name, x in model.model.state_dict().items()}
    run = partial(student_outputs, model, examples, layers=1, config=replace(QUICK, epochs=2))

    (_, first), (_, second) = run(tmp_path / "a"), run(tmp_path / "b")

    assert torch.equal(first, second)
    assert all(torch.equal(x, before[name]) for name, x in model.model.state_dict().items())


def test_labels_are_not_needed_and_the_change_is_measured(teacher, tmp_path, capsys, few_singles):
    model, examples = teacher
    model.save(tmp_path / "teacher")
    texts, test = tmp_path / "texts.jsonl", tmp_path / "test.jsonl"
    texts.write_text("\n".join(json.dumps({"text": x.text}) for x in examples))
    labelled = [json.dumps({"text": x.text, "label": x.target}) for x in examples]
    test.write_text("\n".join(labelled))
    command = ["distil", str(tmp_path / "teacher"), "--texts", str(texts), "--epochs", "1", "-q"]
    output = tmp_path / "student"

    code = main([*command, "--output", str(output), "--test", str(test), "--max-loss", "100"])

    shown = capsys.readouterr().out
    assert code == 0
    assert [line.split()[0] for line in shown.splitlines()[2:4]] == ["teacher", "student"]
    assert f"student  {output}   (1 blocks, with the graph)" in shown
    assert len(kgbert.pipeline(output)(["a fever"])) == 1


def test_a_student_that_is_worse_than_accepted_is_not_written(teacher, tmp_path, few_singles):
    model, examples = teacher

    with pytest.raises(kgbert.KGBertError) as caught:
        distil(
            model,
            examples,
            output=tmp_path / "s",
            layers=1,
            config=STILL,
            test=examples,
            max_loss=-101.0,
        )

    assert caught.value.code == "loss-too-large"
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("with_graph", [True, False])
def test_a_narrower_student_learns_to_answer_like_its_teacher(teacher, tmp_path, with_graph):
    model, examples = teacher
    expected = outputs(model.model, model.processor, model.task, examples)
    options = {"width": 0.5, "with_graph": with_graph}
    _, before = student_outputs(model, examples, tmp_path / "a", config=STILL, **options)

    result, after = student_outputs(model, examples, tmp_path / "b", config=QUICK, **options)

    assert result.description == "3 blocks of 2 heads and 24 neurons"
    before, after, expected = (x.softmax(-1) for x in (before, after, expected))
    assert (after - expected).abs().mean() < 0.7 * (before - expected).abs().mean()
    student, _, _ = load_model(tmp_path / "b")
    blocks = student.backbone.bert.encoder.layer
    assert {block.intermediate.dense.out_features for block in blocks} == {24}
    assert {block.attention.self.query.out_features for block in blocks} == {16}


def test_a_student_keeps_the_heads_and_neurons_that_contribute_most(teacher, tmp_path):
    model = deepcopy(teacher[0])
    with torch.no_grad():
        for block in model.model.backbone.bert.encoder.layer:
            block.attention.output.dense.weight[:, 8:24] = 0  # the second and the third head
            block.output.dense.weight[:, ::2] = 0
    expected = outputs(model.model, model.processor, model.task, teacher[1])

    _, found = student_outputs(model, teacher[1], tmp_path / "s", width=0.5, config=STILL)

    assert torch.allclose(found, expected, atol=1e-4)


def test_a_narrow_student_can_be_a_teacher(teacher, tmp_path):
    model, examples = teacher
    distil(model, examples, output=tmp_path / "a", width=0.5, config=STILL)

    result = distil(tmp_path / "a", examples, output=tmp_path / "b", width=0.5, config=STILL)

    assert result.description == "3 blocks of 1 heads and 12 neurons"
    assert load_model(tmp_path / "b")[0].config.attention_heads == 1


def test_a_student_without_blocks_does_not_know_the_order_of_words(teacher, tmp_path):
    model, examples = teacher

    result, _ = student_outputs(model, examples, tmp_path / "s", layers=0, config=QUICK)

    # Without blocks and label vectors, there is nothing that could read the graph.
    assert (result.description, result.reads_graph) == ("no blocks", False)
    student, processor, task = load_model(tmp_path / "s")
    with torch.no_grad():  # the only trace of the order
        student.backbone.bert.embeddings.position_embeddings.weight.zero_()
    texts = [replace(examples[0], text=text) for text in ("a fever", "fever a", "fever, lung")]
    same, turned, other = outputs(student, processor, task, texts)
    assert torch.allclose(same, turned, atol=1e-5)
    assert not torch.allclose(same, other, atol=1e-2)


def test_a_student_without_blocks_is_compared_with_label_entities(backbone, tmp_path):
    teacher = kgbert.zero_shot(label_graph(), list(CHILDREN), backbone=backbone)
    teacher.save(tmp_path / "teacher")
    texts = labelled_texts(*CHILDREN)

    result = distil(
        tmp_path / "teacher",
        texts,
        output=tmp_path / "s",
        layers=0,
        config=QUICK,
    )

    assert (result.layers, result.reads_graph) == (0, True)
    found = kgbert.pipeline(tmp_path / "s")(texts)
    expected = teacher(texts)
    same = [x.label == y.label for x, y in zip(found, expected, strict=True)]
    assert sum(same) > 0.8 * len(same)


@pytest.mark.parametrize("name", ["token-classification", "entity-linking", "question-answering"])
def test_answers_by_token_need_blocks(name, backbone, tmp_path):
    model, examples = tiny_model(name, backbone)

    with raises("blocks-needed"):
        distil(model, examples, output=tmp_path / "s", layers=0)


def test_a_share_of_heads_is_above_zero(teacher, tmp_path):
    with raises("not-a-share"):
        distil(teacher[0], teacher[1], output=tmp_path / "s", width=0.0)
    with raises("not-a-share"):
        distil(teacher[0], teacher[1], output=tmp_path / "s", layers=0, width=0.5)


def test_a_teacher_has_no_more_blocks_than_it_has(teacher, tmp_path):
    model, examples = teacher

    with raises("too-many-layers"):
        distil(model, examples, output=tmp_path / "s", layers=9)


def test_answers_that_are_entities_need_the_graph(backbone, tmp_path):
    model, examples = tiny_model("entity-linking", backbone)

    with raises("head-needs-graph"):
        distil(model, examples, output=tmp_path / "s", with_graph=False)


def test_shared_blocks_cannot_be_left_out(tmp_path):
    folder = save_plain(tmp_path, "albert", KGBertModel)
    model, examples = tiny_model("text-classification", folder)

    with raises("not-distillable"):
        distil(model, examples, output=tmp_path / "s")


def test_without_a_text_nothing_is_learnt(teacher, tmp_path):
    with raises("no-texts"):
        distil(teacher[0], [], output=tmp_path / "s")


@pytest.mark.parametrize("family", ["distilbert", "modernbert", "gpt2"])
def test_blocks_of_other_families_are_left_out(family, tmp_path):
    folder = save_plain(tmp_path, family, KGBertModel)
    model, examples = tiny_model("text-classification", folder)

    result, found = student_outputs(model, examples, tmp_path / "s", layers=2, config=STILL)

    assert result.layers == 2
    assert found.isfinite().all()
    assert tiny_graph().hash == model.processor.graph.hash


@pytest.mark.parametrize("family", ["modernbert", "gpt2"])
def test_blocks_of_some_families_are_not_narrowed(family, tmp_path):
    folder = save_plain(tmp_path, family, KGBertModel)
    model, examples = tiny_model("text-classification", folder)

    with raises("not-narrowable"):
        distil(model, examples, output=tmp_path / "s", width=0.5)


@pytest.mark.parametrize("family", ["deberta-v2", "electra", "modernbert", "llama", "xlnet"])
def test_static_embeddings_of_some_families_cannot_be_read_by_the_head(family, tmp_path):
    folder = save_plain(tmp_path, family, KGBertModel)
    model, examples = tiny_model("text-classification", folder)

    with raises("blocks-needed"):
        distil(model, examples, output=tmp_path / "s", layers=0)


@pytest.mark.parametrize("family", ["distilbert", "roberta", "mpnet"])
def test_static_embeddings_of_other_families(family, tmp_path):
    folder = save_plain(tmp_path, family, KGBertModel)
    model, examples = tiny_model("text-classification", folder)

    result, found = student_outputs(model, examples, tmp_path / "s", layers=0, config=STILL)

    assert result.layers == 0
    assert found.isfinite().all()


@pytest.mark.parametrize("name", ["relation-extraction", "event-extraction"])
def test_outputs_of_pairs_of_spans_are_not_distilled(name, backbone, tmp_path):
    model, examples = tiny_model(name, backbone)

    with raises("not-distillable"):
        distil(model, examples, output=tmp_path / "s")


@pytest.mark.parametrize("padding", [slice(2), slice(-2, None)])
def test_the_states_of_padding_do_not_count(padding):
    states, mask = torch.randn(1, 5, 4), torch.ones(1, 5, dtype=torch.int64)
    mask[:, padding] = 0
    other = states.clone()
    other[:, padding] *= -1

    assert _state_loss([states], [other], mask) == pytest.approx(0, abs=1e-6)
    assert _state_loss([states], [-other], mask) == pytest.approx(2, abs=1e-6)


def test_probabilities_of_labels_differ_by_their_divergence():
    student, teacher = torch.zeros(1, 2), torch.tensor([[0.75, 0.25]]).log()

    # 0.75 log(0.75 / 0.5) + 0.25 log(0.25 / 0.5); a constant added to all scores changes nothing.
    assert _divergence(student, teacher + 3) == pytest.approx(0.130812, abs=1e-5)
    assert _divergence(teacher, teacher + 3) == pytest.approx(0, abs=1e-6)
