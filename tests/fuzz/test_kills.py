import subprocess
import sys

import pytest


@pytest.mark.slow
@pytest.mark.parametrize("job", ["train", "compare", "cache"])
def test_what_is_finished_after_kills_is_what_an_undisturbed_job_leaves(job):
    # In a process without threads, since it forks.
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.kills", job, "--kills", "1"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-2000:]
    assert f"{job}: killed 1 times" in done.stdout
