"""The record of a pretraining, saved next to the weights."""

import json
import math
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.utils.json_records import from_json, to_json

#: File of the record in the folder of a pretrained encoder.
RECORD_FILE = "kgbert_pretraining.json"

#: Packages whose version may change a result.
_PACKAGES = ("kgbert", "torch", "transformers", "tokenizers", "numpy")

#: Prefix of the metrics in Trainer's log, and the entries there that are no metrics.
_PREFIX = "eval_"
_NO_METRICS = (
    "eval_runtime",
    "eval_samples_per_second",
    "eval_steps_per_second",
)


@dataclass(frozen=True)
class CorpusRecord:
    """The texts of a pretraining."""

    name: str
    hash: str
    """SHA-256 of the texts in order."""
    texts: int
    held_out_texts: int
    characters: int
    tokens: int
    """Tokens to train on, special tokens included."""
    share_in_mentions: float | None
    """Share of these tokens that are part of a mention; None without a graph."""
    excluded_texts: int = 0
    """Number of texts that were left out, such as test texts."""


@dataclass(frozen=True)
class GraphRecord:
    """The graph of a pretraining."""

    source: str
    version: str
    licence: str
    hash: str
    pairs: Mapping[str, int] | None = None
    """Number of training pairs by kind; None if the graph only marked mentions."""
    held_out_entities: int = 0


@dataclass(frozen=True)
class EvaluationRecord:
    """The losses after a number of steps."""

    step: int
    train_loss: float | None
    metrics: Mapping[str, float]
    """Metrics on the held-out data."""

    @property
    def measures(self) -> dict[str, float]:
        """The metrics as a person reads them: the loss, and perplexities instead of log-losses."""
        if "accuracy" in self.metrics:
            return dict(self.metrics)
        shown = {"loss": self.metrics["loss"], "perplexity": _exp(self.metrics["loss"])}
        if "domain_loss" in self.metrics:
            shown["perplexity of words in mentions"] = _exp(self.metrics["domain_loss"])
        if "edge_loss" in self.metrics:
            shown["loss of hidden edges"] = self.metrics["edge_loss"]
        return shown


def evaluation_of(
    step: int, entry: Mapping[str, Any], train_loss: float | None = None
) -> EvaluationRecord:
    """Return the evaluation in an entry of Trainer's log."""
    metrics = {
        name.removeprefix(_PREFIX): value
        for name, value in entry.items()
        if name.startswith(_PREFIX) and name not in _NO_METRICS
    }
    return EvaluationRecord(step, train_loss, metrics)


@dataclass(frozen=True)
class PretrainingRecord:
    """How an encoder was pretrained."""

    objective: str
    backbone: str
    """Hub name, or the last two parts of the folder."""
    backbone_hash: str
    """SHA-256 of the weights before."""
    encoder_hash: str
    """SHA-256 of the weights after."""
    settings: Mapping[str, Any]
    evaluations: tuple[EvaluationRecord, ...]
    steps: int
    best_step: int
    """The step whose weights were kept."""
    seconds: float
    versions: Mapping[str, str]
    head: str = ""
    """Where the language-modelling head came from."""
    corpus: CorpusRecord | None = None
    graph: GraphRecord | None = None
    previous: "PretrainingRecord | None" = None
    """The pretraining of the backbone, if kgbert pretrained it as well."""

    @property
    def total_seconds(self) -> float:
        """The time of this pretraining and of those before it."""
        return sum(record.seconds for record in self.chain())

    def chain(self) -> "Iterator[PretrainingRecord]":
        """Yield the pretrainings in order, this one last."""
        if self.previous:
            yield from self.previous.chain()
        yield self

    @property
    def before_and_after(self) -> tuple[EvaluationRecord, EvaluationRecord]:
        """The evaluations before the first step and of the weights that were kept."""
        first = self.evaluations[0]
        best = next(x for x in self.evaluations if x.step == self.best_step)
        return first, best

    @property
    def improved(self) -> bool:
        """Whether the held-out loss is lower than before."""
        first, best = self.before_and_after
        return best.metrics["loss"] < first.metrics["loss"]

    @property
    def description(self) -> str:
        """One phrase about objective and data."""
        return f"{self.objective} on {_data(self)}, {self.best_step:,} steps"

    def save(self, folder: Path) -> None:
        """Write the record to a folder."""
        text = json.dumps(to_json(self), indent=1)
        (folder / RECORD_FILE).write_text(text, encoding="utf-8")


def pretraining_record(folder: str | Path) -> PretrainingRecord | None:
    """Return the record in a folder; None for a hub name or a folder without one."""
    path = Path(folder) / RECORD_FILE
    if not path.is_file():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    return from_json(PretrainingRecord, content, source=str(path))


def graph_record(
    graph: KnowledgeGraph, pairs: Mapping[str, int] | None = None, held_out_entities: int = 0
) -> GraphRecord:
    """Return the record of a graph."""
    source = graph.source.rsplit("/", 1)[-1]
    return GraphRecord(source, graph.version, graph.licence, graph.hash, pairs, held_out_entities)


def package_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that may change a result."""
    return {"python": platform.python_version()} | {name: version(name) for name in _PACKAGES}


def _data(record: PretrainingRecord) -> str:
    if record.corpus:
        return record.corpus.name
    return record.graph.source if record.graph and record.graph.source else "a graph"


def _exp(loss: float) -> float:
    return math.exp(min(loss, 700.0))
