import sys

import pytest

from kgbert.cli.main import _parser
from kgbert.cli.options.training import training_config_of
from kgbert.tasks.registry import TASKS
from kgbert.training.config import TrainingConfig
from kgbert.tuning.samplers import SAMPLERS, BayesianSampler, default_search
from kgbert.tuning.space import (
    LINKER,
    OPTIONS,
    PRETRAINED,
    Range,
    configure,
    default_space,
    read_space,
    typed,
)
from tests.support.errors import raises

#: A value of each option that is not its default.
VALUES = {
    "learning_rate": 3e-5,
    "head_learning_rate": 5e-4,
    "epochs": 3,
    "batch_size": 4,
    "patience": 2,
    "max_length": 64,
    "weight_decay": 0.1,
    "dropout": 0.2,
    "frozen_layers": 1,
    "layer_rate_decay": 0.8,
    "label_smoothing": 0.1,
    "class_weights": "balanced",
    "l1": 1e-4,
    "synonym_replacement": 0.2,
    "sibling_replacement": 0.2,
    "entity_dropout": 0.1,
    "pooling": "mean",
    "injected_layers": (-2, -1),
    LINKER: "char-ngram",
    PRETRAINED: "folder",
}


@pytest.mark.parametrize("option", OPTIONS)
def test_the_command_line_sets_what_the_search_sets(option):
    words = typed({option: VALUES[option]})

    parsed = _parser().parse_args(["train", "x.obo", "--texts", "t.csv", "--backbone", "b", *words])

    expected = configure(TrainingConfig(), {option: VALUES[option]})
    assert training_config_of(parsed) == expected
    assert parsed.linker == (VALUES[LINKER] if option == LINKER else "dictionary")
    assert parsed.backbone == (VALUES[PRETRAINED] if option == PRETRAINED else "b")
    assert len(words) == 1


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_every_value_of_the_default_space_is_valid_for_its_task(task):
    space = read_space(default_space(task))

    for option, values in space.items():
        for value in [values.low, values.high] if isinstance(values, Range) else values:
            configure(TrainingConfig(), {option: value}).regularization.check(task)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "space.toml",
            "batch_size = [8, 16]\nlearning_rate = {low = 1e-5, high = 1e-3, log = true}",
        ),
        (
            "space.json",
            '{"batch_size": [8, 16], "learning_rate": {"low": 1e-5, "high": 1e-3, "log": true}}',
        ),
    ],
)
def test_a_file_names_options_with_their_values(tmp_path, name, text):
    (tmp_path / name).write_text(text)

    space = read_space(tmp_path / name)

    assert space == {"batch_size": (8, 16), "learning_rate": Range(1e-5, 1e-3, log=True)}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("learning_rat = [1e-4]", "unknown-name"),
        ("", "empty-search-space"),
        ("batch_size = 8", "invalid-search-values"),
        ("batch_size = []", "invalid-search-values"),
        ("batch_size = [0]", "not-positive"),
        ("dropout = [1.5]", "regularization-out-of-range"),
        ("pooling = [3]", "invalid-search-values"),
        ("learning_rate = ['fast']", "invalid-search-values"),
        ("injected_layers = [1]", "invalid-search-values"),
        ("l1 = {low = 1, high = 0}", "invalid-search-values"),
        ("l1 = {low = 0, high = 1, log = true}", "invalid-search-values"),
        ("l1 = {low = 0, high = 1, step = 1}", "invalid-search-values"),
        ("l1 = [", "invalid-search-space"),
    ],
)
def test_a_space_that_cannot_be_searched_is_refused_with_its_file(tmp_path, text, code):
    (tmp_path / "space.toml").write_text(text)

    with raises(code) as caught:
        read_space(tmp_path / "space.toml")

    assert str(tmp_path / "space.toml") in str(caught.value)


def test_a_missing_file_is_refused(tmp_path):
    with raises("missing-search-space"):
        read_space(tmp_path / "nothing.toml")


SPACE = {"epochs": (5, 10), "learning_rate": Range(1e-5, 1e-3, log=True), "dropout": (None, 0.1)}


@pytest.mark.parametrize("name", ["random", "bayesian"])
def test_equal_scores_give_equal_configurations_within_the_space(name):
    first, second = (SAMPLERS[name](SPACE, 0) for _ in range(2))

    for _ in range(4):
        points = first.ask(3)
        assert points == second.ask(3)
        for sampler in (first, second):
            sampler.tell([point["epochs"] / 10 for point in points])
        assert all(point["epochs"] in SPACE["epochs"] for point in points)
        assert all(1e-5 <= point["learning_rate"] <= 1e-3 for point in points)


def test_a_bayesian_search_draws_more_where_scores_were_better():
    sampler, found = BayesianSampler({"learning_rate": Range(0.0, 1.0)}, 0), []

    for _ in range(10):
        points = sampler.ask(4)
        sampler.tell([-abs(point["learning_rate"] - 0.8) for point in points])
        found += [point["learning_rate"] for point in points]

    near = [sum(abs(x - 0.8) < 0.15 for x in part) for part in (found[:20], found[20:])]
    assert near[1] > near[0]


def test_a_small_space_is_used_up_and_nothing_is_drawn_twice():
    sampler = SAMPLERS["random"]({"epochs": (1, 2), "dropout": (0.0, 0.1)}, 0)

    points = sampler.ask(10)

    assert len(points) == 4 == len({tuple(point.values()) for point in points})


def test_a_grid_has_no_ranges():
    with raises("grid-over-range"):
        SAMPLERS["grid"](SPACE, 0)


def test_without_optuna_a_search_is_random_and_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)

    assert default_search() == "random"
    with raises("missing-package"):
        BayesianSampler(SPACE, 0)
