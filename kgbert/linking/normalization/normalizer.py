"""Bring names and texts to the normal form in which they are compared."""

from collections.abc import Iterable
from functools import lru_cache

from kgbert.linking.normalization.rules import RULES, Words, is_plain


class Normalizer:
    """Applies a choice of rules to words, and caches the results.

    >>> Normalizer(RULES).words(["crohn's", "x", "-", "linked", "fractures"])
    ('crohn', 'x', 'linked', 'fracture')
    >>> Normalizer(["plural"]).words(["crohn's", "x", "-", "linked", "fractures"])
    ("crohn's", 'x', '-', 'linked', 'fracture')
    >>> [" ".join(form) for form in Normalizer(["inversion"]).forms(["neoplasms", ",", "skin"])]
    ['neoplasms , skin', 'skin neoplasms', 'neoplasms skin']
    """

    def __init__(self, rules: Iterable[str]) -> None:
        chosen = [(name, RULES[name]) for name in rules]
        self._word_rules = [(name, rule.word) for name, rule in chosen if rule.word]
        self._changes = [change for _, change in self._word_rules]
        self._plain_changes = [
            rule.word for _, rule in chosen if rule.word and not rule.skips_plain_words
        ]
        self._variants = [(name, rule.variants) for name, rule in chosen if rule.variants]
        self._cores = [rule.core for _, rule in chosen if rule.core]
        self._stems = [(name, rule.stem) for name, rule in chosen if rule.stem]
        # The caches belong to the instance and not to the class, so that they are freed with it.
        self.word = lru_cache(maxsize=1 << 17)(self._normalize)
        self._rules_of = lru_cache(maxsize=1 << 17)(self._rules_changing)

    def words(self, words: Iterable[str]) -> Words:
        """Return the words in normal form, without those that the rules drop."""
        return tuple(filter(None, map(self.word, words)))

    def forms(self, words: Iterable[str]) -> dict[Words, None]:
        """Return the normal forms of a name, its own word order first."""
        forms = {tuple(words): None}
        for _, variants in self._variants:
            for form in tuple(forms):
                forms.update(dict.fromkeys(variants(form)))
        return {normal: None for form in forms if (normal := self.words(form))}

    def core(self, word: str) -> tuple[int, int]:
        """Return the span of a word that a mention covers, without elided articles and suffixes.

        >>> Normalizer(["elision"]).core("l'asthme"), Normalizer([]).core("l'asthme")
        ((2, 8), (0, 8))
        """
        start, end = 0, len(word)
        for core in self._cores:
            first, last = core(word[start:end])
            start, end = start + first, start + last
        return start, end

    def stems(self, word: str) -> Iterable[tuple[str, str]]:
        """Yield the possible stems of a word with an attached particle, each with its rule.

        >>> list(Normalizer(["particles"]).stems("발열이"))
        [('발열', 'particles')]
        """
        for name, stem in self._stems:
            for shorter in stem(word):
                yield shorter, name

    def active_rules(self, name: Words, words: Words) -> tuple[str, ...]:
        """Return the rules that change something in a name, or in the words of a text."""
        active: set[str] = set()
        forms = [name]
        for rule, variants in self._variants:
            more = [variant for form in forms for variant in variants(form)]
            active.update([rule] if more else [])
            forms += more
        for word in {*words, *(word for form in forms for word in form)}:
            active.update(self._rules_of(word))
        return tuple(rule for rule in RULES if rule in active)

    def _rules_changing(self, word: str) -> tuple[str, ...]:
        changing = []
        for rule, normal in self._word_rules:
            before, word = word, normal(word)
            if word != before:
                changing.append(rule)
        return tuple(changing)

    def _normalize(self, word: str) -> str:
        changes = self._plain_changes if is_plain(word) else self._changes
        for change in changes:
            word = change(word)
        return word


def required_rules(name: Words, words: Words, rules: Iterable[str]) -> tuple[str, ...] | None:
    """Return the rules that are required to match a name to the words of a text.

    None are required for the same words; if no rules suffice, the result is None.

    >>> required_rules(("neoplasms", ",", "skin"), ("skin", "neoplasm"), RULES)
    ('plural', 'inversion')
    >>> required_rules(("neoplasm",), ("neoplasm",), RULES), required_rules(("a",), ("b",), RULES)
    ((), None)
    """
    if name == words:
        return ()
    required = _normalizer(tuple(rules)).active_rules(name, words)
    if not _match(name, words, required):
        return None
    for rule in required:
        fewer = tuple(other for other in required if other != rule)
        # Without any rule only equal words match, and these are not equal.
        if fewer and _match(name, words, fewer):
            required = fewer
    return required


def _match(name: Words, words: Words, rules: tuple[str, ...]) -> bool:
    normalizer = _normalizer(rules)
    return normalizer.words(words) in normalizer.forms(name)


@lru_cache(maxsize=1024)
def _normalizer(rules: tuple[str, ...]) -> Normalizer:
    return Normalizer(rules)
