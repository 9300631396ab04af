"""How much do more processes help?

One process trains on batches of its own, then so many at once, each on as many texts and averaging
gradients with the others (DDP: nccl between GPUs, gloo between cores). Were nothing lost, so many
processes would see so many times as many texts in the same time. That they train as one process
with the same texts would is shown by a test, not here. The encoder and the graph are those of
speed.py --invented.

    python -m benchmarks.speed.data_parallel [--processes 2] [--device cuda] [--tiny] [--out FILE]
"""

import argparse
import json
import os
import platform
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from benchmarks import RESULTS
from benchmarks.speed.run import SETTINGS, Setting, invented_lanes
from benchmarks.speed.timing import Lane

ARMS = ("plain", "knowledge")

#: Steps before it counts, and turns that count.
WARM_UP, TURNS = 3, 15


def main() -> None:
    """Measure one process and several, and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--tiny", action="store_true", help="a small encoder and a small graph")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    setting = SETTINGS["tiny" if arguments.tiny else arguments.device]
    alone, together = (
        _measured(processes, setting, arguments.device) for processes in (1, arguments.processes)
    )
    told = {
        "question": (__doc__ or "").splitlines()[0],
        "processes": arguments.processes,
        "setting": setting.told(),
        "arms": [
            {
                "arm": arm,
                "texts a second, one process": round(setting.batch / alone[arm], 1),
                "texts a second": round(arguments.processes * setting.batch / together[arm], 1),
                "of what nothing lost would give": round(alone[arm] / together[arm], 3),
            }
            for arm in ARMS
        ],
        "hardware": {
            "processor": f"{os.cpu_count()} x {platform.machine()}, 1 thread a process",
            "accelerator": torch.cuda.get_device_name() if arguments.device == "cuda" else "none",
            "load": round(os.getloadavg()[0], 1),
        },
        "versions": {"python": platform.python_version(), "torch": version("torch")},
        "finished": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }
    text = json.dumps(told, indent=1)
    results = RESULTS / f"scaling_{arguments.device}.json"
    if out := arguments.out or (None if arguments.tiny else results):
        out.write_text(text + "\n", encoding="utf-8")
    print(text)


def _measured(processes: int, setting: Setting, device: str) -> dict[str, float]:
    """Return the seconds of each arm's step while so many processes train on their texts."""
    with tempfile.TemporaryDirectory() as folder:
        mp.spawn(_train, (processes, setting, device, folder), nprocs=processes)
        found: dict[str, Any] = json.loads((Path(folder) / "found.json").read_text())
        return {arm: float(found[arm]) for arm in ARMS}


def _train(rank: int, processes: int, setting: Setting, device: str, folder: str) -> None:
    """Train as one of so many processes; the first one writes down how long a step took."""
    torch.set_num_threads(1)
    if device == "cuda":
        torch.cuda.set_device(rank)
    own = Path(folder) / str(rank)
    own.mkdir()
    # Before the processes know of one another: then each writes an encoder of its own.
    lanes = invented_lanes(own, setting, device, ARMS)
    dist.init_process_group(
        "nccl" if device == "cuda" else "gloo",
        init_method=f"file://{folder}/meeting",
        rank=rank,
        world_size=processes,
    )
    for lane in lanes:
        lane.wrapped = torch.nn.parallel.DistributedDataParallel(lane.model)
        for number in range(WARM_UP):
            lane.train(number)
    turns = [[_turn(lane, setting.block) for lane in lanes] for _ in range(TURNS)]
    if rank == 0:
        seconds = dict(zip(ARMS, map(median, zip(*turns, strict=True)), strict=True))
        (Path(folder) / "found.json").write_text(json.dumps(seconds))
    dist.barrier()
    dist.destroy_process_group()


def _turn(lane: Lane, steps: int) -> float:
    """Return the seconds of one step, as the slowest process needs them."""
    dist.barrier()
    start = time.perf_counter()
    for number in range(steps):
        lane.train(number)
    dist.barrier()
    if lane.device == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - start) / steps


if __name__ == "__main__":
    main()
