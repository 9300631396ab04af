"""kgbert predict: ask a trained model."""

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from kgbert.cli.core.command import Command
from kgbert.cli.options.graph import add_reading_arguments, graph_of
from kgbert.cli.options.texts import add_text_argument, records_of
from kgbert.utils.paths import SETTINGS_FILE

if TYPE_CHECKING:
    from kgbert.tasks.base import Prediction

#: Texts per call of the model: enough to batch texts of similar length.
TOGETHER = 1024


def predict(arguments: Namespace) -> None:
    """Answer texts with a trained model, and show the entities that it read."""
    # Read before the model, which takes longer to load, so that a mistyped name fails at once.
    records = records_of(arguments)
    from kgbert.data.read import examples_from
    from kgbert.training.pipeline import pipeline
    from kgbert.utils.logging import silence_libraries

    silence_libraries()
    _check_folder(Path(arguments.model))
    graph = graph_of(arguments) if arguments.graph else None
    answer = pipeline(arguments.model, graph=graph, bf16=arguments.bf16)
    examples = examples_from(records, answer.task, name=arguments.text[:60])
    for start in range(0, len(examples), TOGETHER):
        for prediction in answer(examples[start : start + TOGETHER]):
            if arguments.json:
                print(json.dumps(prediction.to_dict()))
            else:
                _show(prediction)


def _check_folder(folder: Path) -> None:
    """Raise an error for a folder without a model, which names the folder that contains one."""
    if (folder / SETTINGS_FILE).exists():
        return
    found = f" holds no {SETTINGS_FILE}, so it is no kgbert model"
    inner = folder / "model"  # where compare and demo save the model
    remedy = (
        f"type {inner}"
        if (inner / SETTINGS_FILE).exists()
        else "give the folder that `kgbert train` wrote, or the folder `model` in that of `kgbert "
        "compare` or `kgbert demo`"
    )
    raise FileNotFoundError(
        f"{folder}{found if folder.exists() else ': no such folder'}; {remedy}."
    )


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "model", metavar="MODEL", help="folder of a model that train, compare or demo saved"
    )
    add_text_argument(parser)
    parser.add_argument("--json", action="store_true", help="write one JSON object a text")
    parser.add_argument(
        "--bf16",
        action="store_true",
        help="compute in bfloat16: faster on GPUs and on CPUs with AVX-512 BF16; answers that are "
        "nearly a tie may turn",
    )
    parser.add_argument(
        "--graph", metavar="FILE", help="the graph, for a model that was saved without it"
    )
    add_reading_arguments(parser)


def _show(prediction: "Prediction") -> None:
    print(prediction.text)
    for line in prediction.lines():
        print(f"  {line}")
    for label in prediction.nearest_labels:
        print(f"  similar {label.line()}")
    for mention in prediction.mentions:
        for line in mention.lines():
            print(f"  {line}")


PREDICT = Command(
    predict, _add_arguments, example='kgbert predict kgbert-demo-short/model "Acute pancreatitis"'
)
