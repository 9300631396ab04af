"""Ask a saved model, and see which entities it read."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from accelerate.utils import send_to_device
from numpy.typing import NDArray
from torch import Tensor

from kgbert.data import Example, Span
from kgbert.encoding.alignment import tokens_of
from kgbert.encoding.encoded import EncodedText
from kgbert.encoding.length_grouping import batches_by_length
from kgbert.encoding.processor import KGBertProcessor
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.mention import Candidate, Linker, Mention
from kgbert.models.base import KGBertPreTrainedModel
from kgbert.tasks.base import Task
from kgbert.tasks.choosing import chosen
from kgbert.tasks.gold_links import NIL
from kgbert.tasks.tagging import spans_of
from kgbert.training.inference import own_logits
from kgbert.training.saving import load_model
from kgbert.utils.device import has_fast_bf16

logger = logging.getLogger(__name__)

#: The attention that each link of one text got, by (token, entity index).
LinkAttention = dict[tuple[int, int], float]


@dataclass(frozen=True)
class ReadEntity:
    """A candidate of a mention, and the share of attention that it got."""

    entity: str
    name: str
    score: float
    """How well the linker found it to fit, 0 to 1."""
    attention: float | None
    """Mean over the mention's tokens, the heads and the injections; None for a model that reads
    entities in another way, or none."""


@dataclass(frozen=True)
class ReadMention:
    """A mention, and what the model read there."""

    start: int
    end: int
    text: str
    candidates: tuple[ReadEntity, ...]
    none_of_these: float | None
    """The share of attention that went to the null entity and to other mentions' candidates; None
    as for the candidates."""


@dataclass(frozen=True)
class LinkedMention:
    """A mention, the entity that it means, and how sure the model is."""

    start: int
    end: int
    text: str
    entity: str
    """Its id, or "NIL" where none of the candidates is meant."""
    name: str
    probability: float


@dataclass(frozen=True)
class Prediction:
    """The answer to one text: a label and its probability, or spans, or linked mentions."""

    text: str
    label: str | None
    probability: float | None
    spans: tuple[Span, ...]
    mentions: tuple[ReadMention, ...]
    links: tuple[LinkedMention, ...] = ()


class KGBertPipeline:
    """Answers texts; made by :func:`pipeline` from a folder, or from a model in memory."""

    def __init__(
        self,
        model: KGBertPreTrainedModel,
        processor: KGBertProcessor,
        task: Task,
        *,
        bf16: bool = False,
    ) -> None:
        self.model, self.processor, self.task = model.eval(), processor, task
        self.bf16 = bf16

    def __call__(self, texts: Sequence[str | Example], *, batch_size: int = 32) -> list[Prediction]:
        """Return one prediction a text; one about a relation is an example with arguments."""
        encoded = self.processor.encode(texts)
        found: dict[int, Prediction] = {}
        for places in batches_by_length([len(text.offsets) for text in encoded], batch_size):
            answers = self._answer([encoded[place] for place in places])
            found.update(zip(places, answers, strict=True))
        return [found[place] for place in range(len(encoded))]

    def _answer(self, encoded: Sequence[EncodedText]) -> Iterator[Prediction]:
        batch = send_to_device(self.processor.collate(encoded), self.model.device)
        mixed = torch.autocast(self.model.device.type, torch.bfloat16, enabled=self.bf16)
        with torch.inference_mode(), mixed, self.model.record_attention() as weights:
            logits = self.model(**batch).logits.float().cpu()
        mean = _mean_over_injections(weights)
        first = 0
        for row, text in zip(logits, encoded, strict=True):
            links = text.links
            end = first + len(links.tokens)
            pairs = zip(links.tokens.tolist(), links.entities.tolist(), strict=True)
            seen = None if mean is None else dict(zip(pairs, mean[first:end], strict=True))
            yield self._prediction(text, row, seen)
            first = end

    def _prediction(
        self, text: EncodedText, logits: Tensor, seen: LinkAttention | None
    ) -> Prediction:
        mentions = tuple(self._read(text, mention, seen) for mention in text.mentions)
        own = own_logits(logits.numpy(), text, self.processor)
        if self.task.candidates:
            return Prediction(text.text, None, None, (), mentions, tuple(self._links(text, own)))
        answer = self.task.answer(own, text, self.model.config)
        if isinstance(answer, str):
            return Prediction(text.text, answer, float(logits.softmax(-1).max()), (), mentions)
        return Prediction(text.text, None, None, tuple(spans_of(answer, text)), mentions)

    def _links(self, text: EncodedText, logits: NDArray[np.float32]) -> Iterator[LinkedMention]:
        graph = self.processor.graph
        answers = chosen(logits, text, self.model.config)
        for mention, answer in zip(text.mentions, answers, strict=True):
            name = "" if answer.entity == NIL else graph.name(graph.index(answer.entity))
            span = text.text[mention.start : mention.end]
            yield LinkedMention(
                mention.start, mention.end, span, answer.entity, name, answer.probability
            )

    def _read(self, text: EncodedText, mention: Mention, seen: LinkAttention | None) -> ReadMention:
        tokens = tokens_of(mention, text.offsets)
        graph = self.processor.graph
        candidates, rest = [], None if seen is None else 1.0
        for entity, score in mention.candidates:
            index = graph.entity_ids.find(entity)
            if index is None:
                continue
            share = None
            if seen is not None and rest is not None:
                shares = [seen.get((token, index), 0.0) for token in tokens]
                share = sum(shares) / max(1, len(shares))
                rest = max(0.0, rest - share)
            candidates.append(ReadEntity(entity, graph.name(index), score, share))
        span = text.text[mention.start : mention.end]
        return ReadMention(mention.start, mention.end, span, tuple(candidates), rest)


def _mean_over_injections(weights: dict[str, Tensor]) -> list[float] | None:
    """Return the mean attention of each link over heads and injections; None without any."""
    if not weights:
        return None
    mean = torch.stack([weight.float().mean(-1) for weight in weights.values()]).mean(0)
    return [float(share) for share in mean.cpu()]


def pipeline(
    folder: str | Path,
    *,
    graph: KnowledgeGraph | None = None,
    device: str | None = None,
    bf16: bool = False,
) -> KGBertPipeline:
    """Return a callable that answers texts with a saved model.

    This is the supported way: ``transformers.pipeline`` slices the graph's tensors by rows.

    Args:
        folder: Where the model was saved.
        graph: The graph, read again, where the model was saved without it.
        device: Where to compute; None means the GPU if torch sees one, else the CPU.
        bf16: Compute in bfloat16, which is faster on GPUs and on CPUs with AVX-512 BF16, and may
            turn an answer that is nearly a tie.
    """
    if bf16 and not has_fast_bf16():
        logger.warning("this machine is not fast in bfloat16; leave bf16 (typed: --bf16) away.")
    model, processor, task = load_model(folder, graph=graph)
    chosen_device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    model.to(chosen_device)  # type: ignore[arg-type]  # a wrapper of transformers hides its self
    return KGBertPipeline(model, processor, task, bf16=bf16)


def context_linker(answer: KGBertPipeline) -> Linker:
    """Return a linker that lets a trained entity-linking model choose by the context.

    Each mention of the model's own linker keeps the entity that the model chose, with its
    probability as the score; mentions that it answers with NIL are left out.
    """

    def link(texts: Sequence[str]) -> list[list[Mention]]:
        return [
            [
                Mention(x.start, x.end, (Candidate(x.entity, x.probability),))
                for x in prediction.links
                if x.entity != NIL
            ]
            for prediction in answer(texts)
        ]

    return link
