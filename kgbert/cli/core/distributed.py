"""Run independent processes under torchrun, each with its own runs."""

import os
from argparse import Namespace
from collections.abc import Callable
from contextlib import nullcontext, redirect_stdout
from functools import wraps

#: Environment variables with which torchrun passes the rank, and which make libraries synchronize.
_RANK_VARIABLES = (
    "RANK",
    "LOCAL_RANK",
    "WORLD_SIZE",
    "LOCAL_WORLD_SIZE",
    "MASTER_ADDR",
    "MASTER_PORT",
)


def is_first_process() -> bool:
    """Return whether this process is the first that torchrun started, or the only one."""
    return int(os.environ.get("RANK", "0")) == 0


def run_independently(command: Callable[[Namespace], None]) -> Callable[[Namespace], None]:
    """Return a command that runs independently in each torchrun process, on its own GPU.

    The processes of a comparison divide its runs through lock files. Data-parallel training would
    deadlock, because they are at different runs. Only the first process prints.
    """

    @wraps(command)
    def run_alone(arguments: Namespace) -> None:
        is_first = is_first_process()
        environment = {name: os.environ.pop(name, "0") for name in _RANK_VARIABLES}
        if int(environment["WORLD_SIZE"]) > 1:
            os.environ["CUDA_VISIBLE_DEVICES"] = _own_device(int(environment["LOCAL_RANK"]))
        if not is_first:
            arguments.quiet = True
        with (
            open(os.devnull, "w", encoding="utf-8") as nowhere,
            nullcontext() if is_first else redirect_stdout(nowhere),
        ):
            command(arguments)

    return run_alone


def _own_device(number: int) -> str:
    """Return the name of the GPU of a process, of those that all processes may use."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return str(number)
    devices = visible.split(",")
    return devices[number % len(devices)]
