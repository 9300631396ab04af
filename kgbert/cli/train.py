"""kgbert train: one augmented model, saved with its graph."""

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from kgbert.cli.command import Command
from kgbert.cli.graph_options import graph_of
from kgbert.cli.task_options import add_task_arguments, recipe_of, split_of

if TYPE_CHECKING:
    from collections.abc import Mapping


def train(arguments: Namespace) -> None:
    """Fine-tune an encoder that reads the graph, test it once, and save it with its graph."""
    split = split_of(arguments)
    graph = graph_of(arguments)
    from kgbert.cli.progress import ShowEncoding
    from kgbert.comparing.arms import ARMS
    from kgbert.comparing.run import run_arm
    from kgbert.comparing.study import Study
    from kgbert.linking.linkers import make_linker
    from kgbert.modeling.features import encode_entities
    from kgbert.training.folder import save_model

    study = Study(
        name=arguments.output.name,
        folder=arguments.output,
        graph=graph,
        features=encode_entities(graph, arguments.backbone, progress=ShowEncoding()),
        backbone=arguments.backbone,
        linker=make_linker(graph, arguments.linker),
        split=split,
        arms=[ARMS["knowledge"]],
        seeds=[arguments.seed],
        recipes={"knowledge": recipe_of(arguments)},
    )
    trained = run_arm(study, ARMS["knowledge"], arguments.seed)
    scores = {
        f"{part} {name}": f"{value:.3f}"
        for part, metrics in (
            ("Validation", trained.record["validation"]),
            ("Test", trained.record["metrics"]),
        )
        for name, value in metrics.items()
    }
    save_model(arguments.output, trained.model, trained.processor, scores)
    _show(scores)
    print(f'\nmodel  {arguments.output}\ntry    kgbert predict {arguments.output} "a text"')
    print("Whether the graph helped, a single model cannot tell: kgbert compare does.")


def _show(scores: "Mapping[str, str]") -> None:
    for name, value in scores.items():
        print(f"{name.replace('_', ' '):24} {value}")


def _add_arguments(parser: ArgumentParser) -> None:
    add_task_arguments(parser, "kgbert-model")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of everything (0)")


TRAIN = Command(
    train,
    _add_arguments,
    example="kgbert train hp.obo --texts notes.csv --backbone bert-base-uncased",
)
