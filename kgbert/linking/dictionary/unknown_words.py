"""Resolve a word that occurs in no name to a known word: its stem, or a correction."""

from collections.abc import Callable, Container
from functools import lru_cache
from typing import NamedTuple

from kgbert.linking.dictionary.fuzzy import TYPO
from kgbert.linking.normalization.normalizer import Normalizer


class Resolution(NamedTuple):
    """A known word that replaces an unknown one."""

    known: str
    """In normal form."""
    replacement: str
    """The text that replaces the unknown word."""
    length: int
    """How many characters of the unknown word a mention covers."""
    rule: str


class UnknownWords:
    """Resolves words that occur in no name of the graph.

    >>> words = UnknownWords({"발열"}, Normalizer(["particles"]), lambda word: None)
    >>> words.resolve("발열이")
    Resolution(known='발열', replacement='발열', length=2, rule='particles')
    """

    def __init__(
        self,
        vocabulary: Container[str],
        normalizer: Normalizer,
        correct: Callable[[str], str | None],
    ) -> None:
        """Prepare an empty cache.

        Args:
            vocabulary: The known words, in normal form.
            normalizer: Brings words to their normal form.
            correct: Returns the known word for an unknown one with a typo, if any.
        """
        self._vocabulary, self._normalizer, self._correct = vocabulary, normalizer, correct
        # The cache belongs to the instance and not to the class, so that it is freed with it.
        self.resolve = lru_cache(maxsize=1 << 16)(self._resolve)

    def _resolve(self, word: str) -> Resolution | None:
        """Return the resolution of a word; None if it is known or cannot be resolved."""
        normal = self._normalizer.word(word)
        if not normal or normal in self._vocabulary:
            return None
        for stem, rule in self._normalizer.stems(word):
            if (known := self._normalizer.word(stem)) in self._vocabulary:
                return Resolution(known, stem, len(stem), rule)
        corrected = self._correct(normal)
        return None if corrected is None else Resolution(corrected, corrected, len(word), TYPO)
