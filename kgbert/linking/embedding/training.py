"""Train an embedding linker on the synonyms of the ontology itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR
from transformers import set_seed

from kgbert.features.entity_features import Progress
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
from kgbert.utils.device import has_fast_bf16
from kgbert.utils.errors import GraphError, Remedy

#: Share of the entities with synonyms that training does not see: they calibrate the scores.
_HELD_OUT = 0.05

#: Entities like it that are looked for beside each one.
_LIKE = 16

#: Names encoded together.
_TOGETHER = 64


@dataclass(frozen=True)
class LinkerTrainingConfig:
    """How an embedding linker is trained."""

    epochs: int = 1
    max_pairs: int = 30_000
    """Pairs of synonyms an epoch; of more a sample is drawn, anew in each epoch."""
    batch_size: int = 128
    """Pairs compared with each other; more make harder negatives."""
    learning_rate: float = 2e-4
    warmup: float = 0.1
    """Share of the steps in which the rate rises."""
    seed: int = 0


@dataclass(frozen=True)
class LinkerTrainingResult:
    """A trained linker, and how its training went."""

    linker: EmbeddingLinker
    losses: tuple[float, ...]
    """Of every step."""
    pairs: int
    """Pairs of synonyms that were seen."""
    held_out: tuple[str, ...]
    """Ids of the entities whose names were not, and that calibrated the scores."""

    @property
    def first_and_last_loss(self) -> tuple[float, float]:
        """The mean loss of the first tenth of the steps, and of the last."""
        tenth = max(1, len(self.losses) // 10)
        return sum(self.losses[:tenth]) / tenth, sum(self.losses[-tenth:]) / tenth


def train_linker(
    graph: KnowledgeGraph,
    backbone: str | Path | NameEncoder,
    *,
    recipe: LinkerTrainingConfig | None = None,
    progress: Progress | None = None,
) -> LinkerTrainingResult:
    """Teach an encoder that the names of an entity mean the same (the recipe of SapBERT).

    The encoder's weights are changed in place if it is given as a NameEncoder. Save the outcome
    with ``training.linker.save(folder)``.

    Args:
        graph: Its preferred names and exact and related synonyms are learnt.
        backbone: Any encoder: a folder, a name on the hub, or one that is loaded.
        recipe: How to train; the defaults suit an ontology of some ten thousand entities.
        progress: Called after each step with the steps done and all there are.

    Raises:
        GraphError: No entity has two names.
    """
    recipe = recipe or LinkerTrainingConfig()
    set_seed(recipe.seed)
    random = np.random.default_rng(recipe.seed)
    learnt, held_out = _split(graph, random)
    encoder = (
        backbone if isinstance(backbone, NameEncoder) else NameEncoder.from_pretrained(backbone)
    )
    epochs = [draw_pairs(learnt, recipe.max_pairs, random) for _ in range(recipe.epochs)]
    likeness = _likeness(graph, encoder, sorted(learnt))
    batches = [
        batch
        for pairs in epochs
        for batch in batches_of(pairs, likeness, recipe.batch_size, random)
    ]
    losses = _fit(encoder, batches, recipe, progress)
    # What lies in the folder that it came from is another encoder now.
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
    """Return the synonyms to learn from, and the entities whose synonyms are kept for later."""
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


def _likeness(
    graph: KnowledgeGraph, encoder: NameEncoder, entities: Sequence[int]
) -> dict[int, Sequence[int]]:
    """Return by entity those whose best names the encoder, as it is, finds most alike."""
    vectors = encoder.encode_all([graph.name(entity) for entity in entities])
    names = EncodedNames(vectors, np.array(entities, np.int32))
    _, nearest = names.nearest(torch.from_numpy(vectors).float(), _LIKE)
    return similar_entities(np.array(entities), nearest.numpy())


def _fit(
    encoder: NameEncoder,
    batches: Sequence[Sequence[Pair]],
    recipe: LinkerTrainingConfig,
    progress: Progress | None,
) -> list[float]:
    """Take a step for each batch, and return the losses."""
    # Asked before, it is that of the weights as they were.
    encoder.__dict__.pop("hash", None)
    model = encoder.model.train()
    optimiser = AdamW(model.parameters(), recipe.learning_rate, weight_decay=0.01)
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
    said = [name for pair in batch for name in (pair.left, pair.right)]
    pieces = list(alike_in_length(said, _TOGETHER))
    order = np.concatenate(pieces)
    device = encoder.model.device
    with torch.autocast(device.type, torch.bfloat16, enabled=has_fast_bf16()):
        vectors = torch.cat(
            [encoder.vectors(encoder.tokens([said[row] for row in rows])) for rows in pieces]
        )
    names = [said[row] for row in order]
    # Two names a pair, one after the other.
    entities = torch.tensor([batch[row // 2].entity for row in order], device=device)
    number = {name: place for place, name in enumerate(dict.fromkeys(names))}
    spelling = torch.tensor([number[name] for name in names], device=device)
    same_name = spelling.unsqueeze(0) == spelling.unsqueeze(1)
    with torch.autocast(device.type, enabled=False):
        return multi_similarity(vectors.float(), entities, same_name=same_name)
