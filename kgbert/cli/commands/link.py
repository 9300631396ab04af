"""kgbert link: show what the graph finds in texts."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING
from unicodedata import combining, east_asian_width

from kgbert.cli.core.command import Command
from kgbert.cli.core.progress import add_quiet_argument
from kgbert.cli.options.graph import add_graph_arguments, graph_of
from kgbert.cli.options.linker import add_linker_arguments, linker_of
from kgbert.cli.options.texts import add_text_argument, examples_of
from kgbert.data import Example
from kgbert.utils.atomic_write import write_atomically
from kgbert.utils.errors import KGBertError
from kgbert.utils.registry import lookup

if TYPE_CHECKING:
    from kgbert.graph.core.graph import KnowledgeGraph
    from kgbert.linking.analysis.records import LinkedEntity, LinkedMention, LinkedText
    from kgbert.linking.mention import Linker

#: Maximum width of a mention in the table: some linkers return whole texts.
_LONGEST_MENTION = 48


def link(arguments: Namespace) -> None:
    """Show which entities of a graph a text mentions."""
    write = lookup(FORMATS, _format(arguments), "way to show links")
    examples = examples_of(arguments)
    graph = graph_of(arguments)
    linker = linker_of(arguments, graph)
    if arguments.explain is not None:
        _explain(examples, linker, arguments.explain)
        return
    from kgbert.linking.analysis.records import describe_links
    from kgbert.linking.examples import link_examples

    linked = link_examples(linker, examples)
    texts = ((example.id, example.joined) for example in examples)
    lines = write(list(describe_links(texts, linked, linker, graph)), graph)
    if arguments.output:
        write_atomically(arguments.output, "".join(f"{line}\n" for line in lines))
        print(f"written to {arguments.output}")
    else:
        for line in lines:
            print(line)


def _add_arguments(parser: ArgumentParser) -> None:
    add_graph_arguments(parser)
    add_text_argument(parser)
    add_linker_arguments(parser)
    parser.add_argument(
        "--explain",
        metavar="NAME",
        help="explain why the dictionary finds this name in the text, or why not",
    )
    showing = parser.add_argument_group("how links are shown")
    # Not --format, which is the format of the graph.
    showing.add_argument(
        "--output-format",
        dest="output_format",
        metavar="WAY",
        help="table, jsonl (one object a text) or html (a page with the text marked); what FILE "
        "is named like, else table",
    )
    showing.add_argument(
        "--json",
        dest="output_format",
        action="store_const",
        const="jsonl",
        help="the same as --output-format jsonl",
    )
    showing.add_argument("-o", "--output", metavar="FILE", help="write to this file")
    add_quiet_argument(parser)


def _format(arguments: Namespace) -> str:
    named_like = Path(arguments.output or "").suffix.lower()
    given: str | None = arguments.output_format
    return given or _FORMATS_OF_FILES.get(named_like, "table")


def _explain(examples: Sequence[Example], linker: "Linker", name: str) -> None:
    from kgbert.linking.analysis.explain import explain_match
    from kgbert.linking.dictionary.linker import DictionaryLinker
    from kgbert.linking.factory import component_linkers

    # An embedding linker contains a dictionary, which finds its mentions.
    linkers = [getattr(part, "dictionary", part) for part in component_linkers(linker)]
    known = [part for part in linkers if isinstance(part, DictionaryLinker)]
    if not known:
        raise KGBertError(
            "--explain needs a dictionary linker, and this linker uses none; leave --linker out.",
            code="no-dictionary",
        )
    for example in examples:
        print(f"{_one_line(example.text)}\n  {explain_match(known[0], example.text, name)}")


def _jsonl(texts: Sequence["LinkedText"], graph: "KnowledgeGraph") -> Iterator[str]:
    for text in texts:
        yield json.dumps(text.as_dict())


def _html(texts: Sequence["LinkedText"], graph: "KnowledgeGraph") -> Iterator[str]:
    from kgbert.linking.analysis.html import render_page

    yield render_page(texts, title="Entities in the text", note=_summary(texts, graph))


def _table(texts: Sequence["LinkedText"], graph: "KnowledgeGraph") -> Iterator[str]:
    for text in texts:
        yield _one_line(text.text)
        rows = [row for mention in text.mentions for row in _rows(mention)]
        widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = (
                cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)
            )
            yield f"  {'  '.join(cells)}".rstrip()
    yield _summary(texts, graph)


def _width(text: str) -> int:
    """Return the terminal columns of a text: wide characters take two, combining marks none."""
    wide = sum(east_asian_width(letter) in "WF" for letter in text)
    return len(text) + wide - sum(map(bool, map(combining, text)))


def _rows(mention: "LinkedMention") -> Iterator[tuple[str, ...]]:
    """Yield one row per candidate; an arrow marks the chosen one."""
    surface = shorten(mention.text, _LONGEST_MENTION, placeholder=" ...")
    head = (f"{mention.start}-{mention.end}", surface, "→")
    for candidate in mention.candidates:
        name = f"{_one_line(candidate.name)} ({candidate.entity})"
        yield (*head, name, f"{candidate.score:.2f}", _how(candidate))
        head = ("", "", "")


def _how(candidate: "LinkedEntity") -> str:
    if candidate.matched in ("", candidate.name):
        return candidate.how
    return f"{candidate.how}, as {_one_line(candidate.matched)!r}"


def _summary(texts: Sequence["LinkedText"], graph: "KnowledgeGraph") -> str:
    from kgbert.linking.analysis.diagnosis import diagnose_unmatchable_names
    from kgbert.reporting.formatting import counted

    mentions = counted(sum(len(text.mentions) for text in texts), "mention")
    mentioning = sum(bool(text.mentions) for text in texts)
    reason = "" if mentioning else diagnose_unmatchable_names([text.text for text in texts], graph)
    return (
        f"{mentions} in {mentioning:,} of {counted(len(texts), 'text')}, by the "
        f"{counted(len(graph.names), 'name')} of {graph.source or 'the graph'}"
        + (f": {reason}" if reason else "")
    )


def _one_line(text: str) -> str:
    return " ".join(text.splitlines())


#: Output formats: functions of the linked texts and the graph that yield lines.
FORMATS = {"table": _table, "jsonl": _jsonl, "html": _html}

_FORMATS_OF_FILES = {".html": "html", ".htm": "html", ".jsonl": "jsonl", ".json": "jsonl"}

LINK = Command(
    link, _add_arguments, example='kgbert link hp.obo "Acute pancreatitis without fever."'
)
