"""Export a trained model as one ONNX graph with tokenizer, linker and entity vectors."""

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from kgbert.data import Example, Source
from kgbert.deployment.measure import (
    MAX_LOSS,
    Answering,
    Measurement,
    check_loss,
    measure,
    measurements_table,
)
from kgbert.encoding.precomputed_vectors import EntityVectors
from kgbert.encoding.processor import KGBertProcessor
from kgbert.encoding.saved_graph import graph_metadata
from kgbert.graph.cards import is_shareable
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.serialization import save_graph
from kgbert.linking.factory import linker_settings
from kgbert.models.base import KGBertPreTrainedModel
from kgbert.runtime.pipeline import load
from kgbert.runtime.settings import (
    MODEL_FILE,
    TOKENIZER_FILE,
    RuntimeSettings,
    TokenizerSettings,
)
from kgbert.tasks.base import Task
from kgbert.training.pipeline import KGBertPipeline
from kgbert.training.saving import load_model
from kgbert.training.splits import examples_of
from kgbert.training.train import TrainedModel
from kgbert.utils.atomic_write import replacing
from kgbert.utils.errors import KGBertError, Remedy
from kgbert.utils.paths import GRAPH_FILE, LABEL_SETS_FILE, VECTORS_FILE

#: Linkers that compute with an encoder, for which the runtime would need torch.
TORCH_LINKERS = ("embedding", "description")

#: Version of the ONNX operators; the first with a maximum in scatter operations.
OPSET = 18

#: The dynamic axes of each input of an exported graph.
_AXES: dict[str, tuple[str, ...]] = {
    "link_batch_index": ("positions",),
    "link_token_index": ("positions",),
    "link_query_index": ("links",),
    "link_node_index": ("links",),
    "link_scores": ("links",),
    "entity_vectors": ("nodes",),
    "argument_tokens": ("batch",),
    "mention_spans": ("batch", "mentions"),
    "candidate_nodes": ("batch", "mentions"),
    "candidate_scores": ("batch", "mentions"),
    "label_lexical": ("batch",),
    "span_token_index": ("places",),
    "span_mention_index": ("places",),
    "mention_argument_index": ("span mentions",),
    "pair_index": ("units", "pairs"),
    "pair_distances": ("units", "pairs"),
    "argument_slots": ("arguments",),
    "path_cells": ("paths",),
    "path_types": ("paths",),
    "path_values": ("paths",),
}
_TOKEN_AXES = ("batch", "tokens")

#: Embedding tables with fewer rows are not worth quantising.
_ROWS = 1000

#: Sizes of the dynamic axes in the batch that is traced; sizes of 0 and 1 would be taken as fixed.
_SIZES = {
    "batch": 2,
    "tokens": 12,
    "positions": 3,
    "links": 5,
    "nodes": 4,
    "mentions": 3,
    "places": 7,
    "span mentions": 5,
    "units": 2,
    "arguments": 3,
    "pairs": 6,
    "paths": 8,
}


@dataclass(frozen=True)
class ExportResult:
    """An exported model, and how it compares with the original on labelled texts."""

    folder: Path
    metric: str
    measurements: tuple[Measurement, ...] = ()
    """The original, the exported model, and its int8 form; empty without labelled texts."""

    def table(self) -> str:
        """Return the measurements as a table for a terminal."""
        return measurements_table(self.metric, self.measurements)


def export_onnx(
    model: str | Path | TrainedModel | KGBertPipeline,
    folder: str | Path,
    *,
    graph: KnowledgeGraph | None = None,
    include_graph: bool | None = None,
    int8: bool = False,
    test: Source | None = None,
    columns: Mapping[str, str] | None = None,
    max_loss: float = MAX_LOSS,
) -> ExportResult:
    """Write a model as an ONNX graph with everything that answers need.

    The graph contains the backbone, the injections and the head, and reads precomputed entity
    vectors. ``kgbert.runtime.load(folder)`` answers with it, without torch and transformers.

    Args:
        model: The folder of a saved model, or a model in memory.
        folder: The target folder; an exported model in it is replaced.
        graph: The graph, if the model was saved without it.
        include_graph: As for :func:`kgbert.save_model`.
        int8: Whether the weights of matrix products and the embeddings of the tokens are stored as
            8-bit integers, and products are computed with them (dynamic quantisation).
        test: Labelled texts, on which the original and the exported model are measured.
        columns: Names of the columns of the texts by role.
        max_loss: Largest accepted loss of the main metric on the texts, in points; nothing is
            written beyond it.

    Raises:
        KGBertError: The packages of the extra ``onnx`` are missing, the model has a part that the
            runtime cannot compute, or the exported model is worse than accepted.
    """
    _check_packages()
    trained, processor, task = (
        load_model(model, graph=graph)
        if isinstance(model, str | Path)
        else (model.model, model.processor, model.task)
    )
    _check_exportable(trained, processor)
    if include_graph is None:
        include_graph = is_shareable(processor.graph)
    # The exported graph computes in single precision on the CPU.
    portable = deepcopy(trained).to("cpu", torch.float32).eval()  # type: ignore[arg-type]
    with replacing(folder, "exported model") as fresh:
        _write(portable, processor, task, fresh, include_graph=include_graph)
        if test is None:
            measurements: list[Measurement] = []
            if int8:
                quantize(fresh / MODEL_FILE)
        else:
            pipeline = KGBertPipeline(portable, processor, task)
            comparison = _Comparison(pipeline, examples_of(test, task, columns), max_loss)
            measurements = comparison.measurements(fresh, int8=int8)
    return ExportResult(Path(folder), task.metric, tuple(measurements))


class _Comparison:
    """Measures the original and the exported model on the same labelled texts."""

    def __init__(
        self, pipeline: KGBertPipeline, examples: Sequence[Example], max_loss: float
    ) -> None:
        self.pipeline, self.task, self.max_loss = pipeline, pipeline.task, max_loss
        self.examples = examples
        processor = pipeline.processor
        encoded = self.task.encode(examples, processor)
        self.gold = [self.task.gold(each, processor.graph) for each in encoded]

    def measurements(self, folder: Path, *, int8: bool) -> list[Measurement]:
        """Return the measurements of the original, the exported model, and its int8 form.

        Args:
            folder: The folder of the exported model, whose weights become 8-bit integers if
                ``int8`` is set.
            int8: Whether the model is quantised.

        Raises:
            KGBertError: A form is worse than the original by more than accepted.
        """
        measured = [self._measure("PyTorch", self.pipeline, folder)]
        for name in ("ONNX", "ONNX int8")[: 1 + int8]:
            if name == "ONNX int8":
                quantize(folder / MODEL_FILE)
            answer = load(folder, graph=self.pipeline.processor.graph)
            measured.append(self._measure(name, answer, folder))
            floats = [Remedy("int8", False, "to keep the weights")] if name == "ONNX int8" else []
            check_loss(self.task, measured[0], measured[-1], self.max_loss, *floats)
        return measured

    def _measure(self, name: str, answer: Answering, folder: Path) -> Measurement:
        weights = folder / MODEL_FILE
        return measure(name, answer, self.task, self.examples, self.gold, weights=weights)


def quantize(path: Path) -> None:
    """Replace an ONNX model by one with 8-bit integers in its matrix products and embeddings.

    Each column of a matrix, and each row of an embedding table, has a scale of its own: with one
    scale for all, a few large weights leave too few steps for the others, and answers change.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    target = path.with_suffix(".int8.onnx")
    with silenced("root"):
        quantize_dynamic(
            path,
            target,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["MatMul"],
            per_channel=True,
        )
    model = onnx.load(target)
    _quantize_embeddings(model.graph)
    onnx.save(model, target)
    target.replace(path)


def _quantize_embeddings(graph: Any) -> None:
    """Store the rows of large embedding tables as 8-bit integers, in place.

    onnxruntime quantises such tables with one scale for all rows.
    """
    from onnx import TensorProto, helper, numpy_helper

    tables = {
        each.name: each
        for each in graph.initializer
        if each.data_type == TensorProto.FLOAT and len(each.dims) == 2 and each.dims[0] >= _ROWS
    }
    for node in graph.node:
        for name in node.input:
            if node.op_type != "Gather" or name != node.input[0]:
                tables.pop(name, None)  # it is read as a whole
    for name, table in tables.items():
        rows = numpy_helper.to_array(table)
        scales = np.maximum(np.abs(rows).max(1, keepdims=True) / 127, np.finfo(np.float32).tiny)
        integers = np.round(rows / scales).astype(np.int8)
        graph.initializer.remove(table)
        graph.initializer.append(numpy_helper.from_array(integers, f"{name}_int8"))
        graph.initializer.append(numpy_helper.from_array(scales, f"{name}_scales"))
    nodes = list(graph.node)
    del graph.node[:]
    for node in nodes:
        if node.op_type != "Gather" or node.input[0] not in tables:
            graph.node.append(node)
            continue
        (table, places), [output] = node.input, node.output
        read, scale = f"{output}_int8", f"{output}_scales"
        graph.node.extend(
            [
                helper.make_node("Gather", [f"{table}_int8", places], [read]),
                helper.make_node("Cast", [read], [f"{read}_float"], to=TensorProto.FLOAT),
                helper.make_node("Gather", [f"{table}_scales", places], [scale]),
                helper.make_node("Mul", [f"{read}_float", scale], [output]),
            ]
        )


def _write(
    model: KGBertPreTrainedModel,
    processor: KGBertProcessor,
    task: Task,
    folder: Path,
    *,
    include_graph: bool,
) -> None:
    """Write the files of an exported model."""
    vectors = _entity_vectors(model, processor)
    if vectors is not None:
        vectors.save(folder / VECTORS_FILE)
    if processor.label_sets is not None:
        sets = processor.label_sets
        sets = sets if include_graph else sets.without_graph_texts(processor.graph)
        sets.save(folder / LABEL_SETS_FILE)
    if include_graph:
        save_graph(processor.graph, folder / GRAPH_FILE)
    processor.tokenizer.backend_tokenizer.save(str(folder / TOKENIZER_FILE))
    write_onnx(model, processor, folder / MODEL_FILE)
    _settings(model, processor, task, folder, include_graph=include_graph).save(folder)


def _check_packages() -> None:
    try:
        import onnx  # noqa: F401 - only checked
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise KGBertError(
            f"the export needs the package {error.name}, which is not installed; type "
            "pip install 'kgbert[onnx]'.",
            code="missing-package",
        ) from error


def _check_exportable(model: KGBertPreTrainedModel, processor: KGBertProcessor) -> None:
    if not model.is_exportable:
        raise KGBertError(
            f"a {type(model).__name__} cannot be exported yet; keep using kgbert.pipeline.",
            code="not-exportable",
        )
    if processor.expander is not None:
        raise KGBertError(
            f"the model appends tokens to its texts ({processor.expander.name}), which an exported "
            "model cannot do.",
            code="not-exportable",
        )
    if _reads_entities(model) and not hasattr(model, "graph_encoder"):
        raise KGBertError(
            f"a model with fusion={model.config.fusion!r} has no entity vectors that can be "
            "precomputed, so that it cannot be exported. Train it again.",
            code="not-exportable",
            remedies=[Remedy("fusion", "attention")],
        )
    names = [part["linker"] for part in linker_settings(processor.linker)]
    if heavy := [name for name in names if name in TORCH_LINKERS]:
        raise KGBertError(
            f"the linker {heavy[0]} computes with an encoder, for which the runtime would need "
            "torch. Train the model again with the dictionary, or keep using kgbert.pipeline.",
            code="linker-not-exportable",
            remedies=[Remedy("linker", "dictionary")],
        )


def _reads_entities(model: KGBertPreTrainedModel) -> bool:
    return bool(model.injections) or model.scores_entities


def _entity_vectors(
    model: KGBertPreTrainedModel, processor: KGBertProcessor
) -> EntityVectors | None:
    """Return the precomputed vectors of all entities; None for a model that reads none."""
    if not _reads_entities(model):
        return None
    return processor.vectors or model.precompute(processor)


def _settings(
    model: KGBertPreTrainedModel,
    processor: KGBertProcessor,
    task: Task,
    folder: Path,
    *,
    include_graph: bool,
) -> RuntimeSettings:
    config, tokenizer = model.config, processor.tokenizer
    padding = {
        "input_ids": tokenizer.pad_token_id,
        "token_type_ids": tokenizer.pad_token_type_id,
        "attention_mask": 0,
    }
    return RuntimeSettings(
        task=task.name,
        id2label={int(i): str(label) for i, label in (config.id2label or {}).items()},
        task_settings=config.task_settings,
        nil_threshold=config.nil_threshold,
        max_length=processor.max_length,
        candidates=processor.candidates,
        reads_last_token=processor.reads_last_token,
        answers_tokens=task.tags_words,
        tokenizer=TokenizerSettings(
            padding={name: padding[name] for name in _token_inputs(processor)},
            padding_side=tokenizer.padding_side,
            truncation_side=tokenizer.truncation_side,
            unk_token_id=tokenizer.unk_token_id,
            all_special_ids=list(tokenizer.all_special_ids),
            sep_token=tokenizer.sep_token,
        ),
        linker=linker_settings(processor.linker, folder),
        graph_left_out={} if include_graph else graph_metadata(processor.graph),
        untrained_labels=list(config.untrained_labels),
        paths=processor.paths.settings if processor.paths is not None else {},
    )


def _token_inputs(processor: KGBertProcessor) -> list[str]:
    """Return the names of the tokenizer's outputs, ``input_ids`` first."""
    names: list[str] = list(processor.tokenizer(["a"]))
    return ["input_ids", *(name for name in names if name != "input_ids")]


@contextmanager
def silenced(name: str) -> Iterator[None]:
    """Silence the warnings of a logger of another library."""
    log = logging.getLogger(None if name == "root" else name)
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)


class _ExportedModel(nn.Module):
    """A fused model whose inputs are tensors in a fixed order."""

    def __init__(self, model: KGBertPreTrainedModel, names: Sequence[str]) -> None:
        super().__init__()
        self.model, self.names = model, names

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Return the logits of each text, and the mean attention of each link if there is one."""
        inputs: dict[str, Any] = dict(zip(self.names, tensors, strict=True))
        if (vectors := inputs.get("entity_vectors")) is not None:
            inputs |= {
                # Only dense tables need rows and columns, and an exported graph has none.
                "link_row_index": torch.zeros_like(inputs["link_batch_index"]),
                "link_col_index": torch.zeros_like(inputs["link_query_index"]),
                "table_size": (0, 0),
                "hop_sizes": [(vectors.shape[0], 0)],
                "vectors_hash": "",
            }
        if (slots := inputs.get("argument_slots")) is not None:
            inputs["argument_slots"] = slots.shape[0]
        with self.model.record_attention() as weights:
            logits = self.model.text_logits(**inputs)
        if not weights:
            return (logits,)
        means = [weight.float().mean(-1) for weight in weights.values()]
        return logits, torch.stack(means).mean(0)


def write_onnx(model: KGBertPreTrainedModel, processor: KGBertProcessor, path: Path) -> None:
    """Write the graph of a model in single precision on the CPU to a file."""
    inputs = _traced_inputs(model, processor)
    axes = {name: torch.export.Dim(name.replace(" ", "_")) for name in _SIZES}
    shapes = tuple(
        {place: axes[axis] for place, axis in enumerate(_AXES.get(name, _TOKEN_AXES))}
        for name in inputs
    )
    with warnings.catch_warnings(), silenced("torch.onnx"), torch.no_grad():
        warnings.simplefilter("ignore")
        try:
            program = torch.onnx.export(
                _ExportedModel(model, list(inputs)),
                tuple(inputs.values()),
                dynamo=True,
                dynamic_shapes=(shapes,),
                input_names=list(inputs),
                output_names=["logits", "attention"],
                opset_version=OPSET,
                verbose=False,
            )
        except torch.onnx.OnnxExporterError as error:
            raise KGBertError(
                f"PyTorch cannot export the encoder of this model "
                f"({model.config.backbone.model_type}). Keep using kgbert.pipeline, or train "
                "another encoder.",
                code="not-exportable",
                remedies=[Remedy("backbone")],
            ) from error
        assert program is not None
        program.save(path)


def _traced_inputs(model: KGBertPreTrainedModel, processor: KGBertProcessor) -> dict[str, Tensor]:
    """Return an arbitrary batch with all inputs of a model."""
    tokens = (_SIZES["batch"], _SIZES["tokens"])
    inputs = {name: torch.ones(tokens, dtype=torch.int64) for name in _token_inputs(processor)}
    if "token_type_ids" in inputs:
        inputs["token_type_ids"] = torch.zeros(tokens, dtype=torch.int64)
    inputs["attention_mask"][1, -2:] = 0
    if _reads_entities(model):
        inputs |= {
            "link_batch_index": torch.tensor([0, 0, 1]),
            "link_token_index": torch.tensor([0, 3, 0]),
            "link_query_index": torch.tensor([0, 0, 1, 2, 2]),
            "link_node_index": torch.tensor([0, 1, 1, 2, 3]),
            "link_scores": torch.zeros(_SIZES["links"]),
            "entity_vectors": torch.zeros(_SIZES["nodes"], model.vector_size),
        }
    if model.scores_entities:
        table = (_SIZES["batch"], _SIZES["mentions"], processor.candidates)
        inputs |= {
            "mention_spans": torch.ones(*table[:2], 2, dtype=torch.int64),
            "candidate_nodes": torch.ones(table, dtype=torch.int64),
            "candidate_scores": torch.zeros(table),
        }
    if model.reads_arguments:
        inputs["argument_tokens"] = torch.tensor([[1, 3], [2, 5]])
    if model.reads_span_pairs:
        inputs |= {
            "span_token_index": torch.tensor([1, 2, 4, 5, 13, 14, 16]),
            "span_mention_index": torch.tensor([0, 0, 1, 2, 3, 3, 4]),
            "mention_argument_index": torch.tensor([0, 1, 1, 3, 4]),
            "pair_index": torch.zeros(_SIZES["units"], _SIZES["pairs"], 2, dtype=torch.int64),
            "pair_distances": torch.zeros(_SIZES["units"], _SIZES["pairs"], dtype=torch.int64),
            # Only its length counts, which is a size of the batch.
            "argument_slots": torch.zeros(_SIZES["arguments"]),
        }
    return inputs | _traced_evidence(model)


def _traced_evidence(model: KGBertPreTrainedModel) -> dict[str, Tensor]:
    """Return arbitrary inputs of what adds to the scores of a head."""
    inputs: dict[str, Tensor] = {}
    if model.path_scorer is not None:
        inputs |= {
            "path_cells": torch.arange(_SIZES["paths"]) % _SIZES["batch"],
            "path_types": torch.zeros(_SIZES["paths"], dtype=torch.int64),
            "path_values": torch.ones(_SIZES["paths"]),
        }
    if model.config.compares_texts:
        tokens = (_SIZES["batch"], _SIZES["tokens"])
        inputs["text_numbers"] = torch.ones(tokens, dtype=torch.int64)
    if model.config.label_vectors and model.label_queries == "text":
        labels = len(model.config.labels)
        inputs["label_lexical"] = torch.zeros(_SIZES["batch"], labels)
    return inputs
