"""kgbert predict: ask a trained model."""

import json
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from kgbert.cli.core.command import Command
from kgbert.cli.options.graph import add_reading_arguments, graph_of
from kgbert.cli.options.texts import add_text_argument, examples_of
from kgbert.utils.paths import SETTINGS_FILE

if TYPE_CHECKING:
    from kgbert.training.pipeline import Prediction

#: Texts answered before the first of them is shown: enough that some are of about one length.
TOGETHER = 1024


def predict(arguments: Namespace) -> None:
    """Answer texts with a trained model, and show the entities that it read."""
    # Before the model, which takes longer to load: a mistyped name is answered at once.
    examples = examples_of(arguments)
    from kgbert.training.pipeline import pipeline
    from kgbert.utils.logging import silence_libraries

    silence_libraries()
    _check_folder(Path(arguments.model))
    graph = graph_of(arguments) if arguments.graph else None
    answer = pipeline(arguments.model, graph=graph, bf16=arguments.bf16)
    for start in range(0, len(examples), TOGETHER):
        for prediction in answer(examples[start : start + TOGETHER]):
            if arguments.json:
                print(json.dumps(asdict(prediction)))
            else:
                _show(prediction)


def _check_folder(folder: Path) -> None:
    """Raise FileNotFoundError for a folder that holds no model, and say which may hold one."""
    if (folder / SETTINGS_FILE).exists():
        return
    found = f" holds no {SETTINGS_FILE}, so it is no kgbert model"
    inner = folder / "model"  # where compare and demo put theirs
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
    if prediction.label is not None:
        print(f"  label {prediction.label}  ({prediction.probability:.0%})")
    for span in prediction.spans:
        print(f"  {span.start}-{span.end}  {prediction.text[span.start : span.end]}  {span.label}")
    for link in prediction.links:
        meant = f"{link.name} ({link.entity})" if link.name else "none of the candidates"
        print(f"  {link.start}-{link.end}  {link.text}  means {meant}  ({link.probability:.0%})")
    for mention in prediction.mentions:
        print(f"  {mention.start}-{mention.end}  {mention.text}")
        for read in mention.candidates:
            share = _share(read.attention)
            print(f"    {share}{read.name} ({read.entity}, linked {read.score:g})")
        if mention.none_of_these is not None:
            print(f"    {_share(mention.none_of_these)}none of these")


def _share(attention: float | None) -> str:
    """Return a share of attention in front of what got it; nothing where none was measured."""
    return "" if attention is None else f"{attention:4.0%}  "


PREDICT = Command(
    predict, _add_arguments, example='kgbert predict kgbert-demo-short/model "Acute pancreatitis"'
)
