"""Reference pages of the site, generated from the package when the site is built."""

import ast
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT))

import kgbert  # noqa: E402
from benchmarks.rendering.markdown import table  # noqa: E402
from kgbert.cli.main import _parser  # noqa: E402

_MARKER = re.compile(r"<!-- generated: ([\w ]+) -->")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace the markers of a page by generated text."""
    return _MARKER.sub(lambda marker: GENERATED[marker[1]](), markdown)


def python_api() -> str:
    """Return a mkdocstrings directive for every public name."""
    names = sorted((name for name in kgbert.__all__ if name[0] != "_"), key=str.lower)
    return "\n\n".join(f"::: kgbert.{name}" for name in names)


def command_line() -> str:
    """Return the help of every command."""
    (commands,) = (
        action.choices for action in _parser()._actions if isinstance(action.choices, dict)
    )
    return "\n\n".join(
        f"## kgbert {name}\n\n```text\n{parser.format_help().strip()}\n```"
        for name, parser in commands.items()
    )


def errors() -> str:
    """Return the error codes with an example of each message, and the modules that raise them."""
    examples = dict(
        line.split("\t", 1)
        for line in (PROJECT / "tests/messages.tsv").read_text(encoding="utf-8").splitlines()
    )
    rows = [
        (f"`{code}`", ", ".join(f"`{module}`" for module in modules), examples.get(code, ""))
        for code, modules in sorted(_codes().items())
    ]
    return table(("code", "raised in", "example"), rows)


def _codes() -> dict[str, list[str]]:
    codes: dict[str, list[str]] = {}
    for path in sorted((PROJECT / "kgbert").rglob("*.py")):
        module = ".".join(path.relative_to(PROJECT).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                for keyword in node.keywords:
                    value = keyword.value
                    if keyword.arg == "code" and isinstance(value, ast.Constant) and value.value:
                        modules = codes.setdefault(str(value.value), [])
                        if module not in modules:
                            modules.append(module)
    return codes


#: What replaces the markers of the pages, by name.
GENERATED: dict[str, Callable[[], str]] = {
    "command line": command_line,
    "errors": errors,
    "python api": python_api,
}
