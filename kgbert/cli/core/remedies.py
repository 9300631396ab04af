"""What to type instead, where a message of the library says it in Python."""

import ast
import re
import shlex
from typing import cast

#: A call within another is a line of Python, of which no half is typed.
_CALL = re.compile(r"(?:options=)?\b(?:(?<![\[(])read_graph|ReadOptions)\(")
#: Values that a message leaves open.
_OPEN = "..."


def as_typed(message: str) -> str:
    """Return a message with calls of Python as options of the command line.

    >>> as_typed("Say it: read_graph('a.txt', format='turtle').")
    'Say it: --format turtle.'
    >>> as_typed("Raise it: ReadOptions(limits=Limits(line=4)), or name some: "
    ...          "options=ReadOptions(relations=(...,), name_from_id=True).")
    'Raise it: --limit line=4, or name some: --relations ... --name-from-id.'
    >>> as_typed("Name a file: read_graph('my graphs/hp.obo').")
    "Name a file: kgbert inspect 'my graphs/hp.obo'."
    """
    pieces, rest = [], message
    while call := _CALL.search(rest):
        end = _end(rest, call.end())
        written = rest[call.start() : end].removeprefix("options=")
        pieces += [rest[: call.start()], _options(written)]
        rest = rest[end:]
    return "".join([*pieces, rest])


def _end(text: str, start: int) -> int:
    """Return where a call ends whose arguments begin somewhere."""
    depth, quote = 1, ""
    for place in range(start, len(text)):
        mark = text[place]
        if quote:
            quote = "" if mark == quote and text[place - 1] != "\\" else quote
        elif mark in "'\"":
            quote = mark
        else:
            depth += (mark == "(") - (mark == ")")
        if not depth:
            return place + 1
    return len(text)


def _options(written: str) -> str:
    """Return a call as options; as it is written where it is no Python, or has no literals."""
    try:
        call = cast(ast.Call, ast.parse(written, mode="eval").body)
        words = [word for keyword in call.keywords for word in _option(keyword)]
        if not words:
            # Any command takes a graph; this one needs nothing else.
            words = ["kgbert inspect", *(shlex.quote(ast.literal_eval(each)) for each in call.args)]
    except (SyntaxError, TypeError, ValueError):  # of a value that is no literal, or no path
        return written
    return " ".join(words)


def _option(keyword: ast.keyword) -> list[str]:
    value = keyword.value
    if isinstance(value, ast.Call):
        inner = [word for each in value.keywords for word in _option(each)]
        if keyword.arg != "limits":
            return inner
        return [f"--limit {name}={said}" for name, said in (word[2:].split() for word in inner)]
    said = ast.literal_eval(value)
    option = f"--{(keyword.arg or '').replace('_', '-')}"
    if said is True:
        return [option]
    values = said if isinstance(said, tuple) else (said,)
    return [f"{option} {','.join(_OPEN if each is ... else str(each) for each in values)}"]
