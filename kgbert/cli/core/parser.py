"""The argument parser, which reports errors in one line."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, NoReturn

from kgbert.reporting.formatting import listing


class Parser(ArgumentParser):
    """An argument parser whose errors are one line, without the usage of every option."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"allow_abbrev": False, **options})

    def error(self, message: str) -> NoReturn:
        """Print the error and a hint to --help; exit with status 2."""
        self.exit(2, f"{self.prog}: {message.rstrip('.')} (see {self.prog} --help)\n")

    def format_help(self) -> str:
        """Return the help, whose usage shows only the required arguments.

        The usage of argparse lists every option, which are more than fit on a screen.
        """
        positional = [action for action in self._actions if not action.option_strings]
        required = [action for action in self._actions if action.option_strings and action.required]
        words = [
            f"[{action.metavar}]" if action.nargs == "?" else str(action.metavar)
            for action in positional
        ]
        words += [f"{action.option_strings[0]} {action.metavar}" for action in required]
        self.usage = " ".join(["%(prog)s", *words, "[options]"])
        return super().format_help()

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Namespace | None = None
    ) -> tuple[Namespace, list[str]]:
        """Parse arguments; the subcommand reports its unknown arguments."""
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(self._describe_unknown(unknown[0]))
        return parsed, unknown

    def _describe_unknown(self, argument: str) -> str:
        options = self._option_string_actions
        if argument.startswith("-"):
            name = argument.split("=")[0]
            close = get_close_matches(name, options, n=1)
            return f"unknown option {name!r}" + (f"; did you mean {close[0]}?" if close else "")
        advice = ["put quotes around an argument with spaces"]
        if "--texts" in options:
            advice.append("texts follow --texts")
        positional = [action.dest for action in self._actions if not action.option_strings]
        if "--merge" in options and "graph" in positional:
            advice.append("further graphs follow --merge")
        return f"unexpected argument {argument!r}: {listing(advice)}"
