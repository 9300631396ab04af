"""From the output rows of a model to predictions, whatever computes the rows."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from kgbert.data import Example
from kgbert.encoding.alignment import tokens_of
from kgbert.encoding.collation import batches_by_length
from kgbert.encoding.encoded import EncodedText
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.mention import Mention
from kgbert.tasks.base import (
    EncodedExample,
    Prediction,
    ReadEntity,
    ReadLabel,
    ReadMention,
    ReadPath,
    Task,
)
from kgbert.utils.progress import StepCallback

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: The inputs of an example by the names of their columns in a file.
Row = Mapping[str, Any]

#: The texts of one output row of a model.
Unit = tuple[EncodedText, ...]

#: The attention of each link of one text, by (token, entity index).
LinkAttention = dict[tuple[int, int], float]


class OutputRow(NamedTuple):
    """The output of a unit, and what the model read in the graph."""

    output: "NDArray[Any]"
    mentions: Sequence[ReadMention]
    nearest_labels: tuple[ReadLabel, ...] = ()
    paths: tuple[ReadPath, ...] = ()


#: Computes the output row of each unit of a batch.
ComputeRows = Callable[[Sequence[Unit]], Iterable[OutputRow]]


def examples_to_answer(task: Task, texts: Sequence[str | Row | Example]) -> list[Example]:
    """Return texts, rows of a file or examples as examples of a task."""
    if isinstance(texts, str):
        raise TypeError(f"a list of texts is needed, not one text: [{texts[:40]!r}]")
    return [
        x if isinstance(x, Example) else task.read({"text": x} if isinstance(x, str) else x)
        for x in texts
    ]


def rows_by_example(
    encoded: Sequence[EncodedExample],
    compute: ComputeRows,
    *,
    batch_size: int,
    progress: StepCallback | None = None,
) -> list[list[OutputRow]]:
    """Return the output rows of each example, computed in batches of similar length.

    Args:
        encoded: The examples.
        compute: Computes the rows of a batch.
        batch_size: Number of units in a batch.
        progress: Called after each batch with the numbers of finished units and of all units.
    """
    units = [unit for each in encoded for unit in each.units]
    rows: dict[int, OutputRow] = {}
    for places in batches_by_length([unit_length(unit) for unit in units], batch_size):
        rows.update(zip(places, compute([units[place] for place in places]), strict=True))
        if progress is not None:
            progress(len(rows), len(units))
    return outputs_by_example([rows[place] for place in range(len(units))], encoded)


def outputs_by_example(rows: Iterable[Any], encoded: Sequence[EncodedExample]) -> list[list[Any]]:
    """Group the output rows of all units by example."""
    following = iter(rows)
    return [[next(following) for _ in each.units] for each in encoded]


def unit_length(unit: Unit) -> int:
    """Return the number of tokens of the longest text of a unit."""
    return max(len(text.offsets) for text in unit)


def combined_prediction(
    task: Task,
    encoded: EncodedExample,
    rows: Sequence[OutputRow],
    config: Any,
    graph: KnowledgeGraph,
) -> Prediction:
    """Return the answer to an example with what the model read.

    Args:
        task: The task.
        encoded: The example.
        rows: The output of each unit.
        config: The configuration of the model, as for :meth:`Task.decode`.
        graph: The graph.
    """
    # The question of several choices, or the overlap of two windows, is read more than once.
    read = {(x.start, x.end): x for row in reversed(rows) for x in reversed(row.mentions)}
    return replace(
        task.decode([row.output for row in rows], encoded, config, graph),
        mentions=tuple(read[place] for place in sorted(read)),
        nearest_labels=tuple(label for row in rows for label in row.nearest_labels),
        paths=tuple(path for row in rows for path in row.paths),
    )


def mentions_by_unit(
    units: Sequence[Unit], attention: Sequence[float] | None, graph: KnowledgeGraph
) -> Iterator[list[ReadMention]]:
    """Yield the mentions of each unit of a batch with the attention to their candidates.

    Args:
        units: The units of the batch.
        attention: The attention of each link of the batch; None where none was measured.
        graph: The graph, with the names of the entities.
    """
    first = 0
    for unit in units:
        mentions = []
        for text in unit:
            links = text.links
            end = first + len(links.tokens)
            pairs = zip(links.tokens.tolist(), links.entities.tolist(), strict=True)
            shares = None
            if attention is not None:
                shares = dict(zip(pairs, attention[first:end], strict=True))
            mentions += [_read_mention(text, x, shares, graph) for x in text.mentions]
            first = end
        yield mentions


def _read_mention(
    text: EncodedText, mention: Mention, attention: LinkAttention | None, graph: KnowledgeGraph
) -> ReadMention:
    tokens = tokens_of(mention, text.offsets)
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
