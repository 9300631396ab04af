import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kgbert.data import Example, read_examples
from kgbert.models.inject import inject_knowledge
from kgbert.models.task_models import KGBertForQuestionAnswering
from kgbert.tasks.question_answering import (
    Answers,
    AnswerSpan,
    QuestionAnswering,
    best_null_threshold,
    squad_scores,
)
from kgbert.training.dataset import KGBertCollator, TrainingExamples
from kgbert.training.inference import model_outputs
from kgbert.training.pipeline import KGBertPipeline
from tests.support.errors import raises
from tests.support.tiny import (
    config_with,
    perturb,
    run,
    tiny_features,
    tiny_graph,
    tiny_processor,
    tiny_tokenizer,
    tokens_of,
)

TASK = QuestionAnswering()

#: Tokenizers that separate texts, and read the first or the last token, and one that does neither.
SOME_FAMILIES = ("bert", "roberta", "deberta-v2", "xlnet", "gpt2")

LONG = Example(
    "cough is here and the fever of the lung was " + "very " * 30 + "high, 39 degrees.",
    (AnswerSpan(18, 27),),
    others=("what is high?",),
)


def question(text, answers=None, asked="which?"):
    return Example(text, answers, others=(asked,))


def config(**settings):
    known = config_with(["start", "end"])
    known.task_settings = {"max_answer_length": 30, "may_have_no_answer": True, **settings}
    return known


@pytest.fixture
def model(fused):
    return lambda family="bert", **options: perturb(
        fused(
            family,
            KGBertForQuestionAnswering,
            labels=["start", "end"],
            task_settings={"max_answer_length": 30, "may_have_no_answer": False},
            **options,
        )
    )


@pytest.mark.parametrize(
    "answers",
    [
        [{"start": 9, "end": 11, "text": "39"}],
        [{"answer_start": 9, "text": "39"}],
        [{"start": 9, "end": 11}],
        [{"text": "39"}],
        ["39"],
        {"text": ["39"], "answer_start": [9]},
        '[{"start": 9, "text": "39"}]',
        [{"start": 9, "text": "39"}, {"start": 9, "text": "39"}],
    ],
)
def test_answers_are_read_from_offsets_or_words(answers):
    row = {"text": "Fever of 39.", "question": "How high?", "answers": answers}

    assert TASK.read(row).target == (AnswerSpan(9, 11),)


@pytest.mark.parametrize(
    "answer",
    [
        {"text": "40"},
        {"text": "39", "start": 8},
        {"start": 9, "end": 99},
        {"start": -3, "end": 2},
        {"start": 5, "end": 5},
    ],
)
def test_an_answer_that_is_not_in_its_text_is_refused(answer):
    with raises("answer-not-in-text"):
        TASK.read({"text": "Fever of 39.", "question": "How high?", "answers": [answer]})


@pytest.mark.parametrize("answers", [5, [5.0], [{"start": "nine", "end": 11}], "39", [{}], "[39"])
def test_answers_of_another_form_are_refused(answers):
    with raises("answer-not-understood"):
        TASK.read({"text": "Fever of 39.", "question": "How high?", "answers": answers})


def test_no_answer_differs_from_an_unknown_one():
    row = {"text": "Fever.", "question": "How high?"}

    assert TASK.read(row | {"answers": []}).target == ()
    assert TASK.read(row | {"answer": ""}).target == ()
    assert TASK.read(row).target is None
    with raises("missing-answers"):
        TASK.check([TASK.read(row)])
    with raises("no-answers"):
        TASK.check([TASK.read(row | {"answers": []})])


def test_the_layout_of_squad_is_read(tmp_path):
    asked = [
        {"id": "1", "question": "How high?", "answers": [{"text": "39", "answer_start": 9}]},
        {"id": "2", "question": "Why?", "answers": [], "is_impossible": True},
    ]
    paragraph = {"context": "Fever of 39.", "qas": asked}
    path = tmp_path / "squad.json"
    path.write_text(
        json.dumps({"version": "2", "data": [{"title": "A", "paragraphs": [paragraph]}]})
    )

    first, second = read_examples(path, TASK)

    assert (first.text, first.others, first.target, first.id) == (
        "Fever of 39.",
        ("How high?",),
        (AnswerSpan(9, 11),),
        "A",
    )
    assert second.target == ()


@pytest.mark.parametrize(
    "paragraph", [{"context": "Fever."}, {"context": "Fever.", "qas": ["why?"]}]
)
def test_a_damaged_layout_of_squad_names_its_place(tmp_path, paragraph):
    path = tmp_path / "squad.json"
    path.write_text(json.dumps({"data": [{"paragraphs": [paragraph]}]}))

    with raises("malformed-squad") as raised:
        read_examples(path, TASK)

    assert str(raised.value).startswith(f"{path}: article 1, paragraph 1: ")


# What evaluate-v2.0.py of SQuAD gives for these pairs, worked out by hand from its rules.
@pytest.mark.parametrize(
    ("gold", "predicted", "f1", "exact"),
    [
        (["Denver Broncos"], "the Denver Broncos!", 1.0, 1.0),
        (["Denver Broncos", "Broncos"], "broncos", 1.0, 1.0),
        (["santa clara, california"], "California", 0.5, 0.0),
        (["10-20"], "1020", 1.0, 1.0),
        (["a b b"], "b b b", 0.8, 0.0),
        (["one"], "two", 0.0, 0.0),
        ([], "", 1.0, 1.0),
        ([], "something", 0.0, 0.0),
        (["something"], "", 0.0, 0.0),
        (["the"], "", 1.0, 1.0),
        (["the", "cat"], "", 0.0, 0.0),
        (["thé  vert"], "Thé vert", 1.0, 1.0),
    ],
)
def test_scores_are_those_of_squad(gold, predicted, f1, exact):
    scores = squad_scores([Answers(tuple(gold))], [Answers((predicted,) if predicted else ())])

    assert scores == {"f1": pytest.approx(f1), "exact_match": exact}


@pytest.mark.parametrize("family", SOME_FAMILIES)
def test_windows_cover_the_text_and_overlap(family):
    processor = tiny_processor(family, max_length=48)

    (encoded,) = TASK.encode([LONG], processor)

    covered = set()
    for (window,) in encoded.units:
        assert len(window.offsets) <= 48
        spans = [(start, end) for start, end in window.offsets if start < end <= len(LONG.text)]
        own = {place for start, end in spans for place in range(start, end)}
        asked = {
            place
            for start, end in window.offsets
            if end > len(LONG.text)
            for place in range(start, end)
        }
        letters = "".join(window.text[place] for place in sorted(asked)).split()
        assert "".join(letters) == "whatishigh?"
        assert not covered or covered & own
        covered |= own
    assert {i for i, letter in enumerate(LONG.text) if letter.strip()} <= covered


@pytest.mark.parametrize("family", SOME_FAMILIES)
def test_a_target_is_the_answer_in_the_windows_that_contain_it(family):
    processor = tiny_processor(family, max_length=48)
    (encoded,) = TASK.encode([LONG], processor)

    targets = TASK.targets(encoded, config())

    found = []
    for (window,), (first, last, length) in zip(encoded.units, targets, strict=True):
        assert length == len(window.offsets)
        if (first, last) == (window.read_token, window.read_token):
            continue
        found.append(window.text[window.offsets[first][0] : window.offsets[last][1]].strip())
    assert found
    assert set(found) == {"the fever"}


@pytest.mark.parametrize("family", SOME_FAMILIES)
def test_the_tokens_of_the_answer_are_decoded_to_its_exact_offsets(family):
    processor = tiny_processor(family, max_length=48)
    (encoded,) = TASK.encode([LONG], processor)
    outputs = []
    for (window,), (first, last, _) in zip(encoded.units, TASK.targets(encoded, None), strict=True):
        logits = np.zeros((len(window.offsets), 2))
        logits[first, 0] = logits[last, 1] = 5.0
        outputs.append(logits)

    prediction = TASK.decode(outputs, encoded, config(may_have_no_answer=False), None)

    best = prediction.answers[0]
    assert (best.start, best.end, best.text) == (18, 27, "the fever")
    assert prediction.text[best.start : best.end] == best.text
    assert sum(answer.probability for answer in prediction.answers) == pytest.approx(1)


def test_no_answer_wins_where_every_window_lacks_one():
    processor = tiny_processor(max_length=48)
    (encoded,) = TASK.encode([LONG], processor)
    outputs = [np.zeros((len(window.offsets), 2)) for (window,) in encoded.units]
    for logits in outputs:
        logits[0] = 3.0

    assert TASK.decode(outputs, encoded, config(), None).answer == Answers(())
    assert TASK.decode(outputs, encoded, config(may_have_no_answer=False), None).answer.texts
    outputs[-1][0] = -3.0
    assert TASK.decode(outputs, encoded, config(), None).answer.texts


def test_an_answer_has_no_words_of_the_question_or_of_an_arm():
    processor = tiny_processor()
    example = Example("a lung. lung is organ", (), others=("fever?",), annotated_length=7)
    (encoded,) = TASK.encode([example], processor)
    outputs = [np.random.default_rng(0).normal(size=(len(encoded.text.offsets), 2))]

    prediction = TASK.decode(outputs, encoded, config(may_have_no_answer=False), None)

    assert all(answer.end <= 7 for answer in prediction.answers)


@pytest.mark.parametrize("family", SOME_FAMILIES)
def test_before_training_the_scores_are_those_of_the_plain_model(family, fused):
    model = fused(family, KGBertForQuestionAnswering, labels=["start", "end"])
    loaded = KGBertForQuestionAnswering.auto_class.from_config(model.config.backbone).eval()
    loaded.load_state_dict(model.backbone.state_dict())
    processor = tiny_processor(family)
    units = [each.units[0] for each in TASK.encode([question("a fever"), LONG], processor)]
    batch = TASK.collate(units, processor, 0)

    ours, theirs = run(model, batch), run(loaded, tokens_of(batch))

    assert torch.equal(ours.start_logits, theirs.start_logits)
    assert torch.equal(ours.end_logits, theirs.end_logits)


@pytest.mark.parametrize("family", ["bert", "xlnet"])
def test_the_loss_is_that_of_the_answer_wherever_padding_stands(family, model):
    processor, read = tiny_processor(family), model(family)
    examples = [question("a fever", (AnswerSpan(2, 7),)), question("nothing in the lung", ())]
    data = TrainingExamples(TASK, processor, examples, config())
    collate = KGBertCollator(TASK, processor)

    together = run(read, collate([data[0], data[1]])).loss
    alone = [run(read, collate([data[i]])).loss for i in range(2)]

    assert float(together) == pytest.approx(float(sum(alone) / 2), abs=1e-5)


def test_windows_of_one_text_are_answered_together(model):
    processor, read = tiny_processor(max_length=48), model()
    encoded = TASK.encode([LONG, question("a fever")], processor)

    outputs = model_outputs(read, processor, TASK, encoded)

    assert [len(rows) for rows in outputs] == [len(each.units) for each in encoded]
    (first, second) = KGBertPipeline(read, processor, TASK)([LONG, question("a fever")])
    places = [(x.start, x.end) for x in first.mentions]
    assert len(places) == len(set(places))
    assert [x.text for x in second.mentions] == ["fever"]


def test_a_prediction_shows_the_answer_within_its_text(model):
    row = {"text": "the fever is in the lung", "question": "where?"}

    (prediction,) = KGBertPipeline(model(), tiny_processor(), TASK)([row])

    lines = list(prediction.lines())
    best = prediction.answers[0]
    assert lines[0].startswith(f"answer {best.text}  (")
    assert f"[{best.text}]" in lines[1]
    assert prediction.text == "the fever is in the lung\nwhere?"


def test_knowledge_is_injected_into_a_loaded_question_answering_model(plain):
    loaded = plain("bert", KGBertForQuestionAnswering)
    graph = tiny_graph()

    model = inject_knowledge(
        loaded,
        graph,
        tokenizer=tiny_tokenizer("bert"),
        features=tiny_features(graph),
        knowledge_heads=2,
    )

    assert isinstance(model, KGBertForQuestionAnswering)


def test_the_threshold_of_no_answer_is_chosen_on_validation():
    processor, known = tiny_processor(), config()
    questions = [
        question("a lung", (AnswerSpan(2, 6),)),
        question("a lung", ()),
        question("fever", ()),
    ]
    encoded = TASK.encode(questions, processor)
    outputs = []
    for each, null in zip(encoded, (2.0, 4.0, 5.0), strict=True):
        logits = np.zeros((len(each.text.offsets), 2))
        logits[0] = null
        logits[[i for i, span in enumerate(each.text.offsets) if span in [(2, 6), (0, 5)]]] = 1.0
        outputs.append([logits])
    gold = [TASK.gold(each, None) for each in encoded]

    def f1():
        answers = [
            TASK.decode(x, y, known, None).answer for x, y in zip(outputs, encoded, strict=True)
        ]
        return TASK.score(gold, answers)["f1"]

    before = f1()
    TASK.calibrate(outputs, encoded, known, None)

    assert (before, f1()) == (pytest.approx(2 / 3), 1)
    assert 2 < known.task_settings["no_answer_threshold"] < 6


@given(
    st.lists(
        st.tuples(st.integers(-5, 5).map(float), st.sampled_from([0.0, 0.5, 1.0]), st.booleans()),
        min_size=1,
    )
)
def test_no_other_threshold_of_no_answer_scores_better(items):
    gaps, of_spans, is_none = zip(*items, strict=True)
    of_none = [float(x) for x in is_none]

    def score(threshold):
        return sum(
            n if gap > threshold else s for gap, s, n in zip(gaps, of_spans, of_none, strict=True)
        )

    best = score(best_null_threshold(gaps, of_spans, of_none))

    assert best == max(map(score, np.arange(-6, 6, 0.5)))
