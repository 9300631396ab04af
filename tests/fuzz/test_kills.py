import subprocess
import sys

import pytest

from tests.fuzz.kills import JOBS


@pytest.fixture(scope="module")
def survived():
    """Return what the jobs printed, after one kill of each."""
    # In a process without threads, since it forks.
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.kills", *JOBS, "--kills", "1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("job", JOBS)
def test_what_is_finished_after_kills_is_what_an_undisturbed_job_leaves(job, survived):
    assert f"{job}: killed 1 times" in survived
