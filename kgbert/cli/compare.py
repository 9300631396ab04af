"""kgbert compare: does the knowledge help on your task?"""

from argparse import ArgumentParser, Namespace

from kgbert.cli.command import Command
from kgbert.cli.graph_options import graph_of
from kgbert.cli.task_options import add_task_arguments, recipe_of, split_of


def compare(arguments: Namespace) -> None:
    """Train plain, augmented and control models on paired seeds, and judge whether it helps."""
    # The texts before torch, which takes longer to load: a mistyped name is answered at once.
    split = split_of(arguments)
    graph = graph_of(arguments)
    from kgbert.cli.progress import ShowEncoding
    from kgbert.cli.results import compare_and_show
    from kgbert.comparing.arms import ARMS
    from kgbert.comparing.study import Study
    from kgbert.linking.linkers import make_linker
    from kgbert.lookup import lookup
    from kgbert.modeling.features import encode_entities

    arms = [lookup(ARMS, name.strip(), "arm") for name in arguments.arms.split(",")]
    study = Study(
        name=arguments.output.name,
        folder=arguments.output,
        graph=graph,
        features=encode_entities(graph, arguments.backbone, progress=ShowEncoding()),
        backbone=arguments.backbone,
        linker=make_linker(graph, arguments.linker),
        split=split,
        arms=arms,
        seeds=range(arguments.seeds),
        recipes={arm.name: recipe_of(arguments) for arm in arms},
    )
    compare_and_show(study)


def _add_arguments(parser: ArgumentParser) -> None:
    add_task_arguments(parser, "kgbert-results")
    parser.add_argument(
        "--arms",
        default="plain,knowledge,shuffled",
        metavar="A,B,C",
        help="also: no edges, appended text (plain,knowledge,shuffled)",
    )
    parser.add_argument(
        "--seeds", type=int, default=6, metavar="N", help="paired seeds, six at least (6)"
    )


COMPARE = Command(
    compare,
    _add_arguments,
    example="kgbert compare hp.obo --texts notes.csv --backbone bert-base-uncased",
)
