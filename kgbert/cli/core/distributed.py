"""Processes that torchrun starts, each with runs of its own."""

import os
from argparse import Namespace
from collections.abc import Callable
from contextlib import nullcontext, redirect_stdout
from functools import wraps

#: The variables by which torchrun tells a process its place, and libraries wait for the others.
_RANK_VARIABLES = (
    "RANK",
    "LOCAL_RANK",
    "WORLD_SIZE",
    "LOCAL_WORLD_SIZE",
    "MASTER_ADDR",
    "MASTER_PORT",
)


def run_independently(command: Callable[[Namespace], None]) -> Callable[[Namespace], None]:
    """Return a command that under torchrun works alone in each process, on a GPU of its own.

    The processes of a comparison divide its runs by files. If they trained one model together,
    each would wait for the others, which are at other runs. Only the first process prints.
    """

    @wraps(command)
    def run_alone(arguments: Namespace) -> None:
        environment = {name: os.environ.pop(name, "0") for name in _RANK_VARIABLES}
        if int(environment["WORLD_SIZE"]) > 1:
            os.environ["CUDA_VISIBLE_DEVICES"] = _own_device(int(environment["LOCAL_RANK"]))
        is_first = int(environment["RANK"]) == 0
        if not is_first:
            arguments.quiet = True
        with (
            open(os.devnull, "w", encoding="utf-8") as nowhere,
            nullcontext() if is_first else redirect_stdout(nowhere),
        ):
            command(arguments)

    return run_alone


def _own_device(number: int) -> str:
    """Return the name of a process's own GPU among those that all processes may use."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return str(number)
    devices = visible.split(",")
    return devices[number % len(devices)]
