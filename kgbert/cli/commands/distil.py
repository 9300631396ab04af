"""kgbert distil: train a smaller student of a trained model."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from kgbert.cli.commands.export import add_test_arguments, check_test
from kgbert.cli.core.argument_types import learning_rate, not_negative, positive, share
from kgbert.cli.core.checks import check_model, check_output
from kgbert.cli.core.command import Command
from kgbert.cli.core.progress import ProgressReporter, add_quiet_argument
from kgbert.cli.options.graph import add_reading_arguments, graph_of
from kgbert.cli.options.texts import add_column_arguments, columns_of
from kgbert.utils.paths import SETTINGS_FILE


def distil(arguments: Namespace) -> None:
    """Train a smaller student that answers like a trained model, also without the graph."""
    check_output(arguments.output, "model", SETTINGS_FILE)
    check_model(arguments.model)
    check_test(arguments)
    # Imported late: it loads torch, for which a mistyped argument need not wait.
    from kgbert.deployment.distillation import distil as distil_model
    from kgbert.deployment.measure import MAX_LOSS
    from kgbert.training.config import TrainingConfig
    from kgbert.utils.logging import silence_libraries

    silence_libraries()
    result = distil_model(
        arguments.model,
        arguments.texts,
        output=arguments.output,
        layers=arguments.layers,
        width=arguments.width,
        with_graph=not arguments.without_graph,
        test=arguments.test,
        columns=columns_of(arguments),
        max_loss=MAX_LOSS if arguments.max_loss is None else arguments.max_loss,
        config=TrainingConfig(
            encoder_learning_rate=arguments.learning_rate,
            epochs=arguments.epochs,
            batch_size=arguments.batch_size,
        ),
        seed=arguments.seed,
        graph=graph_of(arguments) if arguments.graph else None,
        reporter=ProgressReporter(quiet=arguments.quiet),
    )
    if result.measurements:
        print(f"\n{result.table()}\n")
    else:
        print("a student answers differently; measure by how much with labelled texts: --test FILE")
    graph = "with" if result.reads_graph else "without"
    print(f"student  {result.folder}   ({result.description}, {graph} the graph)")
    print(f'try      kgbert predict {result.folder} "a text"')


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "model", metavar="MODEL", help="folder of a model that train, compare, tune or demo saved"
    )
    parser.add_argument(
        "--texts",
        required=True,
        metavar="FILE",
        help="texts of the domain to learn from; labels are not needed and not read",
    )
    parser.add_argument(
        "--layers",
        type=not_negative,
        metavar="N",
        help="number of blocks of the student (half of the teacher's; all with --width or "
        "--without-graph); 0 for static embeddings of the tokens, which know no order",
    )
    parser.add_argument(
        "--width",
        type=share,
        default=1.0,
        metavar="SHARE",
        help="share of the attention heads and feed-forward neurons of each block to keep (1)",
    )
    parser.add_argument(
        "--without-graph",
        action="store_true",
        help="make a plain student, which reads no graph and links nothing",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("kgbert-student"),
        metavar="FOLDER",
        help="folder to write to (kgbert-student)",
    )
    add_test_arguments(parser)
    add_column_arguments(parser)
    for option, default, purpose in (
        ("--epochs", 10, "number of epochs"),
        ("--batch-size", 32, "texts per step"),
    ):
        parser.add_argument(
            option, type=positive, default=default, metavar="N", help=f"{purpose} ({default})"
        )
    parser.add_argument(
        "--learning-rate",
        type=learning_rate,
        metavar="RATE",
        help="learning rate of the encoder (2e-4, less above 384 hidden units)",
    )
    parser.add_argument(
        "--seed", type=not_negative, default=0, metavar="N", help="seed of the order of texts (0)"
    )
    parser.add_argument(
        "--graph", metavar="FILE", help="the graph, for a model that was saved without it"
    )
    add_reading_arguments(parser)
    add_quiet_argument(parser)


DISTIL = Command(
    distil,
    _add_arguments,
    example="kgbert distil kgbert-model --texts notes.csv --layers 3 --test test.csv",
)
