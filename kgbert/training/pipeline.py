"""Predict with a saved model, and inspect the entities that it used."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import torch
from accelerate.utils import send_to_device
from torch import Tensor

from kgbert.data import Example, Source
from kgbert.encoding.encoded import EncodedText
from kgbert.encoding.paths.features import ENDS_OF_ANSWERS, PathFeatures
from kgbert.encoding.paths.finder import SEPARATOR
from kgbert.encoding.processor import KGBertProcessor
from kgbert.features.feature_sources import Features
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.entity_texts import KINDS
from kgbert.linking.mention import Candidate, Linker, Mention
from kgbert.models.base import KGBertPreTrainedModel
from kgbert.tasks.answers import (
    OutputRow,
    Row,
    Unit,
    combined_prediction,
    examples_to_answer,
    mentions_by_unit,
    rows_by_example,
)
from kgbert.tasks.base import EncodedExample, Prediction, ReadLabel, ReadPath, Task
from kgbert.tasks.entity_linking import EntityLinking, LinksPrediction
from kgbert.tasks.metrics import NIL
from kgbert.tasks.whole_texts.multi_label_classification import MultiLabelClassification
from kgbert.training.evaluation import Evaluation, evaluate_examples
from kgbert.training.graph_transfer import GraphTransfer, regrounded, transfer_model
from kgbert.training.saving import load_model, save_model
from kgbert.training.splits import examples_of
from kgbert.utils.device import has_fast_bf16
from kgbert.utils.errors import KGBertError
from kgbert.utils.progress import StepCallback

logger = logging.getLogger(__name__)


#: Number of labels whose similarity a prediction shows.
NEAREST_LABELS = 3

#: Number of types of path that a prediction shows for a unit.
MOST_PATHS = 5


class KGBertPipeline:
    """Predicts on texts; created by :func:`pipeline`, or from a model in memory."""

    def __init__(
        self,
        model: KGBertPreTrainedModel,
        processor: KGBertProcessor,
        task: Task,
        *,
        bf16: bool = False,
        transfer: GraphTransfer | None = None,
    ) -> None:
        self.model, self.processor, self.task = model.eval(), processor, task
        self.bf16 = bf16
        #: What was lost when the graph was replaced; None for the graph of the training.
        self.transfer = transfer

    @property
    def graph(self) -> KnowledgeGraph:
        """The graph that the model reads."""
        return self.processor.graph

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
        encoded = self.task.encode(examples_to_answer(self.task, texts), self.processor)
        return self.predict_encoded(encoded, batch_size=batch_size, progress=progress)

    def predict_encoded(
        self,
        encoded: Sequence[EncodedExample],
        *,
        batch_size: int = 32,
        progress: StepCallback | None = None,
    ) -> list[Prediction]:
        """Return one prediction for each encoded example."""
        rows = rows_by_example(encoded, self._rows, batch_size=batch_size, progress=progress)
        config, graph = self.model.config, self.processor.graph
        return [
            combined_prediction(self.task, each, own, config, graph)
            for each, own in zip(encoded, rows, strict=True)
        ]

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

    def _rows(self, units: Sequence[Unit]) -> Iterator[OutputRow]:
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
        nearest = [self._nearest_labels(row) for each in similarities for row in each]
        mentions = mentions_by_unit(units, _mean_over_injections(weights), self.processor.graph)
        for place, (row, read) in enumerate(zip(outputs.numpy(), mentions, strict=True)):
            paths = contributing_paths(self.model, self.processor, units[place])
            yield OutputRow(row, read, nearest[place] if nearest else (), paths)

    def _nearest_labels(self, similarities: Tensor) -> tuple[ReadLabel, ...]:
        """Return the labels with the most similar texts, from the similarity to each text."""
        sets = self.processor.label_sets
        assert sets is not None
        values, owners = similarities.float().cpu(), torch.as_tensor(sets.owners).long()
        best = torch.full((len(sets.labels),), -torch.inf).scatter_reduce(0, owners, values, "amax")
        nearest = best.topk(min(NEAREST_LABELS, int(best.isfinite().sum()))).indices.tolist()
        places = [int(((owners == x) & (values == best[x])).nonzero()[0]) for x in nearest]
        return tuple(
            ReadLabel(
                sets.labels[owner],
                sets.entities[owner],
                KINDS[sets.kinds[place]],
                sets.texts[place],
                float(similarities[place]),
            )
            for owner, place in zip(nearest, places, strict=True)
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
        from kgbert.training.evidence.zero_shot import replace_labels

        return replace_labels(self, labels)

    def with_parents(self) -> "KGBertPipeline":
        """Return a pipeline that predicts every label above a predicted one as well.

        Raises:
            KGBertError: The task is not multi-label classification, or no label is above another.
        """
        if not isinstance(self.task, MultiLabelClassification):
            raise KGBertError(
                f"the model was trained for {self.task.name}, and only the labels of multi-label "
                "classification can have their parents added; leave with_parents (typed: "
                "--with-parents) out.",
                code="not-multi-label",
            )
        task = self.task.with_parents()
        return KGBertPipeline(self.model, self.processor, task, bf16=self.bf16)

    def with_graph(
        self,
        graph: KnowledgeGraph,
        *,
        linker: Linker | None = None,
        features: Features = None,
        relation_mapping: Mapping[str, str] | None = None,
    ) -> "KGBertPipeline":
        """Return a pipeline that answers by another graph, or by an edited one, without training.

        Entities whose description changed are encoded anew by the encoder of the training, labels
        that are entities are grounded again, and relations are mapped to those that the model
        knows by id, name or meaning. Edges of unknown relations are not read. ``transfer`` of the
        result counts and lists what was mapped and what was lost. The weights are shared with this
        pipeline, not copied.

        Args:
            graph: The graph, for example from :func:`kgbert.read_graph` or from a
                :class:`kgbert.GraphEditor`.
            linker: Links texts to it; None means a linker with the settings of the present one.
            features: Vectors of its entities by the encoder of the training, or the sources of
                the training at their present place; None encodes what changed.
            relation_mapping: The relation of the model, by relation of the graph, as ids or names.
                Relations that it does not name are not read.

        Raises:
            KGBertError: The model knows none of the relations of the graph, or its encoder of
                entities is missing.
        """
        model, processor, transfer = transfer_model(
            self.model,
            self.processor,
            self.task,
            graph,
            linker=linker,
            features=features,
            relation_mapping=relation_mapping,
        )
        task = regrounded(self.task, processor)
        return KGBertPipeline(model, processor, task, bf16=self.bf16, transfer=transfer)

    def save(self, folder: str | Path, *, include_graph: bool | None = None) -> Path:
        """Write model, processor and card to a folder, and return it.

        Args:
            folder: The target folder; a model in it is replaced.
            include_graph: As for :func:`kgbert.save_model`.
        """
        about = {} if self.transfer is None else self.transfer.card_rows()
        save_model(folder, self.model, self.processor, about, include_graph=include_graph)
        return Path(folder)


class PathContribution(NamedTuple):
    """What a type of path adds to a score."""

    value: float
    text: EncodedText
    text_index: int
    """The place of the text among those of its unit."""
    row: int
    """The place among the counted paths of the text."""
    output: int
    """The output of the scorer that it adds to."""

    @property
    def target_and_type(self) -> tuple[int, int]:
        """Where the paths lead, and their type, as in :class:`TextPaths`."""
        assert self.text.paths is not None
        return int(self.text.paths.targets[self.row]), int(self.text.paths.types[self.row])


def strongest_paths(
    model: KGBertPreTrainedModel, processor: KGBertProcessor, unit: Unit, most: int = MOST_PATHS
) -> list[PathContribution]:
    """Return what contributed most to the scores of the answers of a unit.

    Args:
        model: The model.
        processor: Its processor, which counted the paths.
        unit: The texts of one output row.
        most: Largest number of contributions.
    """
    if model.path_scorer is None or processor.paths is None:
        return []
    found = []
    for place, text in enumerate(unit):
        assert text.paths is not None
        with torch.no_grad():
            weights = model.path_scorer.weights_of(
                *(
                    torch.from_numpy(x).to(model.device)
                    for x in (text.paths.types, text.paths.targets)
                )
            )
        values = weights.float().cpu().numpy() * text.paths.values[:, None]
        order = np.argsort(-np.abs(values), axis=None, kind="stable")[:most]
        for row, output in zip(*np.unravel_index(order, values.shape), strict=True):
            value = float(values[row, output])
            found.append(PathContribution(value, text, place, int(row), int(output)))
    found.sort(key=lambda each: -abs(each.value))
    return [each for each in found[:most] if each.value]


def contributing_paths(
    model: KGBertPreTrainedModel, processor: KGBertProcessor, unit: Unit
) -> tuple[ReadPath, ...]:
    """Return the paths that contributed most to the scores of the answers of a unit."""
    labels = model.config.labels
    found = strongest_paths(model, processor, unit)
    return tuple(read_path(x, processor.paths, labels) for x in found if processor.paths)


def read_path(each: PathContribution, features: PathFeatures, labels: list[str]) -> ReadPath:
    """Return a contribution with one of the paths that made it."""
    target, kind = each.target_and_type
    path = features.example_path(each.text, target, kind)
    names = [features.finder.graph.name(entity) for entity in path.entities]
    relations = path.type.split(SEPARATOR)
    steps = names[:1]
    for relation, name in zip(relations, names[1:], strict=len(names) > 1):
        steps += [relation, name]
    places = {"labels": target} | dict.fromkeys(ENDS_OF_ANSWERS, each.output)
    place = places.get(features.ends)
    return ReadPath(
        "" if place is None else labels[place], tuple(steps), features.types[kind], each.value
    )


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
        folder: The folder of the saved model, or its name ``user/model`` on the Hugging Face Hub.
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
