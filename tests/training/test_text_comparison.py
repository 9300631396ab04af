"""Pairs of texts are compared by the encoder, as far as that tells their answers."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import kgbert
from kgbert.data import Example
from kgbert.data.example import SEPARATOR
from kgbert.data.splits import Split
from kgbert.encoding.collation import numbers_of_texts
from kgbert.linking.factory import make_linker
from kgbert.models.task_models import KGBertForTokenClassification
from kgbert.tasks.registry import TASKS
from kgbert.training.config import TrainingConfig
from kgbert.training.train import TrainingInputs, build_model, train_on
from tests.support.errors import raises
from tests.support.small_study import SHARED
from tests.support.tiny import (
    FAMILIES,
    TINY,
    tiny_config,
    tiny_features,
    tiny_graph,
    tiny_processor,
)

CONFIG = TrainingConfig(1e-3, 2e-2, 2, 8, max_length=40, options=SHARED | {"injected_layers": []})

pytestmark = pytest.mark.usefixtures("small_features")

_GENERATOR = np.random.default_rng(3)
#: Each name is in one pair, so that nothing can be learnt about it by heart.
NAMES = ["".join(_GENERATOR.choice(list("abcdefghiklmnoprstuvz"), 6)) for _ in range(160)]


def _pairs(answers):
    """Return pairs of equal names, and of different ones, with an answer to each."""
    return [
        Example(f"{name} {name}", answers[number % 2], others=(other,))
        for number, (name, other) in enumerate(
            (name, name if number % 2 else NAMES[-1 - number])
            for number, name in enumerate(NAMES[:80])
        )
    ]


def _questions():
    return [
        Example(f"{name} {name}", number % 2, others=(name, other)[:: -1 if number % 2 else 1])
        for number, (name, other) in enumerate(zip(NAMES[:80], NAMES[::-1], strict=False))
    ]


#: The task and the examples of each case.
CASES = {
    "classes": ("text-classification", _pairs(("other", "same"))),
    "several labels": ("multi-label-classification", _pairs((("other",), ("same", "alike")))),
    "numbers": ("regression", _pairs((1.0, 5.0))),
    "choices": ("multiple-choice", _questions()),
}

every_case = pytest.mark.parametrize("case", CASES)


def _inputs(case, backbone):
    graph = tiny_graph()
    linker = make_linker(graph, "dictionary")
    return TrainingInputs(TASKS[CASES[case][0]], graph, tiny_features(graph), linker, backbone)


def _config(options):
    return replace(CONFIG, options={**CONFIG.options, **options})


def _model(case, backbone, examples, **options):
    return build_model(_inputs(case, backbone), examples, _config(options), seed=0)


def _trained(case, backbone, **options):
    _, examples = CASES[case]
    split = Split(examples[:48], examples[48:64], examples[64:])
    return train_on(_inputs(case, backbone), split, config=_config(options))


@every_case
def test_what_two_texts_share_is_known_without_learning_the_words(case, backbone):
    compared = _trained(case, backbone)
    plain = _trained(case, backbone, compares_texts=False)

    found, without = (next(iter(each.test_metrics.values())) for each in (compared, plain))
    assert found > 0.85
    assert without < 0.8


@every_case
def test_answers_without_relation_to_the_similarity_leave_the_ordinary_head(case, backbone):
    task, examples = CASES[case]
    shuffled = [
        replace(x, target=examples[(place // 2 + place % 2) % len(examples)].target)
        for place, x in enumerate(examples[:48])
    ]

    model, processor = _model(case, backbone, shuffled)
    plain, _ = _model(case, backbone, shuffled, compares_texts=False)

    encoded = TASKS[task].encode(examples[:4], processor)
    batch = TASKS[task].collate([x.units[0] for x in encoded], processor, 0)
    with torch.no_grad():
        assert torch.equal(model.eval()(**batch).logits, plain.eval()(**batch).logits)


@every_case
def test_a_saved_model_gives_the_same_answers_alone_and_in_a_batch(case, backbone, tmp_path):
    model, examples = _trained(case, backbone), CASES[case][1][64:]

    saved = kgbert.pipeline(model.save(tmp_path / "model"))

    together = model.predict(examples)
    assert [x.answer for x in saved(examples)] == [x.answer for x in together]
    alone = [answer for x in examples for answer in model.predict([x])]
    assert [x.answer for x in alone] == [
        pytest.approx(x.answer, abs=1e-4) if isinstance(x.answer, float) else x.answer
        for x in together
    ]


@pytest.mark.parametrize("family", FAMILIES)
def test_each_token_belongs_to_the_text_that_its_characters_are_in(family):
    processor = tiny_processor(family)
    pair, longer = Example("a lung", others=("fever",)), Example("cough", others=("a lung organ",))

    encoded = processor.encode([pair, longer])
    batch = processor.collate(encoded)

    for row, (text, example) in enumerate(zip(encoded, (pair, longer), strict=True)):
        numbers, boundary = numbers_of_texts(text), len(example.text)
        assert set(numbers.tolist()) <= {0, 1, 2}
        for number, (start, end) in zip(numbers, text.offsets, strict=True):
            separates = start == end or text.text[start:end] == SEPARATOR
            assert number == (0 if separates else 1 if start < boundary else 2)
        shift = batch["input_ids"].shape[1] - len(numbers) if processor.pads_left else 0
        own = batch["text_numbers"][row, shift : shift + len(numbers)]
        assert own.tolist() == numbers.tolist()
        assert int(batch["text_numbers"][row].count_nonzero()) == np.count_nonzero(numbers)


def test_a_batch_of_single_texts_is_refused(backbone):
    model, processor = _model("classes", backbone, CASES["classes"][1])

    assert "text_numbers" not in processor(["fever"])
    with raises("batch-without-pairs"):
        model(**processor(["fever"]))


def test_models_that_answer_nothing_about_two_texts_are_refused():
    config = kgbert.KGBertConfig(tiny_config("bert"), compares_texts=True, **TINY)

    with raises("no-pairs-of-texts"):
        KGBertForTokenClassification(config)
