"""The contract of every task; a new task needs one line in ``ROWS``."""

import json
import math
from types import MappingProxyType

import numpy as np
import pytest
import torch

from kgbert.cli import main
from kgbert.comparison.arms.arm import RunInputs
from kgbert.comparison.arms.registry import ARMS
from kgbert.comparison.compare import compare
from kgbert.data import read_examples, read_records
from kgbert.data.class_names import labels_of
from kgbert.data.splits import Split
from kgbert.explanation.explain import explain
from kgbert.explanation.faithfulness import evaluate_explanations
from kgbert.explanation.methods import METHODS
from kgbert.features import feature_sources
from kgbert.linking.factory import make_linker
from kgbert.models.task_models import KGBertModel
from kgbert.tasks.base import ExplainedAnswer, LabelSpace, Task
from kgbert.tasks.registry import TASKS, detect_task
from kgbert.training.config import TrainingConfig
from kgbert.training.dataset import KGBertCollator, TrainingExamples
from kgbert.training.inference import model_outputs, predict
from kgbert.training.pipeline import KGBertPipeline, pipeline
from kgbert.training.saving import load_model, save_model
from kgbert.training.train import TrainingInputs, build_model, train, train_on
from tests.support.explanations import values_of
from tests.support.planted.features import (
    KINDS,
    NAMES,
    SIZE,
    entity_of,
    planted_features,
    planted_graph,
    planted_row,
    planted_span,
)
from tests.support.small_study import SHARED
from tests.support.tiny import ExactLinker, perturb, save_plain, tiny_features, tiny_graph

CONFIG = TrainingConfig(epochs=2, batch_size=8, max_length=40, options=SHARED)

_WORDS = ("fever", "cough", "lung", "organ")
_IDS = {"fever": "EX:1", "cough": "EX:2", "lung": "EX:4", "organ": "EX:5"}


def _row(number, **fields):
    word = _WORDS[number % 4]
    return {"id": str(number), "text": f"{word} in case {number}", **fields}


def _pair(number, **fields):
    return _row(number, text_pair=f"and {_WORDS[number // 4 % 4]}", **fields)


def _spans(number, **fields):
    word = _WORDS[number % 4]
    label = "Sign" if number % 4 < 2 else "Place"
    return _row(number, spans=[{"start": 0, "end": len(word), "label": label, **fields}])


#: Rows of a file by the name of the task.
ROWS = {
    "text-classification": [_row(i, label=("ill", "well")[i % 2]) for i in range(30)],
    "relation-classification": [
        _row(i, label=("ill", "well")[i % 2])
        | {"head_start": 0, "head_end": 4, "tail_start": 9, "tail_end": 13}
        for i in range(30)
    ],
    "token-classification": [_spans(i) for i in range(30)],
    "entity-linking": [_spans(i, entity=_IDS[_WORDS[i % 4]]) for i in range(30)],
    "multiple-choice": [
        {"id": str(i), "question": f"which of {i}?", "choices": _WORDS[: 2 + i % 3], "label": i % 2}
        for i in range(30)
    ],
    "question-answering": [
        _row(i, question="which?", answers=[{"text": _WORDS[i % 4], "start": 0}][: i % 5])
        for i in range(30)
    ],
    "relation-extraction": [
        _row(
            i,
            spans=[
                {"id": "T1", "start": 0, "end": len(_WORDS[i % 4]), "label": "Thing"},
                {"id": "T2", "start": len(_WORDS[i % 4]) + 4, "end": len(_WORDS[i % 4]) + 8}
                | {"label": "Case"},
            ],
            relations=[["T1", "T2", ("seen", "absent")[i % 2]]][: i % 5],
        )
        for i in range(30)
    ],
    "generation": [_row(i, target=f"of {_WORDS[i % 4]}") for i in range(30)],
    "multi-label-classification": [
        _row(i, labels=(["ill"], ["ill", "new"], [], ["new"])[i % 4]) for i in range(30)
    ],
    "regression": [_row(i, value=float(i % 4)) for i in range(30)],
}

ROWS["event-extraction"] = [
    _row(
        i,
        spans=[{"id": "T1", "start": 0, "end": len(_WORDS[i % 4]), "label": "Thing"}],
        triggers=[
            {
                "id": "T2",
                "start": len(_WORDS[i % 4]) + 4,
                "end": len(_WORDS[i % 4]) + 8,
                "label": ("Seen", "Absent")[i % 2],
            }
        ],
        events=[
            {
                "id": "E1",
                "type": ("Seen", "Absent")[i % 2],
                "trigger": "T2",
                "args": [["Theme", "T1"]],
            }
        ],
    )
    for i in range(30)
]

#: A row that a task refuses, the code of the error, and the column at fault.
BAD_ROWS = {
    "text-classification": ({"text": "a", "label": {"name": "ill"}}, "label-not-a-value", "label"),
    "relation-classification": ({"text": "a b", "label": "x"}, "missing-arguments", "head_start"),
    "token-classification": (
        {"text": "a", "spans": [{"start": 0, "end": 9, "label": "A"}]},
        "span-outside-text",
        "spans",
    ),
    "entity-linking": ({"text": "a", "spans": "fever"}, "spans-not-a-list", "spans"),
    "multiple-choice": (
        {"question": "a?", "choices": ["b", "c"], "label": "d"},
        "label-not-a-choice",
        "label",
    ),
    "question-answering": (
        {"text": "a", "question": "b?", "answers": [{"text": "c", "start": 0}]},
        "answer-not-in-text",
        "answers",
    ),
    "relation-extraction": (
        {
            "text": "a b",
            "spans": [{"id": "T1", "start": 0, "end": 1, "label": "A"}],
            "relations": [["T1", "T9", "x"]],
        },
        "unknown-argument",
        "relations",
    ),
    "event-extraction": (
        {
            "text": "a b",
            "spans": [],
            "triggers": [{"id": "T1", "start": 0, "end": 1, "label": "A"}],
            "events": [{"id": "E1", "type": "A", "trigger": "T1", "args": [["Theme", "T9"]]}],
        },
        "unknown-argument",
        "argument",
    ),
    "generation": ({"text": "a", "target": ["b"]}, "text-not-a-string", "target"),
    "multi-label-classification": (
        {"text": "a", "labels": {"a": 1}},
        "labels-not-a-list",
        "labels",
    ),
    "regression": ({"text": "a", "value": "n/a"}, "value-not-a-number", "value"),
}

#: Further kinds of rows of a task.
VARIANTS = {
    "pairs": ("text-classification", [_pair(i, label=("ill", "well")[i % 2]) for i in range(30)]),
}

#: Each task, or variant, with its rows.
CASES = {name: (name, ROWS[name]) for name in TASKS} | VARIANTS

every_task = pytest.mark.parametrize("case", CASES)


@pytest.fixture
def task(case):
    return TASKS[CASES[case][0]]


@pytest.fixture
def rows(case):
    return CASES[case][1]


def _planted_relation(number):
    end = 4 + len(NAMES[number])
    arguments = {"head_start": 4, "head_end": end, "tail_start": end + 1, "tail_end": end + 6}
    return planted_row(number, label=KINDS[number], **arguments)


def _planted_link(number):
    # The text says what is meant, and only the graph which of the two entities is that.
    verb = {"sign": "feel", "place": "go to"}[KINDS[number]]
    row = planted_row(number)
    return row | {
        "text": f"{row['text']}, {verb}",
        "spans": [planted_span(number, label="Thing", entity=entity_of(number))],
    }


def _planted_choice(number):
    other = next(i % SIZE for i in range(number, 2 * SIZE) if KINDS[i % SIZE] != KINDS[number])
    choices = [NAMES[number], NAMES[other]]
    label = int(KINDS[number] == "place")
    return {"id": str(number), "question": "which is a sign", "choices": choices, "label": label}


def _planted_extraction(number):
    end = 4 + len(NAMES[number])
    spans = [
        planted_span(number, id="T1", label="Thing"),
        {"id": "T2", "start": end + 1, "end": end + 6, "label": "Time"},
    ]
    return planted_row(number, spans=spans, relations=[["T1", "T2", KINDS[number]]])


def _planted_event(number):
    end = 4 + len(NAMES[number])
    spans = [{"id": "T1", "start": end + 1, "end": end + 6, "label": "Time"}]
    triggers = [planted_span(number, id="T2", label=KINDS[number])]
    event = {"id": "E1", "type": KINDS[number], "trigger": "T2", "args": [["Theme", "T1"]]}
    return planted_row(number, spans=spans, triggers=triggers, events=[event])


def _planted_question(number):
    answers = [{"text": NAMES[number]}] if KINDS[number] == "sign" else []
    return planted_row(number, question="which is a sign", answers=answers)


#: Rows whose answer only the graph knows, by task or variant and the number of their entity.
PLANTED = {
    "text-classification": lambda i: planted_row(i, label=KINDS[i]),
    "relation-classification": _planted_relation,
    "relation-extraction": _planted_extraction,
    "event-extraction": _planted_event,
    "token-classification": lambda i: planted_row(i, spans=[planted_span(i, label=KINDS[i])]),
    "entity-linking": _planted_link,
    "multiple-choice": _planted_choice,
    "question-answering": _planted_question,
    "generation": lambda i: planted_row(i, target=KINDS[i]),
    "multi-label-classification": lambda i: planted_row(i, labels=[KINDS[i]]),
    "regression": lambda i: planted_row(i, value=len(KINDS[i])),
    "pairs": lambda i: planted_row(i, text="what it is", text_pair=NAMES[i], label=KINDS[i]),
}


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    return save_plain(tmp_path_factory.mktemp("plain"), "bert", KGBertModel)


@pytest.fixture
def write(tmp_path):
    def write(rows):
        path = tmp_path / "rows.jsonl"
        path.write_text("\n".join(map(json.dumps, rows)))
        return path

    return write


@pytest.fixture
def examples(task, rows, write):
    return read_examples(write(rows), task)


@pytest.fixture
def built(task, examples, backbone):
    graph = tiny_graph()
    linker = make_linker(graph, "dictionary")
    inputs = TrainingInputs(task, graph, tiny_features(graph), linker, backbone)
    return build_model(inputs, examples, CONFIG, seed=0)


class KnownEntities(ExactLinker):
    """Links every name to the entity that is meant."""

    def __call__(self, texts):
        return [
            [x._replace(candidates=tuple(filter(_is_meant, x.candidates))) for x in mentions]
            for mentions in super().__call__(texts)
        ]


def _is_meant(candidate):
    return candidate.entity == entity_of(int(candidate.entity.split(":")[1]))


def answers(model, processor, task, examples):
    return [x.answer for x in predict(model, processor, task, task.encode(examples, processor))]


@every_task
def test_the_rows_of_a_file_are_examples_of_the_task(task, rows, examples):
    task.check(examples, examples[:10], examples[10:])

    assert len(examples) == len(rows)
    assert [example.id for example in examples] == [row["id"] for row in rows]


@every_task
def test_rows_are_detected_unless_the_task_has_to_be_named(task, rows, write):
    named = {"entity-linking"}

    detected = detect_task([x.values for x in read_records(write(rows))]).name

    assert detected == ("token-classification" if task.name in named else task.name)


@pytest.mark.parametrize("case", TASKS)
def test_a_bad_row_is_refused_with_its_file_line_and_column(task, write):
    row, code, column = BAD_ROWS[task.name]
    path = write([ROWS[task.name][0], row])

    with pytest.raises(ValueError, match="line 2") as raised:
        read_examples(path, task)

    assert raised.value.code == code
    assert str(raised.value).startswith(str(path))
    assert column in raised.value.message.split("line 2: ")[1]


@every_task
def test_a_target_belongs_to_each_unit_and_the_loss_is_finite(task, examples, built):
    model, processor = built
    training_examples = TrainingExamples(task, processor, examples, model.config)

    batch = KGBertCollator(task, processor)([training_examples[i] for i in range(4)])

    assert len(training_examples.targets) == len(training_examples.units)
    assert model(**batch).loss.isfinite()


@every_task
def test_right_answers_score_best_and_are_correct(task, examples, built):
    _, processor = built
    gold = [task.gold(each, processor.graph) for each in task.encode(examples, processor)]

    scores = task.score(gold, gold)

    assert set(scores) == set(task.metrics)
    assert scores[task.metric] == max(scores.values())
    assert all(task.is_correct(each, each) for each in gold)


@every_task
def test_without_trained_gates_the_graph_changes_nothing(task, examples, built):
    model, processor = built
    encoded = task.encode(examples[:6], processor)
    if model.scores_entities:
        pytest.skip("the answers are entities")

    with_graph = model_outputs(model, processor, task, encoded)
    with model.without_knowledge():
        without = model_outputs(model, processor, task, encoded)

    for (one,), (other,) in zip(with_graph, without, strict=True):
        assert np.array_equal(one, other)


@every_task
def test_other_examples_of_a_batch_change_no_answer(task, examples, built):
    model, processor = built
    perturb(model)
    encoded = task.encode(examples[:8], processor)

    together = model_outputs(model, processor, task, encoded)
    alone = model_outputs(model, processor, task, encoded, batch_size=1)

    for rows, others in zip(together, alone, strict=True):
        for row, other in zip(rows, others, strict=True):
            known = tuple(map(slice, other.shape))
            assert np.allclose(row[known], other, atol=1e-5)


@every_task
def test_a_saved_model_answers_as_before(task, examples, built, tmp_path):
    model, processor = built
    perturb(model)
    before = answers(model, processor, task, examples)

    save_model(tmp_path / "model", model, processor, {})
    loaded, loaded_processor, loaded_task = load_model(tmp_path / "model")

    assert type(loaded_task) is type(task)
    after = answers(loaded, loaded_processor, loaded_task, examples)
    for one, other in zip(after, before, strict=True):
        # A number may differ in its last digit: the weights are mapped from the disk.
        assert one == (pytest.approx(other) if isinstance(other, float) else other)


@every_task
def test_predictions_are_json_and_lines(task, examples, built):
    model, processor = built

    for prediction in predict(model, processor, task, task.encode(examples[:3], processor)):
        assert json.loads(json.dumps(prediction.to_dict()))["text"] == prediction.text
        assert str(prediction).startswith("\n  ".join([prediction.text, *prediction.lines()]))


@every_task
def test_answers_are_explained_by_every_method(task, examples, built):
    model, processor = built
    perturb(model)
    pipeline = KGBertPipeline(model, processor, task)

    for method in METHODS:
        (explanation,) = explain(pipeline, examples[:1], method=method)
        for answer in explanation.answers:
            assert math.isfinite(answer.score)
            assert answer.mentions
            assert all(math.isfinite(mention.value) for mention in answer.mentions)


@every_task
def test_training_texts_have_an_influence_on_answers(task, examples, built):
    model, processor = built
    pipeline = KGBertPipeline(perturb(model), processor, task)

    found = explain(pipeline, examples[:1], parts=["mentions"], examples=examples[1:4])

    for explanation in found:
        assert explanation.examples
        for example in explanation.examples:
            assert (example.influence is not None) == bool(explanation.answers)
            assert example.influence is None or abs(example.influence) <= 1


@every_task
def test_methods_are_judged_by_removed_and_by_erased_words(task, examples, built):
    model, processor = built
    pipeline = KGBertPipeline(perturb(model), processor, task)
    if not explain(pipeline, examples[:1], parts=["mentions"])[0].answers:
        pytest.skip("the random model gives no answer")

    report = evaluate_explanations(pipeline, examples[:1], parts=["words"], methods=["removal"])

    (row,) = report.rows
    assert row.soft is not None
    assert math.isfinite(row.soft.comprehensiveness.mean)


@every_task
def test_variants_that_are_computed_together_have_the_scores_of_each_alone(task, examples, built):
    model, processor = built
    perturb(model)
    pipeline = KGBertPipeline(model, processor, task)
    kinds = ["mentions", "edges"]

    (together,) = explain(pipeline, examples[:1], parts=kinds)
    (alone,) = explain(pipeline, examples[:1], parts=kinds, batch_size=1)

    assert together.prediction_without_graph == alone.prediction_without_graph
    encoded = task.encode(examples[:1], processor)
    (outputs,) = model_outputs(model, processor, task, encoded)
    rows = [torch.from_numpy(row).unsqueeze(0) for row in outputs]
    for one, other in zip(together.answers, alone.answers, strict=True):
        if type(task).explained_outputs is Task.explained_outputs:
            answer = ExplainedAnswer(one.answer)
            expected = task.answer_scores(rows, answer, encoded[0], model.config)
            assert one.score == pytest.approx(float(expected), abs=1e-3)
        assert one.score == pytest.approx(other.score, abs=1e-3)
        values = [[x.value for x in answer.mentions] for answer in (one, other)]
        assert values[0] == pytest.approx(values[1], abs=1e-3)


@every_task
def test_several_texts_are_explained_as_each_alone(task, examples, built):
    model, processor = built
    perturb(model)
    pipeline = KGBertPipeline(model, processor, task)

    together = explain(pipeline, examples[:5])

    alone = [explain(pipeline, [example])[0] for example in examples[:5]]
    for one, other in zip(together, alone, strict=True):
        assert one.prediction_without_graph == other.prediction_without_graph
        assert one.variants == other.variants
        assert [x.answer for x in one.answers] == [x.answer for x in other.answers]
        assert values_of(one) == pytest.approx(values_of(other), abs=1e-3)


@every_task
def test_slices_lie_in_the_test_set_and_their_views_keep_the_score_defined(task, examples, built):
    _, processor = built
    encoded = task.encode(examples, processor)
    gold = [task.gold(each, processor.graph) for each in encoded]

    for part in task.slices(examples, encoded):
        assert set(part.positions) <= set(range(len(examples)))
        task.score(*[[part.view(i, gold[i]) for i in part.positions]] * 2)


#: Learning rates of encoder and head, epochs and batch size of what takes longer to learn: to
#: choose among candidates or tokens, and to spell.
LEARNING = {
    "token-classification": (1e-3, 5e-3, 8, 8),
    "entity-linking": (1e-3, 5e-3, 15, 8),
    "question-answering": (1e-3, 1e-2, 12, 8),
    "generation": (6e-3, 2e-2, 14, 16),
}


def _planted_score(case, task, arm, backbone):
    graph = planted_graph()
    linker = ExactLinker if task.model_class.scores_entities else KnownEntities
    examples = [task.read(PLANTED[case](number)) for number in range(SIZE)]
    split = Split(examples[:48], examples[48:64], examples[64:])
    given = RunInputs(graph, planted_features(graph), linker(graph), backbone, split.parts(), task)
    inputs = ARMS[arm].transform(given, 0)
    options = {**SHARED, **ARMS[arm].options}
    *rates, epochs, size = LEARNING.get(case, (2e-3, 1e-2, 7, 16))
    config = TrainingConfig(*rates, epochs, size, patience=epochs, max_length=40, options=options)
    trained = train_on(
        TrainingInputs(task, graph, inputs.features, inputs.linker, backbone), split, config=config
    )
    return trained.test_metrics[task.metric]


@every_task
def test_knowledge_answers_what_plain_text_cannot(case, task, backbone):
    # The vectors of the candidates are the answers of a task that scores entities.
    without = "mention-only" if task.model_class.scores_entities else "plain"

    known, unknown = (_planted_score(case, task, arm, backbone) for arm in ("knowledge", without))

    assert known > 0.9
    assert unknown < 0.75


@every_task
def test_the_command_line_trains_and_predicts(
    task, rows, write, backbone, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    graph = tmp_path / "graph.csv"
    graph.write_text("id,name\n" + "".join(f"{x},{name}\n" for name, x in _IDS.items()))
    path = write(rows)
    options = ["--task", task.name, "--texts", str(path), "--backbone", backbone]

    trained = main(["train", str(graph), *options, "--epochs", "1", "--output", "model"])
    shown = capsys.readouterr().out
    predicted = main(["predict", "model", str(path), "--json"])

    assert (trained, predicted) == (0, 0)
    assert "Test" in shown
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert len(lines) == len(rows)


class FirstLetter(Task):
    """A toy task in one class: the first letter of a text."""

    name = "first-letter"
    metrics = MappingProxyType({"accuracy": TASKS["text-classification"].metrics["accuracy"]})

    @property
    def model_class(self):
        return TASKS["text-classification"].model_class

    def read(self, record):
        return TASKS["text-classification"].read(record)

    def label_space(self, train):
        return LabelSpace(tuple(sorted({x.text[0] for x in train})), settings={"case": "lower"})

    def targets(self, encoded, config):
        return [labels_of(config).index(encoded.example.text[0])]

    def decode(self, outputs, encoded, config, graph):
        assert config.task_settings == {"case": "lower"}
        return TASKS["text-classification"].decode(outputs, encoded, config, graph)

    def gold(self, encoded, graph):
        return encoded.example.text[0]


def test_a_task_in_one_class_is_trained_compared_saved_and_loaded(tmp_path, backbone, monkeypatch):
    monkeypatch.setitem(TASKS, "first-letter", FirstLetter())
    monkeypatch.setattr(
        feature_sources, "encode_entities", lambda graph, _, **rest: tiny_features(graph)
    )
    examples = [TASKS["first-letter"].read(row) for row in ROWS["text-classification"]]

    trained = train(tiny_graph(), examples, backbone=backbone, task="first-letter", config=CONFIG)

    assert set(trained.test_metrics) == {"accuracy"}
    trained.save(tmp_path / "model")
    saved = pipeline(tmp_path / "model")
    assert saved.task is TASKS["first-letter"]
    texts = ["fever", "organ"]
    assert [x.label for x in saved(texts)] == [x.label for x in trained.predict(texts)]
    result = compare(
        tiny_graph(),
        examples,
        backbone=backbone,
        task="first-letter",
        arms=["plain", "knowledge"],
        seeds=1,
        output=tmp_path / "compared",
        config=CONFIG,
    )
    assert (result.study.task, result.study.metric) == ("first letter", "accuracy")
    assert all(run.is_done and set(run.metrics) == {"accuracy"} for run in result.runs)
    best = pipeline(tmp_path / "compared" / "model")
    assert best.task is TASKS["first-letter"]
    assert best(texts)[0].label in {"f", "c", "l", "o"}
