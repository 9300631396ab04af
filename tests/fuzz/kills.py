"""Kill trainings, comparisons, pretrainings and readings at random moments, and finish them.

What a finished job leaves behind must equal what an undisturbed one leaves:

    python -m tests.fuzz.kills --kills 50
"""

import argparse
import hashlib
import os
import random
import signal
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

# Imported here, so that no job spends its time on it after the fork.
from kgbert.comparison.compare import compare
from kgbert.comparison.results import ComparisonResult
from kgbert.graph import read_cache
from kgbert.graph.read import read_graph
from kgbert.models.task_models import KGBertForSequenceClassification
from kgbert.pretraining.config import PretrainingConfig
from kgbert.pretraining.pretrain import pretrain
from kgbert.pretraining.record import pretraining_record
from kgbert.training.saving import load_model
from kgbert.training.train import train
from kgbert.utils.paths import KNOWLEDGE_FILE
from tests.support.small_study import RECIPE, SHARED, texts
from tests.support.tiny import save_plain, tiny_graph

_CONFIG = replace(RECIPE, epochs=1)
_PRETRAINING = PretrainingConfig(
    epochs=3,
    batch_size=4,
    evaluations=6,
    max_length=24,
    held_out=0.3,
    bf16=False,
    # The encoder decides the size of its features.
    options={name: value for name, value in SHARED.items() if name != "feature_size"},
)
#: Jobs that are killed this often before one is finished.
_MOST_KILLS = 3


@dataclass(frozen=True)
class Job:
    """Something that writes files into a folder, and is started again after a kill."""

    run: Callable[[Path, str], None]
    """Takes the folder, and that of a plain checkpoint."""
    result: Callable[[Path], object]
    """Returns what the files in the folder hold."""


def survives(name: str, folder: Path, *, kills: int, seed: int = 0) -> int:
    """Kill a job some number of times, and return how often it was finished afterwards.

    Raises:
        AssertionError: The finished job left something else than an undisturbed one.
    """
    job, generator = JOBS[name], random.Random(seed)
    backbone = save_plain(folder, "bert", KGBertForSequenceClassification)
    reference = folder / "reference"
    started = time.monotonic()
    assert _run(job, reference, backbone) == 0
    longest = time.monotonic() - started
    expected, killed, finished = job.result(reference), 0, 0
    while killed < kills:
        attempt = folder / f"attempt {finished}"
        for _ in range(min(generator.randint(1, _MOST_KILLS), kills - killed)):
            _run(job, attempt, backbone, kill_after=generator.uniform(0, longest))
            killed += 1
        assert _run(job, attempt, backbone) == 0, f"{name}: not finished after {killed} kills"
        assert job.result(attempt) == expected, f"{name}: another result after {killed} kills"
        finished += 1
    return finished


def _run(job: Job, folder: Path, backbone: str, *, kill_after: float | None = None) -> int:
    """Run a job in a process of its own, and return its status."""
    folder.mkdir(exist_ok=True)
    process = os.fork()
    if process == 0:
        status = 1
        try:
            # Here are the caches of features.
            os.environ["HOME"] = str(folder)
            job.run(folder, backbone)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(process, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def _train(folder: Path, backbone: str) -> None:
    trained = train(
        tiny_graph(), texts(30), backbone=backbone, task="text-classification", config=_CONFIG
    )
    trained.save(folder / "model")


def _compare(folder: Path, backbone: str) -> None:
    compare(
        tiny_graph(),
        texts(30),
        backbone=backbone,
        task="text-classification",
        arms=("plain", "knowledge"),
        seeds=2,
        output=folder / "results",
        config=_CONFIG,
    )


def _pretrain(folder: Path, backbone: str) -> None:
    encoder = folder / "encoder"
    if not (encoder / "config.json").exists():  # a kill may come after the end
        pretrain(
            [f"{each.text} and a cough of the lung" for each in texts(40)],
            backbone=backbone,
            output=encoder,
            graph=tiny_graph(),
            config=_PRETRAINING,
        )


def _read(folder: Path, backbone: str) -> None:
    source = folder / "graph.csv"
    if not source.exists():
        rows = (f"E{number},name {number},E{number // 7}" for number in range(20_000))
        temporary = source.with_suffix(".new")
        temporary.write_text("id,name,parents\n" + "\n".join(rows) + "\n", encoding="utf-8")
        temporary.rename(source)
    read_cache._WORTH_KEEPING = 0
    for _ in range(2):
        graph = read_graph(source, cache=folder / "cache")
    (folder / "hash").write_text(graph.hash, encoding="utf-8")


def _saved_files(folder: Path) -> dict[str, str]:
    assert load_model(folder / "model")
    assert [path.name for path in folder.glob("*model*")] == ["model"]
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (folder / "model").iterdir()
        if path.name != "README.md"  # names the folder and the seconds
    }


def _encoder(folder: Path) -> object:
    encoder = folder / "encoder"
    record = pretraining_record(str(encoder))
    assert record is not None
    assert [path.name for path in folder.glob("*encoder*")] == ["encoder"]
    injections = hashlib.sha256((encoder / KNOWLEDGE_FILE).read_bytes()).hexdigest()
    return record.encoder_hash, record.evaluations, injections


def _scores(folder: Path) -> object:
    result = ComparisonResult.load(folder / "results" / "results.json")
    return [(run.arm, run.seed, run.metrics, run.validation, run.items) for run in result.runs]


def _cached(folder: Path) -> object:
    graph = read_graph(folder / "graph.csv", cache=None)
    return (folder / "hash").read_text(encoding="utf-8") == graph.hash, graph.hash


JOBS = {
    "train": Job(_train, _saved_files),
    "compare": Job(_compare, _scores),
    "pretrain": Job(_pretrain, _encoder),
    "cache": Job(_read, _cached),
}


def main() -> None:
    """Print a line for each job."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(JOBS), metavar="JOB")
    parser.add_argument("--kills", type=int, default=50, help="of each job (50)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    arguments = parser.parse_args()
    # A forked process inherits no threads.
    torch.set_num_threads(1)
    for name in arguments.names:
        with tempfile.TemporaryDirectory() as folder:
            finished = survives(name, Path(folder), kills=arguments.kills, seed=arguments.seed)
        print(
            f"{name}: killed {arguments.kills} times, finished {finished} times with the same "
            f"result",
            flush=True,
        )


if __name__ == "__main__":
    main()
