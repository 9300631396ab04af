"""Match words with one letter substituted, missing, added, or swapped with its neighbour."""

from array import array
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

#: The name, among the rules, of a match with a typo, and the factor of its score.
TYPO = "typo"
TYPO_FACTOR = 0.8


class FuzzyMatcher:
    """Finds the only known word that is one edit apart from an unknown one.

    Two words that are one edit apart have a word in common among those that remain when each loses
    at most one letter (symmetric delete spelling correction, Garbe 2012). Matches by hash are then
    compared letter by letter.

    >>> matcher = FuzzyMatcher(["hypertension", "fever", "gamble", "gamete"], shortest=6)
    >>> [matcher.correct(word) for word in ("hypertenson", "hypertenison", "hypotension", "fevr")]
    ['hypertension', 'hypertension', None, None]
    >>> matcher.correct("gamele") is None
    True
    """

    def __init__(self, words: Sequence[str], *, shortest: int) -> None:
        """Index the known words.

        Args:
            words: The known words.
            shortest: Shortest word, in letters, in which a typo is tolerated.
        """
        self._words = [word for word in words if len(word) >= shortest - 1 and word.isalpha()]
        self._shortest = shortest
        hashes, owners = array("q"), array("i")
        for number, word in enumerate(self._words):
            for rest in _with_one_letter_less(word):
                hashes.append(hash(rest))
                owners.append(number)
        order = np.argsort(np.array(hashes, np.int64), kind="stable")
        self._hashes = np.array(hashes, np.int64)[order]
        self._owners = np.array(owners, np.int32)[order]
        # The cache belongs to the instance and not to the class, so that it is freed with it.
        self.correct = lru_cache(maxsize=1 << 17)(self._correct)

    def _correct(self, word: str) -> str | None:
        if len(word) < self._shortest or not word.isalpha():
            return None
        near = {known for known in self._similar_words(word) if is_one_edit_apart(word, known)}
        # Of several possible words none is certain enough.
        return near.pop() if len(near) == 1 else None

    def _similar_words(self, word: str) -> Iterator[str]:
        wanted = np.array([hash(rest) for rest in _with_one_letter_less(word)], np.int64)
        first = np.searchsorted(self._hashes, wanted)
        end = np.searchsorted(self._hashes, wanted, side="right")
        for start, stop in zip(first.tolist(), end.tolist(), strict=True):
            for number in self._owners[start:stop].tolist():
                yield self._words[number]


def is_one_edit_apart(word: str, known: str) -> bool:
    """Return whether two different words with the same first letter are one edit apart.

    >>> [is_one_edit_apart("colic", word) for word in ("clic", "cloic", "folic")]
    [True, True, False]
    """
    if word == known or word[:1] != known[:1]:
        return False
    shorter = min(len(word), len(known))
    first = next((i for i in range(shorter) if word[i] != known[i]), shorter)
    last = next((i for i in range(shorter - first) if word[-1 - i] != known[-1 - i]), None)
    last = shorter - first if last is None else last
    left, right = word[first : len(word) - last], known[first : len(known) - last]
    return max(len(left), len(right)) == 1 or (len(left) == 2 and left == right[::-1])


def _with_one_letter_less(word: str) -> Iterator[str]:
    """Yield a word, and what remains when it loses one letter other than the first."""
    yield word
    for i in range(1, len(word)):
        yield word[:i] + word[i + 1 :]
