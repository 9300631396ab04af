"""Find names that a graph also uses as generic words, such as "group" and "share" in FIBO."""

import re
from collections import Counter

import numpy as np

from kgbert.graph.core.graph import KnowledgeGraph

#: A word is ordinary if at least this share and this number of the entities use it.
GENERIC_SHARE, GENERIC_COUNT = 0.005, 10

#: Most entities that are examined; a sample of a large graph gives the same answer.
SAMPLE = 20_000

_WORD = re.compile(r"\w+")


def generic_names(graph: KnowledgeGraph) -> dict[str, float]:
    """Return one-word names in lower case, with the share of entities that use the word.

    An entity uses the words of its preferred name and its definition. A name that describes many
    entities also occurs in texts that do not mean any entity. Acronyms are excluded, because they
    match in upper case only.

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
    counts: Counter[str] = Counter()
    for index in sample.tolist():
        text = f"{graph.name(index)} {graph.definitions[index]}"
        counts.update(set(_WORD.findall(text.casefold())))
    least = max(GENERIC_COUNT, GENERIC_SHARE * len(sample))
    ordinary = {word for word, count in counts.items() if count >= least}
    found = {
        name.casefold()
        for name in graph.names
        if len(name) > 1 and not name.isupper() and name.casefold() in ordinary
    }
    return {word: count / len(sample) for word, count in sorted(counts.items()) if word in found}
