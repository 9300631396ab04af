from dataclasses import replace

import pytest

from kgbert.comparison.arms.registry import ARMS
from kgbert.comparison.learning_rates import tuned
from kgbert.comparison.run import run_arm
from kgbert.data import Example, Span
from kgbert.models.task_models import KGBertForSequenceClassification
from kgbert.tasks.registry import TASKS
from tests.support.errors import raises
from tests.support.small_study import small_study, split_of, tagged


@pytest.fixture(scope="module")
def encoder(plain_folder):
    return plain_folder("bert", KGBertForSequenceClassification)


def study_of(folder, encoder, task, make, **changes):
    """Return a study of a task, with texts whose words tell the answer."""
    return small_study(
        folder,
        encoder,
        task=TASKS[task],
        split=split_of(lambda count, start: [make(i) for i in range(start, start + count)]),
        **changes,
    )


WORDS = ("fever", "cough", "nothing")


def labelled(i):
    return Example(f"{WORDS[i % 3]} and more {i}", WORDS[i % 3].upper(), id=str(i))


def with_labels(i):
    words = [word for place, word in enumerate(WORDS) if (i >> place) & 1]
    return Example(f"{' '.join(words)} {i}", tuple(sorted(words)), id=str(i))


def valued(i):
    return Example(f"{WORDS[i % 3]} {i}", 10.0 * (i % 3), id=str(i))


def related(i):
    text = f"fever {('causes', 'cures')[i % 2]} cough {i}"
    return Example(
        text,
        ("bad", "good")[i % 2],
        id=str(i),
        arguments=(Span(0, 5, "head"), Span(text.index("cough"), text.index("cough") + 5, "tail")),
    )


@pytest.mark.parametrize(
    ("task", "make", "metric"),
    [
        ("text-classification", labelled, "accuracy"),
        ("multi-label-classification", with_labels, "micro_f1"),
        ("regression", valued, "pearson"),
        ("relation-classification", related, "accuracy"),
    ],
)
def test_the_words_tell_the_answer(tmp_path, encoder, task, make, metric):
    record = run_arm(study_of(tmp_path, encoder, task, make), ARMS["tf-idf"], 0).record

    assert record.metrics[metric] > 0.95
    assert record.validation[metric] > 0.95
    assert record.best_epoch is None
    assert not record.history
    assert record.cost.parameters > 0


def test_it_is_scored_on_further_texts_and_slices_too(tmp_path, encoder):
    further = {"elsewhere": [labelled(i) for i in range(900, 909)]}
    study = study_of(tmp_path, encoder, "text-classification", labelled, also_test=further)

    slices = run_arm(study, ARMS["tf-idf"], 0).record.slices

    assert slices["also tested: elsewhere"].size == 9
    assert slices["linked"].size + slices["unlinked"].size == 8


def test_it_repeats_itself(tmp_path, encoder):
    study = study_of(tmp_path, encoder, "text-classification", labelled)

    records = [run_arm(study, ARMS["tf-idf"], 1).record for _ in range(2)]

    assert records[0].items == records[1].items


def test_no_learning_rate_is_searched_for_it(tmp_path, encoder):
    arms = [ARMS[name] for name in ("plain", "knowledge", "tf-idf")]
    study = study_of(tmp_path, encoder, "text-classification", labelled, arms=arms)

    searched = tuned(study, (1e-3, 2e-3), seeds=1)

    assert set(searched.tuning.chosen) == {"plain", "knowledge"}
    assert searched.training_config(ARMS["tf-idf"]) == study.training_config(ARMS["tf-idf"])


def test_a_task_whose_answers_are_words_of_the_text_is_refused(tmp_path, encoder):
    study = replace(
        small_study(tmp_path, encoder, split=split_of(tagged)), task=TASKS["token-classification"]
    )

    with raises("arm-without-linear-model"):
        run_arm(study, ARMS["tf-idf"], 0)
