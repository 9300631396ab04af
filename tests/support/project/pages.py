"""The code of a page of the documentation, and the output that the page shows below it.

An output is a block of ``text`` directly below a block of Python or of commands. It is compared
with what the code prints, unless it has a title: that of a long comparison says how long it took.
A line of dots stands for any lines, dots at the end of a line for its rest.
"""

import re
import shlex
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from kgbert.cli import main

DOTS = "..."

#: Decimals and percentages differ a little between processors; whole numbers must not.
TOLERANCE = 0.1

_FENCE = re.compile(r"^```(?P<kind>\w*)(?P<title>[^\n]*)\n(?P<body>.*?)^```$", re.DOTALL | re.M)
_NUMBER = re.compile(r"(?<![\w.])[-+]?\d[\d,]*(?:\.\d+)?%?(?![\w])")


@dataclass(frozen=True)
class Block:
    """Python, or commands, of a page."""

    kind: str
    code: str
    output: str | None = None
    """What the page shows as the output; None if it shows none."""
    title: str = ""
    """The title of the output."""

    @property
    def is_checked(self) -> bool:
        """Whether the output must be what the block prints."""
        return self.output is not None and not self.title

    def run(self, names: dict[str, Any]) -> str:
        """Run the block and return what it prints."""
        printed = StringIO()
        with redirect_stdout(printed):
            if self.kind == "python":
                exec(self.code, names)
            else:
                for line in self.code.replace("\\\n", "").splitlines():
                    program, *arguments = shlex.split(line, comments=True)
                    assert program == "kgbert", line
                    assert main(arguments) == 0, line
        return printed.getvalue()


def blocks_of(page: Path) -> list[Block]:
    """Return the blocks of Python and of commands of a page, with their outputs."""
    text = page.read_text(encoding="utf-8")
    blocks: list[Block] = []
    end = 0
    for found in _FENCE.finditer(text):
        kind, body = found["kind"], found["body"]
        if kind == "text" and blocks and not text[end : found.start()].strip():
            blocks[-1] = Block(blocks[-1].kind, blocks[-1].code, body, found["title"].strip())
        elif kind in ("python", ""):
            blocks.append(Block(kind, body))
        end = found.end()
    return blocks


def with_outputs(page: Path, outputs: list[tuple[Block, str]]) -> str:
    """Return the text of a page with the outputs replaced that differ from what was printed."""
    text = page.read_text(encoding="utf-8")
    for block, printed in outputs:
        if block.output is not None and not agrees(block.output, printed):
            text = text.replace(f"\n{block.output}```", f"\n{printed.strip()}\n```", 1)
    return text


def agrees(shown: str, printed: str) -> bool:
    """Return whether a shown output is what was printed, up to small changes of decimals.

    >>> agrees("safe 0.57\\n...\\nwords: oak +3.1 ...", "safe 0.55\\na\\nb\\nwords: oak +3.0 elm")
    True
    >>> agrees("3 of 5", "4 of 5"), agrees("safe", "cellar"), agrees("87%", "60%")
    (False, False, False)
    """
    return _lines_agree(_lines(shown), _lines(printed))


def _lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def _lines_agree(shown: list[str], printed: list[str]) -> bool:
    if not shown:
        return not printed
    if shown[0] == DOTS:
        return any(_lines_agree(shown[1:], printed[x:]) for x in range(len(printed) + 1))
    return (
        bool(printed)
        and _line_agrees(shown[0], printed[0])
        and _lines_agree(shown[1:], printed[1:])
    )


def _line_agrees(shown: str, printed: str) -> bool:
    if shown.endswith(f" {DOTS}") and not printed.endswith(DOTS):
        shown = shown.removesuffix(f" {DOTS}")
        printed = " ".join(printed.split(" ")[: shown.count(" ") + 1])
    pairs = zip(_NUMBER.findall(shown), _NUMBER.findall(printed), strict=False)
    return _NUMBER.sub("#", shown) == _NUMBER.sub("#", printed) and all(
        _numbers_agree(one, other) for one, other in pairs
    )


def _numbers_agree(shown: str, printed: str) -> bool:
    if shown.isdecimal():
        return shown == printed
    scale = 0.01 if shown.endswith("%") else 1
    one, other = (scale * float(x.rstrip("%").replace(",", "")) for x in (shown, printed))
    return abs(one - other) <= TOLERANCE * max(1, abs(one))
