import io
import subprocess
import sys

import pytest

from kgbert.cli import main
from kgbert.cli.core.output import SafeOutput, escape

CODE = "import sys; from kgbert.cli import main; sys.exit(main())"


@pytest.fixture
def graph_file(tmp_path):
    path = tmp_path / "signs.csv"
    path.write_text("id,name\nA:1,fever\x1b]0;pwned\x07\nA:2,cough\u202ezz\n", encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("name", ["\x1b[2J", "\x07", "\x9b", "\u202e", "\u2066", "\r", "\x7f"])
def test_characters_that_a_terminal_obeys_are_escaped(name):
    shown = escape(f"fever{name}")

    assert name not in shown
    assert shown.startswith("fever\\")


def test_other_characters_are_left_alone():
    text = "İmpetigo\tµ ≥ 0 肺炎\n"

    assert escape(text) == text


@pytest.mark.parametrize("command", ["inspect", "link"])
def test_names_in_a_graph_cannot_control_the_terminal(graph_file, capsys, command):
    texts = ["x \x1b]0;pwned\x07 y cough"] if command == "link" else []

    assert main([command, graph_file, *texts, "--no-cache"]) == 0

    shown = capsys.readouterr().out
    assert shown
    assert not {"\x1b", "\x07", "\u202e"} & {*shown}


def test_an_error_cannot_control_the_terminal(capsys):
    assert main(["inspect", "no\x1b[2Jfile.obo"]) == 1

    assert "\x1b" not in capsys.readouterr().err


def test_a_stream_reports_what_was_written():
    stream = io.StringIO()

    assert SafeOutput(stream).write("a\x1b") == 2
    assert stream.getvalue() == "a\\x1b"
    assert not SafeOutput(stream).isatty()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell that closes streams")
@pytest.mark.parametrize(
    ("redirection", "status", "message"),
    [
        (">&-", 1, b"standard output is closed"),
        (">/dev/full", 1, b"No space left"),
        ("2>&-", 0, b""),
    ],
)
def test_output_that_cannot_be_written_is_one_line(tmp_path, redirection, status, message):
    path = tmp_path / "signs.csv"
    path.write_text("id,name\nA:1,fever\n", encoding="utf-8")

    ran = subprocess.run(
        f'"{sys.executable}" -c "{CODE}" inspect {path} --no-cache {redirection}',
        shell=True,
        capture_output=True,
        check=False,
    )

    assert ran.returncode == status
    assert message in ran.stderr
    assert ran.stderr.count(b"\n") == status
