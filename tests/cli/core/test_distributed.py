import json
import os
import socket
import subprocess
import sys
from argparse import Namespace

import pytest

from kgbert.cli import main
from kgbert.cli.core.distributed import run_independently
from kgbert.pretraining.record import pretraining_record
from tests.cli.commands.test_compare import QUICK, encoder, workplace  # noqa: F401 - fixtures
from tests.support.project.folder import PROJECT

#: Runs a command in two processes with the environment that torchrun gives to them. Both are
#: forked from one that has imported what takes long.
STARTED = """
import os, sys
import torch.multiprocessing as mp
import kgbert.comparison.compare, kgbert.features.feature_sources, kgbert.training.train
from kgbert.cli import main

def run(rank, port, words):
    own = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "LOCAL_WORLD_SIZE": 2,
           "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    os.environ.update({name: str(value) for name, value in own.items()})
    status = main(words)
    assert status == 0, status

if __name__ == "__main__":
    mp.start_processes(run, (sys.argv[1], sys.argv[2:]), nprocs=2, start_method="fork")
"""


def started_twice(command, options=QUICK):
    """Return the output of two processes of a command, which are started as by torchrun."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = str(unused.getsockname()[1])
    ran = subprocess.run(
        [sys.executable, "-c", STARTED, port, *command.split(), *options],
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout + ran.stderr


@pytest.mark.slow
def test_of_two_processes_that_train_only_one_saves_and_prints(workplace):  # noqa: F811
    output = started_twice("train signs.obo --texts notes.csv --backbone encoder --output model")

    assert output.count("Test accuracy") == 1
    assert output.count("reading signs.obo") == 1
    assert main(["predict", "model", "fever of the lung"]) == 0


@pytest.mark.slow
def test_two_processes_that_pretrain_share_the_steps_and_one_saves(workplace):  # noqa: F811
    texts = [f"fever of the lung after {n} days" for n in range(100)]
    (workplace / "corpus.txt").write_text("\n".join(texts), encoding="utf-8")
    command = "pretrain corpus.txt --line-by-line --backbone encoder --epochs 2 --output"

    output = started_twice(f"{command} both", ())

    assert main([*command.split(), "alone"]) == 0
    both, alone = (pretraining_record(workplace / name) for name in ("both", "alone"))
    assert (both.steps, alone.steps) == (3, 6)
    assert output.count("masked language modelling:") == 1


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
