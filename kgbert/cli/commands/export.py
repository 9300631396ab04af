"""kgbert export: write a trained model for a runtime without torch."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from kgbert.cli.core.argument_types import points
from kgbert.cli.core.checks import check_model, check_output
from kgbert.cli.core.command import Command
from kgbert.cli.core.progress import add_quiet_argument
from kgbert.cli.options.model import add_model_argument, add_model_graph_arguments, pipeline_of
from kgbert.cli.options.texts import add_column_arguments, columns_of
from kgbert.utils.errors import KGBertError, Remedy
from kgbert.utils.paths import RUNTIME_FILE


def export(arguments: Namespace) -> None:
    """Write a trained model as an ONNX graph that runs without torch, also as int8."""
    check_output(arguments.onnx, "exported model", RUNTIME_FILE, option="--onnx")
    check_model(arguments.model)
    check_test(arguments)
    # Imported late: it loads torch, for which a mistyped argument need not wait.
    from kgbert.deployment.measure import MAX_LOSS
    from kgbert.deployment.onnx_export import export_onnx

    result = export_onnx(
        pipeline_of(arguments),
        arguments.onnx,
        include_graph=False if arguments.without_graph else None,
        int8=arguments.int8,
        test=arguments.test,
        columns=columns_of(arguments),
        max_loss=MAX_LOSS if arguments.max_loss is None else arguments.max_loss,
    )
    if result.measurements:
        print(f"{result.table()}\n")
    elif arguments.int8:
        print("int8 changes the answers; measure by how much with labelled texts: --test FILE")
    print(f"exported  {result.folder}")
    print(
        f'try       python -c "import kgbert.runtime; print(kgbert.runtime.load('
        f"'{result.folder}')(['a text']))\""
    )


def _add_arguments(parser: ArgumentParser) -> None:
    add_model_argument(parser)
    parser.add_argument(
        "--onnx", type=Path, required=True, metavar="FOLDER", help="folder to write to"
    )
    parser.add_argument(
        "--int8",
        action="store_true",
        help="store weights as 8-bit integers: smaller and mostly faster, with slightly other "
        "answers",
    )
    add_test_arguments(parser)
    add_column_arguments(parser)
    parser.add_argument(
        "--without-graph",
        action="store_true",
        help="leave the graph with its names out of the folder, for its licence",
    )
    add_model_graph_arguments(parser)
    add_quiet_argument(parser)


def add_test_arguments(parser: ArgumentParser) -> None:
    """Add the arguments for measuring a changed model."""
    parser.add_argument(
        "--test",
        metavar="FILE",
        help="labelled texts, to measure the change of size, speed and scores",
    )
    parser.add_argument(
        "--max-loss",
        type=points,
        metavar="POINTS",
        help="largest accepted loss of the main metric on these texts (1)",
    )


def check_test(arguments: Namespace) -> None:
    """Raise KGBertError where a loss is limited that is not measured."""
    if arguments.max_loss is not None and arguments.test is None:
        raise KGBertError(
            "the accepted loss is measured on labelled texts, and none are given.",
            code="loss-without-texts",
            remedies=[Remedy("test", purpose="with labelled texts")],
        )


EXPORT = Command(
    export,
    _add_arguments,
    example="kgbert export kgbert-model --onnx small --int8 --test notes.csv",
)
