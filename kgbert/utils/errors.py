"""Errors with a message, a stable code and structured remedies.

The message says what was found and why it cannot work. Programs and tests can rely on the ``code``.
A remedy names an option and a value; Python and the command line format it differently.
"""

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: The value of a remedy if the user has to choose one.
CHOOSE = ...

#: What the command line calls an option that is on or off, where that is not --option or
#: --no-option.
_FLAGS = {
    ("with_graph", True): "no --without-graph",
    ("with_graph", False): "--without-graph",
    ("int8", False): "no --int8",
}


@dataclass(frozen=True)
class Remedy:
    """One option to set.

    >>> remedy = Remedy("label", "dc:title", "if the names have another property", "ReadOptions")
    >>> remedy.in_python()
    "ReadOptions(label='dc:title') if the names have another property"
    >>> remedy.on_command_line()
    '--label dc:title if the names have another property'
    >>> Remedy("cache", None).on_command_line()
    '--no-cache'
    >>> Remedy("line", 4096, owner="Limits").on_command_line()
    '--limit line=4096'
    >>> Remedy("columns", {"text": "note"}).on_command_line()
    '--text-column note'
    >>> Remedy("relation_mapping", {"may_treat": "treats"}).on_command_line()
    '--relation-mapping may_treat=treats'
    >>> Remedy("columns", {"value": ...}).on_command_line()
    '--column value=NAME'
    >>> Remedy("injected_layers", []).on_command_line()
    '--injected-layers none'
    >>> Remedy("with_graph", False).on_command_line()
    '--without-graph'
    """

    option: str
    """Name of the argument in Python; the command line spells it ``--with-hyphens``."""
    value: Any = CHOOSE
    purpose: str = ""
    """When or why to set it, as the end of a sentence."""
    owner: str = ""
    """The class or function that takes the argument, if it is not the one that was called."""

    def in_python(self) -> str:
        """Return the remedy as an argument."""
        written = f"{self.option}={repr(self.value).replace('Ellipsis', '...')}"
        return self._with_purpose(f"{self.owner}({written})" if self.owner else written)

    def on_command_line(self) -> str:
        """Return the remedy as an option."""
        if self.owner == "Limits":
            return self._with_purpose(f"--limit {self.option}={self.value}")
        if isinstance(self.value, bool) and (self.option, self.value) in _FLAGS:
            return self._with_purpose(_FLAGS[self.option, self.value])
        option = f"--{self.option.replace('_', '-')}"
        if isinstance(self.value, Mapping):
            return self._with_purpose(self._mapping_on_command_line(option, self.value))
        if self.value is True:
            return self._with_purpose(option)
        if self.value is False or self.value is None:
            return self._with_purpose(f"--no-{option[2:]}")
        values = self.value if isinstance(self.value, tuple | list) else (self.value,)
        typed = ",".join("..." if value is CHOOSE else str(value) for value in values)
        return self._with_purpose(f"{option} {_quoted(typed) if values else 'none'}")

    def _mapping_on_command_line(self, option: str, values: Mapping[str, Any]) -> str:
        if self.option == "columns":  # by their standard names: one option each
            return " ".join(_column_option(key, name) for key, name in values.items())
        return f"{option} {_quoted(','.join(f'{key}={value}' for key, value in values.items()))}"

    def _with_purpose(self, written: str) -> str:
        return f"{written} {self.purpose}" if self.purpose else written


def _column_option(role: str, name: Any) -> str:
    """Return the option that names the column of a role."""
    if role in ("text", "label"):
        return f"--{role}-column {_quoted(name)}"
    return "--column " + (f"{role}=NAME" if name is CHOOSE else _quoted(f"{role}={name}"))


class KGBertError(ValueError):
    """The user's input cannot work; the message includes the remedies.

    >>> error = KGBertError("no column 'text'.", code="missing-column",
    ...                     remedies=[Remedy("columns", {"text": "note"})])
    >>> str(error), error.code
    ("no column 'text'. Use columns={'text': 'note'}.", 'missing-column')
    >>> error.on_command_line()
    "no column 'text'. Use --text-column note."
    """

    def __init__(
        self, message: str = "", *, code: str = "", remedies: Sequence[Remedy] = ()
    ) -> None:
        super().__init__(message)
        self.message = message
        """What was found and why it cannot work, in sentences, without the remedies."""
        self.code = code
        """Kebab-case name of the kind of error."""
        self.remedies = tuple(remedies)
        """Alternative options; each of them solves the problem."""

    def __str__(self) -> str:
        return self._worded(Remedy.in_python)

    def on_command_line(self) -> str:
        """Return the message with its remedies as command-line options."""
        return self._worded(Remedy.on_command_line)

    def at(self, place: object) -> "KGBertError":
        """Return the same error with the position of the problem in front of the message."""
        return type(self)(f"{place}: {self.message}", code=self.code, remedies=self.remedies)

    def __reduce__(self) -> tuple[Callable[..., "KGBertError"], tuple[Any, ...]]:
        # Errors cross process borders: data loader workers and torchrun pickle them.
        return _rebuilt, (type(self), self.message, self.code, self.remedies)

    def _worded(self, word: Callable[[Remedy], str]) -> str:
        if not self.remedies:
            return self.message
        return f"{self.message} Use {'; or '.join(map(word, self.remedies))}."


class GraphError(KGBertError):
    """A graph cannot be read or used."""


class DataError(KGBertError):
    """Labelled texts cannot be read or used."""


class MissingFileError(KGBertError, FileNotFoundError):
    """A file or folder does not exist."""


def _quoted(value: Any) -> str:
    return "..." if value in (CHOOSE, "...") else shlex.quote(str(value))


def _rebuilt(
    kind: type[KGBertError], message: str, code: str, remedies: Sequence[Remedy]
) -> KGBertError:
    return kind(message, code=code, remedies=remedies)
