"""Labelled texts: sources, file formats and splits."""

from kgbert.data.columns import Columns, Record
from kgbert.data.example import Example, Span
from kgbert.data.read import examples_from, read_examples, read_records, read_texts
from kgbert.data.sources import Source, describe, parts_of

__all__ = [
    "Columns",
    "Example",
    "Record",
    "Source",
    "Span",
    "describe",
    "examples_from",
    "parts_of",
    "read_examples",
    "read_records",
    "read_texts",
]
