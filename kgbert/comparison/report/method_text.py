"""How a comparison was judged, in plain words."""

from typing import Any

from kgbert.comparison.statistics.power import ALPHA, seeds_needed
from kgbert.comparison.statistics.sign_flip import DRAWS, EXACT_LIMIT
from kgbert.reporting.formatting import arm_name, interval, points, score


def method(results: dict[str, Any]) -> list[str]:
    """Return the paragraphs that explain the verdict of these results."""
    main, baseline = results["main"], results["baseline"]
    return [
        f"All arms run through the same code. On each seed they share the order of the training "
        f"texts and the initial weights they have in common, so the arms are compared seed by "
        f"seed; {baseline!r} is the same model with the knowledge switched off.",
        *_control(results),
        _test(results),
        f"The knowledge is said to help if {main!r} beats {baseline!r} and "
        f"{arm_name(results.get('control') or 'shuffled')}, each with p below 0.05. As both must "
        f"hold, nothing is corrected between the two. It is said to hurt if {main!r} is worse "
        f"than {baseline!r} with p below 0.05. With fewer than {seeds_needed()} complete seeds "
        f"no p can fall below 0.05, and no verdict is given. The p-values of further arms and of "
        f"parts of the test set are not corrected for their number: read them as hints.",
        *_item_level(results),
        *_other_tests(results),
        *_detectable(results),
    ]


def _control(results: dict[str, Any]) -> list[str]:
    if results.get("control") != "shuffled":
        return []
    return [
        "In the shuffled arm each entity is replaced by another one, the same in training and "
        "test. It has as many parameters and as many links, but the wrong knowledge: what it "
        "gains, the knowledge did not bring."
    ]


def _test(results: dict[str, Any]) -> str:
    count = len(results["complete_seeds"])
    patterns = (
        f"all {2**count:,} patterns were counted"
        if count <= EXACT_LIMIT
        else f"a fixed sample of {DRAWS:,} of the {2**count:,} patterns was drawn"
    )
    return (
        f"The test is the sign-flip test. If an arm made no difference, each difference might as "
        f"well have had the other sign; p is the share of sign patterns whose mean is at least as "
        f"far from zero as the one observed. With {count} seeds {patterns}. The 95 % interval "
        f"holds the differences that this test would not reject, and assumes no bell curve."
    )


def _item_level(results: dict[str, Any]) -> list[str]:
    """Add the test over items where the test set was the same on all seeds."""
    found = results["comparisons"][0]["item_level"]
    if not found or not found["interval"]:
        return []
    apart = found["count"] < found["items"]
    documents = f" ({found['count']:,} documents, each as a whole)" if apart else ""
    return [
        f"The seeds share one test set. Flipping its {found['items']:,} items{documents} instead "
        f"of the seeds gives {points(found['mean'])} points of accuracy "
        f"{interval(found['interval'])}: the first interval speaks of other training runs, this "
        f"one of other texts."
    ]


def _other_tests(results: dict[str, Any]) -> list[str]:
    """Add what the tests say that a reader may know, but that the verdict does not rest on."""
    told = [
        f"Over {arm_name(one['second'])}: {_told(one['other_tests'])}."
        for one in results["comparisons"]
        if one["first"] == results["main"] and one.get("other_tests")
    ]
    return [" ".join(["Other tests, on which the verdict does not rest.", *told])] if told else []


def _told(found: dict[str, Any]) -> str:
    order, limits = found["stochastic_order"], found["bca_interval"]
    told = (
        f"almost stochastic order is violated by {order['violation']:.2f}, with 95 % confidence by "
        f"{order['bound']:.2f} at most (0 is never, 0.5 as often as not); the 95 % interval of the "
        f"BCa bootstrap is {interval(limits)}, but with so few seeds it holds the true mean in "
        f"{found['bca_coverage']:.0%} of simulated comparisons"
    )
    if not found["mcnemar"]:
        return told
    below = sum(p < ALPHA for p in found["mcnemar"])
    return (
        f"{told}; McNemar's test of the two models of a seed on its test texts has p below "
        f"{ALPHA} on {below} of {len(found['mcnemar'])} seeds"
    )


def _detectable(results: dict[str, Any]) -> list[str]:
    stated = results.get("stated")
    before = [f"Stated before the first run: {stated}"] if stated else []
    effect = results["comparisons"][0]["detectable"]
    if not effect:
        return before
    return [
        *before,
        f"With this number of seeds and their spread, a true gain of {score(effect)} points over "
        f"{results['baseline']!r} would be found in four of five such comparisons; smaller ones "
        f"often go unseen.",
    ]
