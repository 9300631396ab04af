"""Score the answers to one example for many variants of its input, and their gradients."""

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from accelerate.utils import send_to_device
from numpy.typing import NDArray
from torch import Tensor

from kgbert.encoding.candidates import candidate_tables
from kgbert.encoding.encoded import Batch
from kgbert.encoding.processor import KGBertProcessor
from kgbert.explanation.linked_vectors import LinkedVectors, VectorTable
from kgbert.explanation.parts import (
    EdgePart,
    EntityPart,
    LabelPart,
    MentionPart,
    Part,
    WordPart,
    chosen,
    entities_of,
    linked_mentions,
    without,
    word_tokens,
)
from kgbert.explanation.sharing import hidden_label_texts, only_read_state, share_first_blocks
from kgbert.explanation.vector_changes import (
    PathPoints,
    changed_token_embeddings,
    token_embeddings_of,
    with_erased_elements,
)
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
        vectors: LinkedVectors | None = None,
        batch_size: int = BATCH_SIZE,
    ) -> None:
        """Create the scorer of an example.

        Args:
            pipeline: The model; its processor samples the graph.
            encoded: The example.
            prediction: The prediction for it.
            answers: The answers to score.
            vectors: The vectors of its linked entities and maybe of others, which scorers of
                several examples share; None for those of this example alone.
            batch_size: Number of texts of a batch.
        """
        self.pipeline, self.encoded, self.prediction = pipeline, encoded, prediction
        self.answers = list(answers)
        self.mentions = linked_mentions(encoded, pipeline.processor.graph)
        self.rows = len(encoded.texts)
        self.texts_per_batch = batch_size
        self.vectors = vectors or linked_vectors(pipeline, [encoded])
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
            batch_size=self.texts_per_batch,
        )

    @property
    def batch_size(self) -> int:
        """Number of variants of a batch."""
        return max(1, self.texts_per_batch // self.rows)

    def scores(self, removals: Sequence[Collection[Part]]) -> NDArray[np.float64]:
        """Return the scores without some parts, shape (answers, removals)."""
        compute_scores([(self, removals)])
        return np.stack([self._known[self.canonical(removal)] for removal in removals], 1)

    def missing(self, removals: Sequence[Collection[Part]]) -> list[frozenset[Part]]:
        """Return the variants whose scores were not computed yet, in one form."""
        wanted = dict.fromkeys(map(self.canonical, removals))
        return [each for each in wanted if each not in self._known]

    def keep(self, removals: Sequence[frozenset[Part]], outputs: Tensor) -> None:
        """Keep the scores of variants.

        Args:
            removals: The variants in one form.
            outputs: Their outputs, shape (variants, units, ...).
        """
        columns = self._scores_of(outputs).double().cpu().numpy()
        self._known.update(zip(removals, columns.T, strict=True))
        self.computed += len(removals)

    def predictions(self, removals: Sequence[Collection[Part]]) -> list[Prediction]:
        """Return the predictions without some parts, computed in one batch."""
        pipeline, task = self.pipeline, self.pipeline.task
        with torch.inference_mode():
            outputs = self._compute(removals, task.compute_outputs).cpu().numpy()
        config, graph = pipeline.model.config, pipeline.processor.graph
        return [task.decode(list(rows), self.encoded, config, graph) for rows in outputs]

    def outputs(self, removals: Sequence[Collection[Part]]) -> Tensor:
        """Return what scores are computed from, shape (variants, units, ...)."""
        return self._compute(removals, self.explained_outputs)

    def _compute(self, removals: Sequence[Collection[Part]], compute: ComputeOutputs) -> Tensor:
        """Return the outputs of variants of the example, shape (variants, units, ...)."""
        (outputs,) = _VariantBatch([(self, removals)]).outputs(compute)
        return outputs

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
        if not scores_all_examples_alike(task):
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
        (outputs,) = _VariantBatch([(self, [()])]).outputs_without_graph(self.explained_outputs)
        return outputs[0]

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

    def erased_scores(
        self, parts: Sequence[Part], kept: NDArray[np.float64], seeds: Sequence[int]
    ) -> NDArray[np.float64]:
        """Return the scores if random elements of the vectors of parts are zero.

        The vectors are the token embeddings of words, and the entity vectors of mentions and
        entities. Mentions of an entity share its vector, which gets the mean of their
        probabilities.

        Args:
            parts: Words, mentions or entities.
            kept: The probability of each element to be kept, shape (variants, parts).
            seeds: The seed of the random numbers of each variant; the same seed draws the same
                numbers, whatever the probabilities are.

        Returns:
            Shape (answers, variants).
        """
        batches = range(0, len(kept), self.batch_size)
        scores = [
            self._erased(parts, kept[x : x + self.batch_size], seeds[x : x + self.batch_size])
            for x in batches
        ]
        return np.concatenate(scores, 1)

    def differentiable_scores(self) -> Tensor:
        """Return the scores of the answers with the graph of their computation, shape (answers)."""
        pipeline, encoded = self.pipeline, self.encoded
        batch = pipeline.task.collate(encoded.units, pipeline.processor, 0)
        batch = dict(send_to_device(batch, pipeline.model.device))
        with torch.enable_grad():
            outputs = self.explained_outputs(pipeline.model, batch, pipeline.processor)
            return self._scores_of(outputs.float().unsqueeze(0))[:, 0]

    def canonical(self, removal: Collection[Part]) -> frozenset[Part]:
        """Return a removal in one form: all candidates of a mention stand for the mention."""
        return frozenset(
            each
            for part in removal
            for each in (self._candidates[part] if isinstance(part, MentionPart) else (part,))
        )

    def without(self, removal: Collection[Part]) -> EncodedExample:
        """Return the texts of a variant; edges belong to its entity vectors."""
        of_text = frozenset(x for x in removal if not isinstance(x, EdgePart | LabelPart))
        if of_text not in self._variants:
            self._variants[of_text] = without(self.encoded, of_text, self.pipeline.processor)
        return self._variants[of_text]

    def explained_outputs(self, model: Any, batch: Batch, processor: KGBertProcessor) -> Tensor:
        """Return what scores are computed from, for each unit of a batch of variants."""
        explained = ExplainedExample(self.encoded, self.prediction)
        return self.pipeline.task.explained_outputs(model, batch, processor, explained)

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
        variants = _VariantBatch([(self, [()] * count)])
        batch = variants.collated(table)
        share = torch.tensor(fractions, device=model.device)
        words = PathPoints(
            share.repeat_interleave(self.rows),
            self._content_tokens(count, batch["input_ids"].shape[1]) if from_mask else None,
            self._mask_embedding() if from_mask else None,
        )
        knowledge = PathPoints(share.repeat_interleave(len(self.vectors.entities)))
        with (
            torch.enable_grad(),
            changed_token_embeddings(model, words),
            model.with_entities(knowledge(table.vectors)),
        ):
            (outputs,) = variants.forward(batch, self.explained_outputs)
            scores = self._scores_of(outputs).mean(1)
            by_token = np.stack([words.products(score) for score in scores])
            by_node = np.stack([knowledge.products(score) for score in scores])
        return PathGradients(
            list(self._by_text(by_token, count)), dict(self._by_entity(by_node, count))
        )

    def _erased(
        self, parts: Sequence[Part], kept: NDArray[np.float64], seeds: Sequence[int]
    ) -> NDArray[np.float64]:
        """Return the scores of the variants of one batch, as :meth:`erased_scores` does."""
        model, count = self.pipeline.model, len(kept)
        table = self.vectors.repeated(count)
        variants = _VariantBatch([(self, [()] * count)])
        batch = variants.collated(table)
        tokens = self._kept_tokens(parts, kept, batch["input_ids"].shape[1]).flatten(1)
        entities = self._kept_entities(parts, kept)
        # Blocks below the knowledge see no difference between erased entity vectors.
        erases_words = any(isinstance(part, WordPart) for part in parts)
        same = list(range(count * self.rows)) if erases_words else variants.same_tokens()
        with (
            torch.inference_mode(),
            changed_token_embeddings(model, lambda x: with_erased_elements(x, tokens, seeds)),
            model.with_entities(with_erased_elements(table.vectors, entities, seeds)),
            share_first_blocks(model, same),
            only_read_state(model),
        ):
            (outputs,) = variants.forward(batch, self.explained_outputs)
            scores: NDArray[np.float64] = self._scores_of(outputs).double().cpu().numpy()
        return scores

    def _kept_tokens(self, parts: Sequence[Part], kept: NDArray[np.float64], width: int) -> Tensor:
        """Return the probability of each token's elements, shape (variants, texts, width)."""
        probabilities = np.ones((len(kept), self.rows, width))
        columns = {part: column for column, part in enumerate(parts)}
        for row, text in enumerate(self.encoded.texts):
            shift = width - len(text.offsets) if self.pipeline.processor.pads_left else 0
            for word, tokens in word_tokens(text).items():
                if word in columns:
                    places = [token + shift for token in tokens]
                    probabilities[:, row, places] = kept[:, [columns[word]]]
        return torch.from_numpy(probabilities)

    def _kept_entities(self, parts: Sequence[Part], kept: NDArray[np.float64]) -> Tensor:
        """Return the probability of each vector's elements, shape (variants, linked entities)."""
        index = self.pipeline.processor.graph.index
        # The share of each part in the vector of each entity.
        shares = np.zeros((len(parts), len(self.vectors.entities)))
        for row, part in enumerate(parts):
            for each in self.canonical([part]):
                if isinstance(each, EntityPart):
                    shares[row, self.vectors.entities == index(each.entity)] += 1
        total = shares.sum(0)
        probabilities = np.where(total > 0, kept @ shares / np.maximum(total, 1), 1.0)
        return torch.from_numpy(probabilities)

    def _mask_embedding(self) -> Tensor | None:
        """Return the embedding of the mask token; None if the tokenizer has none."""
        model, mask = self.pipeline.model, self.pipeline.processor.tokenizer.mask_token_id
        if mask is None:
            return None
        # Some families scale their embeddings.
        embedded: Tensor = token_embeddings_of(model)(torch.tensor(mask, device=model.device))
        return embedded.detach()

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


#: Examples, each with the parts that its variants lack.
_Variants = Sequence[tuple[AnswerScorer, Sequence[Collection[Part]]]]


def linked_vectors(pipeline: KGBertPipeline, encoded: Sequence[EncodedExample]) -> LinkedVectors:
    """Return the vectors of the entities that are linked in some examples."""
    entities = [text.links.entities for each in encoded for text in each.texts]
    return LinkedVectors(pipeline.model, pipeline.processor, np.concatenate(entities))


def scores_all_examples_alike(task: Task) -> bool:
    """Return whether a batch of variants may contain several examples of a task."""
    return type(task).explained_outputs is Task.explained_outputs


def compute_scores(variants: _Variants) -> None:
    """Compute the scores of variants, each once, in batches of all examples; the scorers keep them.

    Args:
        variants: The scorers, which share model and vectors, and the variants of each.
    """
    missing = [(scorer, removal) for scorer, some in variants for removal in scorer.missing(some)]
    # Variants with the same tokens share more than others, and texts of one length have no padding.
    missing.sort(key=lambda each: (bool(chosen(each[1], WordPart)), each[0].encoded.length))
    for batch in _batches(missing):
        first = batch[0][0]
        is_alone = all(scorer is first for scorer, _ in batch)
        compute = first.explained_outputs if is_alone else first.pipeline.task.compute_outputs
        with torch.inference_mode():
            outputs = _VariantBatch(batch).outputs(compute)
            for (scorer, removals), own in zip(batch, outputs, strict=True):
                scorer.keep(removals, own)


def compute_without_graph(scorers: Sequence[AnswerScorer]) -> None:
    """Compute the outputs without the graph of several examples together; the scorers keep them."""
    if not scorers or not scores_all_examples_alike(scorers[0].pipeline.task):
        return
    compute = scorers[0].pipeline.task.compute_outputs
    by_length = sorted(scorers, key=lambda scorer: scorer.encoded.length)
    for batch in _batches([(scorer, frozenset[Part]()) for scorer in by_length]):
        outputs = _VariantBatch(batch).outputs_without_graph(compute)
        for (scorer, _), own in zip(batch, outputs, strict=True):
            scorer.outputs_without_graph = own[0]


def _batches(
    variants: Sequence[tuple[AnswerScorer, frozenset[Part]]],
) -> Iterator[list[tuple[AnswerScorer, list[frozenset[Part]]]]]:
    """Yield the variants of each batch by example, in their order."""
    batch: list[tuple[AnswerScorer, list[frozenset[Part]]]] = []
    texts = 0
    for scorer, removal in variants:
        is_full = texts + scorer.rows > scorer.texts_per_batch
        fits = not batch or scores_all_examples_alike(scorer.pipeline.task)
        is_next = bool(batch) and batch[-1][0] is scorer
        if batch and (is_full or not (fits or is_next)):
            yield batch
            batch, texts, is_next = [], 0, False
        if is_next:
            batch[-1][1].append(removal)
        else:
            batch.append((scorer, [removal]))
        texts += scorer.rows
    if batch:
        yield batch


class _VariantBatch:
    """Variants of one or several examples that are computed in one forward pass.

    Args:
        variants: The scorers, which share model and vectors, and the variants of each.
    """

    def __init__(self, variants: _Variants) -> None:
        self.variants = variants
        self.pipeline, self.vectors = variants[0][0].pipeline, variants[0][0].vectors
        examples = [scorer.without(x) for scorer, removals in variants for x in removals]
        self.units = [unit for example in examples for unit in example.units]
        self.texts = [text for example in examples for text in example.texts]
        #: The variant of each text, by its place.
        self.variant_of_text = np.repeat(
            np.arange(len(examples)), [len(example.texts) for example in examples]
        )

    @property
    def removals(self) -> list[Collection[Part]]:
        """The parts that each variant lacks."""
        return [removal for _, removals in self.variants for removal in removals]

    def outputs(self, compute: ComputeOutputs) -> list[Tensor]:
        """Return the outputs of each example, shape (variants, units, ...)."""
        model = self.pipeline.model
        table = self.vectors.table([frozenset(chosen(x, EdgePart)) for x in self.removals])
        with (
            model.with_entities(table.vectors),
            share_first_blocks(model, self.same_tokens()),
            only_read_state(model),
            hidden_label_texts(model, self._hidden()),
        ):
            return self.forward(self.collated(table), compute)

    def outputs_without_graph(self, compute: ComputeOutputs) -> list[Tensor]:
        """Return the outputs of each example without injections, label vectors and paths."""
        with torch.inference_mode(), self.pipeline.model.without_knowledge():
            table = self.vectors.table([frozenset()] * len(self.removals))
            return self.forward(self.collated(table), compute)

    def forward(self, batch: Batch, compute: ComputeOutputs) -> list[Tensor]:
        """Return the outputs of a batch of the variants, as :meth:`outputs` does."""
        outputs = compute(self.pipeline.model, batch, self.pipeline.processor).float()
        units = [len(scorer.encoded.units) for scorer, _ in self.variants]
        counts = [len(removals) for _, removals in self.variants]
        sizes = [count * size for count, size in zip(counts, units, strict=True)]
        parts = zip(outputs.split(sizes), counts, units, strict=True)
        return [part.unflatten(0, (count, size)) for part, count, size in parts]

    def collated(self, table: VectorTable) -> Batch:
        """Return the variants as a batch.

        Args:
            table: The entity vectors of the variants.
        """
        pipeline = self.pipeline
        batch = pipeline.task.collate(self.units, pipeline.processor, 0)
        linked = np.unique(np.concatenate([text.links.entities for text in self.texts]))
        places = np.searchsorted(self.vectors.entities, linked)[batch["link_node_index"]]
        variant = self.variant_of_text[batch["link_batch_index"][batch["link_query_index"]]]
        batch["link_node_index"] = torch.from_numpy(table.rows[variant, places])
        for row, (text, hidden) in enumerate(zip(self.texts, self._hidden(), strict=True)):
            if hidden and "label_lexical" in batch:
                spelling = pipeline.processor.spelling_without(text.text, hidden)
                batch["label_lexical"][row] = spelling
        if "candidate_nodes" in batch:
            most = batch["candidate_nodes"].shape[-1]
            batch["candidate_nodes"] = self._candidate_rows(table, most)
        return dict(send_to_device(batch, pipeline.model.device))

    def _candidate_rows(self, table: VectorTable, most: int) -> Tensor:
        """Return the row of the vector of each candidate of each mention."""
        sets = [text.candidate_sets for text in self.texts]
        places = candidate_tables(sets, [0] * len(sets), self.vectors.entities, most)[
            "candidate_nodes"
        ]
        return torch.from_numpy(table.rows[self.variant_of_text[:, None, None], places])

    def _hidden(self) -> list[list[int]]:
        """Return the places of the texts of labels that are hidden from each text."""
        hidden = [
            sorted(place for part in chosen(x, LabelPart) for place in part.places)
            for x in self.removals
        ]
        return [hidden[variant] for variant in self.variant_of_text]

    def same_tokens(self) -> list[int]:
        """Return for each text the first text with the same tokens, by its place.

        Variants of an example without masked words have the same tokens.
        """
        same: list[int] = []
        for scorer, removals in self.variants:
            first: int | None = None
            for removal in removals:
                start = len(same)
                if not chosen(removal, WordPart):
                    first = start if first is None else first
                    start = first
                same += range(start, start + scorer.rows)
        return same
