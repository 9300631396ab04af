"""kgbert link: show what the graph finds in texts."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from kgbert.cli.command import Command
from kgbert.cli.graph_options import add_graph_arguments, add_linker_argument, graph_of
from kgbert.cli.text_argument import add_text_argument, examples_of
from kgbert.texts import Example

if TYPE_CHECKING:
    from kgbert.graph.graph import KnowledgeGraph
    from kgbert.linking.mention import Mention


def link(arguments: Namespace) -> None:
    """Show which entities of a graph a text mentions."""
    from kgbert.linking.linkers import make_linker

    examples = examples_of(arguments)
    graph = graph_of(arguments)
    if arguments.why:
        _explain(examples, graph, arguments.why)
        return
    linked = make_linker(graph, arguments.linker)([example.text for example in examples])
    write = _write_json if arguments.json else _write_lines
    write(examples, linked, graph)


def _add_arguments(parser: ArgumentParser) -> None:
    add_graph_arguments(parser)
    add_text_argument(parser)
    add_linker_argument(parser)
    parser.add_argument(
        "--why", metavar="NAME", help="say why the dictionary finds this name in the text, or not"
    )
    parser.add_argument("--json", action="store_true", help="write one JSON object a text")


def _explain(examples: Sequence[Example], graph: "KnowledgeGraph", name: str) -> None:
    from kgbert.linking.dictionary import DictionaryLinker
    from kgbert.linking.why import why

    linker = DictionaryLinker(graph)
    for example in examples:
        print(f"{_one_line(example.text)}\n  {why(linker, example.text, name)}")


def _write_json(
    examples: Sequence[Example], linked: Iterable[Sequence["Mention"]], graph: "KnowledgeGraph"
) -> None:
    for example, mentions in zip(examples, linked, strict=True):
        found = [
            {
                "start": mention.start,
                "end": mention.end,
                "text": example.text[mention.start : mention.end],
                "candidates": [
                    {"entity": entity, "name": graph.name(graph.index(entity)), "score": score}
                    for entity, score in mention.candidates
                ],
            }
            for mention in mentions
        ]
        print(json.dumps({"id": example.id, "text": example.text, "mentions": found}))


def _write_lines(
    examples: Sequence[Example], linked: Sequence[Sequence["Mention"]], graph: "KnowledgeGraph"
) -> None:
    for example, mentions in zip(examples, linked, strict=True):
        print(_one_line(example.text))
        for mention in mentions:
            surface = _one_line(example.text[mention.start : mention.end])
            for entity, score in mention.candidates:
                name = graph.name(graph.index(entity))
                print(
                    f"  {mention.start}-{mention.end}  {surface}  →  {name} ({entity}, {score:g})"
                )
    mentioning = sum(map(bool, linked))
    print(
        f"{sum(map(len, linked)):,} mentions in {mentioning:,} of {len(examples):,} texts, "
        f"by the {len(graph.names):,} names of {graph!r}"
    )


def _one_line(text: str) -> str:
    return " ".join(text.splitlines())


LINK = Command(
    link, _add_arguments, example='kgbert link hp.obo "Acute pancreatitis without fever."'
)
