"""Train an embedding linker on the synonyms of an ontology."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR
from transformers import set_seed

from kgbert.features.learning_rate import learning_rate_by_width
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.embedding.linker import EmbeddingLinker
from kgbert.linking.embedding.loss import multi_similarity
from kgbert.linking.embedding.name_encoder import NameEncoder, alike_in_length
from kgbert.linking.embedding.name_index import EncodedNames, encode_names
from kgbert.linking.embedding.settings import EmbeddingSettings
from kgbert.linking.embedding.synonyms import (
    Pair,
    batches_of,
    draw_pairs,
    similar_entities,
    synonyms,
)
from kgbert.utils.checks import check_positive
from kgbert.utils.device import has_fast_bf16
from kgbert.utils.errors import GraphError, Remedy
from kgbert.utils.progress import StepCallback

#: Share of the entities with synonyms that are held out to calibrate the scores.
_HELD_OUT = 0.05

#: Number of similar entities that are searched for each entity.
_NEIGHBOURS = 16

#: Names per forward pass.
_NAMES_PER_PASS = 64


@dataclass(frozen=True)
class LinkerTrainingConfig:
    """Hyperparameters of the training of an embedding linker."""

    epochs: int = 1
    max_pairs: int = 30_000
    """Maximum number of synonym pairs per epoch; each epoch draws its own sample."""
    batch_size: int = 128
    """Pairs per batch; larger batches contain harder negatives."""
    learning_rate: float | None = None
    """None for the rate by the width of the encoder, see :func:`learning_rate_by_width`."""
    warmup: float = 0.1
    """Share of the steps in which the learning rate increases."""
    seed: int = 0

    def __post_init__(self) -> None:
        check_positive(epochs=self.epochs, max_pairs=self.max_pairs, batch_size=self.batch_size)


@dataclass(frozen=True)
class LinkerTrainingResult:
    """A trained linker and the statistics of its training."""

    linker: EmbeddingLinker
    losses: tuple[float, ...]
    """The loss of each step."""
    pairs: int
    """Number of synonym pairs in all epochs."""
    held_out: tuple[str, ...]
    """Ids of the held-out entities, which calibrated the scores."""

    @property
    def first_and_last_loss(self) -> tuple[float, float]:
        """The mean losses of the first and of the last tenth of the steps."""
        tenth = max(1, len(self.losses) // 10)
        return sum(self.losses[:tenth]) / tenth, sum(self.losses[-tenth:]) / tenth


def train_linker(
    graph: KnowledgeGraph,
    backbone: str | Path | NameEncoder,
    *,
    recipe: LinkerTrainingConfig | None = None,
    progress: StepCallback | None = None,
) -> LinkerTrainingResult:
    """Train an encoder to give the names of an entity similar vectors (SapBERT).

    If the encoder is given as a NameEncoder, its weights change in place. Save the result with
    ``training.linker.save(folder)``.

    Args:
        graph: Training uses its preferred names and its exact and related synonyms.
        backbone: An encoder: a folder, a name on the hub, or a loaded NameEncoder.
        recipe: Hyperparameters; the defaults suit an ontology of about ten thousand entities.
        progress: Called after each step with the number of finished steps and of all steps.

    Raises:
        GraphError: No entity has two names.
    """
    recipe = recipe or LinkerTrainingConfig()
    set_seed(recipe.seed)
    random = np.random.default_rng(recipe.seed)
    trained, held_out = _split(graph, random)
    encoder = (
        backbone if isinstance(backbone, NameEncoder) else NameEncoder.from_pretrained(backbone)
    )
    epochs = [draw_pairs(trained, recipe.max_pairs, random) for _ in range(recipe.epochs)]
    neighbours = _similar_entities(graph, encoder, sorted(trained))
    batches = [
        batch
        for pairs in epochs
        for batch in batches_of(pairs, neighbours, recipe.batch_size, random)
    ]
    losses = _fit(encoder, batches, recipe, progress)
    # The folder from which the encoder was loaded contains other weights than the trained ones.
    encoder.model.name_or_path = ""
    names = encode_names(graph, encoder)
    linker = EmbeddingLinker(graph, encoder, names, settings=EmbeddingSettings())
    return LinkerTrainingResult(
        linker.calibrated(np.array(held_out, np.int64), seed=recipe.seed),
        tuple(losses),
        sum(map(len, epochs)),
        tuple(graph.entity_ids[entity] for entity in held_out),
    )


def _split(
    graph: KnowledgeGraph, random: np.random.Generator
) -> tuple[dict[int, tuple[str, ...]], list[int]]:
    """Return the synonyms for training, and the entities that are held out."""
    known = synonyms(graph)
    if len(known) < 2:
        raise GraphError(
            f"{graph.source or 'the graph'}: {len(known)} of {len(graph):,} entities have a "
            "synonym, and a linker is trained on pairs of synonyms.",
            code="too-few-synonyms",
            remedies=[
                Remedy("linker", "embedding:BACKBONE", "to use the encoder without training"),
                Remedy("label", purpose="to name the property of synonyms", owner="ReadOptions"),
            ],
        )
    count = int(len(known) * _HELD_OUT)
    held_out = sorted(random.permutation(sorted(known))[:count].tolist())
    return {key: names for key, names in known.items() if key not in set(held_out)}, held_out


def _similar_entities(
    graph: KnowledgeGraph, encoder: NameEncoder, entities: Sequence[int]
) -> dict[int, Sequence[int]]:
    """Return the entities with the most similar best names, before training, by entity."""
    vectors = encoder.encode_all([graph.name(entity) for entity in entities])
    names = EncodedNames(vectors, np.array(entities, np.int32))
    _, nearest = names.nearest(torch.from_numpy(vectors).float(), _NEIGHBOURS)
    return similar_entities(np.array(entities), nearest.numpy())


def _fit(
    encoder: NameEncoder,
    batches: Sequence[Sequence[Pair]],
    recipe: LinkerTrainingConfig,
    progress: StepCallback | None,
) -> list[float]:
    """Train with one step per batch, and return the losses."""
    # A cached hash would be that of the untrained weights.
    encoder.__dict__.pop("hash", None)
    model = encoder.model.train()
    rate = recipe.learning_rate
    if rate is None:
        rate = learning_rate_by_width(model.config.hidden_size)
    optimiser = AdamW(model.parameters(), rate, weight_decay=0.01)
    rise = max(1, round(recipe.warmup * len(batches)))
    schedule = LambdaLR(
        optimiser,
        lambda step: min((step + 1) / rise, (len(batches) - step) / max(1, len(batches) - rise)),
    )
    losses = []
    for step, batch in enumerate(batches, start=1):
        loss = _loss(encoder, batch)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
        if progress:
            progress(step, len(batches))
    model.eval()
    return losses


def _loss(encoder: NameEncoder, batch: Sequence[Pair]) -> torch.Tensor:
    paired = [name for pair in batch for name in (pair.left, pair.right)]
    chunks = list(alike_in_length(paired, _NAMES_PER_PASS))
    order = np.concatenate(chunks)
    device = encoder.model.device
    with torch.autocast(device.type, torch.bfloat16, enabled=has_fast_bf16()):
        vectors = torch.cat(
            [encoder.vectors(encoder.tokens([paired[row] for row in rows])) for rows in chunks]
        )
    names = [paired[row] for row in order]
    # The two names of a pair are adjacent.
    entities = torch.tensor([batch[row // 2].entity for row in order], device=device)
    number = {name: place for place, name in enumerate(dict.fromkeys(names))}
    spelling = torch.tensor([number[name] for name in names], device=device)
    same_name = spelling.unsqueeze(0) == spelling.unsqueeze(1)
    with torch.autocast(device.type, enabled=False):
        return multi_similarity(vectors.float(), entities, same_name=same_name)
