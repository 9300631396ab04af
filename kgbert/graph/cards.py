"""Graph cards: description, licence and suitable reader options of well-known graphs."""

import re
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
    """Facts about a graph that help to read it. A card has no data of the graph."""

    name: str
    about: str
    page: str
    """Address of the page where its owner publishes it."""
    licence: str
    licence_page: str
    shareable: bool
    """Whether the licence permits sharing a model that embeds the graph."""
    files: str
    """The files to download."""
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
    """Return the card of kgbert with a name, or the card in a TOML file of yours."""
    if name_or_path.endswith(".toml"):
        return load_card(Path(name_or_path))
    return lookup(list_cards(), name_or_path, "graph card")


def load_card(path: Path) -> GraphCard:
    """Return the card in a TOML file.

    Raises:
        GraphError: The file is missing or no TOML, or a field is missing, unknown or mistyped.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise GraphError(
            f"{path}: not a readable graph card ({error}). A card is a TOML file with the fields "
            f"{', '.join(_TYPES)}; kgbert's own are good examples.",
            code="malformed-card",
        ) from None
    options = table.pop("options", {})
    for name in sorted(_TYPES.keys() - table.keys() - _OPTIONAL):
        raise GraphError(
            f"{path}: the card has no {name}. Add a line: {name} = ...", code="incomplete-card"
        )
    for name, value in table.items():
        if type(value) is not lookup(_TYPES, name, f"field in the card {path}"):
            raise GraphError(
                f"{path}: {name} is {value!r}, but has to be a {_TYPES[name].__name__}. Correct "
                f"that line.",
                code="mistyped-card-field",
            )
    table["formats"] = tuple(map(str, table["formats"]))
    return GraphCard(**table, options=_options(path, options))


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
    """Whether a model that embeds a graph may be shared, as far as the cards know its licence.

    >>> from kgbert.graph.storage.builder import GraphBuilder
    >>> is_shareable(GraphBuilder().build())
    True
    """
    return not any(
        card.licence in graph.licence for card in list_cards().values() if not card.shareable
    )


def hub_licence(licence: str) -> str:
    """Return the identifier of a licence on the Hugging Face Hub; ``other`` if it has none.

    >>> hub_licence("CC BY 4.0"), hub_licence("https://creativecommons.org/licenses/by-sa/3.0/")
    ('cc-by-4.0', 'cc-by-sa-3.0')
    >>> hub_licence("BSD-3-Clause"), hub_licence("CC BY 4.0; MIT")
    ('bsd-3-clause', 'other')
    """
    name = licence.strip().lower().rstrip("/")
    if address := _CREATIVE_COMMONS.fullmatch(name):
        name = f"cc-{address[1]}".replace("cc-zero", "cc0")
    name = re.sub(r"[\s/_-]+", "-", name)
    return name if name in _HUB_LICENCES else "other"


def _options(path: Path, table: dict[str, Any]) -> ReadOptions:
    known = {option.name: option for option in fields(ReadOptions) if option.name != "limits"}
    values: dict[str, Any] = {}
    for name, value in table.items():
        lookup(known, name, f"reader option in the card {path}")
        values[name] = tuple(value) if isinstance(value, list) else value
    return ReadOptions(**values)


_CREATIVE_COMMONS = re.compile(r"https?://creativecommons\.org/(?:licenses|publicdomain)/(.+)")

#: Licences of graphs that have an identifier on the hub.
_HUB_LICENCES = {
    *("apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "cc0-1.0", "odc-by", "odbl"),
    *("cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0"),
    *("cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nd-4.0"),
    *("cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0"),
    *("cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0"),
}

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
