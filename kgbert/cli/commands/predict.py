"""kgbert predict: answer texts with a trained model."""

import json
from argparse import ArgumentParser, Namespace

from kgbert.cli.core.command import Command
from kgbert.cli.core.progress import ProgressReporter, add_quiet_argument
from kgbert.cli.options.model import (
    add_model_argument,
    add_model_graph_arguments,
    add_parents_argument,
    pipeline_of,
)
from kgbert.cli.options.texts import add_text_argument, records_of
from kgbert.utils.progress import StepCallback

#: Texts per call of the model: enough to batch texts of similar length.
TOGETHER = 1024


def predict(arguments: Namespace) -> None:
    """Answer texts with a trained model, and show the entities that it read."""
    # Read before the model, which takes longer to load, so that a mistyped name fails at once.
    records = records_of(arguments)
    from kgbert.data.read import examples_from

    answer = pipeline_of(arguments, bf16=arguments.bf16)
    if arguments.with_parents:
        answer = answer.with_parents()
    examples = examples_from(records, answer.task, name=arguments.text[:60])
    steps = ProgressReporter(quiet=arguments.quiet).steps("answering, text")
    for start in range(0, len(examples), TOGETHER):
        predictions = answer(
            examples[start : start + TOGETHER],
            progress=_later_steps(steps, start, len(examples)),
        )
        # The bar is removed before the predictions are printed.
        steps.close()
        for prediction in predictions:
            print(json.dumps(prediction.to_dict()) if arguments.json else prediction)


def _later_steps(steps: StepCallback, before: int, total: int) -> StepCallback:
    """Return a callback for a part of the steps, before which others were finished."""
    return lambda done, _: steps(before + done, total)


def _add_arguments(parser: ArgumentParser) -> None:
    add_model_argument(parser)
    add_text_argument(parser)
    parser.add_argument("--json", action="store_true", help="write one JSON object a text")
    parser.add_argument(
        "--bf16",
        action="store_true",
        help="compute in bfloat16: faster on GPUs and on CPUs with AVX-512 BF16; answers that are "
        "nearly tied may change",
    )
    add_parents_argument(parser)
    add_model_graph_arguments(parser)
    add_quiet_argument(parser)


PREDICT = Command(
    predict,
    _add_arguments,
    example='kgbert predict kgbert-demo-short/model "Ventricular septal defect"',
)
