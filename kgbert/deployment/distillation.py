"""Distil a trained model into a smaller student: fewer blocks, or no graph."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
import transformers
from accelerate.utils import send_to_device
from jaxtyping import Float
from torch import Tensor, nn

from kgbert.data import Columns, Example, Source, describe, read_records
from kgbert.data.texts_read import text_digest
from kgbert.deployment.measure import (
    MAX_LOSS,
    Measurement,
    check_loss,
    measure,
    measurements_table,
)
from kgbert.deployment.student import Student, StudentSize, build_student, own_processor
from kgbert.encoding.processor import KGBertProcessor
from kgbert.features.backbones import Block, blocks_of
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.models.base import KGBertPreTrainedModel
from kgbert.tasks.answers import Unit, unit_length
from kgbert.tasks.base import Task
from kgbert.training.config import Regularization, TrainingConfig
from kgbert.training.pipeline import KGBertPipeline
from kgbert.training.saving import load_model, save_model
from kgbert.training.splits import examples_of
from kgbert.training.train import TrainedModel
from kgbert.training.trainer import default_arguments, optimizer_of
from kgbert.utils.errors import DataError, KGBertError
from kgbert.utils.hub import local_folder
from kgbert.utils.logging import silenced_transformers
from kgbert.utils.paths import RUNTIME_FILE, SETTINGS_FILE
from kgbert.utils.progress import LOG_REPORTER, Reporter

#: File of the weights in a saved model.
_WEIGHTS = "model.safetensors"

#: Modules that read the graph.
_KNOWLEDGE = ("injections.", "graph_encoder.", "label_scorer.", "path_scorer.")


@dataclass(frozen=True)
class DistilResult:
    """A saved student, and how it compares with its teacher on labelled texts."""

    folder: Path
    metric: str
    layers: int
    """Number of its blocks."""
    description: str
    """What it keeps of the teacher's blocks, for a person."""
    reads_graph: bool
    measurements: tuple[Measurement, ...] = ()
    """Teacher and student; empty without labelled texts."""

    def table(self) -> str:
        """Return the measurements as a table for a terminal."""
        return measurements_table(self.metric, self.measurements)


@silenced_transformers()
def distil(
    model: str | Path | TrainedModel,
    texts: Source,
    *,
    output: str | Path,
    layers: int | None = None,
    width: float = 1.0,
    with_graph: bool = True,
    test: Source | None = None,
    columns: Mapping[str, str] | None = None,
    max_loss: float = MAX_LOSS,
    config: TrainingConfig | None = None,
    seed: int = 0,
    graph: KnowledgeGraph | None = None,
    include_graph: bool | None = None,
    reporter: Reporter = LOG_REPORTER,
) -> DistilResult:
    """Train a smaller student that answers like a trained model, and save it like any model.

    The student starts from evenly spaced blocks of the teacher, and learns the logits and the
    states of these blocks on texts that need no labels:
    ``loss = KL(softmax(z_t) || softmax(z_s)) + mean_l(1 - cos(h_s,l, h_t,l))`` where one of several
    labels is predicted, and with the squared error of the outputs z where they are other numbers.
    A narrower student keeps the attention heads and feed-forward neurons that contribute most on
    the texts (as in Wanda, Sun et al. 2024, arXiv:2306.11695).

    Args:
        model: The teacher: the folder of a saved model, or a model in memory.
        texts: Texts of the domain, with or without labels, which are not read.
        output: Folder of the student; a model in it is replaced.
        layers: Number of blocks of the student. By default, half of the teacher's, or all of them
            for a narrower student or one without the graph. With 0, the student reads the static
            embeddings of its tokens, without their order: for tasks that read whole texts.
        width: Share of the attention heads and feed-forward neurons of each block that the student
            keeps.
        with_graph: Whether the student reads the graph as well. Without it, the saved model has no
            graph and needs no linking.
        test: Labelled texts, on which teacher and student are measured.
        columns: Names of the columns of the texts by role.
        max_loss: Largest accepted loss of the main metric on the test texts, in points; nothing is
            written beyond it.
        config: Epochs, batch size and learning rates of the training; the defaults if None.
        seed: Seed of the order of the texts and of dropout.
        graph: The graph, if the teacher was saved without it.
        include_graph: As for :func:`kgbert.save_model`.
        reporter: Shows the progress; the default logs it at level INFO.

    Raises:
        KGBertError: The teacher cannot be distilled, or the student is worse than accepted.
    """
    teacher, processor, task = (
        (model.model, model.processor, model.task)
        if isinstance(model, TrainedModel)
        else load_model(_checked(local_folder(model)), graph=graph)
    )
    transformers.set_seed(seed)
    examples = _unlabelled(texts, task, columns)
    size = StudentSize(layers, width, with_graph)
    student = build_student(teacher, processor, task, size, examples)
    reporter.message(f"distilling into {student.description} on {len(examples):,} texts")
    read = (text_digest(text) for example in examples for text in example.texts)
    student.model.texts_read = teacher.texts_read.with_unlabelled(read)
    _train(
        _Pair(teacher, own_processor(processor), student, task),
        examples,
        config or TrainingConfig(),
        seed,
        reporter,
    )
    measured: list[Measurement] = []
    if test is not None:
        pipelines = {
            "teacher": KGBertPipeline(teacher, processor, task),
            "student": KGBertPipeline(student.model, student.processor, task),
        }
        measured = _measured(pipelines, examples_of(test, task, columns))
        check_loss(task, measured[0], measured[1], max_loss)
    blocks = len(blocks_of(teacher.backbone))
    about = {"Distilled": f"{student.description}, of a teacher of {blocks} blocks"}
    save_model(output, student.model, student.processor, about, include_graph=include_graph)
    return DistilResult(
        Path(output),
        task.metric,
        len(student.kept),
        student.description,
        student.reads_graph,
        tuple(measured),
    )


def _checked(folder: Path) -> Path:
    if (folder / RUNTIME_FILE).exists() and not (folder / SETTINGS_FILE).exists():
        raise KGBertError(
            f"{folder} is an exported model, which cannot be trained; give the folder of the model "
            "that was exported.",
            code="exported-model",
        )
    return folder


def _unlabelled(texts: Source, task: Task, columns: Mapping[str, str] | None) -> list[Example]:
    if isinstance(texts, list | tuple) and all(isinstance(x, Example) for x in texts):
        examples = list(texts)
    else:
        examples = [task.read(x.values) for x in read_records(texts, Columns(columns or {}))]
    if not examples:
        raise DataError(f"{describe(texts)}: there is no text to learn from.", code="no-texts")
    return examples


@dataclass(frozen=True)
class _Pair:
    """Teacher and student with their processors."""

    teacher: KGBertPreTrainedModel
    teacher_processor: KGBertProcessor
    student: Student
    task: Task

    def loss(self, teacher_units: Sequence[Unit], student_units: Sequence[Unit]) -> Tensor:
        """Return the loss of the student on a batch of units.

        Raises:
            KGBertError: The outputs of the task are no function that can be differentiated.
        """
        with torch.no_grad():
            expected, targets, _ = self._outputs(
                self.teacher, self.teacher_processor, teacher_units, self.student.kept
            )
        own, processor = self.student.model, self.student.processor
        blocks = range(len(self.student.kept))
        found, states, mask = self._outputs(own, processor, student_units, blocks)
        if not found.requires_grad:
            raise KGBertError(
                f"the outputs of {self.task.name} are chosen, not computed, so that a student "
                "cannot learn them.",
                code="not-distillable",
            )
        counts = _is_counted(found, expected, mask.sum(-1))
        if self.task.learns_classes:
            units = counts.all(-1)
            loss = _divergence(found[units], expected[units])
        else:
            loss = nn.functional.mse_loss(found[counts], expected[counts])
        return loss + _state_loss(states, targets, mask) if states else loss

    def _outputs(
        self,
        model: KGBertPreTrainedModel,
        processor: KGBertProcessor,
        units: Sequence[Unit],
        blocks: Sequence[int],
    ) -> tuple[Tensor, list[Tensor], Tensor]:
        """Return the outputs of a batch, the states after some blocks, and the attention mask."""
        batch = send_to_device(self.task.collate(list(units), processor, 0), model.device)
        chosen = [blocks_of(model.backbone)[block] for block in blocks]
        with _recorded(chosen, tokens_first=model.family.tokens_first) as states:
            outputs = self.task.compute_outputs(model, batch, processor)
        return outputs.float(), states, batch["attention_mask"]


@contextmanager
def _recorded(blocks: Sequence[Block], *, tokens_first: bool) -> Iterator[list[Tensor]]:
    """Record the states after blocks, with the knowledge injected there."""
    states: list[Tensor] = []

    def record(module: nn.Module, inputs: Any, output: Any) -> None:
        state = output[0] if isinstance(output, tuple) else output
        states.append(state.transpose(0, 1) if tokens_first else state)

    handles = [block.module.register_forward_hook(record) for block in blocks]
    try:
        yield states
    finally:
        for handle in handles:
            handle.remove()


def _is_counted(found: Tensor, expected: Tensor, lengths: Tensor) -> Tensor:
    """Return which outputs count: the finite ones; of outputs by token, those without padding.

    Args:
        found: The outputs of the student, of any shape.
        expected: Those of the teacher.
        lengths: Number of tokens of each text.
    """
    counts = expected.isfinite() & found.isfinite()
    if expected.dim() == 3 and len(lengths) == len(expected):
        positions = torch.arange(expected.shape[1], device=expected.device)
        counts = counts & (positions < lengths[:, None])[..., None]
    return counts


def _divergence(
    found: Float[Tensor, "units labels"], expected: Float[Tensor, "units labels"]
) -> Float[Tensor, ""]:
    """Return the divergence of the student's probabilities of the labels from the teacher's.

    Follows Hinton et al. 2015 (arXiv:1503.02531), without labels and with a temperature of 1.
    """
    return nn.functional.kl_div(
        found.log_softmax(-1), expected.log_softmax(-1), reduction="batchmean", log_target=True
    )


def _state_loss(
    states: Sequence[Tensor], targets: Sequence[Tensor], mask: Tensor
) -> Float[Tensor, ""]:
    """Return the mean cosine distance of token states, without padding on either side."""
    losses = [
        1 - nn.functional.cosine_similarity(state, target, dim=-1)[mask.bool()].mean()
        for state, target in zip(states, targets, strict=True)
    ]
    return torch.stack(losses).mean()


def _train(
    pair: _Pair, examples: Sequence[Example], config: TrainingConfig, seed: int, reporter: Reporter
) -> None:
    device = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else "cpu"
    student = pair.student.model
    pair.teacher.to(device).eval()  # type: ignore[arg-type]
    student.to(device).train()  # type: ignore[arg-type]
    units = [
        [unit for each in pair.task.encode(examples, processor) for unit in each.units]
        for processor in (pair.teacher_processor, pair.student.processor)
    ]
    batches = _batches(units[0], config.texts_per_step(len(units[0])), config.epochs, seed)
    with tempfile.TemporaryDirectory(prefix="kgbert-distil-") as folder:
        arguments = default_arguments(
            folder,
            learning_rate=config.encoder_rate(student.config.encoder_config.hidden_size),
            weight_decay=config.weight_decay,
        )
    optimizer = optimizer_of(student, arguments, config.head_learning_rate, Regularization())
    schedule = transformers.get_linear_schedule_with_warmup(
        optimizer, len(batches) // 10, len(batches)
    )
    steps = reporter.steps("distillation, step")
    for step, places in enumerate(batches, 1):
        optimizer.zero_grad()
        teacher_units, student_units = ([some[place] for place in places] for some in units)
        pair.loss(teacher_units, student_units).backward()
        nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        steps(step, len(batches))
    student.eval()


def _batches(units: Sequence[Unit], batch_size: int, epochs: int, seed: int) -> list[list[int]]:
    """Return the places of the units of each batch; batches have similar lengths."""
    generator, batches = np.random.default_rng(seed), []
    lengths = np.array([unit_length(unit) for unit in units])
    for _ in range(epochs):
        # Random among units of about the same length.
        order = np.argsort(lengths * generator.uniform(0.9, 1.1, len(units)), kind="stable")
        cut = [order[i : i + batch_size].tolist() for i in range(0, len(order), batch_size)]
        batches += [cut[i] for i in generator.permutation(len(cut))]
    return batches


def _measured(
    pipelines: Mapping[str, KGBertPipeline], examples: Sequence[Example]
) -> list[Measurement]:
    """Return the measurements of teacher and student on the same labelled texts."""
    found = []
    for name, pipeline in pipelines.items():
        task, processor = pipeline.task, pipeline.processor
        gold = [task.gold(x, processor.graph) for x in task.encode(examples, processor)]
        with tempfile.TemporaryDirectory(prefix="kgbert-distil-") as folder:
            cast(nn.Module, pipeline.model).to("cpu")
            pipeline.model.save_pretrained(folder)
            weights = Path(folder) / _WEIGHTS
            found.append(measure(name, pipeline, task, examples, gold, weights=weights))
    return found
