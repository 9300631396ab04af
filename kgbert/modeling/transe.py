"""TransE: entity vectors from the edges of a graph alone, as ERNIE takes them."""

import hashlib
import math
from pathlib import Path

import numpy as np
import torch
from torch_geometric.nn.kge import TransE

from kgbert.batching.features import EntityFeatures
from kgbert.graph.graph import KnowledgeGraph

#: Length of a vector, as in ERNIE.
SIZE = 100

#: How the vectors are trained, part of the name under which they are kept: this often through all
#: edges, and in this many steps at least.
EPOCHS, STEPS, BATCH, RATE, SEED = 20, 1500, 2048, 0.01, 0


def transe_vectors(
    graph: KnowledgeGraph, *, cache: str | Path | None = "~/.cache/kgbert/features"
) -> EntityFeatures:
    """Return one vector an entity such that ``head + relation`` lies near ``tail``.

    TransE (Bordes et al. 2013) with a margin against edges whose head or tail was drawn at random.
    An entity without edges has a vector that says nothing.

    Args:
        graph: Only its edges are read.
        cache: Folder where vectors are kept by graph and settings; None trains anew.
    """
    told = f"TransE {SIZE} {EPOCHS} {STEPS} {BATCH} {RATE} {SEED} {graph.hash}"
    name = f"transe-{hashlib.sha256(told.encode()).hexdigest()[:32]}.safetensors"
    kept = None if cache is None else Path(cache).expanduser() / name
    if kept is not None and kept.exists():
        return EntityFeatures.load(kept)
    settings = hashlib.sha256(told.encode()).hexdigest()
    features = EntityFeatures(_trained(graph).astype(np.float16), "TransE", settings, graph.hash)
    if kept is not None:
        features.save(kept)
    return features


def _trained(graph: KnowledgeGraph) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    edges = torch.from_numpy(np.stack([graph.heads, graph.relations, graph.tails]).astype(np.int64))
    # What else of a run draws random numbers must not notice.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        model = TransE(len(graph), max(1, len(graph.relation_ids)), SIZE, sparse=True)
        optimiser = torch.optim.SparseAdam(list(model.parameters()), RATE)
        batches = math.ceil(edges.shape[1] / BATCH)
        for _ in range(max(EPOCHS, math.ceil(STEPS / batches)) if batches else 0):
            for batch in torch.randperm(edges.shape[1]).split(BATCH):
                optimiser.zero_grad()
                model.loss(*edges[:, batch]).backward()
                optimiser.step()
        weight = torch.nn.functional.normalize(model.node_emb.weight.detach(), dim=-1)
    # As long as other features are: a unit a component in the mean.
    vectors: np.ndarray[tuple[int, ...], np.dtype[np.float32]] = (weight * SIZE**0.5).numpy()
    return vectors
