import json
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import kgbert
from kgbert.cli import main
from kgbert.cli.core.command import Command
from kgbert.cli.main import _parser
from kgbert.cli.registry import COMMANDS

OBO = """format-version: 1.2
ontology: signs

[Term]
id: EX:1
name: fever
synonym: "high temperature" EXACT []

[Term]
id: EX:2
name: İmpetigo
is_a: EX:1 ! fever
"""


@pytest.fixture
def obo(tmp_path):
    path = tmp_path / "signs.obo"
    path.write_text(OBO, encoding="utf-8")
    return str(path)


@pytest.fixture
def notes(tmp_path):
    path = tmp_path / "notes.csv"
    path.write_text("note,id\nNo fever today.,a\nNothing here.,b\n", encoding="utf-8")
    return str(path)


@pytest.fixture
def failing(monkeypatch):
    """Return a function that makes ``kgbert fail`` raise."""

    def fail_with(error):
        def fail(arguments):
            """Fail."""
            raise error

        monkeypatch.setitem(COMMANDS, "fail", Command(fail, lambda parser: None, "kgbert fail"))

    return fail_with


def kgbert_process(*arguments, **options):
    code = "import sys; from kgbert.cli import main; sys.exit(main())"
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )


def test_inspect_shows_the_health_of_a_graph(obo, capsys):
    status = main(["inspect", obo])

    assert status == 0
    assert capsys.readouterr().out == f"{kgbert.read_graph(obo).health()}\n"


def test_inspect_writes_json_for_programs(obo, capsys):
    main(["inspect", obo, "--json"])

    assert json.loads(capsys.readouterr().out)["entities"] == 2


def test_inspect_reports_the_coverage_of_the_texts(obo, notes, capsys):
    status = main(["inspect", obo, "--texts", notes, "--text-column", "note"])

    shown = capsys.readouterr().out
    assert status == 0
    assert f"\n\n{notes}\n1 of 2 texts (50.0%) and 1 of 5 words" in shown
    assert "1 × fever (EX:1)" in shown


def test_inspect_writes_coverage_and_health(obo, notes, capsys):
    main(["inspect", obo, "--texts", notes, "--text-column", "note", "--json"])

    record = json.loads(capsys.readouterr().out)
    assert (record["entities"], record["coverage"]["linked_texts"]) == (2, 1)


def test_texts_are_checked_before_a_large_graph_is_read(obo, capsys):
    assert main(["inspect", "missing.obo", "--texts", "missing.csv"]) == 1

    assert "missing.csv: no such file" in capsys.readouterr().err


def test_link_shows_where_a_text_mentions_which_entity(obo, capsys):
    status = main(["link", obo, "İmpetigo without\nfever."])

    shown = capsys.readouterr().out.splitlines()
    assert status == 0
    assert shown[:3] == [
        "İmpetigo without fever.",
        "  0-8    İmpetigo  →  İmpetigo (EX:2)  1.00  exact match",
        "  17-22  fever     →  fever (EX:1)     1.00  exact match",
    ]
    assert shown[3] == f"2 mentions in 1 of 1 text, by the 3 names of {obo}"


def test_link_reads_a_file_of_texts(obo, notes, capsys):
    assert main(["link", obo, notes, "--text-column", "note"]) == 0

    assert "1 mention in 1 of 2 texts" in capsys.readouterr().out


def test_link_writes_one_json_object_a_text(obo, notes, capsys):
    main(["link", obo, notes, "--text-column", "note", "--json"])

    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [record["id"] for record in records] == ["a", "b"]
    ((mention,), ()) = (record["mentions"] for record in records)
    assert records[0]["text"][mention["start"] : mention["end"]] == mention["text"] == "fever"
    assert mention["chosen"] == mention["candidates"][0]["entity"] == "EX:1"
    assert mention["candidates"][0]["score"] == 1.0


def test_another_linker_can_be_named(obo, capsys):
    assert main(["link", obo, "feverish", "--linker", "dictionary+char-ngram"]) == 0

    assert "0-8  feverish  →  fever (EX:1)  0." in capsys.readouterr().out


def test_a_long_text_is_no_file_name(obo, capsys):
    assert main(["link", obo, "fever " * 2_000]) == 0

    assert "2,000 mentions" in capsys.readouterr().out


def test_options_for_the_graph_reach_its_reader(tmp_path, capsys):
    path = tmp_path / "triples.csv"
    path.write_text("who,what,whom\nfever,is,sign\n", encoding="utf-8")

    status = main(
        ["link", str(path), "a fever", "--format", "table", "--columns", "who, what,whom"]
    )

    assert status == 0
    assert "fever (fever)  1.00" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "entities"),
    [([], 2), (["--roots", "EX:2"], 1), (["--roots", "EX:2", "--root-radius", "1"], 2)],
    ids=["all", "below", "around"],
)
def test_only_a_part_of_a_graph_can_be_read(obo, capsys, options, entities):
    main(["inspect", obo, "--json", *options])

    assert json.loads(capsys.readouterr().out)["entities"] == entities


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["inspect", "missing.obo"], "missing.obo: no such file"),
        (["link", "missing.obo", "fever"], "missing.obo: no such file"),
        (["link", "{obo}", "missing.csv"], "missing.csv: no such file; check the name"),
        (
            ["link", "{obo}", "{notes}"],
            "no column 'text'; found 'note', 'id'. Use --text-column note if",
        ),
        (["link", "{obo}", " "], "the text is empty; write one between quotes"),
        (["inspect", "{obo}", "--relations", "part_of"], "part_of"),
        (
            ["link", "{obo}", "x", "--linker", "dictionry"],
            "'dictionry'; did you mean",
        ),
        (["link", "{obo}", "x", "--format", "obi"], "unknown graph format 'obi'; did you mean"),
    ],
)
def test_expected_errors_are_one_line_without_traceback(obo, notes, capsys, arguments, message):
    arguments = [argument.format(obo=obo, notes=notes) for argument in arguments]

    status = main(arguments)

    captured = capsys.readouterr()
    assert status == 1
    assert captured.out == ""
    assert captured.err.startswith("kgbert: ")
    assert captured.err.count("\n") == 1
    assert message in captured.err


def test_error_of_several_lines_becomes_one(failing, capsys):
    failing(ValueError("first\n  second"))

    assert main(["fail"]) == 1
    assert capsys.readouterr().err == "kgbert: first second\n"


def test_a_fault_of_ours_keeps_its_traceback(failing):
    failing(AttributeError("no such thing"))

    with pytest.raises(AttributeError, match="no such thing"):
        main(["fail"])


def test_interruption_is_one_line_and_status_130(failing, capsys):
    failing(KeyboardInterrupt)

    assert main(["fail"]) == 130
    assert capsys.readouterr().err == "kgbert: interrupted\n"


def test_reader_that_stops_reading_is_no_error(obo, tmp_path):
    texts = tmp_path / "many.txt"
    texts.write_text("No fever at all in this text.\n" * 20_000, encoding="utf-8")

    with kgbert_process("link", obo, str(texts)) as process:
        process.stdout.readline()
        process.stdout.close()
        error_output = process.stderr.read()
        status = process.wait()

    assert (status, error_output) == (141, b"")


def test_names_that_the_terminal_cannot_show_are_escaped(obo):
    with kgbert_process("link", obo, "İmpetigo", env={"PYTHONIOENCODING": "ascii"}) as process:
        shown, error_output = process.communicate()

    assert (process.returncode, error_output) == (0, b"")
    assert rb"\u0130mpetigo" in shown


def test_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])

    assert capsys.readouterr().out == f"kgbert {kgbert.__version__}\n"


def test_the_package_runs_as_a_module():
    ran = subprocess.run(
        [sys.executable, "-m", "kgbert", "--version"], capture_output=True, text=True, check=True
    )

    assert ran.stdout == f"kgbert {kgbert.__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_an_example_that_can_be_typed(name, capsys):
    with pytest.raises(SystemExit, match="0"):
        main([name, "--help"])
    shown = capsys.readouterr().out

    example = COMMANDS[name].example
    assert example in shown
    assert _parser().parse_args(shlex.split(example)[1:]).command is COMMANDS[name]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_lists_every_command_with_a_sentence(name, capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])

    assert COMMANDS[name].summary.endswith((".", "?"))
    assert name in capsys.readouterr().out


def test_a_reader_that_stopped_is_status_141_without_a_message(
    failing, monkeypatch, tmp_path, capsys
):
    failing(BrokenPipeError())

    with (tmp_path / "output").open("w") as output, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", output)
        status = main(["fail"])
        print("written after it", file=output, flush=True)

    assert (status, capsys.readouterr().err) == (141, "")
    assert (tmp_path / "output").read_text() == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full device")
def test_an_error_is_told_although_the_output_before_it_cannot_be_written(monkeypatch, capsys):
    def fail(arguments):
        """Fail."""
        print("a result")
        raise ValueError("no more")

    monkeypatch.setitem(COMMANDS, "fail", Command(fail, lambda parser: None, "kgbert fail"))
    with Path("/dev/full").open("w") as output, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", output)
        status = main(["fail"])

    assert (status, capsys.readouterr().err) == (1, "kgbert: no more\n")


def test_a_closed_output_is_an_error_and_not_lost_in_silence(obo, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", None)
        status = main(["inspect", obo])

    assert status == 1
    assert "standard output is closed" in capsys.readouterr().err


def test_the_module_of_torchrun_is_the_command(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["kgbert", "--version"])

    with pytest.raises(SystemExit, match="0"):
        runpy.run_module("kgbert", run_name="__main__")

    assert capsys.readouterr().out == f"kgbert {kgbert.__version__}\n"
