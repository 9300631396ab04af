from kgbert.comparison.checks.examples import (
    changed_predictions,
    coverage_of,
)
from kgbert.comparison.results import DONE, Coverage, ItemScores, RunRecord
from kgbert.comparison.run import text_id
from kgbert.data import Example
from kgbert.data.splits import Split
from tests.support.small_study import small_study

ARMS = ("knowledge", "plain")


def study_of(tmp_path, train, test):
    return small_study(tmp_path, split=lambda seed: Split(train, train, test), seeds=[0])


def test_coverage_counts_the_texts_of_the_first_test(tmp_path):
    study = study_of(tmp_path, [], [Example("fever, cough"), Example("none")])

    assert coverage_of(study) == Coverage(texts_with_mention=0.5, mentions_per_text=1.0)


def runs(test, knowledge, plain):
    return [
        RunRecord(
            arm,
            0,
            DONE,
            items=ItemScores(
                ids=tuple(text_id(example.text) for example in test),
                correct=tuple(correct),
                gold=tuple(example.target for example in test),
                answers=tuple(f"{arm} said {i}" for i in range(len(test))),
            ),
        )
        for arm, correct in (("knowledge", knowledge), ("plain", plain))
    ]


def test_flipped_answers_are_those_that_one_arm_has_right_alone(tmp_path):
    test = [Example(f"fever {i}", "ill") for i in range(4)]
    study = study_of(tmp_path, test, test)

    shown = changed_predictions(study, runs(test, [1, 1, 0, 0], [1, 0, 1, 0]), ARMS, seeds=[0])

    assert [example.text for example in shown] == ["fever 1", "fever 2"]
    assert shown[0].predictions == {"plain": "plain said 1", "knowledge": "knowledge said 1"}
    assert shown[0].entities == ("fever",)


def test_no_more_texts_are_quoted_than_the_study_allows(tmp_path):
    test = [Example(f"fever {i}", "ill") for i in range(9)]
    study = study_of(tmp_path, test, test)

    assert (
        len(changed_predictions(study, runs(test, [1] * 9, [0] * 9), ARMS, seeds=[0]))
        <= study.max_examples
    )
    assert changed_predictions(study, runs(test, [1] * 9, [0] * 9)[:1], ARMS, seeds=[0]) == []
