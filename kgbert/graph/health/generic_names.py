"""Names that a graph itself uses as ordinary words, as FIBO does "group" and "share"."""

import re
from collections import Counter

import numpy as np

from kgbert.graph.core.graph import KnowledgeGraph

#: A word is ordinary if so large a share of the entities, and so many of them, say it.
GENERIC_SHARE, GENERIC_COUNT = 0.005, 10

#: Entities looked at; a sample of a graph of millions tells as much as all of it.
SAMPLE = 20_000

_WORD = re.compile(r"\w+")


def generic_names(graph: KnowledgeGraph) -> dict[str, float]:
    """Return names of one word, in lower case, with the share of entities that say the word.

    An entity says what its best name and its definition say. A name that many entities use to
    tell what *they* are is found in texts where nothing of the graph's own is meant. Acronyms
    do not count: they are matched in upper case only.

    >>> from kgbert.graph.storage.builder import GraphBuilder
    >>> builder = GraphBuilder()
    >>> builder.add_name("E:group", "Group")
    >>> for number in range(20):
    ...     builder.add_name(f"E:{number}", f"group of sort {number}")
    >>> generic_names(builder.build())
    {'group': 1.0}
    """
    sample = np.arange(len(graph))
    if len(graph) > SAMPLE:
        sample = np.unique(np.random.default_rng(0).integers(len(graph), size=SAMPLE))
    said: Counter[str] = Counter()
    for index in sample.tolist():
        text = f"{graph.name(index)} {graph.definitions[index]}"
        said.update(set(_WORD.findall(text.casefold())))
    least = max(GENERIC_COUNT, GENERIC_SHARE * len(sample))
    ordinary = {word for word, count in said.items() if count >= least}
    found = {
        name.casefold()
        for name in graph.names
        if len(name) > 1 and not name.isupper() and name.casefold() in ordinary
    }
    return {word: count / len(sample) for word, count in sorted(said.items()) if word in found}
