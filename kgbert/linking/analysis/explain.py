"""Explain why a name was or was not found in a text."""

from collections.abc import Sequence

from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.dictionary.fuzzy import FuzzyMatcher
from kgbert.linking.dictionary.linker import DictionaryLinker
from kgbert.linking.dictionary.settings import MIN_FUZZY_LENGTH
from kgbert.linking.normalization.casefold import fold_cluster
from kgbert.linking.normalization.normalizer import Normalizer
from kgbert.linking.normalization.rules import RULES, Words
from kgbert.linking.normalization.words import split_words
from kgbert.utils.errors import KGBertError

#: Maximum number of similar names that are suggested if the graph lacks a name.
_NEAR = 3


def explain_match(linker: DictionaryLinker, text: str, name: str) -> str:
    """Return why a text is or is not linked to a name of the graph, in one or two sentences.

    >>> from kgbert.graph.storage.builder import GraphBuilder
    >>> builder = GraphBuilder()
    >>> builder.add_name("HP:1", "Skin neoplasms")
    >>> linker = DictionaryLinker(builder.build(), rules=[])
    >>> print(explain_match(linker, "a skin neoplasm", "Skin neoplasms"))
    'Skin neoplasms' would be found if the rule 'plural' were switched on.
    """
    if not split_words(fold_cluster(name)):
        raise KGBertError(
            f"{name!r} contains no word to look for; give a name of the graph.",
            code="name-without-words",
        )
    if known := _names_like(linker.graph, name):
        return _explained(linker, text, *known)
    if name in linker.graph:
        spelt = dict.fromkeys(repr(known.text) for known in linker.graph.entity(name).names)
        return f"{name!r} is an entity's id; give one of its names: {', '.join(spelt)}."
    similar = linker.matches(name)
    if not similar:
        near = ", ".join(map(repr, _names_with_words_of(linker, name)))
        return (
            f"the graph has no name {name!r}, nor one that the rules make of it (what is obsolete, "
            "or in languages left out, is not in it); add it to the graph as a synonym"
            f"{f', or give one of its names: {near}' if near else ''}."
        )
    names = ", ".join(repr(match.name) for match in similar[:3])
    best = _names_like(linker.graph, similar[0].name)
    reason = _explained(linker, text, *best) if best else ""
    return f"the graph has no name {name!r}; by the rules it matches {names}: {reason}"


def _explained(linker: DictionaryLinker, text: str, exact: str, entities: set[str]) -> str:
    """Return why a text is or is not linked to the entities with an exact name of the graph."""
    found: dict[bool, str] = {}
    [mentions] = linker([text])
    for mention in mentions:
        surface = text[mention.start : mention.end]
        kept = [candidate.entity for candidate in mention.candidates]
        for match in linker.matches(surface):
            if match.entity in entities and match.entity in kept:
                itself = fold_cluster(match.name) == fold_cluster(exact)
                found.setdefault(itself, _found(surface, mention.start, match.name, match.rules))
            elif match.entity in entities:
                return (
                    f"{surface!r} is linked, but {exact!r} is none of its {len(kept)} best "
                    "candidates; raise max_candidates (--candidates)."
                )
    if True in found:
        return f"it is found: {found[True]}"
    if False in found:
        return f"its entity is found by another name: {found[False]}"
    return _obstacle(linker, text, exact)


def _names_with_words_of(linker: DictionaryLinker, name: str) -> list[str]:
    """Return the shortest names with all words of an unknown name; typos are corrected."""
    known = linker.index.ids
    matcher = FuzzyMatcher(list(linker.index.vocabulary), shortest=MIN_FUZZY_LENGTH)
    words = {
        word if word in known else matcher.correct(word) or word
        for word in _normal(name, linker.rules)
    }
    if not words <= known.keys():
        return []
    normaliser = Normalizer(linker.rules)
    matching = {
        known
        for known in linker.graph.names
        if words.issubset(normaliser.words(split_words(fold_cluster(known))))
    }
    return sorted(matching, key=lambda known: (len(known), known))[:_NEAR]


def _names_like(graph: KnowledgeGraph, name: str) -> tuple[str, set[str]] | None:
    """Return a name as the graph spells it, and its entities; None if the graph lacks it."""
    wanted = fold_cluster(" ".join(name.split()))
    spelt = [
        (known, graph.entity_ids[int(graph.name_entities[position])])
        for position, known in enumerate(graph.names)
        if fold_cluster(known) == wanted
    ]
    return (min(spelt)[0], {entity for _, entity in spelt}) if spelt else None


def _found(surface: str, start: int, name: str, rules: Words) -> str:
    by = f"by the rule{'s'[: len(rules) > 1]} {', '.join(rules)}" if rules else "exact match"
    return f"{surface!r} at {start} is {name!r}, {by}."


def _obstacle(linker: DictionaryLinker, text: str, name: str) -> str:
    forms = _forms(name, linker.rules)
    surfaces = [surface for form in forms for surface in _surfaces(text, form, linker.rules)]
    if surfaces:
        return _rejection(linker, text, name, surfaces[0])
    for rule in (rule for rule in RULES if rule not in linker.rules):
        more = tuple(other for other in RULES if other in (*linker.rules, rule))
        if any(_surfaces(text, form, more) for form in _forms(name, more)):
            return f"{name!r} would be found if the rule {rule!r} were switched on."
    words = _normal(text, linker.rules)
    if missing := [word for word in forms[0] if word not in words] if forms else []:
        return _missing_words(linker, text, name, missing)
    return f"the text has the words of {name!r}, but not side by side in their order."


def _missing_words(linker: DictionaryLinker, text: str, name: str, missing: Sequence[str]) -> str:
    """Return which words of a name a text lacks, and similar words of the text."""
    lacks = f"the text lacks words of {name!r}: {', '.join(map(repr, missing))} (in normal form)"
    matcher = FuzzyMatcher(missing, shortest=MIN_FUZZY_LENGTH)
    for written in split_words(fold_cluster(text)):
        if any(word in written for word in missing if len(word) > 1):
            return f"{lacks}; {written!r} is another word, and no name is found inside a word."
        if not linker.settings["fuzzy_min_length"] and matcher.correct(written):
            return (
                f"{lacks}; {written!r} may be a typo, which fuzzy_min_length={MIN_FUZZY_LENGTH} "
                f"forgives (--fuzzy-min-length {MIN_FUZZY_LENGTH})."
            )
    if short := _initials(text, name):
        return f"{lacks}; {short!r} may abbreviate it, but the text does not define it in brackets."
    return f"{lacks}."


def _initials(text: str, name: str) -> str:
    """Return a word of a text that consists of the initials of a name in capitals, or ""."""
    initials = "".join(word[0] for word in name.split()).upper()
    words = (word.strip(".,;:()[]!?") for word in text.split())
    return next((word for word in words if len(word) > 1 and word == initials), "")


def _rejection(linker: DictionaryLinker, text: str, name: str, surface: str) -> str:
    if refusal := linker.refusal(name, surface):
        return f"{surface!r} is in the text, but {refusal}."
    weak = [match.score for match in linker.matches(surface) if match.name == name]
    if weak and max(weak) < linker.settings["min_score"]:
        return f"{surface!r} is in the text, but its score {max(weak):g} is below min_score."
    [mentions] = linker([text])
    others = ", ".join(repr(text[mention.start : mention.end]) for mention in mentions)
    return (
        f"{surface!r} is in the text, but its words belong to a longer or earlier mention "
        f"({others or 'none'}), or the text defines it otherwise in brackets; "
        "overlaps='nested' keeps mentions within mentions (--overlaps nested)."
    )


def _forms(name: str, rules: Words) -> list[Words]:
    return list(Normalizer(rules).forms(split_words(fold_cluster(name))))


def _normal(text: str, rules: Words) -> Words:
    return Normalizer(rules).words(split_words(fold_cluster(text)))


def _surfaces(text: str, form: Words, rules: Words) -> list[str]:
    """Return the shortest runs of whitespace-separated tokens that contain a form contiguously."""
    pieces = text.split()
    normal = [_normal(piece, rules) for piece in pieces]
    found = []
    for first in range(len(pieces)):
        for end in range(first + 1, len(pieces) + 1):
            words = tuple(word for piece in normal[first:end] for word in piece)
            if any(words[i : i + len(form)] == form for i in range(len(words) - len(form) + 1)):
                found.append(" ".join(pieces[first:end]).strip(".,;:()[]!?"))
                break
    return sorted(found, key=len)
