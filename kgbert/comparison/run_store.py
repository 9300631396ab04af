"""The runs of a study as files: one JSON file per run, named by a hash of its inputs."""

import json
import logging
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

from kgbert.comparison.arms.registry import Arm
from kgbert.comparison.results import FAILED, RunRecord
from kgbert.comparison.run import RunResult
from kgbert.comparison.study import Study
from kgbert.utils.atomic_write import write_atomically
from kgbert.utils.errors import KGBertError

logger = logging.getLogger(__name__)

#: Trains and tests an arm with a seed.
Train = Callable[[Study, Arm, int], RunResult]


def run_path(study: Study, arm: Arm, seed: int) -> Path:
    """Return the path of a run's record, which need not exist yet."""
    name = f"{arm.name.replace(' ', '-')}-{seed}-{study.fingerprint(arm, seed)[:8]}.json"
    return study.folder / "runs" / name


def finished_run(study: Study, arm: Arm, seed: int) -> RunRecord | None:
    """Return the record of a finished run, or None.

    Raises:
        KGBertError: The file is damaged.
    """
    run = read_run(study, arm, seed)
    return run if run and run.is_done else None


def read_run(study: Study, arm: Arm, seed: int) -> RunRecord | None:
    """Return the record of a run, whether it finished or failed; None if there is none.

    Raises:
        KGBertError: The file is damaged.
    """
    path = run_path(study, arm, seed)
    try:
        return RunRecord.from_json(json.loads(path.read_text(encoding="utf-8")), source=str(path))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise KGBertError(
            f"{path}: the record of a run is damaged ({error}); delete the file, and the same "
            "command will repeat that run.",
            code="damaged-run",
        ) from error


@contextmanager
def locked(path: Path, *, timeout: int = -1) -> Iterator[None]:
    """Lock a file inside the context; the lock ends with the process.

    Raises:
        Timeout: Another process has the lock after ``timeout`` seconds.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path, timeout=timeout):
        try:
            yield
        finally:
            # Before the release: afterwards it might be the lock of another process. Windows
            # cannot remove an open file; there filelock removes it on release.
            with suppress(PermissionError):
                path.unlink(missing_ok=True)


@contextmanager
def claimed(study: Study, arm: Arm, seed: int) -> Iterator[bool]:
    """Claim a run inside the context; yield False where another process has claimed it.

    The claim of a killed process ends with it.
    """
    with ExitStack() as stack:
        try:
            path = run_path(study, arm, seed).with_suffix(".lock")
            stack.enter_context(locked(path, timeout=0))
        except Timeout:
            is_ours = False
        else:
            is_ours = True
        yield is_ours


def attempt_run(
    study: Study,
    arm: Arm,
    seed: int,
    train: Train,
    *,
    keep: Callable[[RunResult], None] = lambda result: None,
) -> RunRecord:
    """Run an arm and store its record; a failed run is recorded too.

    Args:
        study: The study.
        arm: The arm to run.
        seed: The seed.
        train: Trains and tests the arm.
        keep: Called with the result before the record is stored: a run that is stopped between
            the two is repeated.
    """
    started = time.perf_counter()
    try:
        trained = train(study, arm, seed)
    except Exception as error:  # One failed run must not stop the others.
        logger.warning("arm %r, seed %d failed: %s", arm.name, seed, error)
        record = RunRecord(arm.name, seed, FAILED, error=traceback.format_exc())
    else:
        record = trained.record
        keep(trained)
    record = replace(record, seconds=round(time.perf_counter() - started, 2))
    write_atomically(run_path(study, arm, seed), json.dumps(record.to_json(), indent=1))
    return record


#: Seconds between two looks at the runs that other processes have claimed.
WAIT = 2.0

#: The study, arm and seed of a run.
Place = tuple[Study, Arm, int]

#: Returns the record of a run that need not be run again, or None.
Finished = Callable[[Study, Arm, int], RunRecord | None]


def shared_runs(
    plan: Sequence[Place],
    attempt: Callable[[Study, Arm, int], RunRecord],
    *,
    finished: Finished = finished_run,
) -> Iterator[tuple[Place, RunRecord]]:
    """Yield each run of a plan when it is finished, by this process or by another.

    A run that another process has claimed is left to that process.

    Args:
        plan: The runs.
        attempt: Does one run, and stores its record.
        finished: Returns the record of a run that is not repeated.
    """
    waiting = list(plan)
    while waiting:
        left = []
        for place in waiting:
            run = _run_unless_claimed(place, attempt, finished)
            if run is None:
                left.append(place)
            else:
                yield place, run
        if len(left) == len(waiting):
            time.sleep(WAIT)
        waiting = left


def _run_unless_claimed(
    place: Place, attempt: Callable[[Study, Arm, int], RunRecord], finished: Finished
) -> RunRecord | None:
    """Return the record of a run; None while another process has claimed it."""
    if run := finished(*place):
        return run
    with claimed(*place) as is_ours:
        if not is_ours:
            return None
        # Check again: another process may have finished the run before this claim.
        return finished(*place) or attempt(*place)
