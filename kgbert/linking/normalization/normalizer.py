"""Bring names and texts to the one form in which they are compared."""

from collections.abc import Iterable
from functools import lru_cache

from kgbert.linking.normalization.rules import RULES, Words, is_plain


class Normalizer:
    """Writes words as a choice of rules does, and remembers how.

    >>> every = Normalizer(RULES)
    >>> every.words(["crohn's", "x", "-", "linked", "fractures"])
    ('crohn', 'x', 'linked', 'fracture')
    >>> Normalizer(["plural"]).words(["crohn's", "x", "-", "linked", "fractures"])
    ("crohn's", 'x', '-', 'linked', 'fracture')
    >>> [" ".join(form) for form in Normalizer(["inversion"]).forms(["neoplasms", ",", "skin"])]
    ['neoplasms , skin', 'skin neoplasms', 'neoplasms skin']
    """

    def __init__(self, rules: Iterable[str]) -> None:
        chosen = [(name, RULES[name]) for name in rules]
        self._words = [(name, rule.word) for name, rule in chosen if rule.word]
        self._of_any = [change for _, change in self._words]
        self._of_plain = [rule.word for _, rule in chosen if rule.word and not rule.spares_plain]
        self._variants = [(name, rule.variants) for name, rule in chosen if rule.variants]
        # The memory belongs to one normaliser, not to the class: it dies with it.
        self.word = lru_cache(maxsize=1 << 17)(self._word)
        self._rules_of = lru_cache(maxsize=1 << 17)(self._working)

    def words(self, words: Iterable[str]) -> Words:
        """Return the words in normal form, without those that the rules drop."""
        return tuple(filter(None, map(self.word, words)))

    def forms(self, words: Iterable[str]) -> dict[Words, None]:
        """Return the normal forms of a name, its own order of words first."""
        forms = {tuple(words): None}
        for _, variants in self._variants:
            for form in tuple(forms):
                forms.update(dict.fromkeys(variants(form)))
        return {normal: None for form in forms if (normal := self.words(form))}

    def rules_at_work(self, name: Words, words: Words) -> tuple[str, ...]:
        """Return the rules that change something in a name, or in the words of a text."""
        working: set[str] = set()
        for word in {*name, *words}:
            working.update(self._rules_of(word))
        forms = [name]
        for rule, variants in self._variants:
            more = [variant for form in forms for variant in variants(form)]
            working.update([rule] if more else [])
            forms += more
        return tuple(rule for rule in RULES if rule in working)

    def _working(self, word: str) -> tuple[str, ...]:
        """Return the rules that change a word."""
        working = []
        for rule, normal in self._words:
            before, word = word, normal(word)
            if word != before:
                working.append(rule)
        return tuple(working)

    def _word(self, word: str) -> str:
        changes = self._of_plain if is_plain(word) else self._of_any
        for change in changes:
            word = change(word)
        return word


def rules_needed(name: Words, words: Words, rules: Iterable[str]) -> tuple[str, ...] | None:
    """Return the rules that it takes to see a name in the words of a text.

    None are needed for the same words; where no rules will do, the answer is None.

    >>> rules_needed(("neoplasms", ",", "skin"), ("skin", "neoplasm"), RULES)
    ('plural', 'inversion')
    >>> rules_needed(("neoplasm",), ("neoplasm",), RULES), rules_needed(("a",), ("b",), RULES)
    ((), None)
    """
    if name == words:
        return ()
    needed = _normaliser(tuple(rules)).rules_at_work(name, words)
    if not _meet(name, words, needed):
        return None
    for rule in needed:
        fewer = tuple(other for other in needed if other != rule)
        # Without any rule only the same words meet, and these are not.
        if fewer and _meet(name, words, fewer):
            needed = fewer
    return needed


def _meet(name: Words, words: Words, rules: tuple[str, ...]) -> bool:
    normaliser = _normaliser(rules)
    return normaliser.words(words) in normaliser.forms(name)


@lru_cache(maxsize=1024)
def _normaliser(rules: tuple[str, ...]) -> Normalizer:
    return Normalizer(rules)
