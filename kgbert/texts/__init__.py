"""Labelled texts: the files that hold them, and what is wrong with them."""

from kgbert.texts.example import Example, Span
from kgbert.texts.labels import check_labels
from kgbert.texts.read import read_texts

__all__ = ["Example", "Span", "check_labels", "read_texts"]
