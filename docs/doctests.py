"""Show the doctests of docstrings as code."""

import re
from typing import Any

import griffe

#: A doctest ends at the first blank line.
_DOCTEST = re.compile(r"(?:^>>> .*\n?(?:^(?!\s*$).*\n?)*)", re.MULTILINE)


class DoctestBlocks(griffe.Extension):
    """Wraps doctests in fenced code blocks, which Markdown would read as quotations."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Change the docstring of an object."""
        if obj.docstring:
            obj.docstring.value = _DOCTEST.sub(
                lambda doctest: f"```pycon\n{doctest[0].rstrip()}\n```\n", obj.docstring.value
            )
