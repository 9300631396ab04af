"""Read Parquet, the format of data sets on the Hugging Face hub."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kgbert.data.class_names import class_names, with_class_names
from kgbert.data.columns import Columns, Record
from kgbert.utils.errors import DataError


def read_parquet(path: Path, columns: Columns) -> Iterator[Record]:
    """Yield one record per row; class numbers become the class names in the file.

    Raises:
        DataError: The package pyarrow is missing, or the file is damaged.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise DataError(
            "reading Parquet needs pyarrow; type pip install 'kgbert[parquet]', or save the "
            "texts as JSON Lines",
            code="missing-package",
        ) from error
    try:
        table = parquet.read_table(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"cannot be read as Parquet ({error})", code="malformed-parquet") from error
    columns.check_row(table.column_names)
    columns.check_source(table.column_names)
    names = class_names(_features(table.schema.metadata or {}))
    for number, values in enumerate(table.to_pylist(), start=1):
        yield Record(f"row {number:,}", with_class_names(values, names))


def _features(metadata: dict[bytes, bytes]) -> dict[str, Any]:
    """Return the features that the library ``datasets`` writes into its files."""
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"]
    except (KeyError, TypeError, ValueError):
        return {}
    return features if isinstance(features, dict) else {}
