"""Answer texts with an exported model: ONNX Runtime, tokenizer and linker."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kgbert.data import Example
from kgbert.encoding.candidates import candidate_tables
from kgbert.encoding.collation import link_arrays, text_number_arrays
from kgbert.encoding.paths.kinds import from_settings
from kgbert.encoding.precomputed_vectors import EntityVectors
from kgbert.encoding.saved_graph import resolve_graph
from kgbert.encoding.spans.span_groups import collate_groups
from kgbert.encoding.text_encoder import TextEncoder
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.factory import linker_from_settings
from kgbert.runtime.settings import MODEL_FILE, TOKENIZER_FILE, RuntimeSettings
from kgbert.runtime.tokenizer import RuntimeTokenizer
from kgbert.tasks.answers import (
    OutputRow,
    Row,
    Unit,
    combined_prediction,
    examples_to_answer,
    mentions_by_unit,
    rows_by_example,
)
from kgbert.tasks.base import Prediction
from kgbert.tasks.registry import find_task
from kgbert.utils.errors import KGBertError
from kgbert.utils.paths import LABEL_SETS_FILE, VECTORS_FILE
from kgbert.utils.progress import StepCallback

#: Returns the similarity in spelling of each text to each label.
LexicalSimilarity = Callable[[Sequence[str]], NDArray[np.float32]]


class RuntimePipeline:
    """Predicts on texts with an exported model; created by :func:`load`.

    It gives the answers of :func:`kgbert.pipeline` without torch and transformers.
    """

    def __init__(
        self,
        session: Any,
        settings: RuntimeSettings,
        encoder: TextEncoder,
        *,
        vectors: EntityVectors | None = None,
        lexical_index: LexicalSimilarity | None = None,
    ) -> None:
        self.session, self.settings, self.encoder = session, settings, encoder
        self.task = find_task(settings.task).with_settings(settings.task_settings)
        self.vectors = vectors
        self._inputs = [each.name for each in session.get_inputs()]
        self._lexical_index = lexical_index if "label_lexical" in self._inputs else None

    def __call__(
        self,
        texts: Sequence[str | Row | Example],
        *,
        batch_size: int = 32,
        progress: StepCallback | None = None,
    ) -> list[Prediction]:
        """Return one prediction for each text, row or example, as :func:`kgbert.pipeline` does.

        Args:
            texts: Texts, rows as in a file, or examples.
            batch_size: Number of texts in a batch.
            progress: Called after each batch with the numbers of finished texts and of all texts.

        Raises:
            DataError: A row lacks an input of the task.
        """
        examples = examples_to_answer(self.task, texts)
        processor: Any = self.encoder  # of which tasks use only encode()
        encoded = self.task.encode(examples, processor)
        rows = rows_by_example(encoded, self._rows, batch_size=batch_size, progress=progress)
        config: Any = self.settings
        return [
            combined_prediction(self.task, each, own, config, self.encoder.graph)
            for each, own in zip(encoded, rows, strict=True)
        ]

    def _rows(self, units: Sequence[Unit]) -> Iterator[OutputRow]:
        """Yield the output of each unit, and what the model read in the graph."""
        feeds, shifts = self._feeds(units)
        logits, *attention = self.session.run(None, {name: feeds[name] for name in self._inputs})
        shares = attention[0].tolist() if attention else None
        read = mentions_by_unit(units, shares, self.encoder.graph)
        first = 0
        for place, (unit, mentions) in enumerate(zip(units, read, strict=True)):
            rows = logits[first : first + len(unit)]
            if unit[0].groups is not None:
                output = logits[place]  # the pairs of spans of all windows
            elif self.settings.answers_tokens:
                output = rows[0][shifts[first] :]
            else:
                # A unit of several texts has one score for each, as the choices of a question.
                output = rows[0] if len(unit) == 1 else rows.ravel()
            yield OutputRow(output, mentions)
            first += len(unit)

    def _feeds(self, units: Sequence[Unit]) -> tuple[dict[str, NDArray[Any]], list[int]]:
        """Return the inputs of the model, and the number of padding tokens before each text."""
        texts = [text for unit in units for text in unit]
        tokenizer: RuntimeTokenizer = self.encoder.tokenizer
        feeds: dict[str, NDArray[Any]] = dict(tokenizer.pad([text.tokens for text in texts]))
        width = feeds["input_ids"].shape[1]
        shifts = [width - len(x.offsets) if tokenizer.pads_left else 0 for x in texts]
        arrays, linked = link_arrays([text.links for text in texts], shifts)
        feeds |= arrays | text_number_arrays(texts, width, shifts)
        if self.vectors is not None:
            feeds["entity_vectors"] = self.vectors.vectors[linked].astype(np.float32)
        if texts[0].marks:
            shifted = zip(texts, shifts, strict=True)
            marks = [[token + shift for token in text.marks] for text, shift in shifted]
            feeds["argument_tokens"] = np.array(marks, np.int64)
        if most := self.settings.candidates:
            candidate_sets = [text.candidate_sets for text in texts]
            feeds |= candidate_tables(candidate_sets, shifts, linked, most)
        if texts[0].groups is not None:
            feeds |= _span_feeds(units, width, shifts)
        if (paths := self.encoder.paths) is not None:
            feeds |= paths.arrays(texts, width, shifts)
        if self._lexical_index is not None:
            feeds["label_lexical"] = self._lexical_index([text.text for text in texts])
        return feeds, shifts


def _span_feeds(
    units: Sequence[Unit], width: int, shifts: Sequence[int]
) -> dict[str, NDArray[Any]]:
    """Return the spans and pairs of a batch, of which there is at least one."""
    groups = [[text.groups for text in unit if text.groups is not None] for unit in units]
    feeds = collate_groups(groups, width, shifts)
    if not len(feeds["span_token_index"]):  # ONNX Runtime computes no maximum of nothing
        for name in ("span_token_index", "span_mention_index", "mention_argument_index"):
            feeds[name] = np.zeros(1, np.int64)
    if not feeds["pair_index"].shape[1]:
        feeds["pair_index"] = np.zeros((len(units), 1, 2), np.int64)
        feeds["pair_distances"] = np.zeros((len(units), 1), np.int64)
    feeds["argument_slots"] = np.zeros(max(1, feeds["argument_slots"]), np.float32)
    return feeds


def load(
    folder: str | Path, *, graph: KnowledgeGraph | None = None, threads: int = 0
) -> RuntimePipeline:
    """Return a pipeline for the folder of an exported model.

    Args:
        folder: The folder that ``kgbert export MODEL --onnx FOLDER`` wrote.
        graph: The graph, if the model was exported without it.
        threads: Number of threads of a computation; 0 means one per core.

    Raises:
        KGBertError: The folder has no exported model or a damaged one, or its graph is missing.
    """
    folder = Path(folder)
    settings = RuntimeSettings.load(folder)
    session = _session(folder / MODEL_FILE, threads)
    graph = resolve_graph(folder, graph, settings.graph_left_out)
    encoder = TextEncoder(
        RuntimeTokenizer.load(folder / TOKENIZER_FILE, settings.tokenizer),
        graph,
        linker_from_settings(graph, settings.linker, folder),
        settings.max_length,
        settings.candidates,
        settings.reads_last_token,
        from_settings(graph, settings.paths) if settings.paths else None,
    )
    vectors = folder / VECTORS_FILE
    return RuntimePipeline(
        session,
        settings,
        encoder,
        vectors=EntityVectors.load(vectors) if vectors.exists() else None,
        lexical_index=_lexical_index(folder / LABEL_SETS_FILE, graph),
    )


def _lexical_index(path: Path, graph: KnowledgeGraph) -> LexicalSimilarity | None:
    """Return the similarity in spelling to the labels of a file; None if there is no file."""
    if not path.exists():
        return None
    # Imported late: it needs scikit-learn, and most models have no grounded labels.
    from kgbert.features.label_sets import LabelSets, LexicalIndex

    return LexicalIndex(LabelSets.load(path).with_graph_texts(graph))


def _session(path: Path, threads: int) -> Any:
    """Return an inference session of ONNX Runtime."""
    try:
        import onnxruntime
    except ImportError as error:
        raise KGBertError(
            "an exported model is computed by ONNX Runtime, which is not installed; type "
            "pip install 'kgbert[onnx]', or pip install onnxruntime.",
            code="missing-package",
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the classes are private to ONNX Runtime
        raise KGBertError(
            f"{path} cannot be loaded ({' '.join(str(error).split())[:200]}). Restore the folder "
            "from its source, or export the model again.",
            code="damaged-onnx-model",
        ) from error
