"""Graph cards: what a well-known graph is, its licence, and the options that suit it."""

import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.core.options import ReadOptions
from kgbert.utils.errors import GraphError
from kgbert.utils.registry import lookup

_FOLDER = Path(__file__).parent / "cards"


@dataclass(frozen=True)
class GraphCard:
    """What is worth knowing of a graph before it is read. No data of the graph is in it."""

    name: str
    about: str
    page: str
    """Where its owner publishes it."""
    licence: str
    licence_page: str
    shareable: bool
    """Whether a model that embeds the graph may be passed on."""
    files: str
    """Which of its owner's files to take."""
    formats: tuple[str, ...]
    """Names in READERS."""
    size: str
    domain: str = ""
    """Domain whose word lists suit its names: "medicine", or empty."""
    options: ReadOptions = field(default_factory=ReadOptions)


def list_cards() -> dict[str, GraphCard]:
    """Return the cards that come with kgbert, by name.

    >>> list_cards()["hpo"].licence_page
    'https://hpo.jax.org/license'
    """
    return {path.stem: load_card(path) for path in sorted(_FOLDER.glob("*.toml"))}


def find_card(name_or_path: str) -> GraphCard:
    """Return a card of kgbert by its name, or one of your own by the path of its TOML file."""
    if name_or_path.endswith(".toml"):
        return load_card(Path(name_or_path))
    return lookup(list_cards(), name_or_path, "graph card")


def load_card(path: Path) -> GraphCard:
    """Return the card in a TOML file.

    Raises:
        GraphError: The file is missing or no TOML, or a field is missing, unknown or mistyped.
    """
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise GraphError(
            f"{path}: not a readable graph card ({error}). A card is a TOML file with the fields "
            f"{', '.join(_TYPES)}; kgbert's own are good examples.",
            code="malformed-card",
        ) from None
    options = said.pop("options", {})
    for name in sorted(_TYPES.keys() - said.keys() - _OPTIONAL):
        raise GraphError(
            f"{path}: the card has no {name}. Add a line: {name} = ...", code="incomplete-card"
        )
    for name, value in said.items():
        if type(value) is not lookup(_TYPES, name, f"field in the card {path}"):
            raise GraphError(
                f"{path}: {name} is {value!r}, but has to be a {_TYPES[name].__name__}. Correct "
                f"that line.",
                code="mistyped-card-field",
            )
    said["formats"] = tuple(map(str, said["formats"]))
    return GraphCard(**said, options=_options(path, options))


def with_card_options(card: GraphCard, options: ReadOptions | None) -> ReadOptions:
    """Return a card's options, changed by those that the user set."""
    plain, own = ReadOptions(), options or ReadOptions()
    changed = {
        name: getattr(own, name)
        for name in (option.name for option in fields(ReadOptions))
        if getattr(own, name) != getattr(plain, name)
    }
    return replace(card.options, **changed)


def is_shareable(graph: KnowledgeGraph) -> bool:
    """Whether a graph's licence, as far as the cards know it, lets a model embed and carry it.

    >>> from kgbert.graph.storage.builder import GraphBuilder
    >>> is_shareable(GraphBuilder().build())
    True
    """
    return not any(
        card.licence in graph.licence for card in list_cards().values() if not card.shareable
    )


def _options(path: Path, said: dict[str, Any]) -> ReadOptions:
    known = {option.name: option for option in fields(ReadOptions) if option.name != "limits"}
    values: dict[str, Any] = {}
    for name, value in said.items():
        lookup(known, name, f"reader option in the card {path}")
        values[name] = tuple(value) if isinstance(value, list) else value
    return ReadOptions(**values)


#: Fields that a card may leave out.
_OPTIONAL = {"domain"}

_TYPES: dict[str, type] = {
    "name": str,
    "about": str,
    "page": str,
    "licence": str,
    "licence_page": str,
    "shareable": bool,
    "files": str,
    "formats": list,
    "size": str,
    "domain": str,
}
