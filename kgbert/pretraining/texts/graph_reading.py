"""The entities of the linked tokens in a batch of rows, with their sampled neighbourhood."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool
from numpy.typing import NDArray
from torch import Tensor

from kgbert.encoding.alignment import TokenEntityLinks
from kgbert.encoding.collation import largest_table, link_arrays, subgraph_arrays, to_tensors
from kgbert.encoding.encoded import Batch
from kgbert.encoding.neighbor_sampling import NeighborSampler
from kgbert.features.entity_features import EntityFeatures
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.models.config import check_options
from kgbert.models.pretrained_knowledge import load_knowledge, save_knowledge
from kgbert.models.task_models import KGBertForMaskedLM
from kgbert.pretraining.checkpoint import Checkpoint
from kgbert.pretraining.config import MaskingConfig, PretrainingConfig
from kgbert.pretraining.edge_targets import hide_edges
from kgbert.pretraining.texts.draws import Draw
from kgbert.utils.errors import KGBertError, Remedy


@dataclass(frozen=True)
class GraphReader:
    """Returns the knowledge inputs of a fused model for a batch of rows."""

    sampler: NeighborSampler
    features: EntityFeatures
    hidden_links: float
    """Share of the masked words and mentions whose links are hidden."""
    hides_edges: bool = False
    """Whether some edges are hidden and have to be predicted."""

    def __call__(self, draws: Sequence[Draw], masked: Bool[Tensor, "batch tokens"]) -> Batch:
        """Return links and subgraph, and the hidden edges.

        Args:
            draws: The rows, which are padded on the right.
            masked: The tokens to predict.
        """
        links = [
            self._visible_links(draw, row[: len(draw.tokens.ids)])
            for draw, row in zip(draws, masked.numpy(), strict=True)
        ]
        arrays, linked = link_arrays(links, [0] * len(links))
        sampled = self.sampler.sample(linked, draws[0].epoch)
        knowledge: Batch = {"table_size": largest_table(links)}
        if self.hides_edges:
            random = np.random.default_rng([draw.seed for draw in draws])
            hidden = hide_edges(sampled, self.sampler, random)
            sampled, arrays = hidden.subgraph, arrays | hidden.targets
        else:
            # Without hops, all nodes get a vector and not only the linked ones.
            knowledge["hop_sizes"] = sampled.hop_sizes
        return knowledge | to_tensors(arrays | subgraph_arrays(sampled, self.features))

    def _visible_links(self, draw: Draw, masked: NDArray[np.bool_]) -> TokenEntityLinks:
        """Return the links of a row without those of some masked words and mentions."""
        units = np.cumsum(draw.tokens.starts_unit)
        candidates = np.unique(units[masked])
        chosen = np.random.default_rng([draw.seed, 1]).random(len(candidates)) < self.hidden_links
        links = draw.tokens.entity_links
        visible = ~np.isin(units[links.tokens], candidates[chosen])
        return TokenEntityLinks(
            links.tokens[visible], links.entities[visible], links.scores[visible]
        )


@dataclass(frozen=True)
class FusedLanguageModel:
    """A masked language model that reads a graph, and what reads the graph for it."""

    model: KGBertForMaskedLM
    reader: GraphReader

    def save(self, folder: Path) -> None:
        """Write the injection weights, and the features that they fit, to a folder."""
        save_knowledge(folder, self.model, self.reader.features)


def fuse(
    checkpoint: Checkpoint,
    graph: KnowledgeGraph,
    features: EntityFeatures,
    *,
    masking: MaskingConfig,
    config: PretrainingConfig,
) -> FusedLanguageModel:
    """Return a masked language model with the weights of a checkpoint that reads a graph.

    Before training, its output is bit for bit that of the checkpoint.

    Args:
        checkpoint: The checkpoint with its language-modelling head.
        graph: The graph.
        features: One vector an entity.
        masking: Which links are hidden.
        config: The options of the model, and whether it predicts edges as well.

    Raises:
        KGBertError: The checkpoint is not a masked language model, or edges cannot be predicted.
    """
    if checkpoint.objective != "masked language modelling":
        raise KGBertError(
            f"{checkpoint.name} ({checkpoint.model.config.model_type}) learns by "
            f"{checkpoint.objective}, and only masked language models can read the graph "
            "meanwhile. Choose an encoder such as bert, or pretrain this one without the graph.",
            code="graph-without-masking",
            remedies=[Remedy("injected_layers", [], "to only mask and measure the mentions")],
        )
    check_options(config.options)
    model = KGBertForMaskedLM.from_model(
        checkpoint.model, graph, **{**features.model_options, **config.options}
    )
    load_knowledge(model, checkpoint.name)
    if config.link_prediction:
        model.add_triple_scorer()
    sampler = NeighborSampler(graph, hops=model.config.graph_layers * model.config.reads_edges)
    reader = GraphReader(
        sampler, features, masking.hidden_links, hides_edges=config.link_prediction > 0
    )
    return FusedLanguageModel(model, reader)
