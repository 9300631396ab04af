from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kgbert.comparison import run_store as sharing
from kgbert.comparison.compare import run_study
from kgbert.comparison.run_store import run_path
from tests.support.small_study import EVERY_RUN, InventedRuns, run_files, small_study


@pytest.fixture
def invented(monkeypatch):
    return InventedRuns(monkeypatch)


@pytest.fixture
def study(tmp_path):
    return small_study(tmp_path / "results")


def test_run_that_another_process_finishes_meanwhile_is_not_repeated(study, invented):
    def other_process(step):
        if step.done == 1 and len(invented.done) == 1:
            run_study(study)

    results = run_study(study, progress=other_process)

    assert invented.done == EVERY_RUN
    assert results.missing == ()


def test_concurrent_processes_share_the_runs(study, invented, monkeypatch):
    monkeypatch.setattr(sharing, "WAIT", 0.01)
    invented.seconds = 0.02

    with ThreadPoolExecutor() as pool:
        results = list(pool.map(run_study, [study] * 3))

    assert sorted(invented.done) == sorted(EVERY_RUN)
    assert [one.missing for one in results] == [(), (), ()]
    assert [name for name in run_files(study) if not name.endswith(".json")] == []


def test_the_claim_of_a_process_that_was_killed_ends_with_it(study, invented):
    abandoned = run_path(study, study.arms[0], 0).with_suffix(".lock")
    abandoned.parent.mkdir(parents=True)
    abandoned.touch()

    run_study(study)

    assert invented.done == EVERY_RUN
    assert not abandoned.exists()


def test_a_lock_that_cannot_be_removed_while_it_is_open_costs_no_run(study, invented, monkeypatch):
    def refused(path, missing_ok=False):
        raise PermissionError(13, "used by another process", str(path))

    monkeypatch.setattr(Path, "unlink", refused)

    results = run_study(study)

    assert invented.done == EVERY_RUN
    assert results.missing == ()
