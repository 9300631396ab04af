"""kgbert train: one augmented model, saved with its graph."""

import json
import shlex
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from kgbert.cli.core.argument_types import not_negative
from kgbert.cli.core.checks import check_output
from kgbert.cli.core.command import Command
from kgbert.cli.core.distributed import is_first_process
from kgbert.cli.core.progress import ProgressReporter, add_quiet_argument
from kgbert.cli.options.training import (
    add_task_arguments,
    ground_of,
    training_config_of,
    training_sources_of,
)
from kgbert.utils.paths import GRAPH_FILE, SETTINGS_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kgbert.training.trainer import TrainingResult


def train(arguments: Namespace) -> None:
    """Fine-tune an encoder that reads the graph, test it once, and save it with its graph."""
    check_output(arguments.output, "model", SETTINGS_FILE)
    reporter = ProgressReporter(quiet=arguments.quiet or not is_first_process())
    if (arguments.output / SETTINGS_FILE).exists():
        reporter.message(f"the model in {arguments.output} will be replaced")
    sources = training_sources_of(arguments, [arguments.seed], reporter)
    # Imported here: they load torch, for which a mistyped argument need not wait.
    from kgbert.training.train import train as train_model
    from kgbert.utils.device import process_state

    trained = train_model(
        sources.graph,
        sources.split,
        task=sources.task,
        backbone=arguments.backbone,
        linker=sources.linker,
        ground=ground_of(arguments),
        paths=arguments.paths,
        features=arguments.features,
        config=training_config_of(arguments),
        seed=arguments.seed,
        reporter=reporter,
    )
    # Under torchrun every process has trained the same model.
    if not process_state().is_main_process:
        return
    trained.save(arguments.output, include_graph=False if arguments.without_graph else None)
    _show_epochs(trained.training, arguments.epochs)
    _show({"Texts": trained.metadata["Texts"], **trained.scores})
    _show_paths(arguments.output, arguments.graph, dict(trained.task.sample))
    print("A single model does not show whether the graph helped; kgbert compare measures that.")


def _show_epochs(training: "TrainingResult", planned: int) -> None:
    done = len(training.history)
    reason = "" if done == planned else f" of {planned}, then no better on validation texts"
    print(f"{'Epochs':26} {done}{reason}; kept the weights of epoch {training.best_epoch}")


def _show(scores: "Mapping[str, str]") -> None:
    for name, value in scores.items():
        print(f"{name.replace('_', ' '):26} {value}")


def _show_paths(folder: Path, graph: str, sample: "Mapping[str, object]") -> None:
    typed = f'"{sample["text"]}"' if set(sample) == {"text"} else shlex.quote(json.dumps(sample))
    print(f"\nmodel  {folder}")
    if (folder / GRAPH_FILE).exists():
        print(f"try    kgbert predict {folder} {typed}")
    else:
        print("graph  not saved, nor its names: predictions need a copy")
        print(f"try    kgbert predict {folder} {typed} --graph {graph}")


def _add_arguments(parser: ArgumentParser) -> None:
    add_task_arguments(parser, "kgbert-model")
    parser.add_argument(
        "--seed",
        type=not_negative,
        default=0,
        metavar="N",
        help="seed of split, weights and order (0)",
    )
    parser.add_argument(
        "--without-graph",
        action="store_true",
        help="save the model without the graph and its names, for example for its licence; the "
        "default where the licence on its card forbids redistribution",
    )
    add_quiet_argument(parser)


TRAIN = Command(
    train,
    _add_arguments,
    example="kgbert train hp.obo --texts notes.csv --backbone bert-base-uncased",
)
