import pytest

from kgbert.cli.main import _parser
from kgbert.cli.options.training import training_config_of
from kgbert.training.config import TrainingConfig


@pytest.mark.parametrize("command", ["train", "compare"])
def test_a_command_without_options_trains_as_python_does(command):
    typed = _parser().parse_args([command, "graph.csv", "--texts", "t.csv", "--backbone", "any"])

    # So that a comparison in Python resumes one of the command line, and the reverse.
    assert training_config_of(typed) == TrainingConfig()
