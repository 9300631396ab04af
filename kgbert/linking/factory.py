"""Linkers by name, alone or together, saved as settings and built again from a graph."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.caching import RememberingLinker
from kgbert.linking.dictionary.char_ngram import NearestNameLinker
from kgbert.linking.dictionary.linker import DictionaryLinker
from kgbert.linking.dictionary.settings import LinkerSettings
from kgbert.linking.mention import Linker, Mention
from kgbert.utils.registry import lookup

if TYPE_CHECKING:
    from kgbert.features.entity_features import EntityFeatures


class CombinedLinker:
    """Asks several linkers and keeps what each of them finds; mentions may overlap."""

    def __init__(self, parts: Sequence[Linker]) -> None:
        self.parts = tuple(parts)

    def __call__(self, texts: Sequence[str]) -> list[list[Mention]]:
        """Return the mentions of every part, in reading order."""
        found = [part(texts) for part in self.parts]
        return [sorted(chain(*of_text)) for of_text in zip(*found, strict=True)]


@runtime_checkable
class Portable(Protocol):
    """A linker that needs files besides the graph, and can write them beside a model."""

    def settings_in(self, folder: Path) -> dict[str, Any]:
        """Write the files into a folder; return the settings, which ``folder`` completes."""
        ...


@runtime_checkable
class _SearchesFeatures(Protocol):
    """A linker that compares texts with entity features, which it need not compute again."""

    def adopt(self, features: "EntityFeatures") -> None:
        """Use these features if the linker's own encoder made them for its own graph."""
        ...


def share_features(features: "EntityFeatures", linker: Linker) -> None:
    """Let each part of a linker that searches entity features use these, if they fit."""
    for part in parts_of(linker):
        if isinstance(part, _SearchesFeatures):
            part.adopt(features)


def make_linker(
    graph: KnowledgeGraph, name: str, *, settings: LinkerSettings | None = None
) -> Linker:
    """Return a linker by name; names joined by ``+`` make a combined one.

    Args:
        graph: What is linked to.
        name: One of HOMES. A linker that needs more than the graph is told where it lies:
            ``embedding:FOLDER``.
        settings: The choices of the dictionaries among them, those of an embedding linker too.

    Raises:
        ValueError: There are settings, but no linker that asks a dictionary.

    >>> from kgbert.graph.storage.builder import GraphBuilder
    >>> builder = GraphBuilder()
    >>> builder.add_name("HP:1", "Fever")
    >>> linker = make_linker(builder.build(), "dictionary+nearest")
    >>> len(linker(["fever"])[0])
    2
    """
    asked = [part.partition(":")[::2] for part in name.split("+")]
    if settings and not any(part in WITH_DICTIONARY for part, _ in asked):
        raise ValueError(
            f"the linker {name!r} matches whole texts, so that there are no names in them to stop "
            "and no rules to switch; take dictionary, or dictionary+nearest."
        )
    parts = [_made(graph, part, place, settings) for part, place in asked]
    return parts[0] if len(parts) == 1 else CombinedLinker(parts)


def parts_of(linker: Linker) -> tuple[Linker, ...]:
    """Return the linkers that a linker asks, itself if it asks none."""
    if isinstance(linker, RememberingLinker):
        return parts_of(linker.linker)
    return linker.parts if isinstance(linker, CombinedLinker) else (linker,)


def linker_settings(linker: Linker, folder: Path | None = None) -> list[dict[str, Any]]:
    """Return what :func:`linker_from_settings` needs to build a linker again.

    Args:
        linker: Any that ``make_linker`` gives.
        folder: Where a trained linker's files are written, so that it answers wherever the folder
            goes; without it the settings say where they lie.

    Raises:
        ValueError: The linker is a callable of the user's own, which no settings describe.
    """
    settings = []
    parts: Sequence[Any] = parts_of(linker)
    for number, part in enumerate(parts):
        names = [name for name, home in HOMES.items() if home == _home_of(type(part))]
        if not names:
            raise ValueError(
                f"a linker of type {type(part).__name__} cannot be saved with a processor; save it "
                "with the dictionary linker, and set `processor.linker` again after loading."
            )
        if folder and isinstance(part, Portable):
            held = f"linker-{number}"
            said = {"held": held, **part.settings_in(folder / held)}
        else:
            said = part.settings
        settings.append({"linker": names[0], **said})
    return settings


def linker_from_settings(
    graph: KnowledgeGraph, settings: Sequence[dict[str, Any]], folder: Path | None = None
) -> Linker:
    """Return the linker that :func:`linker_settings` described, with the same folder if any."""
    parts: list[Linker] = []
    for options in settings:
        given = dict(options)
        if held := given.pop("held", ""):
            given["folder"] = str((folder or Path()) / held)
        kind = _kind(given.pop("linker"))
        parts.append(kind.from_settings(graph, given))
    return parts[0] if len(parts) == 1 else CombinedLinker(parts)


def _made(graph: KnowledgeGraph, name: str, place: str, settings: LinkerSettings | None) -> Linker:
    kind = _kind(name)
    chosen = settings if name in WITH_DICTIONARY else None
    if name in LINKERS:
        if place:
            raise ValueError(
                f"the linker {name!r} needs nothing but the graph; write {name!r} without "
                f"':{place}'."
            )
        made: Linker = kind.from_settings(graph, chosen.as_dict()) if chosen else kind(graph)
        return made
    if not place:
        raise ValueError(
            f"the linker {name!r} lies in a folder; write {name}:FOLDER, the folder that `kgbert "
            "train-linker` wrote (for embedding), or the folder or hub name of an encoder."
        )
    linker: Any = kind.from_pretrained(graph, place)
    found: Linker = linker.with_dictionary(chosen) if chosen else linker
    return found


def _kind(name: str) -> Any:
    module, _, kind = lookup(HOMES, name, "linker").rpartition(".")
    return getattr(import_module(module), kind)


def _home_of(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


#: Linkers that need nothing but the graph; each is made from it, and has ``settings`` and
#: ``from_settings(graph, settings)``.
LINKERS: dict[str, type[DictionaryLinker] | type[NearestNameLinker]] = {
    "dictionary": DictionaryLinker,
    "nearest": NearestNameLinker,
}

#: Where every linker lives; a class is loaded when it is asked for, since those of ``modeling``
#: need torch, which nothing here may wait for. They have ``from_pretrained(graph, folder)`` too.
HOMES: Mapping[str, str] = {name: _home_of(kind) for name, kind in LINKERS.items()} | {
    "embedding": "kgbert.linking.embedding.linker.EmbeddingLinker",
    "description": "kgbert.linking.embedding.description_linker.NearestDescriptionLinker",
}

#: Linkers that find names in texts by a dictionary, and take its settings; what is no dictionary
#: itself has ``with_dictionary(settings)``.
WITH_DICTIONARY = ("dictionary", "embedding")
