"""A table of names whose objects are imported when they are used."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any


class LazyTable(Mapping[str, Any]):
    """Maps names to objects given as ``"package.module:attribute"``.

    Listing the names or testing for one imports nothing.

    >>> table = LazyTable({"ordered": "collections:OrderedDict"})
    >>> list(table), "ordered" in table, table["ordered"].__name__
    (['ordered'], True, 'OrderedDict')
    """

    def __init__(self, targets: Mapping[str, str]) -> None:
        self._targets = dict(targets)

    def __getitem__(self, name: str) -> Any:
        module, _, attribute = self._targets[name].partition(":")
        return getattr(import_module(module), attribute)

    def __contains__(self, name: object) -> bool:
        return name in self._targets

    def __iter__(self) -> Iterator[str]:
        return iter(self._targets)

    def __len__(self) -> int:
        return len(self._targets)

    def name_of(self, kind: type) -> str:
        """Return the name of a class, empty if the table lacks it; imports nothing."""
        target = f"{kind.__module__}:{kind.__qualname__}"
        return next((name for name, known in self._targets.items() if known == target), "")
