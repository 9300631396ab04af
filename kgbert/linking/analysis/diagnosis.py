"""Diagnose why no text mentions a graph, with a remedy for each cause."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise

from kgbert.graph.core.code_names import are_codes
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.grounding import Grounding
from kgbert.linking.mention import Linker
from kgbert.linking.normalization.casefold import fold_cluster
from kgbert.linking.normalization.words import split_words
from kgbert.utils.errors import KGBertError

#: Maximum number of texts and of names that are examined; a sample suffices.
SAMPLE = 5000

#: Texts that are linked at once until one mentions the graph, which mostly the first few do.
_BATCH = 64


def check_linked(
    graph: KnowledgeGraph,
    linker: Linker,
    texts: Sequence[str],
    grounding: Grounding | None = None,
) -> None:
    """Raise KGBertError if no text mentions the graph, which then could change nothing.

    Grounded labels read the graph without a mention.

    >>> from kgbert.graph.storage.builder import GraphBuilder
    >>> builder = GraphBuilder()
    >>> builder.add_name("HP:1", "fever")
    >>> check_linked(builder.build(), lambda texts: [[] for _ in texts], ["dogs bark"])
    Traceback (most recent call last):
    kgbert.utils.errors.KGBertError: none of the 1 training texts mentions any of the 1 entities ...
    """
    if grounding is not None or mentions_graph(graph, linker, texts):
        return
    raise KGBertError(
        f"none of the {len(texts):,} training texts mentions any of the {len(graph):,} entities of "
        f"{graph.source or 'the graph'}, so it cannot help: {diagnose_no_links(texts, graph)} "
        "To see what is found where, type: kgbert inspect GRAPH --texts FILE",
        code="nothing-linked",
    )


def mentions_graph(graph: KnowledgeGraph, linker: Linker, texts: Sequence[str]) -> bool:
    """Return whether any text mentions an entity of the graph."""
    return any(
        candidate.entity in graph
        for first in range(0, len(texts), _BATCH)
        for mentions in linker(texts[first : first + _BATCH])
        for mention in mentions
        for candidate in mention.candidates
    )


def diagnose_no_links(texts: Sequence[str], graph: KnowledgeGraph) -> str:
    """Return the most likely reason why no text mentions the graph, and a remedy.

    >>> from kgbert.graph.storage.builder import GraphBuilder
    >>> builder = GraphBuilder()
    >>> builder.add_name("E:1", "発熱")
    >>> print(diagnose_no_links(["a fever"], builder.build()))
    the graph's names are written in CJK, the texts in LATIN; read the graph's names in the \
language of the texts, or translate them.
    """
    sample = [text for text in texts[:SAMPLE] if text.strip()]
    if not sample:
        return "all texts are empty; name the column of the texts."
    return diagnose_unmatchable_names(sample, graph) or _words(sample, graph)


def diagnose_unmatchable_names(texts: Sequence[str], graph: KnowledgeGraph) -> str:
    """Return why the graph's names cannot occur in such texts; empty if they can.

    >>> from kgbert.graph.storage.builder import GraphBuilder
    >>> builder = GraphBuilder()
    >>> builder.add_name("D012", "D012")
    >>> print(diagnose_unmatchable_names(["a fever"], builder.build()))
    the graph's names are codes ('D012'), which texts do not contain; merge the file that \
names its entities: --merge FILE (in Python: read_graph([..., FILE])).
    """
    names = list(islice(graph.names, SAMPLE))
    if not names:
        return (
            "the graph has no names; give their property: "
            "--label skos:prefLabel (in Python: ReadOptions(label=...))."
        )
    return _codes(names) or _scripts(texts[:SAMPLE], names) or _identifiers(names)


def _codes(names: Sequence[str]) -> str:
    if not are_codes(names):
        return ""
    return (
        f"the graph's names are codes ({names[0]!r}), which texts do not contain; merge the file "
        "that names its entities: --merge FILE (in Python: read_graph([..., FILE]))."
    )


def _scripts(texts: Iterable[str], names: Iterable[str]) -> str:
    in_texts, in_names = _script(texts), _script(names)
    if in_texts == in_names:
        return ""
    return (
        f"the graph's names are written in {in_names}, the texts in {in_texts}; read the graph's "
        "names in the language of the texts, or translate them."
    )


def _script(texts: Iterable[str]) -> str:
    """Return the Unicode name of the most frequent script."""
    letters = (character for text in texts for character in text[:100] if character.isalpha())
    scripts = Counter(unicodedata.name(letter, "?").split()[0] for letter in letters)
    return min(scripts, key=lambda script: (-scripts[script], script), default="no letters")


def _identifiers(names: Sequence[str]) -> str:
    glued = [name for name in names if " " not in name and _is_glued(name)]
    if 2 * len(glued) < len(names):
        return ""
    return (
        f"most names look like identifiers ({min(glued)!r}), which no text spells that way; "
        "give the property of the readable names: --label rdfs:label "
        "(in Python: ReadOptions(label=...))."
    )


def _is_glued(name: str) -> bool:
    humps = any(a.islower() and b.isupper() for a, b in pairwise(name))
    return humps or "_" in name


def _words(texts: Iterable[str], graph: KnowledgeGraph) -> str:
    known = set(_letter_words(texts))
    names = list(islice(graph.names, SAMPLE))
    shared = sorted(known.intersection(_letter_words(names)))
    if not shared:
        languages = ", ".join(filter(None, graph.languages)) or "no language given"
        return (
            f"the texts and the first {len(names):,} names have no word in common; is the graph "
            f"({languages}) about the same field and in the same language as the texts?"
        )
    near = max(names, key=lambda name: (_share(name, known), name))
    return (
        f"single words of names occur ({', '.join(repr(word) for word in shared[:5])}), but no "
        f"whole name; the nearest is {near!r}. Add synonyms as people write them, or run "
        f"`kgbert link GRAPH TEXT --explain {near!r}`."
    )


def _letter_words(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        for word in split_words(fold_cluster(text)):
            if len(word) > 2 and word[0].isalpha():
                yield word


def _share(name: str, known: set[str]) -> float:
    words = list(_letter_words([name]))
    return sum(word in known for word in words) / len(words) if words else 0.0
