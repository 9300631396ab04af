"""Processes that torchrun starts beside each other, where each has runs of its own to do."""

import os
from argparse import Namespace
from collections.abc import Callable
from contextlib import nullcontext, redirect_stdout
from functools import wraps

#: What torchrun tells a process of the others, and what libraries wait for them by.
_TOLD = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


def each_alone(command: Callable[[Namespace], None]) -> Callable[[Namespace], None]:
    """Return a command that under torchrun works alone in each process, on a GPU of its own.

    The processes of a comparison share its runs by files. Did they train one model together, each
    would wait for the others, which are at other runs. The first process alone tells.
    """

    @wraps(command)
    def alone(arguments: Namespace) -> None:
        told = {name: os.environ.pop(name, "0") for name in _TOLD}
        if int(told["WORLD_SIZE"]) > 1:
            os.environ["CUDA_VISIBLE_DEVICES"] = _own_device(int(told["LOCAL_RANK"]))
        tells = int(told["RANK"]) == 0
        with (
            open(os.devnull, "w", encoding="utf-8") as nowhere,
            nullcontext() if tells else redirect_stdout(nowhere),
        ):
            command(arguments)

    return alone


def _own_device(number: int) -> str:
    """Return the name of the GPU that is a process's own, of those that all may see."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return str(number)
    devices = visible.split(",")
    return devices[number % len(devices)]
