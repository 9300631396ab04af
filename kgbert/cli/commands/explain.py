"""kgbert explain: show why a trained model answers as it does."""

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from kgbert.cli.core.checks import check_model
from kgbert.cli.core.command import Command
from kgbert.cli.core.progress import ProgressReporter, add_quiet_argument
from kgbert.cli.options.graph import add_reading_arguments, graph_of
from kgbert.cli.options.texts import add_text_argument, records_of

if TYPE_CHECKING:
    from kgbert.explanation.results import Explanation


def explain(arguments: Namespace) -> None:
    """Show which words, mentions, entities and edges contribute to the answers of a model."""
    records = records_of(arguments)
    from kgbert.data.read import examples_from
    from kgbert.explanation.explain import explain as explain_texts
    from kgbert.explanation.methods import DEFAULT_METHOD
    from kgbert.explanation.parts import KINDS
    from kgbert.training.pipeline import pipeline
    from kgbert.utils.logging import silence_libraries

    silence_libraries()
    check_model(Path(arguments.model))
    graph = graph_of(arguments) if arguments.graph else None
    model = pipeline(arguments.model, graph=graph)
    examples = examples_from(records, model.task, name=arguments.text[:60])
    progress = ProgressReporter(quiet=arguments.quiet).steps("explaining, text")
    found = explain_texts(
        model,
        examples,
        answer=arguments.answer,
        contrast=arguments.contrast,
        method=arguments.method or DEFAULT_METHOD,
        parts=arguments.parts.split(",") if arguments.parts else KINDS,
        progress=progress,
    )
    progress.close()
    _show(found, arguments)


def _show(explanations: "list[Explanation]", arguments: Namespace) -> None:
    for explanation in explanations:
        if arguments.json:
            print(json.dumps(explanation.to_json()))
        elif not arguments.html:
            print("\n".join(explanation.lines()))
    if arguments.html:
        from kgbert.explanation.html import write_page

        written = write_page(explanations, arguments.html)
        if not arguments.json:
            print(f"written to {written}")


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "model", metavar="MODEL", help="folder of a model that train, compare or demo saved"
    )
    add_text_argument(parser)
    parser.add_argument(
        "--answer",
        default="",
        metavar="NAME",
        help="the answer to explain, a label for example (the predicted one)",
    )
    parser.add_argument(
        "--contrast",
        default="",
        metavar="NAME",
        help="another answer: explain why the first and not this one",
    )
    parser.add_argument(
        "--method",
        metavar="NAME",
        help="attribution method: removal, shapley, gradient-x-input, integrated-gradients, "
        "attention, random (removal)",
    )
    parser.add_argument(
        "--parts",
        metavar="LIST",
        help="kinds of parts to explain (words,mentions,entities,edges)",
    )
    parser.add_argument("--html", metavar="PAGE", help="write a page for reading")
    parser.add_argument("--json", action="store_true", help="write one JSON object a text")
    parser.add_argument(
        "--graph", metavar="FILE", help="the graph, for a model that was saved without it"
    )
    add_reading_arguments(parser)
    add_quiet_argument(parser)


EXPLAIN = Command(
    explain, _add_arguments, example='kgbert explain kgbert-demo-short/model "Acute pancreatitis"'
)
