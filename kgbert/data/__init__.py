"""Labelled texts: the files that hold them, and what is wrong with them."""

from kgbert.data.example import Example, Span
from kgbert.data.read import read_examples, read_texts

__all__ = ["Example", "Span", "read_examples", "read_texts"]
