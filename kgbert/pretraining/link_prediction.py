"""Pretrain a graph encoder alone by predicting hidden edges of its graph."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import Dataset
from transformers import TrainerCallback, set_seed

from kgbert.encoding.collation import subgraph_arrays, to_tensors
from kgbert.encoding.encoded import Batch
from kgbert.encoding.neighbor_sampling import NeighborSampler
from kgbert.features.entity_features import EntityFeatures, encode_entities
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.models.config import KGBertConfig, check_options
from kgbert.models.heads.triples import LinkPredictor, link_prediction_losses
from kgbert.models.layers.graph_encoder import graph_encoder_name
from kgbert.models.pretrained_knowledge import load_knowledge, save_knowledge
from kgbert.pretraining.callbacks import ProgressReport
from kgbert.pretraining.checkpoint import Checkpoint, load_encoder
from kgbert.pretraining.config import EDGE_CONFIG, PretrainingConfig
from kgbert.pretraining.edge_targets import other_senders, pair_keys, without_pairs
from kgbert.pretraining.output import (
    PretrainedEncoder,
    check_output_folder,
    make_record,
    save_encoder,
    unfinished_folder,
)
from kgbert.pretraining.record import graph_record
from kgbert.pretraining.trainer import TrainingData, fit, items_per_step, steps_of
from kgbert.utils.errors import GraphError
from kgbert.utils.logging import silenced_transformers
from kgbert.utils.progress import LOG_REPORTER, Reporter

#: Maximum number of held-out pairs of entities.
_MOST_HELD_OUT = 2_048


@silenced_transformers()
def pretrain_graph_encoder(
    graph: KnowledgeGraph,
    *,
    backbone: str,
    output: str | Path,
    features: EntityFeatures | None = None,
    config: PretrainingConfig | None = None,
    callbacks: Sequence[TrainerCallback] = (),
    reporter: Reporter = LOG_REPORTER,
) -> PretrainedEncoder:
    """Train the graph encoder of later injections by link prediction, without a text.

    An edge and all other edges between its two entities are hidden, and the graph encoder has to
    tell its sender from others. The output folder has the unchanged backbone and the weights of
    the graph encoder, from which ``kgbert train --backbone`` and ``from_backbone`` start. An
    interrupted call continues when it is repeated.

    Args:
        graph: The graph.
        backbone: Hub name or folder of the encoder that will be fine-tuned.
        output: Folder of the encoder, which must not exist yet.
        features: One vector an entity; encoded by the backbone if None.
        config: How it is trained; the batch size is that of edges, and ``options`` has the sizes of
            the graph encoder. None for settings that suit graphs.
        callbacks: Trainer callbacks.
        reporter: Shows the progress; the default logs it at level INFO.

    Raises:
        KGBertError: The graph has too few edges, or the output exists.
    """
    config, folder = config or EDGE_CONFIG, Path(output)
    check_output_folder(folder)
    check_options(config.options)
    checkpoint = load_encoder(backbone)
    features = encode_entities(graph, backbone) if features is None else features
    set_seed(config.seed)
    model = LinkPredictor(_model_config(checkpoint, graph, features, config))
    load_knowledge(model, backbone)
    settings = {"config": asdict(config)}
    inputs = {"graph": graph.hash, "features": features.hash, "backbone": checkpoint.hash}
    place = unfinished_folder(folder, inputs | settings)
    hops = model.config.graph_layers * model.config.reads_edges
    batches = EdgeBatches(NeighborSampler(graph, hops=hops), config)
    fitted = fit(
        model,
        LinkPrediction(),
        _training_data(batches, features, config),
        config=config,
        folder=place / "checkpoints",
        callbacks=[ProgressReport(reporter), *callbacks],
    )
    record = replace(
        make_record(checkpoint, "link prediction by the graph encoder", settings, fitted),
        graph=graph_record(graph),
    )
    save = partial(save_knowledge, model=model, features=features)
    save_encoder(folder, checkpoint, record, save_further=save)
    return PretrainedEncoder(str(folder), record)


def _model_config(
    checkpoint: Checkpoint,
    graph: KnowledgeGraph,
    features: EntityFeatures,
    config: PretrainingConfig,
) -> KGBertConfig:
    """Return the configuration of the fused models that will start from the graph encoder."""
    sizes = {**features.model_options, **config.options}
    sizes["graph_encoder"] = graph_encoder_name(sizes.get("graph_encoder", "compgcn"))
    return KGBertConfig(
        backbone=deepcopy(checkpoint.encoder.config),
        relations=list(graph.relation_ids),
        graph_hash=graph.hash,
        **sizes,
    )


class EdgeBatch(NamedTuple):
    """Edges to predict at the same time."""

    edges: NDArray[np.int64]
    """Sender, receiver and relation, shape (edges, 3)."""
    seed: int
    """Seed of the other senders."""
    epoch: int


class EdgeBatches(Dataset[EdgeBatch]):
    """The batches of a whole training, over several epochs.

    Both directions of each edge are predicted. Order and negatives depend on the seed and the
    position only.
    """

    def __init__(self, sampler: NeighborSampler, config: PretrainingConfig) -> None:
        """Collect the edges of a graph, and hold out some pairs of entities.

        Args:
            sampler: Samples the graph.
            config: Has batch size, share of held-out pairs, and seed.

        Raises:
            GraphError: Fewer than two pairs of entities have an edge.
        """
        self.sampler, self.config = sampler, config
        rows = sampler.rows
        receivers = np.repeat(np.arange(len(rows.offsets) - 1), np.diff(rows.offsets))
        all_edges = np.stack([rows.senders, receivers, rows.types], 1).astype(np.int64)
        keys = pair_keys(*all_edges[:, :2].T)
        pairs = np.unique(keys)
        if len(pairs) < 2:
            raise GraphError(
                f"{sampler.graph.source or 'the graph'} has edges between {len(pairs)} pair of "
                "entities, and at least two are needed, one to train on and one to hold out; give "
                "a graph with more edges.",
                code="too-few-edges",
            )
        count = min(max(1, round(config.held_out * len(pairs))), _MOST_HELD_OUT, len(pairs) - 1)
        random = np.random.default_rng([config.seed, 0xE7A1])
        self.held_out_pairs = np.sort(random.permutation(pairs)[:count])
        is_held_out = np.isin(keys, self.held_out_pairs)
        self.edges, self.held_out = all_edges[~is_held_out], all_edges[is_held_out]
        self.count = self.per_epoch
        self._epoch, self._order = -1, np.empty(0, np.int64)

    @property
    def per_epoch(self) -> int:
        """The number of batches of an epoch."""
        return -(-len(self.edges) // self.config.batch_size)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> EdgeBatch:
        epoch, position = divmod(index, self.per_epoch)
        if epoch != self._epoch:
            random = np.random.default_rng([self.config.seed, epoch])
            self._epoch, self._order = epoch, random.permutation(len(self.edges))
        start = position * self.config.batch_size
        chosen = np.sort(self._order[start : start + self.config.batch_size])
        return EdgeBatch(self.edges[chosen], index, epoch)


class HeldOutEdges(Dataset[EdgeBatch]):
    """The held-out edges in batches."""

    def __init__(self, edges: NDArray[np.int64], batch_size: int) -> None:
        self.edges, self.batch_size = edges, batch_size

    def __len__(self) -> int:
        return -(-len(self.edges) // self.batch_size)

    def __getitem__(self, index: int) -> EdgeBatch:
        start = index * self.batch_size
        return EdgeBatch(self.edges[start : start + self.batch_size], index, 0)


@dataclass(frozen=True)
class EdgeCollator:
    """Samples the neighbourhood of the ends of edges, without these and the held-out edges."""

    batches: EdgeBatches
    features: EntityFeatures

    def __call__(self, items: Sequence[EdgeBatch]) -> Batch:
        """Return the arguments of a :class:`LinkPredictor` for the only batch."""
        (batch,) = items
        sampler, ends = self.batches.sampler, batch.edges[:, :2]
        entities = np.unique(ends)
        edges = np.column_stack([np.searchsorted(entities, ends), batch.edges[:, 2]])
        hidden = np.concatenate([pair_keys(*ends.T), self.batches.held_out_pairs])
        sampled = without_pairs(sampler.sample(entities, batch.epoch), hidden)
        random = np.random.default_rng([self.batches.config.seed, batch.seed])
        targets = {
            "target_edges": edges,
            "target_negatives": other_senders(edges, entities, sampler, random),
        }
        arrays = subgraph_arrays(sampled, self.features) | targets
        return to_tensors(arrays) | {"hop_sizes": sampled.hop_sizes}


def _training_data(
    batches: EdgeBatches, features: EntityFeatures, config: PretrainingConfig
) -> TrainingData:
    # An item is a whole batch of edges, because their ends are the choices of each other.
    per_step = items_per_step(1, config)
    steps = steps_of(batches.per_epoch, per_step, config)
    batches.count = steps * per_step
    return TrainingData(
        training=batches,
        held_out=HeldOutEdges(batches.held_out, config.batch_size),
        collate=EdgeCollator(batches, features),
        batch_size=1,
        steps=steps,
    )


class LinkPrediction:
    """The objective: the sender of a hidden edge scores higher than others."""

    def loss(self, model: nn.Module, batch: Batch) -> Float[Tensor, ""]:
        """Return the mean loss of the edges of a batch."""
        return link_prediction_losses(model(**batch)).mean()

    def statistics(self, model: nn.Module, batch: Batch) -> Float[Tensor, "batches values"]:
        """Return loss, number of edges, and number of edges whose sender scores highest."""
        scores = model(**batch)
        highest = (scores.argmax(1) == 0).float()
        losses = link_prediction_losses(scores)
        return torch.stack([losses.sum(), torch.ones_like(losses).sum(), highest.sum()])[None]

    def metrics(self, sums: NDArray[Any]) -> dict[str, float]:
        """Return loss, and the share of edges whose sender scores highest."""
        loss, count, highest = np.asarray(sums).tolist()
        return {"loss": loss / count, "accuracy": highest / count}
