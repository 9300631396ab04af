"""How well does training scale to several processes?

One process trains on its own batches; then several do at the same time, each on as many texts,
averaging gradients (DDP: nccl between GPUs, gloo between CPU cores). Perfect scaling would process
proportionally more texts in the same time. That several processes train like one process with the
same texts is shown by a test, not here. Encoder and graph are those of ``speed.run --synthetic``.

    python -m benchmarks.speed.data_parallel [--processes 2] [--device cuda] [--tiny] [--out FILE]
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import torch
import torch.distributed as dist
from torch.multiprocessing.spawn import start_processes

from benchmarks import RESULTS
from benchmarks.environment import environment
from benchmarks.speed.run import SETTINGS, Setting, synthetic_cases
from benchmarks.speed.timing import Case

ARMS = ("plain", "knowledge")

#: Warm-up steps, and timed rounds.
WARM_UP, ROUNDS = 3, 15


def main() -> None:
    """Measure one process and several, and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument(
        "--tiny", action="store_true", help="tiny encoder and graph; no result is written"
    )
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    setting = SETTINGS["tiny" if arguments.tiny else arguments.device]
    alone, parallel = (
        _measured(processes, setting, arguments.device) for processes in (1, arguments.processes)
    )
    report = {
        "question": (__doc__ or "").splitlines()[0],
        "processes": arguments.processes,
        "setting": setting.describe(),
        "arms": [
            {
                "arm": arm,
                "texts a second, one process": round(setting.batch / alone[arm], 1),
                "texts a second": round(arguments.processes * setting.batch / parallel[arm], 1),
                "of what nothing lost would give": round(alone[arm] / parallel[arm], 3),
            }
            for arm in ARMS
        ],
        **environment("torch", device=arguments.device),
    }
    text = json.dumps(report, indent=1)
    results = RESULTS / f"scaling_{arguments.device}.json"
    if out := arguments.out or (None if arguments.tiny else results):
        out.write_text(text + "\n", encoding="utf-8")
    print(text)


def _measured(processes: int, setting: Setting, device: str) -> dict[str, float]:
    """Return the seconds of a step of each arm while so many processes train."""
    with tempfile.TemporaryDirectory() as folder:
        start_processes(_train, (processes, setting, device, folder), nprocs=processes)
        found: dict[str, Any] = json.loads((Path(folder) / "found.json").read_text())
        return {arm: float(found[arm]) for arm in ARMS}


def _train(rank: int, processes: int, setting: Setting, device: str, folder: str) -> None:
    """Train as one of several processes; the first one writes the duration of a step."""
    torch.set_num_threads(1)
    if device == "cuda":
        torch.cuda.set_device(rank)
    own = Path(folder) / str(rank)
    own.mkdir()
    # Before the process group exists: each process writes its own encoder.
    cases = synthetic_cases(own, setting, device, ARMS)
    dist.init_process_group(
        "nccl" if device == "cuda" else "gloo",
        init_method=f"file://{folder}/rendezvous",
        rank=rank,
        world_size=processes,
    )
    for case in cases:
        case.wrapped = torch.nn.parallel.DistributedDataParallel(case.model)
        for number in range(WARM_UP):
            case.train(number)
    turns = [[_timed_round(case, setting.block) for case in cases] for _ in range(ROUNDS)]
    if rank == 0:
        seconds = dict(zip(ARMS, map(median, zip(*turns, strict=True)), strict=True))
        (Path(folder) / "found.json").write_text(json.dumps(seconds))
    dist.barrier()
    dist.destroy_process_group()


def _timed_round(case: Case, steps: int) -> float:
    """Return the seconds of one step of the slowest process."""
    dist.barrier()
    start = time.perf_counter()
    for number in range(steps):
        case.train(number)
    dist.barrier()
    if case.device == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - start) / steps


if __name__ == "__main__":
    main()
