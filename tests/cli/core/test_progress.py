import io
import re
import sys
import time

import pytest

from kgbert.cli.core import progress
from kgbert.cli.core.progress import ProgressReporter
from kgbert.comparison.compare import StudyProgress
from kgbert.comparison.learning_rates import TrialProgress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """Return a function that advances the clock."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])

    def pass_seconds(seconds):
        now[0] += seconds

    return pass_seconds


def test_a_log_gets_a_line_every_fifteen_seconds(clock, capsys):
    count = ProgressReporter().steps("training, step")

    for done in range(1, 41):
        clock(1)
        count(done, 40)

    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "  training, step 15 of 40, at most 25 s left",
        "  training, step 30 of 40, at most 10 s left",
    ]


def test_a_smaller_number_starts_the_clock_anew(clock, capsys):
    count = ProgressReporter().steps("training, step")
    count(5, 10)

    for done in range(1, 3):
        clock(14)
        count(done, 10)

    assert capsys.readouterr().err == ""


def test_a_terminal_gets_a_bar_with_the_time_left(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    reporter = ProgressReporter()
    count = reporter.steps("encoding entities")

    count(1, 4)
    time.sleep(0.15)  # tqdm draws no more than ten times a second
    count(2, 4)
    reporter.message("next")

    shown = terminal.getvalue()
    assert "encoding entities" in shown
    assert "2/4" in shown
    assert "<" in shown  # elapsed<left
    # The bar is removed before the line is printed.
    assert shown.endswith("\r")


def test_nothing_is_shown_when_quiet(clock, capsys, monkeypatch):
    reporter = ProgressReporter(quiet=True)
    count = reporter.steps("training, step")

    reporter.message("reading signs.obo")
    reporter.message(StudyProgress(1, 2, "plain", 0, "0.700", 10.0))
    clock(20)
    count(1, 2)
    monkeypatch.setattr(sys, "stderr", Terminal())
    count(2, 3)

    captured = capsys.readouterr()
    assert captured.out == captured.err == ""
    assert sys.stderr.getvalue() == ""


def test_a_finished_run_is_a_line_with_the_time_left(capsys):
    reporter = ProgressReporter()

    reporter.message(StudyProgress(1, 2, "plain", 0, "accuracy 0.700", 10.0))
    reporter.message(StudyProgress(2, 2, "plain", 1, "accuracy 0.800", 0.0))
    reporter.message(TrialProgress(1, 2, "plain", 1e-4, 0, None))

    assert capsys.readouterr().out.splitlines() == [
        "[1/2] plain, seed 0: accuracy 0.700, about 10 s left",
        "[2/2] plain, seed 1: accuracy 0.800",
        "[search 1/2] plain, rate 0.0001, seed 0: failed",
    ]


def test_an_operation_without_steps_shows_its_seconds(monkeypatch, capsys):
    monkeypatch.setattr(progress, "_INTERVAL", 0.02)

    with ProgressReporter().elapsed("reading signs.obo"):
        time.sleep(0.2)
    with ProgressReporter(quiet=True).elapsed("reading other.obo"):
        time.sleep(0.1)

    error_output = capsys.readouterr().err
    assert "  reading signs.obo, " in error_output
    assert "other.obo" not in error_output


def test_elapsed_seconds_are_removed_from_a_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())

    with ProgressReporter().elapsed("reading signs.obo"):
        time.sleep(1.2)

    assert re.search(r"\r  reading signs.obo, .*\r\x1b\[K$", sys.stderr.getvalue())
