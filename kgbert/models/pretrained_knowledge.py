"""The injection weights in the folder of an encoder that was pretrained with the graph read."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from transformers import PreTrainedModel

from kgbert.features.entity_features import EntityFeatures
from kgbert.utils.errors import KGBertError
from kgbert.utils.paths import FEATURES_FILE, KNOWLEDGE_FILE

logger = logging.getLogger(__name__)

#: The modules of a fused model whose weights are saved.
_MODULES = ("graph_encoder.", "injections.")

#: Fields of the configuration that must be equal, for the weights to have the same meaning.
_SHAPE = (
    "graph_hash",
    "fusion",
    "graph_encoder",
    "graph_layers",
    "knowledge_size",
    "knowledge_heads",
    "feature_size",
)

#: Key of the configuration in the metadata of the file.
_CONFIG = "config"


def save_knowledge(folder: Path, model: PreTrainedModel, features: EntityFeatures) -> None:
    """Write the weights of graph encoder and injections to a folder, and the features they fit.

    Args:
        folder: The folder of the encoder.
        model: A model that has these modules, with a :class:`kgbert.KGBertConfig`.
        features: One vector an entity.
    """
    weights = {
        name: tensor.detach().cpu().contiguous()
        for name, tensor in model.state_dict().items()
        if name.startswith(_MODULES)
    }
    save_file(weights, folder / KNOWLEDGE_FILE, {_CONFIG: json.dumps(_shape(model.config))})
    features.save(folder / FEATURES_FILE)


def load_knowledge(model: PreTrainedModel, folder: str | Path) -> None:
    """Take the weights of graph encoder and injections from a folder, if it has any.

    All or part of them are taken if graph, features and sizes are the same. What is not taken, and
    what stays untrained, is logged.

    Args:
        model: A fused model; its weights change in place.
        folder: Folder or hub name of its backbone.

    Raises:
        KGBertError: The file is damaged.
    """
    path = Path(folder) / KNOWLEDGE_FILE
    if not model.config.injected_layers or not path.is_file():
        return
    weights, shape = _read(path)
    own = _shape(model.config)
    if other := [name for name in _SHAPE if shape.get(name) != own[name]]:
        shown = ", ".join(f"{name}={shape.get(name)!r} (here {own[name]!r})" for name in other)
        logger.warning(
            "the injection weights in %s are not used, because they were trained with %s",
            path,
            shown,
        )
        return
    untrained = [
        name for name in model.state_dict() if name.startswith(_MODULES) and name not in weights
    ]
    known = {name: weights[name] for name in weights.keys() & model.state_dict().keys()}
    model.load_state_dict(known, strict=False)
    logger.info(
        "from %s: %s; new: %s",
        path,
        ", ".join(_modules(known)),
        ", ".join(_modules(untrained)) or "none",
    )
    if unused := _modules(weights.keys() - known.keys()):
        logger.warning("%s in %s are not used", ", ".join(unused), path)


def _shape(config: Any) -> dict[str, Any]:
    return {name: getattr(config, name) for name in _SHAPE}


def _modules(names: Any) -> list[str]:
    """Return the modules of some weights: the graph encoder, and each injection."""
    parts = (name.split(".") for name in sorted(names))
    return list(dict.fromkeys(".".join(x[:2]) if x[0] == "injections" else x[0] for x in parts))


def _read(path: Path) -> tuple[Mapping[str, Tensor], Mapping[str, Any]]:
    try:
        with safe_open(path, "pt") as file:
            shape: dict[str, Any] = json.loads(file.metadata()[_CONFIG])
            names: list[str] = file.keys()
            return {name: file.get_tensor(name) for name in names}, shape
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise KGBertError(
            f"{path} is damaged ({error}). Restore the folder from its source, or remove this file "
            "to start with untrained injections.",
            code="damaged-knowledge-weights",
        ) from error
