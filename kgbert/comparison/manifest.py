"""Everything that is needed to reproduce a comparison."""

import os
import platform
import time
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import torch

from kgbert.comparison.results import (
    BackboneInfo,
    GraphInfo,
    Hardware,
    Manifest,
    SplitInfo,
)
from kgbert.comparison.study import Study, describe_linker

#: Packages whose version may change a result.
_PACKAGES = ("kgbert", "torch", "transformers", "torch-geometric", "numpy", "scikit-learn", "scipy")


def manifest(study: Study, started: str) -> Manifest:
    """Return versions, hardware, graph, backbone, texts and settings of a study."""
    graph = study.graph
    return Manifest(
        versions={"python": platform.python_version()} | {x: version(x) for x in _PACKAGES},
        hardware=Hardware(
            processor=f"{os.cpu_count()} x {platform.machine()}",
            threads=torch.get_num_threads(),
            accelerator=torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        ),
        graph=GraphInfo(
            source=graph.source.rsplit("/", 1)[-1],
            version=graph.version,
            licence=graph.licence,
            entities=len(graph),
            edges=len(graph.heads),
            hash=graph.hash,
        ),
        backbone=BackboneInfo(study.backbone_name, study.features.encoder_hash),
        linker=_linker(study),
        splits={str(seed): _split_info(study, seed) for seed in study.seeds},
        training_configs={arm.name: study.training_config(arm) for arm in study.arms},
        started=started,
        finished=time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    )


def _split_info(study: Study, seed: int) -> SplitInfo:
    split = study.split(seed)
    return SplitInfo(len(split.train), len(split.validation), len(split.test), split.hash)


def _linker(study: Study) -> Mapping[str, Any] | str:
    """Return the settings of each part of the linker by name."""
    described = describe_linker(study.linker)
    if isinstance(described, str):
        return described
    return {
        part["linker"]: {name: part[name] for name in part if name != "linker"} or "defaults"
        for part in described
    }
