"""The learning curve over the number of training texts."""

from kgbert.comparison.results import ComparisonResult, LearningCurvePoint


def curve_point(result: ComparisonResult) -> LearningCurvePoint:
    """Return the point of a comparison on the learning curve."""
    main, *others = result.study.judged_arms
    return LearningCurvePoint(
        size=result.study.manifest.train_size,
        means={arm.name: arm.mean for arm in result.arms},
        differences={
            pair.second: pair.summary
            for pair in result.comparisons
            if pair.first == main and pair.second in others
        },
        outcome=result.verdict.outcome,
    )


def curve_points(result: ComparisonResult) -> list[LearningCurvePoint]:
    """Return the points of all training set sizes; an empty list where there is only one."""
    smaller = result.study.learning_curve
    return [*smaller, curve_point(result)] if smaller else []
