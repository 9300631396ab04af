"""Labelled texts: the files that hold them, and what is wrong with them."""

from kgbert.data.example import Example, Span
from kgbert.data.labels import check_labels
from kgbert.data.read import read_texts

__all__ = ["Example", "Span", "check_labels", "read_texts"]
