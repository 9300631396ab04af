import numpy as np
import pytest
import torch

from kgbert.data import Example, read_examples
from kgbert.models.task_models import KGBertForMultipleChoice, KGBertForSequenceClassification
from kgbert.tasks.multiple_choice import Choice, MultipleChoice, accuracy, choices_field
from kgbert.training.inference import model_outputs
from kgbert.training.pipeline import KGBertPipeline
from kgbert.utils.errors import DataError
from tests.support.errors import raises
from tests.support.tiny import perturb, run, tiny_processor

TASK = MultipleChoice()

QUESTIONS = [
    Example("which fever?", 1, others=("a lung", "cough")),
    Example("what is in the lung?", 0, others=("pneumonia", "nothing", "fever and cough")),
    Example("where?", 2, others=("organ", "symptom", "lung", "here")),
]


@pytest.fixture
def model(fused):
    return perturb(fused(kind=KGBertForMultipleChoice, labels=["score"]))


@pytest.mark.parametrize(
    ("choices", "label"),
    [
        (["yes", "no"], 1),
        (["yes", "no"], "1"),
        (["yes", "no"], "no"),
        ("yes|no", "no"),
        ('["yes", "no"]', 1),
        ({"label": ["A", "B"], "text": ["yes", "no"]}, "B"),
        (["1", "0"], "0"),
        ([1, 0], "0"),
    ],
)
def test_the_right_choice_is_quoted_named_or_counted(choices, label):
    example = TASK.read({"question": "is it?", "choices": choices, "label": label})

    assert example.target == 1
    assert len(example.others) == 2


@pytest.mark.parametrize("label", [2, -1, "maybe", "C", True])
def test_a_label_that_is_no_choice_is_refused(label):
    with raises("label-not-a-choice"):
        TASK.read({"question": "is it?", "choices": ["yes", "no"], "label": label})


@pytest.mark.parametrize("choices", [{"a": 1}, [["yes"], ["no"]], None, 5])
def test_choices_that_are_no_list_are_refused(choices):
    with raises("choices-not-a-list"):
        TASK.read({"question": "is it?", "choices": choices})


@pytest.mark.parametrize("choices", [["yes"], "yes", ["yes", ""], []])
def test_one_choice_is_too_few(choices):
    with raises("too-few-choices"):
        TASK.read({"question": "is it?", "choices": choices})


def test_a_question_without_label_is_for_prediction_only():
    example = TASK.read({"question": "is it?", "choices": ["yes", "no"]})

    assert example.target is None
    with raises("missing-label"):
        TASK.check([example])


def test_a_table_of_questions_needs_no_text(tmp_path):
    path = tmp_path / "questions.csv"
    path.write_text("question,choices,label\nis it?,yes|no,no\n")

    assert read_examples(path, TASK) == [Example("is it?", 1, others=("yes", "no"))]


def test_a_text_that_the_question_refers_to_follows_it():
    row = {"text": "It rains.", "question": "is it wet?", "choices": ["yes", "no"], "label": 0}

    assert TASK.read(row).text == "is it wet?\nIt rains."


def test_the_score_of_a_choice_is_that_of_the_pair_alone(model, plain_folder):
    processor = tiny_processor()
    encoded = TASK.encode(QUESTIONS, processor)

    outputs = model_outputs(model, processor, TASK, encoded)

    for example, (scores,) in zip(QUESTIONS, outputs, strict=True):
        for choice, score in zip(example.others, scores, strict=False):
            batch = processor([Example(example.text, others=(choice,))])
            alone = run(model, batch).logits
            assert alone.shape == (1, 1)
            assert float(alone) == pytest.approx(float(score), abs=1e-5)
        assert np.isneginf(scores[len(example.others) :]).all()


def test_before_training_the_scores_are_those_of_the_plain_head(fused, plain_folder):
    kind = KGBertForSequenceClassification
    folder = plain_folder("bert", kind)
    plain = kind.auto_class.from_pretrained(
        folder, id2label={0: "score"}, ignore_mismatched_sizes=True
    )
    model = fused(kind=KGBertForMultipleChoice, labels=["score"])
    model.backbone.load_state_dict(plain.state_dict())
    batch = tiny_processor()([Example("which?", others=("fever",)), Example("a", others=("lung",))])
    tokens = {name: batch[name] for name in ("input_ids", "attention_mask")}

    assert torch.equal(run(model, batch).logits, run(plain.eval(), tokens).logits.T)


def test_the_loss_is_the_cross_entropy_over_the_own_choices(model):
    processor = tiny_processor()
    units = [each.units[0] for each in TASK.encode(QUESTIONS, processor)]
    batch = TASK.collate(units, processor, 0)

    output = run(model, batch, labels=torch.tensor([1, 0, 2]))

    pairs = zip(output.logits, QUESTIONS, strict=True)
    losses = [-row[: len(x.others)].log_softmax(-1)[x.target] for row, x in pairs]
    assert float(output.loss) == pytest.approx(float(torch.stack(losses).mean()), abs=1e-6)


def test_mentions_are_read_once_and_lie_in_the_joined_text(model):
    (prediction, *_) = KGBertPipeline(model, tiny_processor(), TASK)(QUESTIONS)

    assert prediction.text == "which fever?\na lung\ncough"
    words = [prediction.text[x.start : x.end] for x in prediction.mentions]
    assert words == [x.text for x in prediction.mentions] == ["fever", "lung", "cough"]


def test_a_prediction_is_the_choice_with_the_others_below(model):
    row = {"question": "which fever?", "choices": ["a lung", "cough"]}

    (prediction,) = KGBertPipeline(model, tiny_processor(), TASK)([row])

    first, second = prediction.lines()
    assert first.startswith(f"answer {prediction.answer.text}  (")
    assert second.strip().startswith("or ")
    assert sum(choice.probability for choice in prediction.choices) == pytest.approx(1)


def test_accuracy_counts_positions():
    assert accuracy([Choice(0, "a"), Choice(1, "a")], [Choice(0, "a"), Choice(0, "a")]) == 0.5


def test_slices_tell_whether_the_right_choice_is_linked():
    encoded = TASK.encode(QUESTIONS, tiny_processor())

    linked, others = TASK.slices((), encoded)

    assert (linked.positions, others.positions) == ([0, 1, 2], [])


def test_a_cell_that_only_looks_like_json_is_split():
    assert choices_field({"choices": "[a] first | [b] second"}) == (("[a] first", "[b] second"), ())


def test_a_question_without_choices_is_refused():
    with raises("missing-column", DataError):
        choices_field({"question": "why?"})
