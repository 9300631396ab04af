import shutil
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import jaxtyping
import numpy as np
import pytest
import torch

import kgbert
import kgbert.runtime
from kgbert.cli import main
from kgbert.deployment import onnx_export
from kgbert.models.base import KGBertPreTrainedModel
from kgbert.models.task_models import KGBertModel
from kgbert.tasks.registry import TASKS
from kgbert.training.config import TrainingConfig
from kgbert.training.pipeline import KGBertPipeline
from kgbert.training.saving import load_model, save_model
from tests.support.errors import raises
from tests.support.exported import one_block, tiny_model
from tests.support.planted.label_children import CHILDREN, label_graph, labelled_texts
from tests.support.planted.paths import path_graph, path_split, path_task
from tests.support.planted.word_classes import class_graph, tagged_split
from tests.support.tiny import tiny_graph
from tests.tasks.test_contract import ROWS

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

#: One task for each class of model: tasks of the same class have the same graph.
CASES = [
    "text-classification",
    "token-classification",
    "entity-linking",
    "relation-classification",
    "multiple-choice",
    "question-answering",
    "relation-extraction",
]

every_case = pytest.mark.parametrize("case", CASES)


@pytest.fixture(scope="module", autouse=True)
def unchecked_shapes():
    # The checks of shapes do not know the sizes that the export traces with.
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", before)


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    return one_block(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def exported(tmp_path_factory, backbone):
    """Return the model in memory, labelled examples, and the folder of the exported model."""

    @cache
    def export(case):
        model, examples = tiny_model(case, backbone)
        folder = tmp_path_factory.mktemp("exported") / case
        kgbert.export_onnx(model, folder)
        model.processor.use_vectors(model.model.precompute(model.processor))
        return model, examples, folder

    return export


@pytest.fixture
def written_before(exported, monkeypatch):
    """Take the graph of the text classifier from its folder, since tracing takes seconds."""
    _, _, folder = exported("text-classification")
    monkeypatch.setattr(
        onnx_export,
        "write_onnx",
        lambda model, processor, path: shutil.copy(folder / path.name, path),
    )


def approximately(value):
    """Return an answer in which numbers are compared within the promised 1e-4."""
    if isinstance(value, dict):
        return {key: approximately(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [approximately(part) for part in value]
    return pytest.approx(value, abs=1e-4) if isinstance(value, float) else value


def plain(value):
    return (
        [plain(part) for part in value]
        if isinstance(value, list | tuple)
        else (
            {key: plain(part) for key, part in value.items()} if isinstance(value, dict) else value
        )
    )


def save_graph_of(nodes, inputs, outputs, table, path):
    """Save an ONNX model with one table of weights."""
    graph = onnx.helper.make_graph(nodes, "g", inputs, outputs, [table])
    opset = [onnx.helper.make_opsetid("", onnx_export.OPSET)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=10), path)


def floats(name, shape):
    return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)


def save_product(weights, path):
    """Save an ONNX model that multiplies rows by a matrix."""
    inputs, outputs = weights.shape
    save_graph_of(
        [onnx.helper.make_node("MatMul", ["rows", "weights"], ["product"], "product")],
        [floats("rows", [None, inputs])],
        [floats("product", [None, outputs])],
        onnx.numpy_helper.from_array(weights, "weights"),
        path,
    )


def save_lookup(rows, path, *, also_as_a_whole=False):
    """Save an ONNX model that looks up rows, and may also add up all of them."""
    size = rows.shape[1]
    places = onnx.helper.make_tensor_value_info("places", onnx.TensorProto.INT64, [None, None])
    nodes = [onnx.helper.make_node("Gather", ["rows", "places"], ["found"], "lookup")]
    outputs = [floats("found", [None, None, size])]
    if also_as_a_whole:
        axes = onnx.numpy_helper.from_array(np.array([0]), "axes")
        constant = onnx.helper.make_node("Constant", [], ["axes"], value=axes)
        summing = onnx.helper.make_node("ReduceSum", ["rows", "axes"], ["total"], keepdims=0)
        nodes += [constant, summing]
        outputs.append(floats("total", [size]))
    save_graph_of(nodes, [places], outputs, onnx.numpy_helper.from_array(rows, "rows"), path)


def test_each_class_of_models_with_a_head_is_exported():
    covered = {TASKS[case].model_class for case in CASES}

    exportable = {kind for kind in KGBertPreTrainedModel.__subclasses__() if kind.is_exportable}
    assert covered == exportable - {KGBertModel}


def assert_equal_answers(model, examples, folder):
    """Export a model in memory, and compare the answers."""
    kgbert.export_onnx(model, folder)
    model.processor.use_vectors(model.model.precompute(model.processor))

    answers = kgbert.runtime.load(folder)(examples)

    # The runtime computes the scores of labels, but does not say which vectors and paths counted.
    expected = [replace(x, nearest_labels=(), paths=()) for x in model.predict(examples)]
    assert [plain(x.to_dict()) for x in answers] == [approximately(x.to_dict()) for x in expected]


@every_case
@pytest.mark.parametrize("batch_size", [1, 7])
def test_the_runtime_answers_as_the_model(exported, case, batch_size):
    model, examples, folder = exported(case)

    answers = kgbert.runtime.load(folder)(examples, batch_size=batch_size)

    expected = model.predict(examples, batch_size=batch_size)
    assert [plain(x.to_dict()) for x in answers] == [approximately(x.to_dict()) for x in expected]


@pytest.mark.parametrize("case", ["question-answering", "relation-extraction"])
@pytest.mark.parametrize("batch_size", [1, 4])
def test_long_texts_are_answered_in_windows(exported, case, batch_size):
    model, examples, folder = exported(case)
    long = [replace(x, text=f"{x.text} {'of the lung ' * 20}") for x in examples]

    answers = kgbert.runtime.load(folder)([*long, *examples], batch_size=batch_size)

    expected = [plain(x.to_dict()) for x in model.predict([*long, *examples])]
    assert [plain(x.to_dict()) for x in answers] == [approximately(x) for x in expected]
    windows = model.task.encode(long, model.processor)[0].units
    assert max(len(windows), len(windows[0])) > 1


def test_texts_without_spans_have_no_relations(exported):
    _, examples, folder = exported("relation-extraction")
    without = replace(examples[0], spans=(), target=None)
    one = replace(examples[0], spans=examples[0].spans[:1], target=None)

    runtime = kgbert.runtime.load(folder)

    assert [x.relations for x in runtime([without])] == [()]
    assert [x.relations for x in runtime([without, one])] == [(), ()]


def test_texts_without_mentions_and_empty_texts_are_answered(exported):
    model, _, folder = exported("text-classification")
    texts = ["", "nothing at all", "fever " * 100]

    answers = kgbert.runtime.load(folder)(texts, batch_size=1)

    expected = model.predict(texts, batch_size=1)
    assert [x.probability for x in answers] == pytest.approx(
        [x.probability for x in expected], abs=1e-4
    )


def test_the_runtime_loads_neither_torch_nor_transformers(exported):
    _, _, folder = exported("text-classification")
    code = (
        "import sys; sys.modules['torch'] = sys.modules['transformers'] = None\n"
        "import kgbert.runtime\n"
        f"[answer] = kgbert.runtime.load({str(folder)!r})(['fever'])\n"
        "print(answer.label, len(answer.mentions))\n"
        "print(*sys.modules)"
    )

    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout

    answer, modules = printed.splitlines()
    assert answer.split()[1] == "1"
    heavy = {"torch", "transformers", "sklearn", "scipy", "pandas", "networkx", "rdflib"}
    assert heavy & set(modules.split()) <= {"torch", "transformers"}


def test_a_graph_that_was_left_out_is_given(exported, written_before, tmp_path):
    model, examples, _ = exported("text-classification")
    folder = tmp_path / "exported"
    kgbert.export_onnx(model, folder, include_graph=False)

    with raises("graph-left-out"):
        kgbert.runtime.load(folder)
    answers = kgbert.runtime.load(folder, graph=tiny_graph())(examples)

    assert [x.answer for x in answers] == [x.answer for x in model.predict(examples)]


def test_int8_is_smaller_and_measured_beside_the_original(
    exported, written_before, tmp_path, capsys
):
    model, examples, exported_folder = exported("text-classification")
    saved, folder, texts = tmp_path / "model", tmp_path / "int8", tmp_path / "texts.csv"
    model.processor.use_vectors(None)
    save_model(saved, model.model, model.processor, {})
    rows = "\n".join(f"{x.text},{x.target}" for x in examples)
    texts.write_text(f"text,label\n{rows}\n")

    options = ["--onnx", str(folder), "--int8", "--test", str(texts), "--max-loss", "100"]
    status = main(["export", str(saved), *options])

    printed = capsys.readouterr().out
    assert status == 0
    assert [name for name in ("PyTorch", "ONNX ", "ONNX int8") if name in printed] == [
        "PyTorch",
        "ONNX ",
        "ONNX int8",
    ]
    size = (folder / "model.onnx").stat().st_size
    assert size < (exported_folder / "model.onnx").stat().st_size
    assert kgbert.runtime.load(folder)(["fever"])[0].label in ("ill", "well")


def test_small_columns_keep_their_precision_beside_large_ones_as_int8(tmp_path):
    path = tmp_path / "model.onnx"
    random = np.random.default_rng(0)
    weights = random.normal(size=(64, 8)).astype(np.float32) * [1, 1, 1, 1, 1, 1, 1, 1000]
    save_product(weights.astype(np.float32), path)
    rows = random.normal(size=(16, 64)).astype(np.float32)

    onnx_export.quantize(path)

    [product] = onnxruntime.InferenceSession(path).run(None, {"rows": rows})
    error = np.abs(product - rows @ weights).mean(0) / np.abs(rows @ weights).mean(0)
    assert error.max() < 0.02


def test_small_rows_of_embeddings_keep_their_precision_beside_large_ones_as_int8(tmp_path):
    path = tmp_path / "model.onnx"
    rows = np.random.default_rng(0).normal(size=(1000, 64)).astype(np.float32)
    rows[0], rows[1] = 0, 1000 * rows[1]
    save_lookup(rows, path)
    before = path.stat().st_size

    onnx_export.quantize(path)

    places = np.array([[0, 1, 2], [998, 999, 2]])
    [found] = onnxruntime.InferenceSession(path).run(None, {"places": places})
    assert found.shape == (2, 3, 64)
    assert np.abs(found[0, 0]).max() == 0
    largest = np.abs(rows[places]).max(-1, keepdims=True)
    assert np.all(np.abs(found - rows[places]) <= largest / 254 + 1e-9)
    assert path.stat().st_size < 0.3 * before


def test_a_table_that_is_read_as_a_whole_keeps_its_precision(tmp_path):
    path = tmp_path / "model.onnx"
    rows = np.random.default_rng(0).normal(size=(1000, 64)).astype(np.float32)
    save_lookup(rows, path, also_as_a_whole=True)

    onnx_export.quantize(path)

    found, total = onnxruntime.InferenceSession(path).run(None, {"places": np.array([[3]])})
    assert np.array_equal(found[0, 0], rows[3])
    assert np.allclose(total, rows.sum(0), atol=1e-3)


def test_a_model_with_a_larger_loss_is_not_written(exported, written_before, tmp_path, monkeypatch):
    model, examples, _ = exported("text-classification")
    forms = iter((90.0, 89.5, 80.0))

    def measure(name, *arguments, **options):
        return onnx_export.Measurement(name, 1, next(forms), 0.1, 0.1, 10.0)

    monkeypatch.setattr(onnx_export, "measure", measure)
    with raises("loss-too-large"):
        kgbert.export_onnx(model, tmp_path / "int8", int8=True, test=examples)

    assert not (tmp_path / "int8").exists()


def test_an_expanding_model_is_not_exportable(exported, monkeypatch, tmp_path):
    from kgbert.baselines.kbert import SentenceTreeExpander

    model, _, _ = exported("text-classification")
    monkeypatch.setattr(model.processor, "expander", SentenceTreeExpander())

    with raises("not-exportable"):
        kgbert.export_onnx(model, tmp_path / "exported")


def test_a_linker_that_computes_with_torch_is_not_exportable(exported, monkeypatch, tmp_path):
    model, _, _ = exported("text-classification")
    monkeypatch.setattr(onnx_export, "linker_settings", lambda linker: [{"linker": "embedding"}])

    with raises("linker-not-exportable"):
        kgbert.export_onnx(model, tmp_path / "exported")


@pytest.mark.parametrize(
    ("file", "content", "code"),
    [
        ("kgbert_runtime.json", "{", "damaged-settings"),
        ("kgbert_runtime.json", '{"task": "x"}', "damaged-settings"),
        ("kgbert_runtime.json", '{"version": 99}', "newer-settings"),
        ("kgbert_runtime.json", "[]", "damaged-settings"),
        ("tokenizer.json", "[]", "damaged-tokenizer"),
    ],
)
def test_damaged_folders_are_named(exported, tmp_path, file, content, code):
    folder = Path(shutil.copytree(exported("text-classification")[2], tmp_path / "copy"))
    (folder / file).write_text(content)

    with raises(code):
        kgbert.runtime.load(folder)


def test_a_damaged_computation_graph_is_named(exported, tmp_path):
    folder = Path(shutil.copytree(exported("text-classification")[2], tmp_path / "copy"))
    (folder / "model.onnx").write_text("no graph")

    # The rest of the message is that of ONNX Runtime.
    with pytest.raises(kgbert.KGBertError, match=r"model\.onnx cannot be loaded") as caught:
        kgbert.runtime.load(folder)

    assert caught.value.code == "damaged-onnx-model"


def test_a_folder_without_an_exported_model_is_named(tmp_path):
    with raises("no-exported-model"):
        kgbert.runtime.load(tmp_path)


def test_the_accepted_loss_needs_labelled_texts(tmp_path, capsys):
    (tmp_path / "kgbert_processor.json").write_text("{}")
    options = ["--onnx", str(tmp_path / "out"), "--max-loss", "1"]

    assert main(["export", str(tmp_path), *options]) == 1
    assert "--test" in capsys.readouterr().err


def test_the_model_in_memory_is_left_as_it_was(exported):
    model, _, _ = exported("text-classification")

    assert next(model.model.parameters()).dtype == torch.float32
    assert not model.model.training


@pytest.mark.parametrize("family", ["distilbert", "modernbert"])
def test_other_families_are_exported(tmp_path, family):
    model, examples = tiny_model("text-classification", one_block(tmp_path, family))

    assert_equal_answers(model, examples, tmp_path / "exported")


@pytest.mark.parametrize("size", [{"width": 0.5}, {"layers": 0}])
def test_students_are_exported(tmp_path, size):
    model, examples = tiny_model("text-classification", one_block(tmp_path))
    config = TrainingConfig(epochs=1, batch_size=8)
    kgbert.distil(model, examples, output=tmp_path / "student", config=config, **size)

    kgbert.export_onnx(tmp_path / "student", tmp_path / "exported")

    student, processor, task = load_model(tmp_path / "student")
    if student.injections:  # the exported vectors have half precision
        processor.use_vectors(student.precompute(processor))
    expected = KGBertPipeline(student, processor, task)(examples)
    answers = kgbert.runtime.load(tmp_path / "exported")(examples)
    assert [plain(x.to_dict()) for x in answers] == [approximately(x.to_dict()) for x in expected]


def test_a_family_that_torch_cannot_export_is_named(tmp_path):
    model, _ = tiny_model("text-classification", one_block(tmp_path, "xlnet"))

    with raises("not-exportable"):
        kgbert.export_onnx(model, tmp_path / "exported")


def test_injections_with_one_head_are_exported(backbone, tmp_path):
    model, examples = tiny_model("text-classification", backbone, knowledge_heads=1)

    assert_equal_answers(model, examples, tmp_path / "exported")


@pytest.mark.parametrize("family", ["bert", "modernbert"])
def test_pairs_of_texts_are_compared_without_torch(tmp_path, family):
    rows = [row | {"text_pair": f"a {row['text'][::-1]}"} for row in ROWS["text-classification"]]
    backbone = one_block(tmp_path / "plain", family)
    model, examples = tiny_model("text-classification", backbone, rows)

    assert model.model.text_comparer.weight.count_nonzero() > 0
    assert_equal_answers(model, examples, tmp_path / "exported")


@pytest.mark.parametrize("task", ["text-classification", "multi-label-classification"])
def test_trained_label_entities_are_exported(backbone, tmp_path, task):
    examples = labelled_texts(*CHILDREN)
    if task == "multi-label-classification":
        examples = [replace(x, target=(x.target,)) for x in examples]
    model = kgbert.train(
        label_graph(),
        {"train": examples, "validation": examples[:6], "test": examples[:6]},
        task=task,
        backbone=backbone,
        ground="labels",
        config=TrainingConfig(epochs=1, max_length=40, options={"knowledge_size": 16}),
    )

    assert_equal_answers(model, examples, tmp_path / "exported")


@pytest.mark.parametrize(
    "case",
    [
        "text-classification",
        "multiple-choice",
        "relation-classification",
        "token-classification",
    ],
)
def test_paths_are_counted_without_torch(backbone, tmp_path, case):
    words = case == "token-classification"
    task, graph = (TASKS[case], class_graph()) if words else (path_task(case), path_graph())
    split = tagged_split() if words else path_split(case)
    model = kgbert.train(
        graph,
        {"train": split.train, "validation": split.validation, "test": split.test},
        task=task,
        backbone=backbone,
        ground="labels" if case == "text-classification" else None,
        paths=2,
        config=TrainingConfig(epochs=1, max_length=40, options={"knowledge_size": 16}),
    )
    model.model.path_scorer.weight.data.normal_()

    assert_equal_answers(model, split.test, tmp_path / "exported")


@pytest.mark.parametrize("include_graph", [True, False])
def test_texts_are_compared_with_label_entities_without_torch(backbone, tmp_path, include_graph):
    model = kgbert.zero_shot(label_graph(), list(CHILDREN), backbone=backbone)
    texts = [example.text for example in labelled_texts(*CHILDREN)]

    kgbert.export_onnx(model, tmp_path / "exported", include_graph=include_graph)

    graph = None if include_graph else label_graph()
    runtime = kgbert.runtime.load(tmp_path / "exported", graph=graph)
    for answer, expected in zip(runtime(texts), model(texts), strict=True):
        assert answer.label == expected.label
        assert answer.probability == pytest.approx(expected.probability, abs=1e-4)
