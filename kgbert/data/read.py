"""Read labelled texts from a file, or from rows in memory."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Protocol, runtime_checkable

from kgbert.data.annotations import standardize
from kgbert.data.columns import LABEL, SPANS, TAGS, Columns, Record, located
from kgbert.data.example import Example, Span, disjoint, longest
from kgbert.data.fields import pair_example
from kgbert.data.sources import Source, describe, records_of
from kgbert.utils.errors import DataError
from kgbert.utils.registry import lookup

logger = logging.getLogger(__name__)


@runtime_checkable
class Reading(Protocol):
    """The method of a task that reading texts needs; see :class:`kgbert.tasks.base.Task`."""

    overlapping_spans: ClassVar[bool]

    def read(self, record: Mapping[str, Any]) -> Example:
        """Return a row of a file as an example."""
        ...


def read_texts(
    source: Source,
    *,
    columns: Mapping[str, str] | None = None,
    require_labels: bool = False,
    overlaps: str = "refuse",
) -> list[Example]:
    r"""Return the texts of a source, in its order, with their labels, spans and arguments if any.

    A file is read by its suffix: ``.csv .tsv .jsonl .json .txt .conll .conllu``, each also with
    ``.gz``, and ``.parquet``. Exports of doccano, Prodigy and Label Studio and the columns
    ``tokens`` and ``ner_tags`` are supported.

    Args:
        source: A path, a list of dicts, a pandas DataFrame, or a Hugging Face Dataset.
        columns: Column names of the source by standard name, for example ``{"text": "sentence"}``.
        require_labels: Reject texts without label; otherwise their target is None.
        overlaps: ``"refuse"`` rejects a file with overlapping spans, ``"longest"`` keeps the
            longest ones.

    Raises:
        DataError: The texts cannot be read; the message names file and line.

    >>> read_texts([{"note": "High fever.", "label": "ill"}], columns={"text": "note"})
    [Example(text='High fever.', target='ill', spans=(), id='')]
    """
    resolve = lookup(OVERLAPS, overlaps, "rule for overlaps")
    own_columns = Columns(columns or {}, require_labels)
    records = read_records(source, own_columns)
    return _examples(records, describe(source), pair_example, own_columns, resolve)


def read_examples(
    source: Source,
    task: Reading,
    *,
    columns: Mapping[str, str] | None = None,
    overlaps: str = "longest",
) -> list[Example]:
    """Return the rows of a source as the examples of a task.

    Args:
        source: As for :func:`read_texts`.
        task: Reads each row.
        columns: As for :func:`read_texts`.
        overlaps: How to handle overlapping spans if the task does not allow them.
    """
    records = read_records(source, Columns(columns or {}))
    return examples_from(records, task, name=describe(source), overlaps=overlaps)


def examples_from(
    records: Iterable[Record], task: Reading, *, name: str, overlaps: str = "longest"
) -> list[Example]:
    """Return records that were read before as the examples of a task.

    Args:
        records: The output of :func:`read_records`.
        task: Reads each record.
        name: The source of the records, for messages.
        overlaps: As for :func:`read_examples`.
    """
    resolve = lookup(OVERLAPS, overlaps, "rule for overlaps")
    if task.overlapping_spans:
        resolve = tuple
    return _examples(records, name, task.read, Columns(), resolve)


def read_records(source: Source, columns: Columns | None = None) -> list[Record]:
    """Return position and values of each row of a source, in standard form.

    >>> read_records([{"note": "a fever", "label": 1}], Columns({"text": "note"}))
    [Record(place='row 1', values={'text': 'a fever', 'label': 1})]
    """
    columns = columns or Columns()
    with located(describe(source)):
        rows = records_of(source, columns)
        records = standardize(Record(place, columns.rename(values)) for place, values in rows)
        if not records:
            raise DataError(
                "there is no text; put one text a line, below a header in CSV", code="no-texts"
            )
    return records


def _examples(
    records: Iterable[Record],
    name: str,
    read: Callable[[Mapping[str, Any]], Example],
    columns: Columns,
    resolve: Callable[[Iterable[Span]], tuple[Span, ...]],
) -> list[Example]:
    examples, overlapping, total = [], 0, 0
    for place, values in records:
        with located(f"{name}: {place}"):
            if columns.label_required:
                _check_label(values, columns[LABEL])
            example = read(values)
            spans = resolve(example.spans)
            overlapping, total = overlapping + len(example.spans) - len(spans), total + len(spans)
            examples.append(replace(example, spans=spans, place=f"{name}: {place}"))
    if overlapping:
        logger.warning(
            "%s: %s of %s spans overlap a longer one and are left out, because one tag a word "
            "cannot express both.",
            name,
            f"{overlapping:,}",
            f"{overlapping + total:,}",
        )
    return examples


def _check_label(values: Mapping[str, Any], column: str) -> None:
    # Spans and tags are labels, too.
    if values.get(LABEL) is None and SPANS not in values and TAGS not in values:
        raise DataError(
            f"{column!r} is empty; every text needs a label here: fill it in, or leave the text "
            "out",
            code="missing-label",
        )


#: Strategies for overlapping spans.
OVERLAPS: dict[str, Callable[[Iterable[Span]], tuple[Span, ...]]] = {
    "refuse": disjoint,
    "longest": longest,
}
