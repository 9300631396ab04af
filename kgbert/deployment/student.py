"""Build a smaller student from a trained model, before it learns from it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy, deepcopy
from dataclasses import dataclass
from typing import cast

import numpy as np
from jaxtyping import Int
from torch import Tensor, nn

from kgbert.data import Example
from kgbert.encoding.processor import KGBertProcessor
from kgbert.features.backbones import blocks_of, family_of
from kgbert.features.entity_features import EntityFeatures
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.linking.dictionary.linker import DictionaryLinker
from kgbert.models.base import KGBertPreTrainedModel
from kgbert.models.config import KGBertConfig
from kgbert.models.heads.events import EventExtractor
from kgbert.models.heads.span_pairs import RelationExtractor
from kgbert.models.layers.narrowing import BlockUnits, head_units, neuron_units
from kgbert.tasks.base import EncodedExample, Task
from kgbert.training.inference import model_outputs
from kgbert.utils.errors import KGBertError, Remedy

#: Modules that read the graph.
_KNOWLEDGE = ("injections.", "graph_encoder.", "label_scorer.", "path_scorer.")

#: Number of texts that decide which heads and neurons are left out.
_RANKING_TEXTS = 256


@dataclass(frozen=True)
class StudentSize:
    """What a student keeps of its teacher."""

    layers: int | None = None
    """Number of blocks; by default all if ``width`` is below 1 or the student reads no graph, and
    half of them otherwise. Without blocks, the student has the static embeddings of its tokens."""
    width: float = 1.0
    """Share of the attention heads and feed-forward neurons of each block."""
    with_graph: bool = True
    """Whether it reads the graph."""

    def __post_init__(self) -> None:
        """Raise KGBertError if the share is none, or there is nothing to take a share of."""
        if self.layers == 0 and self.width != 1:
            raise KGBertError(
                f"a student without blocks has no heads and neurons of which it could keep "
                f"{self.width:g}.",
                code="not-a-share",
                remedies=[Remedy("width", 1.0), Remedy("layers", 1)],
            )
        if not 0 < self.width <= 1:
            raise KGBertError(
                f"width={self.width} is no share of the heads and neurons; it must be above 0 and "
                "at most 1.",
                code="not-a-share",
                remedies=[Remedy("width", 0.5)],
            )


@dataclass(frozen=True)
class Student:
    """A student with weights of its teacher."""

    model: KGBertPreTrainedModel
    processor: KGBertProcessor
    kept: Sequence[int]
    """The teacher's blocks that it has."""
    reads_graph: bool

    @property
    def description(self) -> str:
        """What it keeps, for a person."""
        if not self.kept:
            return "no blocks"
        config = self.model.config
        widths = {"heads": config.attention_heads, "neurons": config.feed_forward_size}
        narrow = [f"{count:,} {units}" for units, count in widths.items() if count is not None]
        return f"{len(self.kept)} blocks" + (f" of {' and '.join(narrow)}" if narrow else "")


def build_student(
    teacher: KGBertPreTrainedModel,
    processor: KGBertProcessor,
    task: Task,
    size: StudentSize,
    examples: Sequence[Example],
) -> Student:
    """Return a student that starts with weights of its teacher.

    It has evenly spaced blocks of the teacher with their injections, and in each of them the heads
    and neurons that contribute most on the texts.

    Args:
        teacher: The trained model.
        processor: Its processor.
        task: Its task.
        size: What the student keeps.
        examples: Texts of the domain, without labels.

    Raises:
        KGBertError: The teacher cannot be distilled, or lacks what the student should keep.
    """
    _check_teacher(teacher, size)
    original = cast(KGBertConfig, teacher.config)
    count = len(blocks_of(teacher.backbone))
    layers = size.layers
    if layers is None:
        layers = max(1, count // 2) if size.with_graph and size.width == 1 else count
    _check_layers(teacher, layers, count)
    kept = [round((place + 1) * count / layers) - 1 for place in range(layers)]
    reads_graph = size.with_graph and _can_read_graph(original, layers)
    own = own_processor(processor) if reads_graph else _without_graph(processor)
    sources = _injection_sources(teacher.config.injected_layers, kept) if reads_graph else {}
    config = _student_config(original, own, kept, sources, reads_graph=reads_graph)
    weights = _weights(teacher, kept, sources, reads_graph=reads_graph)
    if kept and size.width < 1:
        encoded = task.encode(examples[:_RANKING_TEXTS], processor)
        for units in _most_important(teacher, processor, task, encoded, kept, size.width):
            units.narrow(config, weights, _block_prefix(teacher))
    student = type(teacher)(config)
    # The first block of ModernBERT lacks a norm that the others have.
    student.load_state_dict({name: weights[name] for name in student.state_dict()})
    if config.label_vectors and own.label_sets is not None:
        student.use_label_sets(own.label_sets)
    return Student(student, own, kept, reads_graph)


def _check_teacher(teacher: KGBertPreTrainedModel, size: StudentSize) -> None:
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
    if teacher.config.fusion != "attention" and size.with_graph:
        raise KGBertError(
            f"a model with fusion={teacher.config.fusion!r} reads the graph in a way that is not "
            "distilled.",
            code="not-distillable",
            remedies=[Remedy("with_graph", False)],
        )
    if teacher.scores_entities and not size.with_graph:
        raise KGBertError(
            f"the answers of a {type(teacher).__name__} are entities, which it reads from the "
            "graph.",
            code="head-needs-graph",
            remedies=[Remedy("with_graph", True)],
        )


def _check_layers(teacher: KGBertPreTrainedModel, layers: int, count: int) -> None:
    if not 0 <= layers <= count:
        raise KGBertError(
            f"a student of {layers} blocks cannot be made of a teacher of {count}.",
            code="too-many-layers",
            remedies=[Remedy("layers", max(1, count // 2))],
        )
    if layers:
        return
    if not teacher.reads_one_position:
        raise KGBertError(
            f"without blocks, tokens do not know their context, which a {type(teacher).__name__} "
            "needs.",
            code="blocks-needed",
            remedies=[Remedy("layers", 1)],
        )
    length = teacher.backbone.get_input_embeddings().weight.shape[1]
    if not teacher.family.runs_without_blocks or length != teacher.config.backbone.hidden_size:
        raise KGBertError(
            f"the states of {teacher.config.backbone.model_type} before its first block cannot "
            "replace those after its last one.",
            code="blocks-needed",
            remedies=[Remedy("layers", 1)],
        )


def _can_read_graph(config: KGBertConfig, layers: int) -> bool:
    """Return whether a student with this number of blocks has a part that reads the graph.

    Without blocks there are no injections.
    """
    return layers > 0 or config.label_vectors or bool(config.path_types)


def own_processor(processor: KGBertProcessor) -> KGBertProcessor:
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


def _injection_sources(injected: Sequence[int], kept: Sequence[int]) -> dict[int, int]:
    """Return the teacher's injection that each injected block of the student takes over.

    >>> _injection_sources([4, 5, 6], [1, 3, 5]), _injection_sources([1], [2, 5])
    ({2: 4, 3: 6}, {2: 1})
    """
    places = {place: source + 1 for place, source in enumerate(kept, 1) if source + 1 in injected}
    if injected and kept and not places:  # no block with an injection is left
        return {len(kept): max(injected)}
    return places


def _student_config(
    config: KGBertConfig,
    processor: KGBertProcessor,
    kept: Sequence[int],
    sources: Mapping[int, int],
    *,
    reads_graph: bool,
) -> KGBertConfig:
    fresh = deepcopy(config)
    kinds = getattr(fresh.backbone, "layer_types", None)
    fresh.backbone.num_hidden_layers = len(kept)
    if kinds:
        fresh.backbone.layer_types = [kinds[block] for block in kept]
    fresh.injected_layers = list(sources)
    if not kept:
        fresh.pooling = "mean"  # static embeddings of one token say nothing about the others
        fresh.attention_heads = fresh.feed_forward_size = None
    if not reads_graph:
        fresh.relations, fresh.graph_hash = [], processor.graph.hash
        fresh.label_vectors, fresh.path_steps, fresh.path_types = False, 0, []
        fresh.fusion, fresh.linking_loss = "attention", 0.0
    return fresh


def _weights(
    teacher: KGBertPreTrainedModel,
    kept: Sequence[int],
    sources: Mapping[int, int],
    *,
    reads_graph: bool,
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
        if name.startswith(_KNOWLEDGE) and not reads_graph:
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
class _KeptUnits:
    """The heads or neurons that a student keeps."""

    field: str
    """Field of the configuration with their number in a block."""
    units: BlockUnits
    by_block: Sequence[Int[Tensor, " units"]]
    """The units that each block of the student keeps."""

    def narrow(self, config: KGBertConfig, weights: dict[str, Tensor], prefix: str) -> None:
        """Leave out the other units of a student's configuration and weights, in place."""
        setattr(config, self.field, len(self.by_block[0]))
        for block, kept in enumerate(self.by_block):
            places = self.units.places(kept)
            for writer in self.units.writers:
                for name in (f"{prefix}.{block}.{writer}.{kind}" for kind in ("weight", "bias")):
                    if name in weights:
                        weights[name] = weights[name][places]
            name = f"{prefix}.{block}.{self.units.reader}.weight"
            weights[name] = weights[name][:, places]


def _most_important(
    teacher: KGBertPreTrainedModel,
    processor: KGBertProcessor,
    task: Task,
    encoded: Sequence[EncodedExample],
    blocks: Sequence[int],
    width: float,
) -> list[_KeptUnits]:
    """Return a share of the heads and of the neurons of some blocks, by importance on texts.

    Raises:
        KGBertError: The family has no heads or neurons that can be left out.
    """
    modules = [blocks_of(teacher.backbone)[block].module for block in blocks]
    found = {
        "attention_heads": head_units(teacher.backbone),
        "feed_forward_size": neuron_units(teacher.backbone),
    }
    if not any(found.values()):
        raise KGBertError(
            f"no heads or neurons can be left out of the blocks of "
            f"{teacher.config.backbone.model_type}.",
            code="not-narrowable",
            remedies=[Remedy("width", 1.0), Remedy("layers", max(1, len(blocks) // 2))],
        )
    known = {field: units for field, units in found.items() if units is not None}
    readers = [x.get_submodule(units.reader) for x in modules for units in known.values()]
    with _summed_squares(readers) as squares:
        # One text at a time, so that no padding is counted.
        model_outputs(teacher, processor, task, encoded, batch_size=1)
    kept = []
    for field, units in known.items():
        count = max(1, round(width * units.count(modules[0])))
        scores = [units.importance(x, squares[x.get_submodule(units.reader)]) for x in modules]
        by_block = [each.topk(count).indices.sort().values.cpu() for each in scores]
        kept.append(_KeptUnits(field, units, by_block))
    return kept


@contextmanager
def _summed_squares(modules: Sequence[nn.Module]) -> Iterator[dict[nn.Module, Tensor]]:
    """Sum the squared inputs of modules over all tokens of the texts that they read."""
    squares: dict[nn.Module, Tensor] = {}

    def add(module: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        square = arguments[0].float().square().flatten(0, -2).sum(0)
        squares[module] = squares.get(module, 0) + square

    handles = [module.register_forward_pre_hook(add) for module in modules]
    try:
        yield squares
    finally:
        for handle in handles:
            handle.remove()
