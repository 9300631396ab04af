"""What a measurement was made with: versions, machine and time."""

import os
import platform
import time
from importlib.metadata import version
from typing import Any

import torch


def environment(*packages: str, device: str = "cpu") -> dict[str, Any]:
    """Return versions, hardware and the present time for the JSON file of a measurement.

    Args:
        packages: Distributions whose version may change the result, besides Python.
        device: Device of the measurement, as in torch.
    """
    return {
        "versions": {"python": platform.python_version()} | {x: version(x) for x in packages},
        "hardware": {
            "processor": f"{os.cpu_count()} x {platform.machine()}",
            "threads": torch.get_num_threads(),
            "accelerator": torch.cuda.get_device_name() if device == "cuda" else "none",
            "load": round(os.getloadavg()[0], 1),
        },
        "finished": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }
