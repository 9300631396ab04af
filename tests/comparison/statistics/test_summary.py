import json
from statistics import mean

import pytest

from kgbert.comparison.results import ComparisonResult, MissingRun
from kgbert.comparison.statistics.alternative_tests import bca_interval, mcnemar
from tests.support.invented_study import ARMS, run, runs, slice_score, study, summarised


def without(found, *places):
    return [run for run in found if (run["arm"], run["seed"]) not in places]


def test_results_survive_json():
    results = summarised(study(), runs())

    written = json.dumps(results.to_json(), allow_nan=False)
    assert ComparisonResult.from_json(json.loads(written)) == results


def test_order_of_the_runs_does_not_matter():
    found = runs()

    assert summarised(study(), found[::-1]) == summarised(study(), found)


def test_differences_are_taken_seed_by_seed():
    found = {(run["arm"], run["seed"]): run["metrics"]["accuracy"] for run in runs()}

    comparison = summarised(study(), runs()).comparisons[0]

    assert (comparison.first, comparison.second) == ("knowledge", "plain")
    assert list(comparison.differences) == [
        found["knowledge", seed] - found["plain", seed] for seed in range(6)
    ]


def test_metric_of_the_study_is_the_one_compared():
    results = summarised(study(metric="macro_f1"), runs())

    assert results.arms[0].mean == pytest.approx(
        mean(run["metrics"]["macro_f1"] for run in runs() if run["arm"] == "plain")
    )
    assert "points of macro-F1" in results.verdict.sentence


def test_main_meets_every_arm_and_every_arm_meets_the_baseline():
    arms = (*ARMS, "verbalized-context")

    compared = summarised(study(arms=arms), runs(arms=arms)).comparisons

    assert [(one.first, one.second) for one in compared] == [
        ("knowledge", "plain"),
        ("knowledge", "shuffled"),
        ("knowledge", "verbalized-context"),
        ("shuffled", "plain"),
        ("verbalized-context", "plain"),
    ]


def test_only_seeds_complete_in_all_judged_arms_count_and_the_missing_are_listed():
    found = [
        *without(runs(seeds=8), ("shuffled", 2), ("plain", 4)),
        run("shuffled", 2, 0.5, status="failed", error="out of memory"),
    ]

    results = summarised(study(8), found)

    assert results.complete_seeds == (0, 1, 3, 5, 6, 7)
    assert results.comparisons[0].seeds == (0, 1, 3, 5, 6, 7)
    assert results.missing == (
        MissingRun("plain", 4, "not run"),
        MissingRun("shuffled", 2, "failed", "out of memory"),
    )
    assert results.remarks[1:] == (
        "Incomplete and not counted: 2 of 8 seeds, seed 2 (shuffled failed) and seed 4 (plain not "
        "run). Run the same command again to complete them.",
    )


def test_a_failed_rival_takes_no_seed_from_the_verdict():
    arms = (*ARMS, "verbalized-context")
    found = without(runs(arms=arms), ("verbalized-context", 0))

    results = summarised(study(arms=arms), found)

    assert results.complete_seeds == (0, 1, 2, 3, 4, 5)
    assert results.comparisons[2].summary.count == 5
    assert results.remarks[1].startswith("The arm 'verbalized-context' finished 5 of 6 seeds")
    assert results.verdict.outcome == "helps"


def test_a_remark_states_the_difference_on_unseen_names():
    found = runs()
    for one in found:
        scores = one["slices"]["mentions unseen in training"]["metrics"]
        scores["accuracy"] += 0.02 * (one["arm"] != "plain")

    (remark,) = summarised(study(), found).remarks

    assert remark.startswith(
        "Where mentions are unseen in training, the difference to plain is +5.0 ["
    )
    assert ", where they are seen +3.0 [" in remark


def test_unseen_names_tell_more_than_unseen_mentions():
    found = runs()
    for one in found:
        one["slices"]["names unseen in training"] = one["slices"]["mentions unseen in training"]

    (remark,) = summarised(study(), found).remarks

    assert remark.startswith("Where names are unseen in training")


def test_many_incomplete_seeds_are_counted_not_listed():
    remark = summarised(study(), []).remarks[0]

    assert remark.startswith("Incomplete and not counted: 6 of 6 seeds, seed 0 (")
    assert "seed 2 (knowledge, plain and shuffled not run) and 3 more" in remark


def test_the_verdict_names_a_rival_that_is_better_on_average():
    arms = (*ARMS, "verbalized-context")
    better = runs(arms=arms)
    worse = [
        run(x["arm"], x["seed"], x["metrics"]["accuracy"] - 0.02 * (x["arm"] not in ARMS))
        for x in better
    ]

    assert summarised(study(arms=arms), better).verdict.sentence.endswith(
        "The best arm is verbalized-context: +1.0 over knowledge [0.5, 1.4], p = 0.031."
    )
    assert "best arm" not in summarised(study(arms=arms), worse).verdict.sentence


def test_a_study_without_any_run_is_summarised():
    results = summarised(study(), [])

    assert results.verdict.outcome == "too few seeds"
    assert results.arms[0].mean is None
    assert results.comparisons[0].summary is None
    assert len(results.missing) == 18


def test_runs_of_other_arms_and_seeds_are_left_out():
    stray = [run("mention-only", 0, 0.9), run("plain", 99, 0.9)]

    assert summarised(study(), runs() + stray) == summarised(study(), runs())


def test_two_runs_for_one_place_are_refused():
    with pytest.raises(ValueError, match=r"two runs of arm 'plain', seed 0.* delete the file"):
        summarised(study(), [*runs(), run("plain", 0, 0.9)])


def test_a_study_without_its_baseline_is_refused():
    with pytest.raises(ValueError, match=r"baseline arm 'plain' is not among its arms"):
        summarised(study(arms=("knowledge", "shuffled")), [])


@pytest.mark.parametrize("metrics", [{}, {"f1": 0.5}, {"accuracy": float("nan")}])
def test_a_finished_run_without_the_metric_is_named(metrics):
    found = runs()
    found[0]["metrics"] = metrics

    with pytest.raises(ValueError, match=r"arm 'plain', seed 0 has no usable accuracy"):
        summarised(study(), found)


def test_cost_is_the_median_and_its_ratio_to_plain():
    found = runs()
    for one in found:
        one["cost"]["train_seconds"] = 90.0 if one["arm"] == "knowledge" else 30.0
    found[0]["cost"]["train_seconds"] = 5000.0

    knowledge = summarised(study(), found).arms[1]

    assert knowledge.cost.train_seconds == 90.0
    assert knowledge.cost_ratio.train_seconds == 3.0


def test_a_shared_test_set_gets_an_item_level_interval():
    found = runs()
    for one in found:
        one["items"]["ids"] = [str(item) for item in range(40)]

    item_level = summarised(study(), found).comparisons[0].item_level

    assert item_level.items == item_level.summary.count == 40
    assert item_level.summary.mean == pytest.approx(
        mean(one["items"]["correct"].count(1) for one in found if one["arm"] == "knowledge") / 40
        - mean(one["items"]["correct"].count(1) for one in found if one["arm"] == "plain") / 40
    )


def test_items_of_one_document_are_kept_together():
    found = runs()
    for one in found:
        one["items"]["ids"] = [str(item) for item in range(40)]
        one["items"]["documents"] = [str(item // 4) for item in range(40)]

    item_level = summarised(study(), found).comparisons[0].item_level

    assert (item_level.items, item_level.summary.count) == (40, 10)


def test_test_sets_drawn_by_seed_get_none():
    assert summarised(study(), runs()).comparisons[0].item_level is None


def test_strata_compare_the_arms_on_part_of_the_test_set():
    found = runs()
    for one in found:
        gain = 0.1 if one["arm"] == "knowledge" else 0.0
        one["slices"] = {
            "linked": slice_score(60, accuracy=0.5 + gain),
            "unlinked": slice_score(40, accuracy=0.7),
        }

    linked, unlinked = summarised(study(), found).slices

    assert (linked.name, linked.size) == ("linked", 60)
    assert linked.summary.mean == pytest.approx(0.1)
    assert linked.means["shuffled"] == 0.5
    assert unlinked.summary.mean == 0.0


def test_an_empty_stratum_is_left_out():
    found = runs()
    for one in found:
        one["slices"]["unlinked"] = slice_score(0, accuracy=None)

    assert "unlinked" not in [row.name for row in summarised(study(), found).slices]


def test_a_stratum_that_is_the_whole_test_set_is_left_out():
    found = runs()
    for one in found:
        size = len(one["items"]["ids"])
        one["slices"] = {
            "linked": slice_score(size, accuracy=one["metrics"]["accuracy"]),
            "names seen in training": slice_score(size, accuracy=0.3),
        }

    assert [row.name for row in summarised(study(), found).slices] == ["names seen in training"]


def test_ceiling_is_what_the_linked_texts_leave_to_gain():
    found = runs()
    for one in found:
        one["slices"] = {
            "linked": slice_score(60, accuracy=0.5),
            "unlinked": slice_score(40, accuracy=0.7),
        }

    ceiling = summarised(study(), found).ceiling

    assert (ceiling.linked_share, ceiling.largest_gain) == pytest.approx((0.6, 0.3))


def test_strata_are_compared_in_the_metric_of_the_study():
    found = runs()
    for one in found:
        one["metrics"] = {"f1": one["metrics"]["accuracy"]}
        one["slices"] = {"linked": slice_score(60, f1=0.5 + (one["arm"] == "knowledge") / 10)}

    results = summarised(study(metric="f1"), found)

    assert results.slices[0].summary.mean == pytest.approx(0.1)
    assert results.ceiling is None


def test_token_tasks_without_items_and_strata_are_summarised():
    found = [{**one, "items": None, "slices": {}} for one in runs()]

    results = summarised(study(task="token classification"), found)

    assert (results.slices, results.ceiling) == ((), None)
    assert results.verdict.outcome == "helps"


def test_alternative_tests_are_computed_for_the_comparisons_of_the_verdict():
    arms = (*ARMS, "verbalized-context")

    compared = summarised(study(arms=arms), runs(arms=arms)).comparisons

    judged = {("knowledge", "plain"), ("knowledge", "shuffled"), ("shuffled", "plain")}
    pairs = {(one.first, one.second) for one in compared if one.alternative_tests}
    assert pairs == judged
    over_plain = compared[0].alternative_tests
    assert over_plain.bca_interval == bca_interval(list(compared[0].differences))
    assert 0.8 < over_plain.bca_coverage < 0.95
    assert over_plain.stochastic_order.violation == 0.0


def test_mcnemar_has_one_p_per_seed_where_each_text_is_its_own_document():
    found = runs(gain=0.2)
    pairs = [
        next(one["items"]["correct"] for one in found if (one["arm"], one["seed"]) == (arm, 2))
        for arm in ("knowledge", "plain")
    ]
    gained = [right - wrong for right, wrong in zip(*pairs, strict=True)]

    p_values = summarised(study(), found).comparisons[0].alternative_tests.mcnemar

    assert len(p_values) == 6
    assert p_values[2] == mcnemar(gained.count(1), gained.count(-1)) < 0.05


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1"])
def test_mcnemar_is_left_out_where_texts_share_documents_or_the_metric_is_not_accuracy(metric):
    found = runs()
    for one in found if metric == "accuracy" else ():
        one["items"]["documents"] = ["one"] * 40

    compared = summarised(study(metric=metric), found).comparisons

    assert compared[0].alternative_tests.mcnemar == ()


def test_too_few_seeds_get_no_other_tests():
    compared = summarised(study(seeds=5), runs(seeds=5)).comparisons

    assert compared[0].alternative_tests is None
