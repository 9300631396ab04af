"""The injection weights in the folder of an encoder that was pretrained with the graph read."""

import json
import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from transformers import PreTrainedModel

from kgbert.features.entity_features import EntityFeatures
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.utils.errors import KGBertError
from kgbert.utils.paths import FEATURES_FILE, KNOWLEDGE_FILE

logger = logging.getLogger(__name__)

#: The modules of a fused model whose weights are saved.
_MODULES = ("graph_encoder.", "injections.")

#: Options of a model that its injection weights fit.
FITTING_OPTIONS = ("fusion", "graph_encoder", "graph_layers", "knowledge_size", "knowledge_heads")

#: Fields of the configuration that must be equal, for the weights to have the same meaning.
_SHAPE = ("graph_hash", *FITTING_OPTIONS, "feature_size", "feature_encoder_hash")

#: Key of the configuration in the metadata of the file.
_CONFIG = "config"


def save_knowledge(folder: Path, model: PreTrainedModel, features: EntityFeatures) -> None:
    """Write the weights of graph encoder and injections to a folder, and the features they fit.

    Args:
        folder: The folder of the encoder.
        model: A model that has these modules, with a :class:`kgbert.KGBertConfig`.
        features: One vector an entity.
    """
    _write(folder, _knowledge_weights(model), _shape(model.config))
    features.save(folder / FEATURES_FILE)


def _knowledge_weights(model: PreTrainedModel) -> dict[str, Tensor]:
    """Return the weights of graph encoder and injections by name."""
    return {
        name: tensor.detach().cpu().contiguous()
        for name, tensor in model.state_dict().items()
        if name.startswith(_MODULES)
    }


def save_knowledge_for(
    folder: Path,
    model: PreTrainedModel,
    graph: KnowledgeGraph,
    relations: Sequence[str | None],
) -> None:
    """Write the weights of graph encoder and injections for models that read another graph.

    Args:
        folder: The folder of the encoder.
        model: The model whose weights are taken.
        graph: The other graph.
        relations: The relation of the model for each relation of the graph. Where it is None,
            the weights are the mean over the relations that are mapped.
    """
    known = {relation: place for place, relation in enumerate(model.config.relations)}
    rows = [known[relation] if relation else -1 for relation in relations]
    weights = {
        name: _of_relations(tensor, rows, len(known)) if _is_of_relations(name) else tensor
        for name, tensor in _knowledge_weights(model).items()
    }
    _write(folder, weights, _shape(model.config) | {"graph_hash": graph.hash})


def _is_of_relations(name: str) -> bool:
    """Return whether a weight has one row for each relation in each direction."""
    return name.startswith("graph_encoder.layers.") and name.endswith((".relation.weight", ".comp"))


def _of_relations(weight: Tensor, rows: Sequence[int], known: int) -> Tensor:
    """Return the rows of other relations: first those of the edges, then of the inverse edges."""
    mapped = [row for row in rows if row >= 0]
    parts = []
    for shift in (0, known):
        mean = weight[[row + shift for row in mapped]].mean(0) if mapped else weight.mean(0)
        parts += [weight[row + shift] if row >= 0 else mean for row in rows]
    return torch.stack(parts) if parts else weight[:1]


def _write(folder: Path, weights: Mapping[str, Tensor], shape: Mapping[str, Any]) -> None:
    """Write weights of graph encoder and injections, and the configuration that they fit."""
    save_file(dict(weights), folder / KNOWLEDGE_FILE, {_CONFIG: json.dumps(shape)})


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
    if other := [name for name in _SHAPE if not _agree(name, shape.get(name), own[name])]:
        shown = ", ".join(
            f"{name}={_shortened(shape.get(name))!r} (here {_shortened(own[name])!r})"
            for name in other
        )
        logger.warning(
            "the injection weights in %s are not used, because they were trained with %s",
            path,
            shown,
        )
        return
    present = model.state_dict()
    # The bases of R-GCN depend on the number of relations.
    known = {
        name: weights[name]
        for name in weights.keys() & present.keys()
        if weights[name].shape == present[name].shape
    }
    untrained = [name for name in present if name.startswith(_MODULES) and name not in known]
    model.load_state_dict(known, strict=False)
    logger.info(
        "from %s: %s; new: %s",
        path,
        ", ".join(_modules(known)),
        ", ".join(_modules(untrained)) or "none",
    )
    if unused := _modules(weights.keys() - known.keys()):
        logger.warning("%s in %s are not used", ", ".join(unused), path)


def _agree(name: str, trained: Any, own: Any) -> bool:
    """Return whether a field is the same, or an encoder of features that one side does not know."""
    return trained == own or (name == "feature_encoder_hash" and not (trained and own))


def _shortened(value: Any) -> Any:
    """Return a value with the hashes in it as their first characters."""
    if not isinstance(value, str):
        return value
    return re.sub(r"[0-9a-f]{64}", lambda found: found[0][:12], value)


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
