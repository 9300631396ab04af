"""Make linkers by name, combine them, and save and restore their settings."""

from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.caching import CachingLinker
from kgbert.linking.dictionary.linker import DictionaryLinker
from kgbert.linking.dictionary.settings import LinkerSettings
from kgbert.linking.mention import Linker, Mention, as_texts
from kgbert.utils.errors import KGBertError, Remedy
from kgbert.utils.lazy_table import LazyTable
from kgbert.utils.registry import LINKERS_GROUP, lookup, plugins_of

if TYPE_CHECKING:
    from kgbert.features.entity_features import EntityFeatures

#: Key of the subfolder with a linker's files, in its settings.
_SUBFOLDER = "subfolder"


class CombinedLinker:
    """Returns the mentions of several linkers; mentions may overlap."""

    def __init__(self, parts: Sequence[Linker]) -> None:
        self.parts = tuple(parts)

    def __call__(self, texts: Iterable[str]) -> list[list[Mention]]:
        """Return the mentions of every part, in reading order."""
        texts = as_texts(texts)
        linked = [part(texts) for part in self.parts]
        return [sorted(chain(*mentions)) for mentions in zip(*linked, strict=True)]


@runtime_checkable
class PortableLinker(Protocol):
    """A linker that needs files besides the graph and can write them next to a model."""

    def save_files(self, folder: Path) -> dict[str, Any]:
        """Write the files into a folder; return settings to which ``folder`` is added later."""
        ...


@runtime_checkable
class _UsesFeatures(Protocol):
    """A linker that compares texts with entity features."""

    def use_features(self, features: "EntityFeatures") -> None:
        """Use these features if the linker's own encoder computed them for its own graph."""
        ...


def share_features(features: "EntityFeatures", linker: Linker) -> None:
    """Give entity features to each part of a linker that searches them, to save encoding them."""
    for part in component_linkers(linker):
        if isinstance(part, _UsesFeatures):
            part.use_features(features)


def make_linker(
    graph: KnowledgeGraph, name: str, *, settings: LinkerSettings | None = None
) -> Linker:
    """Return a linker by name; names joined by ``+`` make a combined linker.

    Args:
        graph: The graph to link to.
        name: A name in LINKERS, or one that an installed package registers in the entry point
            group ``kgbert.linkers``. A linker with ``from_pretrained`` needs the folder of its
            encoder: ``embedding:FOLDER``.
        settings: Settings of the dictionary linkers, including the one inside an embedding linker.

    Raises:
        KGBertError: There are settings, but no part of the linker uses a dictionary.

    >>> from kgbert.graph.storage.builder import GraphBuilder
    >>> builder = GraphBuilder()
    >>> builder.add_name("HP:1", "Fever")
    >>> linker = make_linker(builder.build(), "dictionary+char-ngram")
    >>> len(linker(["fever"])[0])
    2
    """
    requested = [part.partition(":")[::2] for part in name.split("+")]
    kinds = [lookup(LINKERS, part, "linker", LINKERS_GROUP) for part, _ in requested]
    if settings and not any(map(_uses_dictionary, kinds)):
        raise KGBertError(
            f"the linker {name!r} matches whole texts and uses no dictionary, so stop names, "
            "rules and the other settings of a dictionary cannot apply.",
            code="linker-without-dictionary",
            remedies=[Remedy("linker", "dictionary"), Remedy("linker", f"dictionary+{name}")],
        )
    parts = [
        _make_part(graph, kind, part, settings) for kind, part in zip(kinds, requested, strict=True)
    ]
    return parts[0] if len(parts) == 1 else CombinedLinker(parts)


def component_linkers(linker: Linker) -> tuple[Linker, ...]:
    """Return the linkers that a linker combines or caches, or the linker itself."""
    if isinstance(linker, CachingLinker):
        return component_linkers(linker.linker)
    return linker.parts if isinstance(linker, CombinedLinker) else (linker,)


def domain_words_of(linker: Linker, graph: KnowledgeGraph) -> str:
    """Return the domain whose word lists a linker's dictionary uses, else that of the graph."""
    for part in component_linkers(linker):
        dictionary = getattr(part, "dictionary", part)
        if isinstance(dictionary, DictionaryLinker):
            return str(dictionary.settings["domain_words"])
    return graph.domain or "none"


def needs_folder(name: str) -> bool:
    """Return whether the linker of a name is loaded from a folder.

    >>> needs_folder("embedding"), needs_folder("dictionary")
    (True, False)
    """
    return hasattr(lookup(LINKERS, name, "linker", LINKERS_GROUP), "from_pretrained")


def linker_settings(linker: Linker, folder: Path | None = None) -> list[dict[str, Any]]:
    """Return what :func:`linker_from_settings` needs to build a linker again.

    Args:
        linker: A linker that ``make_linker`` returns.
        folder: Where the files of a trained linker are written, so that the folder can be moved.
            Without it, the settings contain the path of these files.

    Raises:
        KGBertError: The linker is a callable without settings.
    """
    settings = []
    parts: Sequence[Any] = component_linkers(linker)
    for number, part in enumerate(parts):
        name = _registered_name(type(part))
        if folder and isinstance(part, PortableLinker):
            subfolder = f"linker-{number}"
            described = {_SUBFOLDER: subfolder, **part.save_files(folder / subfolder)}
        else:
            described = part.settings
        settings.append({"linker": name, **described})
    return settings


def linker_from_settings(
    graph: KnowledgeGraph, settings: Sequence[dict[str, Any]], folder: Path | None = None
) -> Linker:
    """Return the linker that :func:`linker_settings` described, with the same folder if any."""
    parts: list[Linker] = []
    for part in settings:
        options = dict(part)
        if subfolder := options.pop(_SUBFOLDER, ""):
            options["folder"] = str((folder or Path()) / subfolder)
        kind = lookup(LINKERS, options.pop("linker"), "linker", LINKERS_GROUP)
        parts.append(kind.from_settings(graph, options))
    return parts[0] if len(parts) == 1 else CombinedLinker(parts)


def _make_part(
    graph: KnowledgeGraph, kind: Any, requested: Sequence[str], settings: LinkerSettings | None
) -> Linker:
    name, folder = requested
    chosen = settings if _uses_dictionary(kind) else None
    if not hasattr(kind, "from_pretrained"):
        if folder:
            raise KGBertError(
                f"the linker {name!r} needs only the graph, but it was given the folder "
                f"{folder!r}.",
                code="linker-takes-no-folder",
                remedies=[Remedy("linker", name)],
            )
        linker: Linker = kind.from_settings(graph, chosen.as_dict()) if chosen else kind(graph)
        return linker
    if not folder:
        raise KGBertError(
            f"the linker {name!r} is loaded from a folder, and none is given: FOLDER is the output "
            "of `kgbert train-linker` (embedding), or the folder or hub name of an encoder.",
            code="linker-needs-folder",
            remedies=[Remedy("linker", f"{name}:FOLDER")],
        )
    loaded: Any = kind.from_pretrained(graph, folder)
    configured: Linker = loaded.with_dictionary_settings(chosen) if chosen else loaded
    return configured


def _uses_dictionary(kind: Any) -> bool:
    return kind is DictionaryLinker or hasattr(kind, "with_dictionary_settings")


def _registered_name(kind: type) -> str:
    if name := LINKERS.name_of(kind):
        return name
    target = f"{kind.__module__}:{kind.__qualname__}"
    for point in plugins_of(LINKERS_GROUP):
        if point.value == target:
            return point.name
    raise KGBertError(
        f"a linker of type {kind.__name__} has no settings, so it cannot be saved with a "
        "processor; save the processor with the dictionary linker, and set `processor.linker` "
        "again after loading. A linker class that an installed package registers in the entry "
        f"point group {LINKERS_GROUP} can be saved.",
        code="linker-not-saveable",
    )


#: Linkers by name. Each is a class with ``settings`` and ``from_settings(graph, settings)``. It is
#: made by calling it with the graph or, if it has it, by ``from_pretrained(graph, folder)``. If it
#: finds mentions with a dictionary, it has ``with_dictionary_settings(settings)``.
LINKERS = LazyTable(
    {
        "dictionary": "kgbert.linking.dictionary.linker:DictionaryLinker",
        "char-ngram": "kgbert.linking.dictionary.char_ngram:CharNgramLinker",
        "embedding": "kgbert.linking.embedding.linker:EmbeddingLinker",
        "description": "kgbert.linking.embedding.description_linker:DescriptionLinker",
    }
)
