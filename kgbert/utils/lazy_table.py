"""A table of names whose objects are imported when they are used."""

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import Any


class LazyTable(MutableMapping[str, Any]):
    """Maps names to objects given as ``"package.module:attribute"``, imported once.

    Listing the names or testing for one imports nothing. Objects may be added as they are.

    Args:
        targets: Where the object of each name is defined.
        instantiate: Whether the attributes are classes; the table then has one instance of each.

    >>> table = LazyTable({"ordered": "collections:OrderedDict"})
    >>> list(table), "ordered" in table, table["ordered"].__name__
    (['ordered'], True, 'OrderedDict')
    >>> table = LazyTable({"ordered": "collections:OrderedDict"}, instantiate=True)
    >>> table["ordered"] is table["ordered"]
    True
    """

    def __init__(self, targets: Mapping[str, str], *, instantiate: bool = False) -> None:
        self._targets: dict[str, str] = dict(targets)
        self._objects: dict[str, Any] = {}
        self._instantiate = instantiate

    def __getitem__(self, name: str) -> Any:
        if name not in self._objects:
            module, _, attribute = self._targets[name].partition(":")
            imported = getattr(import_module(module), attribute)
            self._objects[name] = imported() if self._instantiate else imported
        return self._objects[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._targets.setdefault(name, "")
        self._objects[name] = value

    def __delitem__(self, name: str) -> None:
        del self._targets[name]
        self._objects.pop(name, None)

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
