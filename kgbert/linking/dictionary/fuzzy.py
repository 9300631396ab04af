"""Words with one letter wrong, missing, added, or swapped with its neighbour."""

from array import array
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

#: What a match through a typo is called beside the rules, and what its score is multiplied by.
TYPO = "typo"
TYPO_FACTOR = 0.8


class FuzzyMatcher:
    """Finds the known word that an unknown one was meant to be.

    Two words that differ by one letter share a word that is left when each loses one letter at
    most (Garbe's symmetric delete); what is found by hash is then compared letter by letter.

    >>> speller = FuzzyMatcher(["hypertension", "fever", "gamble", "gamete"], shortest=6)
    >>> [speller.meant(word) for word in ("hypertenson", "hypertenison", "hypotension", "fevr")]
    ['hypertension', 'hypertension', None, None]
    >>> speller.meant("gamele") is None
    True
    """

    def __init__(self, words: Sequence[str], *, shortest: int) -> None:
        """Index the known words.

        Args:
            words: The known words.
            shortest: How many letters a word needs for a typo in it to be forgiven.
        """
        self._words = [word for word in words if len(word) >= shortest - 1 and word.isalpha()]
        self._shortest = shortest
        hashes, owners = array("q"), array("i")
        for number, word in enumerate(self._words):
            for rest in _shortened(word):
                hashes.append(hash(rest))
                owners.append(number)
        order = np.argsort(np.array(hashes, np.int64), kind="stable")
        self._hashes = np.array(hashes, np.int64)[order]
        self._owners = np.array(owners, np.int32)[order]
        # The memory belongs to one speller, not to the class: it dies with it.
        self.meant = lru_cache(maxsize=1 << 17)(self._meant)

    def _meant(self, word: str) -> str | None:
        if len(word) < self._shortest or not word.isalpha():
            return None
        near = {known for known in self._sharing(word) if is_one_edit_apart(word, known)}
        # Of several words that it might be, none is meant well enough.
        return near.pop() if len(near) == 1 else None

    def _sharing(self, word: str) -> Iterator[str]:
        wanted = np.array([hash(rest) for rest in _shortened(word)], np.int64)
        first = np.searchsorted(self._hashes, wanted)
        end = np.searchsorted(self._hashes, wanted, side="right")
        for start, stop in zip(first.tolist(), end.tolist(), strict=True):
            for number in self._owners[start:stop].tolist():
                yield self._words[number]


def is_one_edit_apart(word: str, known: str) -> bool:
    """Tell whether two different words with the same first letter differ by one slip.

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


def _shortened(word: str) -> Iterator[str]:
    """Yield a word, and what is left when it loses one letter; the first one stays."""
    yield word
    for i in range(1, len(word)):
        yield word[:i] + word[i + 1 :]
