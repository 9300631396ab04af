import re

import pytest

from kgbert.cli import main


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("", "kgbert: the following arguments are required: COMMAND"),
        ("lnik", "kgbert: argument COMMAND: invalid choice: 'lnik'"),
        ("link g.obo", "kgbert link: the following arguments are required: TEXT|FILE"),
        ("link g.obo fever --jso", "kgbert link: unknown option '--jso'; did you mean --json?"),
        ("compare g.obo --backbone b --seed=3", "unknown option '--seed'; did you mean --seeds?"),
        (
            "link g.obo Took codeine.",
            "unexpected argument 'codeine.': put quotes around an argument",
        ),
        ("inspect g.obo h.obo", "unexpected argument 'h.obo'"),
        ("inspect g.obo h.obo", "texts follow --texts and further graphs follow --merge"),
        ("compare g.obo t.csv --backbone b", "texts follow --texts"),
    ],
)
def test_arguments_that_do_not_fit_are_answered_in_one_line_with_status_2(typed, message, capsys):
    with pytest.raises(SystemExit) as raised:
        main(typed.split())

    error_output = capsys.readouterr().err
    assert (raised.value.code, error_output.count("\n")) == (2, 1)
    assert message in error_output
    assert error_output.endswith(" --help)\n")


def test_further_graphs_are_only_named_where_a_graph_is_typed(capsys):
    with pytest.raises(SystemExit):
        main(["predict", "model", "A text.", "Another one."])

    error_output = capsys.readouterr().err
    assert "unexpected argument 'Another one.': put quotes around" in error_output
    assert "graphs" not in error_output


@pytest.mark.parametrize(
    ("command", "usage"),
    [
        ("train", "usage: kgbert train GRAPH --backbone NAME [options]"),
        ("graphs", "usage: kgbert graphs [NAME] [options]"),
    ],
)
def test_the_usage_shows_what_is_required(command, usage, capsys):
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])

    assert capsys.readouterr().out.splitlines()[0] == usage


@pytest.mark.parametrize("command", ["train", "compare"])
def test_the_help_begins_with_what_most_users_need(command, capsys):
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])

    groups = re.findall(r"^\S.*:$", capsys.readouterr().out, re.MULTILINE)
    assert groups[:6] == [
        "example:",
        "positional arguments:",
        "options:",
        "labelled texts (CSV, TSV, JSONL, CoNLL):",
        "the model:",
        "how it is trained:",
    ]
