"""kgbert explain: show why a trained model answers as it does."""

import json
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

from kgbert.cli.core.command import Command
from kgbert.cli.core.progress import ProgressReporter, add_quiet_argument
from kgbert.cli.options.model import add_model_argument, add_model_graph_arguments, pipeline_of
from kgbert.cli.options.texts import add_text_argument, columns_of, records_of
from kgbert.utils.errors import KGBertError

if TYPE_CHECKING:
    from kgbert.data import Example
    from kgbert.explanation.results import Explanation
    from kgbert.training.pipeline import KGBertPipeline


def explain(arguments: Namespace) -> None:
    """Show which words, mentions, entities and edges contribute to the answers of a model."""
    _check_options(arguments)
    records = records_of(arguments)
    from kgbert.data.read import examples_from

    model = pipeline_of(arguments)
    examples = examples_from(records, model.task, name=arguments.text[:60])
    if arguments.evaluate:
        _evaluate(model, examples, arguments)
    else:
        _explain(model, examples, arguments)


def _check_options(arguments: Namespace) -> None:
    """Raise KGBertError where an option would have no effect."""
    if len(dict(arguments.swap)) < len(arguments.swap):
        raise KGBertError(
            "--swap names a mention twice; run the command once for each of its entities.",
            code="repeated-swap",
        )
    single = ("answer", "contrast", "swap", "counterfactual", "examples", "html")
    given = [f"--{name}" for name in single if getattr(arguments, name)]
    if arguments.evaluate and given:
        raise KGBertError(
            f"--evaluate tests the methods on all texts, and {', '.join(given)} belongs to the "
            "explanation of texts; leave out either.",
            code="conflicting-options",
        )


def _explain(model: "KGBertPipeline", examples: "Sequence[Example]", arguments: Namespace) -> None:
    from kgbert.explanation.explain import TOGETHER
    from kgbert.explanation.explain import explain as explain_texts
    from kgbert.explanation.methods import DEFAULT_METHOD
    from kgbert.explanation.parts import KINDS

    compared = []
    if arguments.examples:
        from kgbert.data.read import read_examples

        compared = read_examples(arguments.examples, model.task, columns=columns_of(arguments))
    reporter = ProgressReporter(quiet=arguments.quiet)
    # Texts that are computed together are finished together.
    waits = len(examples) <= TOGETHER
    steps = reporter.steps("explaining, text")
    with reporter.elapsed("explaining") if waits else nullcontext():
        found = explain_texts(
            model,
            examples,
            answer=arguments.answer,
            contrast=arguments.contrast,
            method=arguments.method or DEFAULT_METHOD,
            parts=_listed(arguments.parts) or KINDS,
            counterfactuals=arguments.counterfactual,
            swaps=dict(arguments.swap),
            examples=compared,
            progress=None if waits else steps,
        )
    steps.close()
    _show(found, arguments)


def _evaluate(model: "KGBertPipeline", examples: "Sequence[Example]", arguments: Namespace) -> None:
    from kgbert.explanation.faithfulness import EVALUATED, evaluate_explanations

    steps = ProgressReporter(quiet=arguments.quiet).steps("evaluating, text")
    report = evaluate_explanations(
        model,
        examples,
        methods=_listed(arguments.method),
        parts=_listed(arguments.parts) or EVALUATED,
        progress=steps,
    )
    steps.close()
    print(json.dumps(report.to_json()) if arguments.json else report.table())


def _listed(names: str | None) -> list[str] | None:
    return names.split(",") if names else None


def _show(explanations: "list[Explanation]", arguments: Namespace) -> None:
    for explanation in explanations:
        if arguments.json:
            print(json.dumps(explanation.to_json()))
        elif not arguments.html:
            print("\n".join(explanation.lines()))
    if arguments.html:
        from kgbert.explanation.html import write_explanations

        written = write_explanations(explanations, arguments.html)
        if not arguments.json:
            print(f"written to {written}")


def _swap(typed: str) -> tuple[str, str]:
    mention, equals, entity = typed.partition("=")
    if not (mention and equals and entity):
        raise ArgumentTypeError(f"{typed!r} is no swap; write MENTION=ENTITY")
    return mention, entity


def _add_arguments(parser: ArgumentParser) -> None:
    add_model_argument(parser)
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
        help="kinds of parts: words, mentions, entities, edges, paths, labels (all; with "
        "--evaluate all but labels)",
    )
    parser.add_argument(
        "--counterfactual",
        action="store_true",
        help="also search for the fewest links and edges without which the answer changes",
    )
    parser.add_argument(
        "--swap",
        metavar="MENTION=ENTITY",
        type=_swap,
        action="append",
        default=[],
        help="also predict as if a mention were linked to another entity, by id or name",
    )
    parser.add_argument(
        "--examples",
        metavar="FILE",
        help="also show the texts of this file, the training texts for example, that the model "
        "reads most like the explained one",
    )
    parser.add_argument(
        "--evaluate",
        action="store_true",
        help="test the methods instead: comprehensiveness and sufficiency on the texts, beside "
        "random orders",
    )
    parser.add_argument("--html", metavar="PAGE", help="write a page for reading")
    parser.add_argument("--json", action="store_true", help="write one JSON object a text")
    add_model_graph_arguments(parser)
    add_quiet_argument(parser)


EXPLAIN = Command(
    explain,
    _add_arguments,
    example='kgbert explain kgbert-demo-short/model "Ventricular septal defect"',
)
