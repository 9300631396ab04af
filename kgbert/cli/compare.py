"""kgbert compare: does the knowledge help on your task?"""

from argparse import ArgumentParser, Namespace

from kgbert.cli.command import Command
from kgbert.cli.numbers import positive
from kgbert.cli.study_options import study_of
from kgbert.cli.task_options import add_task_arguments


def compare(arguments: Namespace) -> None:
    """Train plain, augmented and control models on paired seeds, and judge whether it helps."""
    study = study_of(arguments, arguments.arms.split(","), range(arguments.seeds))
    # Imported here: it loads torch, for which a mistyped argument need not wait.
    from kgbert.cli.results import compare_and_show

    compare_and_show(study)


def _add_arguments(parser: ArgumentParser) -> None:
    add_task_arguments(parser, "kgbert-results")
    parser.add_argument(
        "--arms",
        default="plain,knowledge,shuffled",
        metavar="A,B,C",
        help='what is compared (plain,knowledge,shuffled); also "no edges" and "appended text"',
    )
    parser.add_argument(
        "--seeds",
        type=positive,
        default=6,
        metavar="N",
        help="paired seeds; a verdict needs six (6)",
    )


COMPARE = Command(
    compare,
    _add_arguments,
    example="kgbert compare hp.obo --texts notes.csv --backbone bert-base-uncased",
)
