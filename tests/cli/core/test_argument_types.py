import shlex

import pytest

from kgbert.cli import main
from kgbert.cli.main import COMMANDS, _parser
from kgbert.cli.options.training import training_config_of
from kgbert.comparison.study import TrainingConfig
from kgbert.training.trainer import default_arguments


@pytest.mark.parametrize(
    ("option", "value"), [("--seeds", "0"), ("--epochs", "-1"), ("--batch-size", "many")]
)
def test_numbers_that_make_no_sense_are_refused(option, value, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["compare", "signs.obo", option, value])

    assert f"argument {option}: '{value}' is no whole number of at least 1" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize("typed_rate", ["0", "2", "nan", "-1e-4", "fast"])
@pytest.mark.parametrize("option", ["--learning-rate", "--head-learning-rate"])
def test_a_learning_rate_that_makes_no_sense_is_refused(option, typed_rate, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["compare", "signs.obo", f"{option}={typed_rate}"])

    said = capsys.readouterr().err
    assert f"argument {option}: '{typed_rate}' is no learning rate between 0 and 1" in said


@pytest.mark.parametrize(("typed_time", "meant"), [("0m", None), ("30", None), ("1h1s", 3601)])
def test_a_budget_is_a_time_with_its_unit(typed_time, meant, capsys):
    asked = ["compare", "x.obo", "--backbone", "bert", "--budget", typed_time]

    if meant:
        assert _parser().parse_args(asked).budget == meant
    else:
        with pytest.raises(SystemExit, match="2"):
            main(asked)
        assert f"'{typed_time}' is no time, as 30m, 2h and 1h30m are" in capsys.readouterr().err


@pytest.mark.parametrize("more", [("--grid", "1e-4,2e-4"), ("--train-sizes", "50,all")])
def test_a_budget_is_refused_beside_what_multiplies_a_comparison(more, capsys):
    assert main(["compare", "x.obo", "--backbone", "bert", "--budget", "30m", *more]) == 1

    assert "--budget plans one comparison" in capsys.readouterr().err


def test_typed_and_python_defaults_of_the_learning_rates_agree(tmp_path):
    parsed = _parser().parse_args(shlex.split(COMMANDS["train"].example)[1:])

    training_config = training_config_of(parsed)

    assert training_config.encoder_learning_rate == default_arguments(tmp_path).learning_rate
    assert training_config == TrainingConfig(options=training_config.options)
