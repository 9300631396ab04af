"""Distil a trained model into a smaller student: fewer blocks, or no graph."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy, deepcopy
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
from kgbert.encoding.processor import KGBertProcessor
from kgbert.features.backbones import Block, blocks_of, family_of
from kgbert.features.entity_features import EntityFeatures
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.linking.dictionary.linker import DictionaryLinker
from kgbert.models.base import KGBertPreTrainedModel
from kgbert.models.config import KGBertConfig
from kgbert.models.heads.events import EventExtractor
from kgbert.models.heads.span_pairs import RelationExtractor
from kgbert.tasks.answers import Unit, unit_length
from kgbert.tasks.base import Task
from kgbert.training.config import Regularization, TrainingConfig
from kgbert.training.pipeline import KGBertPipeline
from kgbert.training.saving import load_model, save_model
from kgbert.training.splits import examples_of
from kgbert.training.train import TrainedModel
from kgbert.training.trainer import default_arguments, optimizer_of
from kgbert.utils.errors import DataError, KGBertError, Remedy
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

    Args:
        model: The teacher: the folder of a saved model, or a model in memory.
        texts: Texts of the domain, with or without labels, which are not read.
        output: Folder of the student; a model in it is replaced.
        layers: Number of blocks of the student; half of the teacher's by default, or all of them
            for a student without the graph.
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
    own = _own_processor(processor) if with_graph else _without_graph(processor)
    student, kept = _student(teacher, own, layers, with_graph=with_graph)
    examples = _unlabelled(texts, task, columns)
    reporter.message(f"distilling into {len(kept)} blocks on {len(examples):,} texts")
    read = (text_digest(text) for example in examples for text in example.texts)
    student.texts_read = teacher.texts_read.with_unlabelled(read)
    _train(
        _Pair(teacher, _own_processor(processor), student, own, task, kept),
        examples,
        config or TrainingConfig(),
        seed,
        reporter,
    )
    measured: list[Measurement] = []
    if test is not None:
        pipelines = {
            "teacher": KGBertPipeline(teacher, processor, task),
            "student": KGBertPipeline(student, own, task),
        }
        measured = _measured(pipelines, examples_of(test, task, columns))
        check_loss(task, measured[0], measured[1], max_loss)
    about = {"Distilled": f"{len(kept)} of {len(blocks_of(teacher.backbone))} blocks"}
    save_model(output, student, own, about, include_graph=include_graph)
    return DistilResult(Path(output), task.metric, len(kept), with_graph, tuple(measured))


def _checked(folder: Path) -> Path:
    if (folder / RUNTIME_FILE).exists() and not (folder / SETTINGS_FILE).exists():
        raise KGBertError(
            f"{folder} is an exported model, which cannot be trained; give the folder of the model "
            "that was exported.",
            code="exported-model",
        )
    return folder


def _own_processor(processor: KGBertProcessor) -> KGBertProcessor:
    """Return a copy that samples the graph, since precomputed vectors cannot be trained."""
    own = copy(processor)
    own.use_vectors(None)
    return own


def _without_graph(processor: KGBertProcessor) -> KGBertProcessor:
    """Return a processor of the same texts and an empty graph."""
    graph = GraphBuilder().build(source="no graph")
    size = processor.features.vectors.shape[1]
    features = EntityFeatures(np.zeros((0, size), np.float16), "", "", graph.hash)
    return KGBertProcessor(
        processor.tokenizer,
        graph,
        features,
        linker=DictionaryLinker(graph),
        hops=0,
        max_length=processor.max_length,
        reads_last_token=processor.reads_last_token,
    )


def _unlabelled(texts: Source, task: Task, columns: Mapping[str, str] | None) -> list[Example]:
    if isinstance(texts, list | tuple) and all(isinstance(x, Example) for x in texts):
        examples = list(texts)
    else:
        examples = [task.read(x.values) for x in read_records(texts, Columns(columns or {}))]
    if not examples:
        raise DataError(f"{describe(texts)}: there is no text to learn from.", code="no-texts")
    return examples


def _student(
    teacher: KGBertPreTrainedModel,
    processor: KGBertProcessor,
    layers: int | None,
    *,
    with_graph: bool,
) -> tuple[KGBertPreTrainedModel, list[int]]:
    """Return the student with weights of the teacher, and the teacher's blocks that it has."""
    _check_teacher(teacher, with_graph=with_graph)
    count = len(blocks_of(teacher.backbone))
    if layers is None:
        layers = max(1, count // 2) if with_graph else count
    if not 1 <= layers <= count:
        raise KGBertError(
            f"a student of {layers} blocks cannot be made of a teacher of {count}.",
            code="too-many-layers",
            remedies=[Remedy("layers", max(1, count // 2))],
        )
    kept = [round((place + 1) * count / layers) - 1 for place in range(layers)]
    sources = _injection_sources(teacher.config.injected_layers, kept) if with_graph else {}
    original = cast(KGBertConfig, teacher.config)
    config = _student_config(original, processor, kept, sources, with_graph=with_graph)
    student = type(teacher)(config)
    weights = _weights(teacher, kept, sources, with_graph=with_graph)
    # The first block of ModernBERT lacks a norm that the others have.
    student.load_state_dict({name: weights[name] for name in student.state_dict()})
    if config.label_vectors and processor.label_sets is not None:
        student.use_label_sets(processor.label_sets)
    return student, kept


def _check_teacher(teacher: KGBertPreTrainedModel, *, with_graph: bool) -> None:
    backbone = teacher.config.backbone
    if backbone.is_encoder_decoder or family_of(backbone).shared_blocks:
        raise KGBertError(
            f"the blocks of {backbone.model_type} are shared, or of an encoder and a decoder, so "
            "that none can be left out. Distil a model with another backbone.",
            code="not-distillable",
        )
    if isinstance(teacher.backbone, RelationExtractor | EventExtractor):
        raise KGBertError(
            f"the outputs of a {type(teacher).__name__} belong to pairs of spans, not to a text or "
            "to its tokens, and such a model is not distilled. Distil a model of another task.",
            code="not-distillable",
        )
    if teacher.config.fusion != "attention" and with_graph:
        raise KGBertError(
            f"a model with fusion={teacher.config.fusion!r} reads the graph in a way that is not "
            "distilled.",
            code="not-distillable",
            remedies=[Remedy("with_graph", False)],
        )
    if teacher.scores_entities and not with_graph:
        raise KGBertError(
            f"the answers of a {type(teacher).__name__} are entities, which it reads from the "
            "graph.",
            code="head-needs-graph",
            remedies=[Remedy("with_graph", True)],
        )


def _injection_sources(injected: Sequence[int], kept: Sequence[int]) -> dict[int, int]:
    """Return the teacher's injection that each injected block of the student takes over.

    >>> _injection_sources([4, 5, 6], [1, 3, 5]), _injection_sources([1], [2, 5])
    ({2: 4, 3: 6}, {2: 1})
    """
    places = {place: source + 1 for place, source in enumerate(kept, 1) if source + 1 in injected}
    if injected and not places:  # no block with an injection is left
        return {len(kept): max(injected)}
    return places


def _student_config(
    config: KGBertConfig,
    processor: KGBertProcessor,
    kept: Sequence[int],
    sources: Mapping[int, int],
    *,
    with_graph: bool,
) -> KGBertConfig:
    fresh = deepcopy(config)
    kinds = getattr(fresh.backbone, "layer_types", None)
    fresh.backbone.num_hidden_layers = len(kept)
    if kinds:
        fresh.backbone.layer_types = [kinds[block] for block in kept]
    fresh.injected_layers = list(sources)
    if not with_graph:
        fresh.relations, fresh.graph_hash = [], processor.graph.hash
        fresh.label_vectors, fresh.path_steps, fresh.path_types = False, 0, []
        fresh.fusion, fresh.linking_loss = "attention", 0.0
    return fresh


def _weights(
    teacher: KGBertPreTrainedModel,
    kept: Sequence[int],
    sources: Mapping[int, int],
    *,
    with_graph: bool,
) -> dict[str, Tensor]:
    """Return the teacher's weights under the names of the student."""
    prefix = _block_prefix(teacher)
    names = {f"{prefix}.{source}.": f"{prefix}.{place}." for place, source in enumerate(kept)}
    injections = {
        f"injections.layer_{source}.": f"injections.layer_{place}."
        for place, source in sources.items()
    }
    moved = names | injections
    weights = {}
    for name, tensor in teacher.state_dict().items():
        is_moving = name.startswith((f"{prefix}.", "injections.layer_"))
        if name.startswith(_KNOWLEDGE) and not with_graph:
            continue
        found = [old for old in moved if name.startswith(old)]
        if found:
            weights[moved[found[0]] + name.removeprefix(found[0])] = tensor.clone()
        elif not is_moving:
            weights[name] = tensor.clone()
    return weights


def _block_prefix(model: KGBertPreTrainedModel) -> str:
    """Return the name of the list of blocks among the modules of a model."""
    blocks = [block.module for block in blocks_of(model.backbone)]
    lists = (pair for pair in model.named_modules() if isinstance(pair[1], nn.ModuleList))
    return next(str(name) for name, module in lists if list(module) == blocks)


@dataclass(frozen=True)
class _Pair:
    """Teacher and student with their processors."""

    teacher: KGBertPreTrainedModel
    teacher_processor: KGBertProcessor
    student: KGBertPreTrainedModel
    student_processor: KGBertProcessor
    task: Task
    kept: Sequence[int]

    def loss(self, teacher_units: Sequence[Unit], student_units: Sequence[Unit]) -> Tensor:
        """Return the loss of the student on a batch of units.

        Raises:
            KGBertError: The outputs of the task are no function that can be differentiated.
        """
        with torch.no_grad():
            expected, targets, _ = self._outputs(self.teacher, teacher_units, self.kept)
        found, states, mask = self._outputs(self.student, student_units, range(len(self.kept)))
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
        return loss + _state_loss(states, targets, mask)

    def _outputs(
        self, model: KGBertPreTrainedModel, units: Sequence[Unit], blocks: Sequence[int]
    ) -> tuple[Tensor, list[Tensor], Tensor]:
        """Return the outputs of a batch, the states after some blocks, and the attention mask."""
        is_teacher = model is self.teacher
        processor = self.teacher_processor if is_teacher else self.student_processor
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
    pair.teacher.to(device).eval()  # type: ignore[arg-type]
    pair.student.to(device).train()  # type: ignore[arg-type]
    units = [
        [unit for each in pair.task.encode(examples, processor) for unit in each.units]
        for processor in (pair.teacher_processor, pair.student_processor)
    ]
    batches = _batches(units[0], config.texts_per_step(len(units[0])), config.epochs, seed)
    with tempfile.TemporaryDirectory(prefix="kgbert-distil-") as folder:
        arguments = default_arguments(
            folder,
            learning_rate=config.encoder_rate(pair.student.config.encoder_config.hidden_size),
            weight_decay=config.weight_decay,
        )
    optimizer = optimizer_of(pair.student, arguments, config.head_learning_rate, Regularization())
    schedule = transformers.get_linear_schedule_with_warmup(
        optimizer, len(batches) // 10, len(batches)
    )
    steps = reporter.steps("distillation, step")
    for step, places in enumerate(batches, 1):
        optimizer.zero_grad()
        teacher_units, student_units = ([some[place] for place in places] for some in units)
        pair.loss(teacher_units, student_units).backward()
        nn.utils.clip_grad_norm_(pair.student.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        steps(step, len(batches))
    pair.student.eval()


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
