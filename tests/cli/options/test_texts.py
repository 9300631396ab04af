from argparse import ArgumentParser

import pytest

from kgbert.cli.options.texts import add_column_arguments, columns_of
from kgbert.data import read_examples
from kgbert.tasks.registry import TASKS


@pytest.fixture
def parser():
    parser = ArgumentParser()
    add_column_arguments(parser)
    return parser


def test_columns_of_any_role_are_named_on_the_command_line(parser, tmp_path):
    path = tmp_path / "exam.csv"
    path.write_text('ask,options,key\n"Which?","yes | no",no\n')
    typed = ["--column", "question=ask", "--column", "choices=options", "--label-column", "key"]

    columns = columns_of(parser.parse_args(typed))

    (example,) = read_examples(path, TASKS["multiple-choice"], columns=columns)
    assert (example.text, example.others, example.target) == ("Which?", ("yes", "no"), 1)


@pytest.mark.parametrize("typed", ["question", "=ask", "question="])
def test_a_column_without_role_or_name_is_refused(parser, typed, capsys):
    with pytest.raises(SystemExit):
        parser.parse_args(["--column", typed])

    assert "choices=options" in capsys.readouterr().err
