"""Predict with a saved model, and inspect the entities that it used."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from accelerate.utils import send_to_device
from torch import Tensor

from kgbert.data import Example, Source
from kgbert.encoding.alignment import tokens_of
from kgbert.encoding.encoded import EncodedText
from kgbert.encoding.length_grouping import batches_by_length
from kgbert.encoding.processor import KGBertProcessor
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.entity_texts import KINDS
from kgbert.linking.mention import Candidate, Linker, Mention
from kgbert.models.base import KGBertPreTrainedModel
from kgbert.tasks.base import EncodedExample, Prediction, ReadEntity, ReadLabel, ReadMention, Task
from kgbert.tasks.entity_linking import EntityLinking, LinksPrediction
from kgbert.tasks.metrics import NIL
from kgbert.training.dataset import unit_length
from kgbert.training.evaluation import Evaluation, evaluate_examples
from kgbert.training.inference import outputs_by_example
from kgbert.training.saving import load_model
from kgbert.training.splits import examples_of
from kgbert.utils.device import has_fast_bf16
from kgbert.utils.errors import KGBertError
from kgbert.utils.progress import StepCallback

logger = logging.getLogger(__name__)

#: The inputs of an example by the names of their columns in a file.
Row = Mapping[str, Any]

#: The attention of each link of one text, by (token, entity index).
LinkAttention = dict[tuple[int, int], float]


#: Number of labels whose similarity a prediction shows.
NEAREST_LABELS = 3


class _Row(NamedTuple):
    """The output of a unit, and what the model read in the graph."""

    output: Any
    mentions: list[ReadMention]
    nearest_labels: tuple[ReadLabel, ...]


class KGBertPipeline:
    """Predicts on texts; created by :func:`pipeline`, or from a model in memory."""

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

    def __call__(
        self,
        texts: Sequence[str | Row | Example],
        *,
        batch_size: int = 32,
        progress: StepCallback | None = None,
    ) -> list[Prediction]:
        """Return one prediction for each text, row or example.

        Plain texts suffice for tasks without further inputs. A pair, a question or a relation is a
        row as in a file, ``{"text": ..., "text_pair": ...}``, or an example.

        Args:
            texts: The texts.
            batch_size: Number of texts in a batch.
            progress: Called after each batch with the numbers of finished texts and of all texts.

        Raises:
            DataError: A row lacks an input of the task.
        """
        if isinstance(texts, str):
            raise TypeError(f"a list of texts is needed, not one text: [{texts[:40]!r}]")
        examples = list(map(self._example, texts))
        encoded = self.task.encode(examples, self.processor)
        units = [unit for each in encoded for unit in each.units]
        rows: dict[int, _Row] = {}
        for places in batches_by_length([unit_length(unit) for unit in units], batch_size):
            answers = self._rows([units[place] for place in places])
            rows.update(zip(places, answers, strict=True))
            if progress is not None:
                progress(len(rows), len(units))
        by_example = outputs_by_example([rows[place] for place in range(len(units))], encoded)
        pairs = zip(encoded, by_example, strict=True)
        return [self._prediction(each, found) for each, found in pairs]

    def evaluate(
        self,
        texts: Source,
        *,
        columns: Mapping[str, str] | None = None,
        progress: StepCallback | None = None,
    ) -> Evaluation:
        """Return the scores of the model on labelled texts, as a whole and by slices.

        Args:
            texts: Labelled texts, as for :func:`kgbert.train`.
            columns: Names of the columns by role.
            progress: As for a call.
        """
        examples = examples_of(texts, self.task, columns)
        return evaluate_examples(self.model, self.processor, self.task, examples, progress=progress)

    def _example(self, text: str | Row | Example) -> Example:
        if isinstance(text, Example):
            return text
        return self.task.read({"text": text} if isinstance(text, str) else text)

    def _rows(self, units: Sequence[tuple[EncodedText, ...]]) -> Iterator["_Row"]:
        """Yield the output of each unit, and what the model read in the graph."""
        batch = send_to_device(self.task.collate(units, self.processor, 0), self.model.device)
        mixed = torch.autocast(self.model.device.type, torch.bfloat16, enabled=self.bf16)
        with (
            torch.inference_mode(),
            mixed,
            self.model.record_attention() as weights,
            self.model.record_label_similarities() as similarities,
        ):
            outputs = self.task.compute_outputs(self.model, batch, self.processor).float().cpu()
        mean = _mean_over_injections(weights)
        nearest = [self._nearest_labels(row) for each in similarities for row in each]
        first = 0
        for place, (row, unit) in enumerate(zip(outputs.numpy(), units, strict=True)):
            mentions = []
            for text in unit:
                links = text.links
                end = first + len(links.tokens)
                pairs = zip(links.tokens.tolist(), links.entities.tolist(), strict=True)
                attention = None if mean is None else dict(zip(pairs, mean[first:end], strict=True))
                mentions += [self._read(text, mention, attention) for mention in text.mentions]
                first = end
            yield _Row(row, mentions, nearest[place] if nearest else ())

    def _nearest_labels(self, similarities: Tensor) -> tuple[ReadLabel, ...]:
        """Return the labels with the most similar texts, from the similarity to each text."""
        sets = self.processor.label_sets
        assert sets is not None
        nearest: dict[int, ReadLabel] = {}
        for place in similarities.float().cpu().argsort(descending=True).tolist():
            owner = int(sets.owners[place])
            if owner not in nearest:
                nearest[owner] = ReadLabel(
                    sets.labels[owner],
                    sets.entities[owner],
                    KINDS[sets.kinds[place]],
                    sets.texts[place],
                    float(similarities[place]),
                )
            if len(nearest) == NEAREST_LABELS:
                break
        return tuple(nearest.values())

    def _prediction(self, encoded: EncodedExample, rows: Sequence["_Row"]) -> Prediction:
        outputs = [row.output for row in rows]
        # The question of several choices, or the overlap of two windows, is read more than once.
        read = {(x.start, x.end): x for row in reversed(rows) for x in reversed(row.mentions)}
        answer = self.task.decode(outputs, encoded, self.model.config, self.processor.graph)
        return replace(
            answer,
            mentions=tuple(read[place] for place in sorted(read)),
            nearest_labels=tuple(label for row in rows for label in row.nearest_labels),
        )

    def with_labels(
        self, labels: Iterable[str] | Mapping[str, str] | str | Path
    ) -> "KGBertPipeline":
        """Return a pipeline that predicts other labels, without any training.

        What training has learnt about a label that stays is kept; a new label is predicted by the
        texts of its entity alone.

        Args:
            labels: Ids or names of entities; or a mapping, or a file with the columns label and
                entity, that names the entity of each label.

        Raises:
            KGBertError: The labels of the model are not grounded, or a label has no entity.
        """
        from kgbert.training.zero_shot import replace_labels

        return replace_labels(self, labels)

    def _read(
        self, text: EncodedText, mention: Mention, attention: LinkAttention | None
    ) -> ReadMention:
        tokens = tokens_of(mention, text.offsets)
        graph = self.processor.graph
        candidates, rest = [], None if attention is None else 1.0
        for entity, score in mention.candidates:
            index = graph.entity_ids.find(entity)
            if index is None:
                continue
            share = None
            if attention is not None and rest is not None:
                shares = [attention.get((token, index), 0.0) for token in tokens]
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
    """Return a callable that predicts on texts with a saved model.

    Use it instead of ``transformers.pipeline``, which slices the graph's tensors by rows.

    Args:
        folder: The folder of the saved model.
        graph: The graph, if the model was saved without it.
        device: The torch device; None means the GPU if there is one, else the CPU.
        bf16: Compute in bfloat16, which is faster on GPUs and on CPUs with AVX-512 BF16, and may
            change predictions that are nearly tied.
    """
    if bf16 and not has_fast_bf16():
        logger.warning("this machine is not fast in bfloat16; leave bf16 (typed: --bf16) away.")
    model, processor, task = load_model(folder, graph=graph)
    chosen_device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    model.to(chosen_device)  # type: ignore[arg-type]  # a wrapper of transformers hides its self
    return KGBertPipeline(model, processor, task, bf16=bf16)


def context_linker(answer: KGBertPipeline) -> Linker:
    """Return a linker that disambiguates by context with a trained entity-linking model.

    Each mention of the model's linker gets the entity that the model predicts, with its
    probability as the score; mentions predicted as NIL are left out.
    """
    if not isinstance(answer.task, EntityLinking):
        raise KGBertError(
            f"a model for {answer.task.name} links no mentions; give one that was trained with "
            "task='entity-linking'.",
            code="not-an-entity-linking-model",
        )

    def link(texts: Sequence[str]) -> list[list[Mention]]:
        return [
            [
                Mention(x.start, x.end, (Candidate(x.entity, x.probability),))
                for x in cast(LinksPrediction, prediction).links
                if x.entity != NIL
            ]
            for prediction in answer(texts)
        ]

    return link
