"""Score the answers to one example for many variants of its input, and their gradients."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

import numpy as np
import torch
from accelerate.utils import send_to_device
from numpy.typing import NDArray
from torch import Tensor, nn

from kgbert.encoding.encoded import Batch
from kgbert.encoding.processor import KGBertProcessor
from kgbert.explanation.parts import (
    EdgePart,
    EntityPart,
    MentionPart,
    Part,
    chosen,
    linked_mentions,
    triples,
    without,
)
from kgbert.tasks.base import EncodedExample, ExplainedAnswer, Prediction
from kgbert.training.pipeline import KGBertPipeline

#: Variants of a text in a batch.
BATCH_SIZE = 32


class PathGradients(NamedTuple):
    """Gradient times difference from a baseline, the mean over the points of a path."""

    tokens: list[NDArray[np.float64]]
    """For each text of the example, shape (answers, tokens of the text)."""
    entities: dict[int, NDArray[np.float64]]
    """For each linked entity, by its index in the graph, shape (answers)."""


class AnswerScorer:
    """Computes the scores of answers to one example without some of its parts.

    Variants of the example are batched, and each is computed once.
    """

    def __init__(
        self,
        pipeline: KGBertPipeline,
        encoded: EncodedExample,
        prediction: Prediction,
        answers: Sequence[ExplainedAnswer],
        *,
        batch_size: int = BATCH_SIZE,
    ) -> None:
        """Create the scorer of an example.

        Args:
            pipeline: The model; its processor samples the graph.
            encoded: The example.
            prediction: The prediction for it.
            answers: The answers to score.
            batch_size: Number of variants of a batch.
        """
        self.pipeline, self.encoded, self.prediction = pipeline, encoded, prediction
        self.answers = list(answers)
        self.mentions = linked_mentions(encoded, pipeline.processor.graph)
        self.rows = len(encoded.texts)
        self.batch_size = max(1, batch_size // self.rows)
        #: Number of variants that were computed.
        self.computed = 0
        self._known: dict[frozenset[Part], NDArray[np.float64]] = {}
        self._single = {
            MentionPart(x.start, x.end): EntityPart(x.start, x.end, x.candidates[0].entity)
            for x in self.mentions
            if len(x.candidates) == 1
        }

    def fresh(self) -> "AnswerScorer":
        """Return a scorer of the same example that has computed nothing yet."""
        return AnswerScorer(
            self.pipeline,
            self.encoded,
            self.prediction,
            self.answers,
            batch_size=self.batch_size * self.rows,
        )

    def scores(self, removals: Sequence[Collection[Part]]) -> NDArray[np.float64]:
        """Return the scores without some parts, shape (answers, removals)."""
        wanted = [self._canonical(removal) for removal in removals]
        missing = [each for each in dict.fromkeys(wanted) if each not in self._known]
        with torch.inference_mode():
            for start in range(0, len(missing), self.batch_size):
                part = missing[start : start + self.batch_size]
                columns = self._forward(self._batch(part), len(part)).double().cpu().numpy()
                self._known.update(zip(part, columns.T, strict=True))
        self.computed += len(missing)
        return np.stack([self._known[each] for each in wanted], 1)

    def score(self) -> NDArray[np.float64]:
        """Return the scores of the unchanged example, shape (answers)."""
        return self.scores([()])[:, 0]

    def score_without_graph(self) -> NDArray[np.float64]:
        """Return the scores without any injection of knowledge, shape (answers)."""
        with torch.inference_mode(), self.pipeline.model.without_knowledge():
            scores: NDArray[np.float64] = self._forward(self._batch([()]), 1).double().cpu().numpy()
        return scores[:, 0]

    def path_gradients(self, fractions: Sequence[float], *, from_mask: bool) -> PathGradients:
        """Return gradients on the straight path from a baseline to the example, times its length.

        Args:
            fractions: Points of the path, from 0 at the baseline to 1 at the example.
            from_mask: Whether the baseline of a token is the mask token instead of zero; that of an
                entity vector is zero.
        """
        tokens = [np.zeros((len(self.answers), len(x.offsets))) for x in self.encoded.texts]
        entities: dict[int, NDArray[np.float64]] = {}
        for start in range(0, len(fractions), self.batch_size):
            part = fractions[start : start + self.batch_size]
            found = self._gradients(part, from_mask)
            for total, each in zip(tokens, found.tokens, strict=True):
                total += each * len(part) / len(fractions)
            for entity, value in found.entities.items():
                value = value * len(part) / len(fractions)
                entities[entity] = entities.get(entity, np.zeros(len(self.answers))) + value
        return PathGradients(tokens, entities)

    def _canonical(self, removal: Collection[Part]) -> frozenset[Part]:
        """Return a removal in one form: the only candidate of a mention stands for the mention."""
        return frozenset(
            self._single.get(part, part) if isinstance(part, MentionPart) else part
            for part in removal
        )

    def _batch(self, removals: Sequence[Collection[Part]], *, copies: bool = False) -> Batch:
        """Return variants of the example as a batch.

        Args:
            removals: The parts that each variant lacks.
            copies: Whether each variant has its own entity vectors; otherwise only those that lack
                an edge.
        """
        pipeline = self.pipeline
        variants = [without(self.encoded, removal, pipeline.processor) for removal in removals]
        units = [unit for variant in variants for unit in variant.units]
        batch = pipeline.task.collate(units, pipeline.processor, 0)
        edges = [frozenset(chosen(removal, EdgePart)) for removal in removals]
        if copies or any(edges):
            own = [[*edges, frozenset()].index(each) for each in edges]
            copy_of = list(range(len(edges))) if copies else own
            linked = [text.links.entities for variant in variants for text in variant.texts]
            batch |= _own_subgraphs(
                batch,
                np.concatenate(linked),
                np.repeat(copy_of, self.rows),
                edges,
                pipeline.processor,
            )
        batch = send_to_device(batch, pipeline.model.device)
        return dict(batch)

    def _forward(self, batch: Batch, variants: int) -> Tensor:
        """Return the scores of a batch of variants, shape (answers, variants)."""
        pipeline = self.pipeline
        outputs = pipeline.task.compute_outputs(pipeline.model, batch, pipeline.processor).float()
        by_unit = outputs.unflatten(0, (variants, len(self.encoded.units))).unbind(1)
        config = pipeline.model.config
        return torch.stack(
            [pipeline.task.answer_scores(by_unit, x, self.encoded, config) for x in self.answers]
        )

    def _gradients(self, fractions: Sequence[float], from_mask: bool) -> PathGradients:
        model, count = self.pipeline.model, len(fractions)
        batch = self._batch([()] * count, copies=True)
        share = torch.tensor(fractions, device=model.device)
        words = _PathHook(
            share.repeat_interleave(self.rows),
            self._content_tokens(count, batch["input_ids"].shape[1]) if from_mask else None,
            self._mask_embedding() if from_mask else None,
            tokens_first=model.family.tokens_first,
        )
        knowledge = _PathHook(share.repeat_interleave(len(batch["node_features"]) // count))
        with torch.enable_grad(), ExitStack() as hooks:
            embeddings: Any = model.get_input_embeddings()
            hooks.callback(embeddings.register_forward_hook(words).remove)
            if hasattr(model, "graph_encoder"):
                hooks.callback(model.graph_encoder.register_forward_hook(knowledge).remove)
            else:
                batch["node_features"] = knowledge(None, None, batch["node_features"].float())
            scores = self._forward(batch, count).mean(1)
            by_token = np.stack([words.products(score) for score in scores])
            by_node = np.stack([knowledge.products(score) for score in scores])
        return PathGradients(
            list(self._by_text(by_token, count)), dict(self._by_entity(by_node, count))
        )

    def _mask_embedding(self) -> Tensor | None:
        """Return the embedding of the mask token; None if the tokenizer has none."""
        mask = self.pipeline.processor.tokenizer.mask_token_id
        if mask is None:
            return None
        embeddings: Any = self.pipeline.model.get_input_embeddings()
        weight: Tensor = embeddings.weight[mask].detach()
        return weight

    def _by_entity(
        self, by_node: NDArray[np.float64], variants: int
    ) -> Iterator[tuple[int, NDArray[np.float64]]]:
        """Yield each linked entity with its values, summed over the variants."""
        linked = np.unique(np.concatenate([x.links.entities for x in self.encoded.texts]))
        # The linked entities are the first nodes of each copy of the subgraph.
        nodes = by_node.shape[1] // variants
        summed = by_node.reshape(len(by_node), variants, nodes).sum(1)
        for place, entity in enumerate(linked.tolist() if nodes else ()):
            yield entity, summed[:, place]

    def _by_text(
        self, by_token: NDArray[np.float64], variants: int
    ) -> Iterator[NDArray[np.float64]]:
        """Yield the tokens of each text without padding, summed over the variants."""
        summed = by_token.reshape(len(by_token), variants, self.rows, -1).sum(1)
        for row, text in enumerate(self.encoded.texts):
            count = len(text.offsets)
            yield (
                summed[:, row, -count:]
                if self.pipeline.processor.pads_left
                else summed[:, row, :count]
            )

    def _content_tokens(self, variants: int, width: int) -> Tensor:
        """Return the tokens with characters, shape (texts of all variants, width)."""
        content = torch.zeros(self.rows, width, dtype=torch.bool)
        for row, text in enumerate(self.encoded.texts):
            shift = width - len(text.offsets) if self.pipeline.processor.pads_left else 0
            for token, (start, end) in enumerate(text.offsets, shift):
                content[row, token] = start < end
        return content.repeat(variants, 1).to(self.pipeline.model.device)


class _PathHook:
    """A forward hook that replaces an output by points of the path from a baseline to it.

    Args:
        fractions: The point of each row of the output, 1 at the output itself.
        content: The vectors that change along the path; None for all of them.
        baseline: The vector at the start of the path; None means zero.
        tokens_first: Whether the second dimension contains the rows.
    """

    def __init__(
        self,
        fractions: Tensor,
        content: Tensor | None = None,
        baseline: Tensor | None = None,
        *,
        tokens_first: bool = False,
    ) -> None:
        self.fractions, self.content, self.baseline = fractions, content, baseline
        self.tokens_first = tokens_first
        self.leaf: Tensor | None = None
        self.difference = fractions.new_zeros(0)

    def __call__(self, module: nn.Module | None, arguments: Any, output: Tensor) -> Tensor:
        """Return the points, and keep them to compute gradients."""
        output = self._rows_first(output.detach())
        start = (
            torch.zeros_like(output) if self.baseline is None else self.baseline.expand_as(output)
        )
        if self.content is not None:
            start = torch.where(self.content.unsqueeze(-1), start, output)
        self.difference = output - start
        fractions = self.fractions.view(-1, *[1] * (output.dim() - 1)).to(output.dtype)
        self.leaf = (start + fractions * self.difference).requires_grad_()
        return self._rows_first(self.leaf)

    def products(self, score: Tensor) -> NDArray[np.float64]:
        """Return gradient times difference, summed over each vector."""
        if self.leaf is None:
            return np.zeros(0)
        (gradient,) = torch.autograd.grad(
            score, self.leaf, retain_graph=True, allow_unused=True, materialize_grads=True
        )
        products: NDArray[np.float64] = (gradient * self.difference).sum(-1).double().cpu().numpy()
        return products

    def _rows_first(self, states: Tensor) -> Tensor:
        return states.transpose(0, 1) if self.tokens_first else states


def _own_subgraphs(
    batch: Batch,
    linked: NDArray[np.int64],
    copy_of: NDArray[np.int64],
    edges: Sequence[frozenset[EdgePart]],
    processor: KGBertProcessor,
) -> Batch:
    """Return the knowledge inputs of a batch with copies of the subgraph, each without some edges.

    Args:
        batch: Texts that share the sampled subgraph.
        linked: The linked entities of the texts, with duplicates.
        copy_of: The copy that each text reads.
        edges: The edges that each copy lacks; a copy beyond them is complete.
        processor: The processor of the batch.
    """
    sampled = processor.sampler.sample(np.unique(linked))
    of_graph = list(triples(sampled, processor.graph))
    nodes, index, kinds = len(sampled.nodes), batch["edge_index"], batch["edge_types"]
    copies = int(copy_of.max()) + 1
    kept = [
        torch.tensor([edge not in lacking for edge in of_graph], dtype=torch.bool)
        for lacking in [*edges, frozenset[EdgePart]()][:copies]
    ]
    rows = batch["link_batch_index"][batch["link_query_index"]]
    return {
        "node_features": batch["node_features"].repeat(copies, 1),
        "edge_index": torch.cat([index[:, keep] + nodes * i for i, keep in enumerate(kept)], 1),
        "edge_types": torch.cat([kinds[keep] for keep in kept]),
        "link_node_index": batch["link_node_index"] + nodes * torch.from_numpy(copy_of)[rows],
        "hop_sizes": None,
    }
