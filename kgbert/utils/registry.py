"""Resolve a name against one of kgbert's tables, or against what other packages registered."""

import sys
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from kgbert.utils.errors import KGBertError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")

#: Entry point groups under which other packages register their own choices.
READERS_GROUP = "kgbert.readers"
LINKERS_GROUP = "kgbert.linkers"
TASKS_GROUP = "kgbert.tasks"
GRAPH_ENCODERS_GROUP = "kgbert.graph_encoders"
ARMS_GROUP = "kgbert.arms"


def lookup(table: Mapping[str, T], name: str, kind: str, group: str | None = None) -> T:
    """Return the object with a name, from the table or from an installed package.

    Args:
        table: kgbert's own choices, which take precedence.
        name: The name to resolve.
        kind: What the names stand for, for the message.
        group: The entry point group under which other packages register choices. Their packages
            are imported only when the name is not in the table.

    Raises:
        KGBertError: No choice has the name; the message lists those that exist.

    >>> lookup({"rgcn": 1, "gat": 2}, "rgcm", "graph encoder")
    Traceback (most recent call last):
    kgbert.utils.errors.KGBertError: unknown graph encoder 'rgcm'; did you mean 'rgcn'? Known: ...
    """
    if name in table:
        return table[name]
    plugins = [point for point in plugins_of(group) if point.name == name]
    if plugins:
        loaded: T = _load(plugins, kind)
        return loaded
    known = known_names(table, group)
    close = get_close_matches(name, known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    raise KGBertError(
        f"unknown {kind} {name!r}{hint} Known: {', '.join(known)}.", code="unknown-name"
    )


def known_names(table: Iterable[str], group: str | None = None) -> list[str]:
    """Return the names of a table and of an entry point group in order, loading no package.

    >>> known_names({"rgcn": 1, "gat": 2})
    ['gat', 'rgcn']
    """
    return sorted({*table, *(point.name for point in plugins_of(group))})


def plugins_of(group: str | None) -> "tuple[EntryPoint, ...]":
    """Return the entry points of a group; their packages are not imported."""
    return () if group is None else _plugins_on_path(group, tuple(sys.path))


@lru_cache(maxsize=64)
def _plugins_on_path(group: str, path: tuple[str, ...]) -> "tuple[EntryPoint, ...]":
    # Reads the metadata of all installed packages, which a comparison would do for each run.
    # Imported here: it takes a fifth of the time of `kgbert --help`.
    from importlib.metadata import entry_points

    return tuple(entry_points(group=group))


def _load(plugins: "list[EntryPoint]", kind: str) -> Any:
    """Return the object of the only entry point."""
    point = plugins[0]
    targets = sorted({plugin.value for plugin in plugins})
    if len(targets) > 1:
        raise KGBertError(
            f"{len(targets)} installed packages register the {kind} {point.name!r} "
            f"({', '.join(targets)}); uninstall all but one of them.",
            code="ambiguous-plugin",
        )
    try:
        return point.load()
    except (ImportError, AttributeError) as error:
        raise KGBertError(
            f"the {kind} {point.name!r} of an installed package ({point.value}) cannot be loaded: "
            f"{error}. Reinstall or update that package.",
            code="broken-plugin",
        ) from error


def register_object(table: dict[str, T], name: str, value: T, kind: str) -> str:
    """Add an object to a table under its own name, for this process, and return the name.

    Raises:
        KGBertError: The object has no name, or another one is registered under it.

    >>> table = {"rgcn": 1}
    >>> register_object(table, "own", 2, "graph encoder"), table["own"]
    ('own', 2)
    """
    if not name:
        raise KGBertError(
            f"the {kind} that was passed has no name, by which a saved model could find it; give "
            "it one.",
            code="nameless-object",
        )
    if table.setdefault(name, value) is not value:
        raise KGBertError(
            f"another {kind} is registered under the name {name!r}; choose another name.",
            code="name-taken",
        )
    return name
