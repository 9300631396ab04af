import sys

import pytest
import torch

from kgbert.training.peak_memory import PeakMemory, release_memory

MEBIBYTES = 2**18
"""Number of float32 values in one MiB."""


pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or torch.cuda.is_available(),
    reason="the memory of the process is only measured on Linux without a GPU",
)


def test_the_peak_is_what_was_held_at_a_time_and_not_what_is_held_at_the_end():
    release_memory()
    memory = PeakMemory()
    before = memory.in_mb()
    for _ in range(3):
        torch.ones(300 * MEBIBYTES)

    assert 280 <= memory.in_mb() - before <= 500


def test_what_was_held_before_does_not_count():
    torch.ones(500 * MEBIBYTES)
    release_memory()
    during = PeakMemory()
    torch.ones(10 * MEBIBYTES)

    low = during.in_mb()

    torch.ones(500 * MEBIBYTES)
    assert during.in_mb() - low > 300


def test_peak_memory_is_none_where_the_system_does_not_report_it(monkeypatch, tmp_path):
    monkeypatch.setattr("kgbert.training.peak_memory._RESET", tmp_path / "missing")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    assert PeakMemory().in_mb() is None


def test_peak_memory_is_none_where_the_system_forbids_to_reset_it(monkeypatch, tmp_path):
    monkeypatch.setattr("kgbert.training.peak_memory._RESET", tmp_path)  # a folder: not writable

    assert PeakMemory().in_mb() is None


def test_the_peak_of_a_gpu_is_measured_there(monkeypatch):
    calls = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda: calls.append("reset"))
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 3 * 2**20)

    assert PeakMemory().in_mb() == 3
    assert calls == ["reset"]


def test_memory_is_released_as_far_as_possible_where_the_system_is_not_linux(monkeypatch, tmp_path):
    monkeypatch.setattr("kgbert.training.peak_memory._STATUS", tmp_path / "missing")
    monkeypatch.setattr("ctypes.CDLL", lambda name: pytest.fail("loads a library of Linux"))

    release_memory()
