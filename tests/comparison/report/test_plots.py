from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgbert.comparison.report.plots import Effect, curve_plot, forest_plot, seed_plot
from kgbert.comparison.results import ArmSummary, Cost, EpochRecord, TrainingCurve
from kgbert.reporting.svg import fit_axis, spread_apart

values = st.lists(st.floats(-100, 100), min_size=1, max_size=20)


@given(values)
def test_an_axis_covers_every_value_with_few_even_ticks(found):
    axis = fit_axis(found, 0, 100)

    assert all(-0.11 <= axis.place(value) <= 100.11 for value in found)
    assert 2 <= len(axis.ticks) <= 9
    steps = [high - low for low, high in pairwise(axis.ticks)]
    assert steps == pytest.approx([steps[0]] * len(steps), rel=1e-3)


@given(values)
def test_labels_spread_apart_do_not_overlap_and_keep_their_order(places):
    moved = spread_apart(places, 14.0)

    ordered = sorted(range(len(places)), key=lambda at: places[at])
    gaps = [moved[b] - moved[a] for a, b in pairwise(ordered)]
    assert all(gap > 13.99 for gap in gaps)


@given(values, st.floats(0.0, 50.0))
def test_labels_far_enough_apart_stay_where_they_are(places, gap):
    far = [1000.0 * number for number, _ in enumerate(places)]

    assert spread_apart(far, gap) == far


def test_forest_plot_draws_zero_and_every_seed_inside_the_picture():
    effect = Effect("over plain", [0.01, 0.02, -0.03], 0.0, None)

    picture = ElementTree.fromstring(forest_plot([effect], "accuracy"))

    assert len(picture.findall("circle[@class='seed']")) == 3
    assert len(picture.findall("line[@class='zero']")) == 1
    assert picture.findall("line[@class='interval']") == []
    assert all(0 <= float(dot.get("cx")) <= 460 for dot in picture.findall("circle"))


def test_no_line_of_a_forest_plot_crosses_a_name_or_a_number():
    effects = [Effect(name, [0.01, 0.03], 0.02, (0.0, 0.04)) for name in ("plain", "shuffled")]
    picture = ElementTree.fromstring(forest_plot(effects, "accuracy"))

    lines = [x for x in picture.iter("line") if x.get("x1") == x.get("x2")]
    baselines = [float(x.get("y")) for x in picture.iter("text")]

    assert lines
    assert not [
        (y, line.attrib)
        for y in baselines
        for line in lines
        if float(line.get("y1")) < y + 3 and float(line.get("y2")) > y - 10
    ]


def test_interval_of_an_effect_reaches_from_limit_to_limit():
    effect = Effect("over plain", [0.0, 0.05, 0.1], 0.05, [0.0, 0.1])

    picture = ElementTree.fromstring(forest_plot([effect], "accuracy"))

    interval, (low, _, high) = (
        picture.find("line[@class='interval']"),
        picture.findall("circle[@class='seed']"),
    )
    assert (interval.get("x1"), interval.get("x2")) == (low.get("cx"), high.get("cx"))


def test_seed_plot_draws_one_line_a_seed_and_one_mean_an_arm():
    arms = [("plain", [0.6, 0.61]), ("knowledge", [0.65, 0.66]), ("shuffled", [0.6, 0.6])]

    picture = ElementTree.fromstring(seed_plot(arms, "accuracy"))

    assert len(picture.findall("polyline[@class='seed']")) == 2
    means = [line for line in picture.findall("line") if line.get("class").startswith("mean")]
    assert len(means) == 3


def arm_with_curves(name, *epochs):
    """Return an arm whose runs stopped after so many epochs, one run for each number."""
    curves = tuple(
        TrainingCurve(seed, None, tuple(EpochRecord(x, None, 0.1 * x) for x in range(1, last + 1)))
        for seed, last in enumerate(epochs)
    )
    return ArmSummary(
        name=name,
        seeds=(),
        scores=(),
        mean=None,
        sd=None,
        failed=(),
        metrics={},
        validation={},
        cost=Cost(),
        cost_ratio=Cost(),
        training_config=None,
        curves=curves,
    )


def test_mean_curve_ends_where_the_first_seed_stopped():
    arm = arm_with_curves("plain", 3, 5)

    picture = ElementTree.fromstring(curve_plot([arm], "accuracy"))

    (mean,) = picture.findall("polyline[@class='mean arm0']")
    assert len(mean.get("points").split()) == 3


def test_names_of_arms_are_escaped():
    arm = arm_with_curves("a<b&c", 1)

    pictures = [
        curve_plot([arm], "accuracy"),
        seed_plot([("a<b&c", [0.5]), ("plain", [0.4])], "accuracy"),
        forest_plot([Effect("a<b&c", [0.01], 0.01, None)], "accuracy"),
    ]

    for picture in pictures:
        texts = [text.text for text in ElementTree.fromstring(picture).iter("text")]
        assert "a<b&c" in texts
