import json
import os
import subprocess
import sys
from argparse import Namespace

import pytest

from kgbert.cli import main
from kgbert.cli.core.distributed import run_independently
from tests.cli.commands.test_compare import QUICK, encoder, workplace  # noqa: F401 - fixtures


def started_twice(command):
    """Return the output of two processes of a command under torchrun."""
    launch = f"-m torch.distributed.run --standalone --nproc_per_node 2 -m kgbert {command}"
    return subprocess.run(
        [sys.executable, *launch.split(), *QUICK], capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.slow
def test_of_two_processes_that_train_only_one_saves_and_prints(workplace):  # noqa: F811
    output = started_twice("train signs.obo --texts notes.csv --backbone encoder --output model")

    assert output.count("Test accuracy") == 1
    assert main(["predict", "model", "fever of the lung"]) == 0


@pytest.mark.slow
def test_two_processes_that_compare_divide_the_runs_and_one_prints(workplace):  # noqa: F811
    output = started_twice(
        "compare signs.obo --texts notes.csv --backbone encoder --output results --seeds 2"
    )

    results = json.loads((workplace / "results" / "results.json").read_text(encoding="utf-8"))
    assert [run["status"] for run in results["runs"]] == ["done"] * 6
    assert output.count("[6/6]") == 1
    assert len(list((workplace / "results" / "runs").glob("*.json"))) == 6


@pytest.mark.parametrize(
    ("visible", "own"),
    [(None, "1"), ("4,7", "7"), ("3", "3"), ("", ""), ("GPU-ab,GPU-cd", "GPU-cd")],
)
def test_each_process_has_a_gpu_of_its_own(monkeypatch, visible, own):
    for name, value in {"RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible or "")
    if visible is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    seen = {}

    run_independently(lambda arguments: seen.update(os.environ))(Namespace())

    assert seen["CUDA_VISIBLE_DEVICES"] == own
    assert "WORLD_SIZE" not in seen
