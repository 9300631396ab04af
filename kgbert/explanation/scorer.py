"""Score the answers to one example for many variants of its input, and their gradients."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from accelerate.utils import send_to_device
from numpy.typing import NDArray
from torch import Tensor, nn

from kgbert.encoding.candidates import candidate_tables
from kgbert.encoding.encoded import Batch, EncodedText
from kgbert.encoding.processor import KGBertProcessor
from kgbert.explanation.linked_vectors import LinkedVectors, VectorTable
from kgbert.explanation.parts import (
    EdgePart,
    LabelPart,
    MentionPart,
    Part,
    WordPart,
    chosen,
    entities_of,
    linked_mentions,
    without,
)
from kgbert.explanation.sharing import hidden_label_texts, only_read_state, share_first_blocks
from kgbert.tasks.base import EncodedExample, ExplainedAnswer, ExplainedExample, Prediction, Task
from kgbert.training.pipeline import KGBertPipeline

#: Variants of a text in a batch.
BATCH_SIZE = 32


#: Computes the outputs of a batch by a model, with the processor of the batch.
ComputeOutputs = Callable[[Any, Batch, KGBertProcessor], Tensor]


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
        self.vectors = LinkedVectors(
            pipeline.model,
            pipeline.processor,
            np.concatenate([text.links.entities for text in encoded.texts]),
        )
        #: Number of variants that were computed.
        self.computed = 0
        self._known: dict[frozenset[Part], NDArray[np.float64]] = {}
        self._variants: dict[frozenset[Part], EncodedExample] = {}
        self._candidates = {MentionPart(x.start, x.end): entities_of([x]) for x in self.mentions}

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
        # Variants with the same tokens share more than others.
        for has_words in (False, True):
            group = [each for each in missing if bool(chosen(each, WordPart)) == has_words]
            for start in range(0, len(group), self.batch_size):
                part = group[start : start + self.batch_size]
                with torch.inference_mode():
                    columns = self._scores_of(self.outputs(part)).double().cpu().numpy()
                self._known.update(zip(part, columns.T, strict=True))
        self.computed += len(missing)
        return np.stack([self._known[each] for each in wanted], 1)

    def predictions(self, removals: Sequence[Collection[Part]]) -> list[Prediction]:
        """Return the predictions without some parts, computed in one batch."""
        pipeline, task = self.pipeline, self.pipeline.task
        with torch.inference_mode():
            outputs = self._compute(removals, task.compute_outputs).cpu().numpy()
        config, graph = pipeline.model.config, pipeline.processor.graph
        return [task.decode(list(rows), self.encoded, config, graph) for rows in outputs]

    def outputs(self, removals: Sequence[Collection[Part]]) -> Tensor:
        """Return what scores are computed from, shape (variants, units, ...)."""
        return self._compute(removals, self._explained_outputs)

    def _compute(self, removals: Sequence[Collection[Part]], compute: ComputeOutputs) -> Tensor:
        """Return the outputs of variants of the example, shape (variants, units, ...)."""
        table = self.vectors.table([frozenset(chosen(x, EdgePart)) for x in removals])
        have_same_tokens = not any(chosen(removal, WordPart) for removal in removals)
        sharing = len(removals) if have_same_tokens else 1
        with (
            self.pipeline.model.with_entities(table.vectors),
            share_first_blocks(self.pipeline.model, self.rows, sharing),
            only_read_state(self.pipeline.model),
            hidden_label_texts(self.pipeline.model, self._hidden(removals)),
        ):
            return self._forward(self._batch(removals, table), compute)

    def score(self) -> NDArray[np.float64]:
        """Return the scores of the unchanged example, shape (answers)."""
        return self.scores([()])[:, 0]

    def score_without_graph(self) -> NDArray[np.float64]:
        """Return the scores without injections, label vectors and paths, shape (answers)."""
        scores = self._scores_of(self.outputs_without_graph.unsqueeze(0))
        return scores.double().cpu().numpy()[:, 0]

    def prediction_without_graph(self) -> Prediction:
        """Return the prediction without injections, label vectors and paths."""
        pipeline, task = self.pipeline, self.pipeline.task
        if type(task).explained_outputs is not Task.explained_outputs:
            with pipeline.model.without_knowledge():
                return pipeline.predict_encoded([self.encoded])[0]
        rows = list(self.outputs_without_graph.cpu().numpy())
        return task.decode(rows, self.encoded, pipeline.model.config, pipeline.processor.graph)

    @property
    def reads_edges(self) -> bool:
        """Whether the vectors of the model depend on edges."""
        model = self.pipeline.model
        return bool(model.config.reads_edges and hasattr(model, "graph_encoder"))

    @cached_property
    def outputs_without_graph(self) -> Tensor:
        """The output of each unit without injections, label vectors and paths."""
        pipeline = self.pipeline
        with torch.inference_mode(), pipeline.model.without_knowledge():
            batch = self._batch([()], self.vectors.table([frozenset()]))
            return self._forward(batch, self._explained_outputs)[0]

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
        """Return a removal in one form: all candidates of a mention stand for the mention."""
        return frozenset(
            each
            for part in removal
            for each in (self._candidates[part] if isinstance(part, MentionPart) else (part,))
        )

    def _batch(self, removals: Sequence[Collection[Part]], table: VectorTable) -> Batch:
        """Return variants of the example as a batch.

        Args:
            removals: The parts that each variant lacks.
            table: The entity vectors of the variants.
        """
        pipeline = self.pipeline
        variants = [self._without(removal) for removal in removals]
        units = [unit for variant in variants for unit in variant.units]
        batch = pipeline.task.collate(units, pipeline.processor, 0)
        texts = [text for variant in variants for text in variant.texts]
        linked = np.unique(np.concatenate([text.links.entities for text in texts]))
        places = np.searchsorted(self.vectors.entities, linked)[batch["link_node_index"]]
        variant = batch["link_batch_index"][batch["link_query_index"]].numpy() // self.rows
        batch["link_node_index"] = torch.from_numpy(table.rows[variant, places])
        for row, (text, hidden) in enumerate(zip(texts, self._hidden(removals), strict=True)):
            if hidden and "label_lexical" in batch:
                spelling = pipeline.processor.spelling_without(text.text, hidden)
                batch["label_lexical"][row] = spelling
        if "candidate_nodes" in batch:
            most = batch["candidate_nodes"].shape[-1]
            batch["candidate_nodes"] = self._candidate_rows(texts, table, most)
        return dict(send_to_device(batch, pipeline.model.device))

    def _hidden(self, removals: Sequence[Collection[Part]]) -> list[list[int]]:
        """Return the places of the texts of labels that are hidden from each text of a batch."""
        hidden = [sorted(part.place for part in chosen(x, LabelPart)) for x in removals]
        return [places for places in hidden for _ in range(self.rows)]

    def _candidate_rows(
        self, texts: Sequence[EncodedText], table: VectorTable, most: int
    ) -> Tensor:
        """Return the row of the vector of each candidate of each mention."""
        sets = [text.candidate_sets for text in texts]
        places = candidate_tables(sets, [0] * len(texts), self.vectors.entities, most)[
            "candidate_nodes"
        ]
        variants = np.repeat(np.arange(len(table.rows)), self.rows)[:, None, None]
        return torch.from_numpy(table.rows[variants, places])

    def _without(self, removal: Collection[Part]) -> EncodedExample:
        """Return the texts of a variant; edges belong to its entity vectors."""
        of_text = frozenset(x for x in removal if not isinstance(x, EdgePart | LabelPart))
        if of_text not in self._variants:
            self._variants[of_text] = without(self.encoded, of_text, self.pipeline.processor)
        return self._variants[of_text]

    def _explained_outputs(self, model: Any, batch: Batch, processor: KGBertProcessor) -> Tensor:
        explained = ExplainedExample(self.encoded, self.prediction)
        return self.pipeline.task.explained_outputs(model, batch, processor, explained)

    def _forward(self, batch: Batch, compute: ComputeOutputs) -> Tensor:
        """Return the outputs of a batch of variants, shape (variants, units, ...)."""
        outputs = compute(self.pipeline.model, batch, self.pipeline.processor).float()
        by_variant: Tensor = outputs.unflatten(0, (-1, len(self.encoded.units)))
        return by_variant

    def _scores_of(self, outputs: Tensor) -> Tensor:
        """Return the scores of variants from their outputs, shape (answers, variants)."""
        by_unit, config = outputs.unbind(1), self.pipeline.model.config
        task = self.pipeline.task
        return torch.stack(
            [task.answer_scores(by_unit, x, self.encoded, config) for x in self.answers]
        )

    def _gradients(self, fractions: Sequence[float], from_mask: bool) -> PathGradients:
        model, count = self.pipeline.model, len(fractions)
        table = self.vectors.repeated(count)
        batch = self._batch([()] * count, table)
        share = torch.tensor(fractions, device=model.device)
        words = _PathHook(
            share.repeat_interleave(self.rows),
            self._content_tokens(count, batch["input_ids"].shape[1]) if from_mask else None,
            self._mask_embedding() if from_mask else None,
            tokens_first=model.family.tokens_first,
        )
        knowledge = _PathHook(share.repeat_interleave(len(self.vectors.entities)))
        with torch.enable_grad(), ExitStack() as contexts:
            embeddings: Any = model.get_input_embeddings()
            contexts.callback(embeddings.register_forward_hook(words).remove)
            contexts.enter_context(model.with_entities(knowledge(None, None, table.vectors)))
            scores = self._scores_of(self._forward(batch, self._explained_outputs)).mean(1)
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
        summed = by_node.reshape(len(by_node), variants, -1).sum(1)
        for place, entity in enumerate(self.vectors.entities.tolist()):
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
