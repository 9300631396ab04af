"""Sources of labelled texts: a file, or rows in memory (a list, a DataFrame, a Dataset)."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from kgbert.data.class_names import class_names, with_class_names
from kgbert.data.columns import Columns, Record, located
from kgbert.data.readers.registry import read_file
from kgbert.utils.errors import DataError

#: A path, a list of dicts, a pandas or polars DataFrame, or a Hugging Face Dataset.
Source = Any

#: The parts of a split, each with its names in data sets.
PARTS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev", "development"),
    "test": ("test", "testing"),
}


def parts_of(source: Source) -> dict[str, Source]:
    """Return the sources of train, validation and test in a DatasetDict or another mapping.

    A source without a split has no parts.

    >>> parts_of({"train": "train.csv", "dev": "dev.csv"})
    {'train': 'train.csv', 'validation': 'dev.csv'}
    >>> parts_of("notes.csv")
    {}
    """
    if not isinstance(source, Mapping):
        return {}
    return {part: source[name] for part, names in PARTS.items() for name in names if name in source}


def describe(source: Source) -> str:
    """Return the description of a source for messages: its path or type.

    >>> describe([{"text": "No fever."}]), describe("notes.csv")
    ('texts', 'notes.csv')
    """
    if isinstance(source, str | Path):
        return str(source)
    return "texts" if isinstance(source, list | tuple) else type(source).__name__


def records_of(source: Source, columns: Columns) -> Iterator[Record]:
    """Yield the rows of a source with its own column names.

    Raises:
        DataError: It is not a source, or lacks a column.
    """
    if isinstance(source, str | Path):
        yield from read_file(Path(source), columns)
        return
    names: dict[str, None] = {}
    for number, values in enumerate(_rows(source), start=1):
        record = Record(f"row {number:,}", values)
        with located(record.place):
            if not isinstance(values, Mapping):
                raise DataError(
                    f"found {str(values)[:40]!r} where a dict belongs, for example "
                    "{'text': '...', 'label': '...'}",
                    code="not-an-object",
                )
            columns.check_row(values)
        names |= dict.fromkeys(values)
        yield record
    columns.check_source(names)


def _rows(source: Source) -> Iterable[Any]:
    """Return the rows of an object that is recognised by its methods, without imports."""
    if hasattr(source, "iter_rows"):  # polars
        return (row for row in source.iter_rows(named=True))
    if hasattr(source, "iloc") and hasattr(source, "columns"):  # pandas
        return (row for row in source.to_dict("records"))
    if hasattr(source, "features") and hasattr(source, "column_names"):  # datasets
        names = class_names(source.features)
        return (with_class_names(row, names) for row in source)
    if isinstance(source, Mapping):
        raise DataError(
            f"this is divided into {', '.join(map(repr, source))}; choose one of these parts",
            code="divided-source",
        )
    if isinstance(source, Iterable) and not isinstance(source, str | bytes):
        return source
    raise DataError(
        f"cannot read texts from a {type(source).__name__}; give a path, a list of dicts, a pandas "
        "DataFrame or a Hugging Face Dataset",
        code="unknown-source",
    )
