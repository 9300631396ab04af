"""Precompute the entity vectors of a whole graph, and check whether vectors are stale."""

import tempfile
from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn

from kgbert.encoding.neighbor_sampling import NeighborSampler
from kgbert.features.entity_features import EntityFeatures
from kgbert.features.frozen_encoder import weights_hash
from kgbert.models.layers.graph_encoder import GraphEncoder
from kgbert.models.layers.injection import Injection, TokenFusionHook
from kgbert.models.layers.knowledge_attention import FoldedKeysValues, KnowledgeAttention
from kgbert.utils.errors import KGBertError
from kgbert.utils.progress import StepCallback


def foldable_injections(injections: Iterable[Injection]) -> tuple[str, ...]:
    """Return the names of the injections whose projections can be folded into entity vectors."""
    return tuple(
        each.name
        for each in injections
        if isinstance(each.update, TokenFusionHook)
        and isinstance(each.module, KnowledgeAttention)
        and each.module.is_foldable
    )


def pack_columns(
    vectors: Float[Tensor, "nodes knowledge"], attentions: Iterable[KnowledgeAttention]
) -> Float[Tensor, "nodes size"]:
    """Return entity vectors followed by their folded keys and values for each attention."""
    return torch.cat(
        [vectors, *(part for each in attentions for part in each.fold_projections(vectors))], 1
    )


def unpack_columns(
    rows: Float[Tensor, "nodes size"], knowledge: int, hidden: int, names: Collection[str]
) -> tuple[Float[Tensor, "nodes knowledge"], dict[str, FoldedKeysValues]]:
    """Return the parts of :func:`pack_columns`: the vectors, and keys and values by injection.

    Args:
        rows: One row an entity.
        knowledge: Size of an entity vector.
        hidden: Size of a token state.
        names: Names of the injections.
    """
    vectors, *parts = rows.split([knowledge, *(len(names) * [hidden + 1, hidden])], 1)
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return vectors, {name: FoldedKeysValues(*pair) for name, pair in zip(names, pairs, strict=True)}


#: Number of entities that are computed at a time.
CHUNK = 4096

#: Computes a row for each entity between a start and an end.
Step = Callable[[int, int], Tensor]


@torch.no_grad()
def all_vectors(
    encoder: GraphEncoder,
    sampler: NeighborSampler,
    features: EntityFeatures,
    attentions: Collection[KnowledgeAttention] = (),
    progress: StepCallback | None = None,
) -> NDArray[np.float16]:
    """Return the vectors of all entities, equal to those of a batch in evaluation.

    The folded keys and values of each attention are appended to them.

    Each layer is computed for all entities before the next one, so that the cost of an entity
    depends on its neighbours and not on theirs. The sampled neighbours of a node depend on the node
    only, so the subgraph of any batch gives the same vectors up to rounding. Arrays of the size of
    the graph are in temporary files.
    """
    device = encoder.project.weight.device
    steps = 2 + len(encoder.layers)

    def rows(step: Step, number: int, kind: type[Any] = np.float32) -> NDArray[Any]:
        entities = len(features.vectors)
        filled = _on_disk((entities, step(0, 0).shape[1]), kind)
        for start in range(0, entities, CHUNK):
            end = min(start + CHUNK, entities)
            filled[start:end] = step(start, end).cpu().numpy()
            if progress:
                progress(number * entities + end, steps * entities)
        return filled

    def project(start: int, end: int) -> Tensor:
        return encoder.project_features(
            torch.tensor(features.vectors[start:end]).to(device)
        ).float()

    def refine(state: NDArray[Any], layer: int, start: int, end: int) -> Tensor:
        sampled = sampler.sample(np.arange(start, end), hops=1)
        nodes, edge_index, edge_types = (
            torch.from_numpy(each).to(device)
            for each in (state[sampled.nodes], sampled.edge_index, sampled.edge_types)
        )
        nodes = nodes.to(encoder.project.weight.dtype)
        return encoder.message_pass(layer, nodes, end - start, edge_index, edge_types).float()

    def finalize(state: NDArray[Any], start: int, end: int) -> Tensor:
        nodes = torch.tensor(state[start:end]).to(encoder.norm.weight)
        return _to_half(pack_columns(encoder.norm(nodes), attentions))

    training = encoder.training
    encoder.eval()
    state = rows(project, 0)
    for layer in range(len(encoder.layers)):
        state = rows(partial(refine, state, layer), layer + 1)
    vectors = rows(partial(finalize, state), steps - 1, np.float16)
    encoder.train(training)
    return vectors


def _to_half(rows: Tensor) -> Tensor:
    halves = rows.half()
    if not halves.isfinite().all():
        raise KGBertError(
            "entity vectors are too large for half precision or not finite, as after a training "
            "that diverged. Train again with a smaller learning rate.",
            code="non-finite-vectors",
        )
    return halves


def _on_disk(shape: tuple[int, int], kind: type[Any]) -> NDArray[Any]:
    """Return an array in an anonymous file, which is deleted with its last reference."""
    if not shape[0]:
        return np.empty(shape, kind)
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, kind, "w+", shape=shape)


class StalenessCheck:
    """Checks that precomputed vectors belong to the weights, hashing only after a change."""

    def __init__(self) -> None:
        self.versions: list[tuple[int, int, int]] = []
        self.hash = ""

    def hash_of(self, encoder: nn.Module) -> str:
        """Return the SHA-256 of the weights of an encoder."""
        # PyTorch counts the changes of a tensor to check backward passes; a change of the precision
        # changes the data pointer.
        versions = [
            (id(weight), weight._version, weight.data_ptr()) for weight in encoder.parameters()
        ]
        if versions != self.versions:
            self.versions, self.hash = versions, weights_hash(encoder)
        return self.hash

    def forget(self) -> None:
        """Discard the cached hash, because fused optimisers change weights without counting."""
        self.versions = []

    def check(self, encoder: nn.Module, vectors_hash: str | None) -> None:
        """Raise KGBertError if vectors were computed with other weights."""
        if self.hash_of(encoder) == vectors_hash:
            return
        raise KGBertError(
            f"the entity vectors were computed with the weights {str(vectors_hash)[:12]}, but this "
            f"model has {self.hash[:12]}: it was trained further, or is in another precision. Call "
            "processor.use_vectors(model.precompute(processor)), or processor.use_vectors(None) "
            "to sample the graph again; in a saved folder, remove entity_vectors.safetensors.",
            code="stale-vectors",
        )
