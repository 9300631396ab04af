import pytest

from tests.support.invented_study import run, runs, study, summarised


def test_an_arm_that_was_still_improving_is_warned_of():
    found = runs()
    for one in found:
        if one["arm"] == "plain":
            one["history"][-1]["validation"] = 0.99

    warnings = summarised(study(warnings=["Label name 'fever' is in the graph."]), found).warnings

    assert warnings[0] == "Label name 'fever' is in the graph."
    assert warnings[1:] == (
        "Training stopped while validation still improved (the last epoch was the best): 'plain' "
        "in 6 of 6 runs. More epochs may change the comparison.",
    )


def test_an_arm_that_is_larger_than_the_main_one_is_warned_of():
    arms = ("plain", "knowledge", "shuffled", "knowbert", "typed-markers")
    found = [run(arm, seed, 0.6) for arm in arms for seed in range(6)]
    for one in found:
        one["cost"]["parameters"] += 4_700_000 * (one["arm"] == "knowbert")

    warnings = summarised(study(arms=arms), found).warnings

    assert warnings == (
        "Arms larger than 'knowledge': 'knowbert' by 20 %, so size may explain their gain.",
    )


def test_a_control_of_another_size_is_warned_of():
    found = runs()
    for one in found:
        one["cost"]["parameters"] += 5_000_000 * (one["arm"] == "knowledge")

    warnings = summarised(study(), found).warnings

    assert len(warnings) == 1
    assert "'knowledge' 28.5 M and 'shuffled' 23.5 M parameters" in warnings[0]


def tuning(rates, **chosen):
    tried = [
        {"arm": arm, "rate": rate, "validation": [0.5 + (rate == best)]}
        for arm, best in chosen.items()
        for rate in rates
    ]
    return {"metric": "accuracy", "rates": rates, "seeds": [0], "trials": tried, "chosen": chosen}


def test_a_best_rate_at_the_edge_of_the_grid_is_warned_of():
    searched = tuning([1e-4, 2e-4, 4e-4], plain=1e-4, knowledge=4e-4, shuffled=1e-4)

    warnings = summarised(study(tuning=searched), runs()).warnings

    assert [warning.split(":")[0] for warning in warnings] == [
        "The lowest learning rate of the grid, 0.0001, is the best for 'plain' and 'shuffled'",
        "The highest learning rate of the grid, 0.0004, is the best for 'knowledge'",
    ]


@pytest.mark.parametrize(
    "searched",
    [
        None,
        tuning([2e-4], plain=2e-4, knowledge=2e-4, shuffled=2e-4),
        tuning([1e-4, 2e-4, 4e-4], plain=2e-4, knowledge=2e-4, shuffled=2e-4),
    ],
)
def test_no_search_and_one_that_found_its_best_inside_are_not_warned_of(searched):
    assert summarised(study(tuning=searched), runs()).warnings == ()


def with_answers(found, answer):
    for one in found:
        one["items"]["answers"] = [answer(k) for k in range(len(one["items"]["ids"]))]
    return found


def test_arms_that_all_predict_one_class_are_warned_of():
    found = with_answers(runs(), lambda k: "ill")

    (warning,) = summarised(study(), found).warnings

    assert warning.startswith("Every arm predicts one class for all test texts")


def test_one_arm_that_predicts_two_classes_is_enough_for_no_warning():
    found = with_answers(runs(), lambda k: "ill")
    found[0]["items"]["answers"][0] = "well"

    assert summarised(study(), found).warnings == ()


def test_runs_without_answers_in_words_give_no_warning_of_one_class():
    assert summarised(study(), runs()).warnings == ()


def test_it_is_said_which_source_of_a_graph_helps():
    arms = ("plain", "knowledge", "shuffled", "without-source-a.obo", "without-source-b.csv")
    accuracies = dict(zip(arms, (0.5, 0.7, 0.5, 0.5, 0.7), strict=True))

    def found(seeds):
        spread = [
            run(arm, seed, accuracies[arm] + 0.05 * (seed % 2) * (arm != "knowledge"))
            for arm in arms
            for seed in range(seeds)
        ]
        return summarised(study(seeds=seeds, arms=arms), spread).remarks

    expected = (
        "6 seeds are too few to judge 2 sources (Holm); that takes 7: run the same command with "
    )
    assert f"{expected}--seeds 7." in found(6)
    first, second = (x for x in found(8) if x.startswith("The source"))
    assert first.startswith("The source a.obo helps: with it, knowledge gains +17.5")
    assert first.endswith("p = 0.016 (Holm, 2 sources).")
    assert second.startswith("The source b.csv shows no significant effect")


def with_losses(found, losses):
    """Give runs the training losses of their epochs, by arm and seed; others learn well."""
    for one in found:
        epochs = losses.get((one["arm"], one["seed"]), (1.0, 0.4, 0.1))
        one["history"] = [
            {"epoch": number, "train_loss": loss, "validation": 0.5}
            for number, loss in enumerate(epochs, 1)
        ]
    return found


def test_a_training_that_did_not_converge_is_warned_of():
    stuck = {("knowledge", 4): (0.98, 1.09, 0.8), ("shuffled", 4): (0.98, 1.1, 0.9)}

    warnings = summarised(study(), with_losses(runs(), stuck)).warnings

    assert len(warnings) == 1
    assert (
        "unlike on the other seeds: 'knowledge' on seed 4 and 'shuffled' on seed 4" in warnings[0]
    )


def test_an_arm_that_learns_slowly_on_all_seeds_is_not_warned_of():
    slow = {("knowledge", seed): (1.0, 0.9, 0.8) for seed in range(6)}

    assert summarised(study(), with_losses(runs(), slow)).warnings == ()
