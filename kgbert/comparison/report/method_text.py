"""The method section of a report: how a comparison was judged."""

from kgbert.comparison.results import AlternativeTests, ComparisonResult
from kgbert.comparison.statistics.power import ALPHA, seeds_needed
from kgbert.comparison.statistics.sign_flip import DRAWS, EXACT_LIMIT
from kgbert.reporting.formatting import arm_name, interval, points, score


def method(result: ComparisonResult) -> list[str]:
    """Return the paragraphs that explain the verdict's rules and tests."""
    study = result.study
    main, baseline = study.main, study.baseline
    return [
        f"All arms run through the same code. With each seed they share the order of the training "
        f"texts and the initial weights that they have in common, so arms are compared seed by "
        f"seed; {baseline!r} is the same model without the injection.",
        *_control(result),
        _test(result),
        f"The verdict is 'helps' if {main!r} is better than {baseline!r} and than "
        f"{arm_name(study.control or 'shuffled')}, each with p below 0.05. As both must hold (an "
        f"intersection-union test), no correction between the two is needed. It is 'hurts' if "
        f"{main!r} is worse than {baseline!r} with p below 0.05. With fewer than {seeds_needed()} "
        f"complete seeds no p can be below 0.05, and no verdict is given. The p-values of "
        f"further arms and of slices of the test set are not corrected for multiple testing: they "
        f"are exploratory.",
        *_item_level(result),
        *_alternative_tests(result),
        *_detectable(result),
    ]


def _control(result: ComparisonResult) -> list[str]:
    if result.study.control != "shuffled":
        return []
    return [
        "In the shuffled arm each entity is replaced by another one, the same in training and "
        "test. The number of parameters and links is the same, but the knowledge is wrong: a gain "
        "of this arm does not come from the knowledge."
    ]


def _test(result: ComparisonResult) -> str:
    count = len(result.complete_seeds)
    patterns = (
        f"all {2**count:,} patterns were enumerated"
        if count <= EXACT_LIMIT
        else f"a fixed sample of {DRAWS:,} of the {2**count:,} patterns was drawn"
    )
    return (
        f"The test is the paired sign-flip test. Under the null hypothesis each difference could "
        f"equally have the opposite sign; p is the share of sign patterns whose mean is at least "
        f"as far from zero as the one observed. With {count} seeds {patterns}. The 95 % interval "
        f"contains the differences that this test does not reject; it assumes no normal "
        f"distribution."
    )


def _item_level(result: ComparisonResult) -> list[str]:
    """Return the item-level test where all seeds share one test set."""
    found = result.comparisons[0].item_level
    if found is None or found.summary.interval is None:
        return []
    summary = found.summary
    clusters = f" ({summary.count:,} documents, each as a whole)"
    return [
        f"The seeds share one test set. Flipping its {found.items:,} items"
        f"{clusters if summary.count < found.items else ''} instead of the seeds gives "
        f"{points(summary.mean)} points of accuracy {interval(summary.interval)}: the first "
        f"interval is about other training runs, this one about other texts."
    ]


def _alternative_tests(result: ComparisonResult) -> list[str]:
    """Return the results of other common tests, which do not affect the verdict."""
    described = [
        f"Over {arm_name(pair.second)}: {_describe(pair.alternative_tests)}."
        for pair in result.comparisons
        if pair.first == result.study.main and pair.alternative_tests
    ]
    if not described:
        return []
    return [" ".join(["Other tests, on which the verdict does not rest.", *described])]


def _describe(tests: AlternativeTests) -> str:
    order = tests.stochastic_order
    described = (
        f"almost stochastic order has a violation ratio of {order.violation:.2f}, at most "
        f"{order.bound:.2f} with 95 % confidence (0: no violation, 0.5: no order); the 95 % "
        f"interval of the BCa bootstrap is {interval(tests.bca_interval)}, but with so few seeds "
        f"it contains the true mean in {tests.bca_coverage:.0%} of simulated comparisons"
    )
    if not tests.mcnemar:
        return described
    below = sum(p < ALPHA for p in tests.mcnemar)
    return (
        f"{described}; McNemar's test of the two models of a seed on its test texts has p below "
        f"{ALPHA} on {below} of {len(tests.mcnemar)} seeds"
    )


def _detectable(result: ComparisonResult) -> list[str]:
    stated = result.study.power_statement
    before = [f"Stated before the first run: {stated}"] if stated else []
    effect = result.comparisons[0].detectable
    if not effect:
        return before
    return [
        *before,
        f"With this number of seeds and their spread, a true gain of {score(effect)} points over "
        f"{result.study.baseline!r} would be found in four of five such comparisons; smaller gains "
        f"would often be missed.",
    ]
