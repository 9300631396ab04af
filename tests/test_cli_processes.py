import subprocess
import sys

import pytest
from test_cli_study import QUICK, encoder, workplace  # noqa: F401 - fixtures

from kgbert.cli import main


@pytest.mark.slow
def test_of_two_processes_that_train_one_saves_and_tells(workplace):  # noqa: F811
    command = (
        "-m torch.distributed.run --standalone --nproc_per_node 2 -m kgbert train signs.obo "
        "--texts notes.csv --backbone encoder --output model"
    )

    ran = subprocess.run(
        [sys.executable, *command.split(), *QUICK], capture_output=True, text=True, check=True
    )

    assert ran.stdout.count("Test accuracy") == 1
    assert main(["predict", "model", "fever of the lung"]) == 0
