"""Linkers that are as others are, but for some of their dictionaries' settings."""

from collections.abc import Collection, Mapping
from typing import Any

from kgbert.graph.graph import KnowledgeGraph
from kgbert.graph.ordinary import ordinary_names
from kgbert.linking.linkers import linker_from_settings, linker_settings
from kgbert.linking.mention import Linker
from kgbert.linking.rules import RULES
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
    for part in _dictionaries(settings, "stop list"):
        part["stop_names"] = sorted({*part["stop_names"], *names})
    return linker_from_settings(graph, settings)


def with_settings(linker: Linker, graph: KnowledgeGraph, changes: Mapping[str, Any]) -> Linker:
    """Return the same linker, its dictionaries' settings changed.

    Args:
        linker: Any that ``make_linker`` gives.
        graph: Where its names come from.
        changes: Settings as :class:`DictionaryLinker` takes them.

    Raises:
        ValueError: No part of the linker is a dictionary.

    >>> from kgbert.graph.builder import GraphBuilder
    >>> from kgbert.linking.dictionary import DictionaryLinker
    >>> builder = GraphBuilder()
    >>> builder.add_name("HP:1", "Fever")
    >>> graph = builder.build()
    >>> with_settings(DictionaryLinker(graph), graph, {"rules": []})(["fevers"])
    [[]]
    """
    settings = linker_settings(linker)
    for part in _dictionaries(settings, "rules"):
        part.update(changes)
        if "rules" in changes:
            part["rules"] = {rule: rule in changes["rules"] for rule in RULES}
    return linker_from_settings(graph, settings)


def _dictionaries(settings: list[dict[str, Any]], what: str) -> list[dict[str, Any]]:
    """Return the settings of the parts that find names in texts."""
    found = [part for part in settings if "stop_names" in part]
    if not found:
        raise ValueError(
            f"the linker {'+'.join(part['linker'] for part in settings)} matches whole texts and "
            f"has no {what}; take dictionary, or dictionary+nearest"
        )
    return found
