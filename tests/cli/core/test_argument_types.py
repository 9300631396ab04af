import shlex
from argparse import ArgumentTypeError

import pytest

from kgbert.cli import main
from kgbert.cli.core.argument_types import fraction, layers, points, positive_number
from kgbert.cli.main import _parser
from kgbert.cli.options.training import training_config_of
from kgbert.cli.registry import COMMANDS
from kgbert.training.config import TrainingConfig


@pytest.mark.parametrize(
    ("option", "value"), [("--seeds", "0"), ("--epochs", "-1"), ("--batch-size", "many")]
)
def test_numbers_that_are_too_small_or_none_are_refused(option, value, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["compare", "signs.obo", option, value])

    assert (
        f"argument {option}: invalid number '{value}'; expected a whole number of at least 1"
        in (capsys.readouterr().err)
    )


@pytest.mark.parametrize("typed_rate", ["0", "2", "nan", "-1e-4", "fast"])
@pytest.mark.parametrize("option", ["--learning-rate", "--head-learning-rate"])
def test_a_learning_rate_outside_its_range_is_refused(option, typed_rate, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["compare", "signs.obo", f"{option}={typed_rate}"])

    error_output = capsys.readouterr().err
    expected = f"argument {option}: invalid learning rate '{typed_rate}'; expected a number between"
    assert expected in error_output


@pytest.mark.parametrize(("typed_time", "meant"), [("0m", None), ("30", None), ("1h1s", 3601)])
def test_a_budget_is_a_time_with_its_unit(typed_time, meant, capsys):
    arguments = ["compare", "x.obo", "--backbone", "bert", "--budget", typed_time]

    if meant:
        assert _parser().parse_args(arguments).budget == meant
    else:
        with pytest.raises(SystemExit, match="2"):
            main(arguments)
        assert (
            f"invalid duration '{typed_time}'; expected for example 30m, 2h or 1h30m"
            in capsys.readouterr().err
        )


@pytest.mark.parametrize("more", [("--learning-rates", "1e-4,2e-4"), ("--train-sizes", "50,all")])
def test_a_budget_is_refused_with_options_that_multiply_runs(more, capsys):
    assert main(["compare", "x.obo", "--backbone", "bert", "--budget", "30m", *more]) == 1

    assert "a budget plans one comparison" in capsys.readouterr().err


def test_typed_and_python_defaults_agree():
    parsed = _parser().parse_args(shlex.split(COMMANDS["train"].example)[1:])

    training_config = training_config_of(parsed)

    assert training_config == TrainingConfig(options=training_config.options)


@pytest.mark.parametrize(
    ("convert", "typed_value", "expected"),
    [
        (positive_number, "0", "a number above 0"),
        (positive_number, "inf", "a number above 0"),
        (layers, "1,last", "for example 5,6 or -1, or none"),
        (points, "-1", "a number of points"),
        (points, "half", "a number of points"),
        (fraction, "1", "from 0 to less than 1"),
    ],
)
def test_other_values_outside_their_range_are_refused(convert, typed_value, expected):
    with pytest.raises(ArgumentTypeError, match=expected):
        convert(typed_value)
