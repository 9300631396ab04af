"""Linkers by name, alone or together, saved as settings and built again from a graph."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

from kgbert.graph.graph import KnowledgeGraph
from kgbert.linking.dictionary import DictionaryLinker
from kgbert.linking.mention import Linker, Mention
from kgbert.linking.nearest import NearestNameLinker
from kgbert.linking.remembering import RememberingLinker
from kgbert.lookup import lookup


class CombinedLinker:
    """Asks several linkers and keeps what each of them finds; mentions may overlap."""

    def __init__(self, parts: Sequence[Linker]) -> None:
        self.parts = tuple(parts)

    def __call__(self, texts: Sequence[str]) -> list[list[Mention]]:
        """Return the mentions of every part, in reading order."""
        found = [part(texts) for part in self.parts]
        return [sorted(chain(*of_text)) for of_text in zip(*found, strict=True)]


def make_linker(graph: KnowledgeGraph, name: str) -> Linker:
    """Return a linker by name; names joined by ``+`` make a combined one.

    >>> from kgbert.graph.builder import GraphBuilder
    >>> builder = GraphBuilder()
    >>> builder.add_name("HP:1", "Fever")
    >>> linker = make_linker(builder.build(), "dictionary+nearest")
    >>> len(linker(["fever"])[0])
    2
    """
    parts: list[Linker] = [lookup(LINKERS, part, "linker")(graph) for part in name.split("+")]
    return parts[0] if len(parts) == 1 else CombinedLinker(parts)


def linker_settings(linker: Linker) -> list[dict[str, Any]]:
    """Return what :func:`linker_from_settings` needs to build a linker again.

    Raises:
        ValueError: The linker is a callable of the user's own, which no settings describe.
    """
    if isinstance(linker, RememberingLinker):
        return linker_settings(linker.linker)
    settings = []
    for part in linker.parts if isinstance(linker, CombinedLinker) else (linker,):
        if not isinstance(part, (DictionaryLinker, NearestNameLinker)):
            raise ValueError(
                f"a linker of type {type(part).__name__} cannot be saved with a processor; save it "
                "with the dictionary linker, and set `processor.linker` again after loading."
            )
        name = next(name for name, kind in LINKERS.items() if isinstance(part, kind))
        settings.append({"linker": name, **part.settings})
    return settings


def linker_from_settings(graph: KnowledgeGraph, settings: Sequence[dict[str, Any]]) -> Linker:
    """Return the linker that :func:`linker_settings` described."""
    parts: list[Linker] = []
    for options in settings:
        given = dict(options)
        kind = lookup(LINKERS, given.pop("linker"), "linker")
        parts.append(kind.from_settings(graph, given))
    return parts[0] if len(parts) == 1 else CombinedLinker(parts)


#: Linkers that need nothing but the graph; each is made from it, and has ``settings`` and
#: ``from_settings(graph, settings)``.
LINKERS: dict[str, type[DictionaryLinker] | type[NearestNameLinker]] = {
    "dictionary": DictionaryLinker,
    "nearest": NearestNameLinker,
}
