"""kgbert evaluate: score a trained model on labelled texts."""

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path

from kgbert.cli.core.checks import check_model
from kgbert.cli.core.command import Command
from kgbert.cli.core.progress import ProgressReporter, add_quiet_argument
from kgbert.cli.options.model import (
    add_model_argument,
    add_model_graph_arguments,
    add_parents_argument,
    pipeline_of,
)
from kgbert.cli.options.texts import add_column_arguments, columns_of
from kgbert.data import Columns, read_records
from kgbert.utils.atomic_write import write_atomically


def evaluate(arguments: Namespace) -> None:
    """Score a trained model on labelled texts, as a whole and by slices."""
    check_model(arguments.model)
    # Read before the model, which takes longer to load, so that a mistyped name fails at once.
    records = read_records(arguments.file, Columns(columns_of(arguments)))
    from kgbert.data.read import examples_from

    model = pipeline_of(arguments)
    if arguments.with_parents:
        model = model.with_parents()
    steps = ProgressReporter(quiet=arguments.quiet).steps("answering, text")
    examples = examples_from(records, model.task, name=arguments.file)
    scores = model.evaluate(examples, progress=steps)
    print(scores.table())
    if arguments.output:
        write_atomically(arguments.output, json.dumps(scores.to_json(), indent=1) + "\n")
        print(f"\nwritten to {arguments.output}")


def _add_arguments(parser: ArgumentParser) -> None:
    add_model_argument(parser)
    parser.add_argument("file", metavar="FILE", help="labelled texts (CSV, TSV, JSONL, CoNLL)")
    add_column_arguments(parser)
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="also write the scores to this JSON file"
    )
    add_parents_argument(parser)
    add_model_graph_arguments(parser)
    add_quiet_argument(parser)


EVALUATE = Command(
    evaluate, _add_arguments, example="kgbert evaluate kgbert-model notes.csv --output scores.json"
)
