"""Everything that is needed to reproduce a comparison."""

import os
import platform
import time
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import torch

from kgbert.comparison.study import Study, linker_told

#: Packages whose version may change a result.
_PACKAGES = ("kgbert", "torch", "transformers", "torch-geometric", "numpy", "scikit-learn", "scipy")


def manifest(study: Study, started: str) -> dict[str, Any]:
    """Return versions, hardware, graph, backbone, texts and settings of a study."""
    graph = study.graph
    return {
        "versions": {"python": platform.python_version()} | {x: version(x) for x in _PACKAGES},
        "hardware": {
            "processor": f"{os.cpu_count()} x {platform.machine()}",
            "threads": torch.get_num_threads(),
            "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        },
        "graph": {
            "source": graph.source.rsplit("/", 1)[-1],
            "version": graph.version,
            "licence": graph.licence,
            "entities": len(graph),
            "edges": len(graph.heads),
            "hash": graph.hash,
        },
        "backbone": {
            "name": study.backbone_name,
            "features by": study.features.encoder_hash,
        },
        "linker": _linker(study),
        "data": {
            str(seed): {
                "train": len(split.train),
                "validation": len(split.validation),
                "test": len(split.test),
                "hash": split.hash,
            }
            for seed in study.seeds
            for split in (study.split(seed),)
        },
        "training_configs": {arm.name: asdict(study.training_config(arm)) for arm in study.arms},
        "started": started,
        "finished": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }


def _linker(study: Study) -> Any:
    """Return the settings of each part of the linker, by its name."""
    told = linker_told(study.linker)
    if isinstance(told, str):
        return told
    return {
        part["linker"]: {name: part[name] for name in part if name != "linker"} or "as it comes"
        for part in told
    }
