"""Linkers that leave some names out."""

from collections.abc import Collection

from kgbert.graph.graph import KnowledgeGraph
from kgbert.graph.ordinary import ordinary_names
from kgbert.linking.linkers import linker_from_settings, linker_settings
from kgbert.linking.mention import Linker
from kgbert.linking.stopping import COMMON_NAMES


def ordinary_stop_names(graph: KnowledgeGraph) -> set[str]:
    """Return the words that are never linked where ordinary words are to be left out."""
    return {*COMMON_NAMES, *ordinary_names(graph)}


def without_names(linker: Linker, graph: KnowledgeGraph, names: Collection[str]) -> Linker:
    """Return the same linker but for some names, which it never links.

    Raises:
        ValueError: No part of the linker has a stop list.

    >>> from kgbert.graph.builder import GraphBuilder
    >>> from kgbert.linking.dictionary import DictionaryLinker
    >>> builder = GraphBuilder()
    >>> builder.add_name("E:1", "Group")
    >>> graph = builder.build()
    >>> without_names(DictionaryLinker(graph), graph, ["group"])(["the group"])
    [[]]
    """
    settings = linker_settings(linker)
    stopping = [part for part in settings if "stop_names" in part]
    if not stopping:
        raise ValueError(
            f"the linker {'+'.join(part['linker'] for part in settings)} matches whole texts and "
            "has no stop list; take dictionary, or dictionary+nearest"
        )
    for part in stopping:
        part["stop_names"] = sorted({*part["stop_names"], *names})
    return linker_from_settings(graph, settings)
