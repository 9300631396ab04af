"""kgbert compare: does the knowledge help on a task?"""

from argparse import Action, ArgumentParser, Namespace
from pathlib import Path
from textwrap import fill

from kgbert.cli.core.argument_types import (
    comma_separated,
    duration,
    learning_rates,
    positive,
    train_sizes,
)
from kgbert.cli.core.checks import check_encoder, check_output
from kgbert.cli.core.command import Command
from kgbert.cli.core.distributed import run_independently
from kgbert.cli.core.output import escape
from kgbert.cli.core.progress import ProgressReporter, add_quiet_argument
from kgbert.cli.options.texts import columns_of
from kgbert.cli.options.training import (
    add_task_arguments,
    ground_of,
    training_config_of,
    training_sources_of,
)
from kgbert.comparison.arms.descriptions import KINDS
from kgbert.comparison.arms.verdict_arms import check_names
from kgbert.utils.errors import KGBertError
from kgbert.utils.paths import RESULTS_FILE

#: Line width of the list of arms in the help.
_WIDTH = 78


@run_independently
def compare(arguments: Namespace) -> None:
    """Train plain, knowledge and control models on paired seeds, and test whether it helps."""
    check_output(arguments.output)
    reporter = ProgressReporter(quiet=arguments.quiet)
    for folder in arguments.pretrained:
        check_encoder(folder, "--pretrained ")
    # Imported here and below, so that a mistyped argument fails before torch is loaded.
    from kgbert.comparison.budget import check_budget
    from kgbert.comparison.compare import compare as compare_arms
    from kgbert.comparison.compare import find_arm

    rates = arguments.learning_rates or ()
    check_budget(
        arguments.budget,
        rates,
        arguments.train_sizes,
        [*arguments.pretrained, *arguments.transfer],
    )
    arms = [find_arm(name) for name in arguments.arms.split(",")]
    check_names([arm.name for arm in arms])
    sources = training_sources_of(arguments, range(arguments.seeds), reporter)
    from kgbert.cli.core.results import print_result, resumable

    with resumable(arguments.output):
        result = compare_arms(
            sources.graph,
            sources.split,
            task=sources.task,
            backbone=arguments.backbone,
            linker=sources.linker,
            ground=ground_of(arguments),
            paths=arguments.paths,
            features=arguments.features,
            arms=arms,
            pretrained=arguments.pretrained,
            transfer=arguments.transfer,
            ablate_sources=arguments.ablate_sources,
            also_test=arguments.also_test,
            columns=columns_of(arguments),
            seeds=arguments.seeds,
            output=arguments.output,
            config=training_config_of(arguments),
            learning_rates=rates,
            train_sizes=arguments.train_sizes,
            budget=arguments.budget,
            include_graph=False if arguments.without_graph else None,
            reporter=reporter,
            command=_recorded(arguments),
        )
    print_result(result, arguments.output)


class Reproduce(Action):
    """Repeats the comparison of a ``results.json``, and prints whether the results agree."""

    def __call__(
        self,
        parser: ArgumentParser,
        namespace: Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        """Run it and exit, like --help and --version, without required arguments."""
        path = Path(str(values))
        try:
            parser.exit(_reproduce(path, namespace))
        except (ValueError, OSError) as error:
            message = error.on_command_line() if isinstance(error, KGBertError) else str(error)
            parser.exit(1, f"kgbert: {escape(' '.join(message.split()))}\n")


def _reproduce(path: Path, defaults: Namespace) -> int:
    from kgbert.comparison.results import ComparisonResult

    before = ComparisonResult.load(path)
    if not before.study.command:
        raise KGBertError(
            f"{path} does not record the command it came from, as it was not written by kgbert "
            "compare; run that command again with another --output.",
            code="unknown-command",
        )
    recorded = {name: _as_argument(value) for name, value in before.study.command.items()}
    # Results of an older version lack newer arguments.
    arguments = Namespace(**{**vars(defaults), **recorded})
    arguments.output = Path(f"{arguments.output}-again")
    # A budget chose arms and seeds by the time they took, which a repetition might not need.
    arguments.arms, arguments.seeds = ",".join(before.study.arms), len(before.study.seeds)
    arguments.budget = None
    compare(arguments)
    from kgbert.comparison.reproduce import agreement

    found = agreement(before, ComparisonResult.load(arguments.output / RESULTS_FILE))
    print("\n" + "\n".join(found.sentences))
    return 0 if found.agrees else 1


def _as_argument(value: object) -> object:
    """Return a recorded argument as it was parsed: JSON writes a tuple as a list."""
    return tuple(value) if isinstance(value, list) else value


def _recorded(arguments: Namespace) -> dict[str, object]:
    """Return the arguments as plain values for JSON."""
    left_out = ("command", "typed")
    recorded = {name: value for name, value in vars(arguments).items() if name not in left_out}
    return {**recorded, "output": str(arguments.output)}


def _add_arguments(parser: ArgumentParser) -> None:
    add_task_arguments(parser, "kgbert-results")
    parser.add_argument(
        "--arms",
        default="plain,knowledge,shuffled",
        metavar="A,B,C",
        help="which of the arms at the end of this help are compared (plain,knowledge,shuffled)",
    )
    parser.add_argument(
        "--seeds",
        type=positive,
        default=6,
        metavar="N",
        help="paired seeds; a verdict needs six (6)",
    )
    parser.add_argument(
        "--budget",
        type=duration,
        metavar="TIME",
        help="run only the arms and seeds that fit into this time, for example 30m or 2h, and list "
        "what is left out",
    )
    add_quiet_argument(parser)
    further = parser.add_argument_group("what else is compared, measured and kept")
    further.add_argument(
        "--learning-rates",
        type=learning_rates,
        metavar="R,R",
        help="choose each arm's --learning-rate from these, for example 1e-4,4e-4, on the "
        "validation texts of two seeds",
    )
    further.add_argument(
        "--train-sizes",
        type=train_sizes,
        default=(None,),
        metavar="N,N,all",
        help="compare with these numbers of training texts, for example 50,200,all, on the same "
        "test texts (all)",
    )
    further.add_argument(
        "--pretrained",
        type=comma_separated,
        default=(),
        metavar="FOLDER,FOLDER",
        help="encoders made by kgbert pretrain; each adds the arms plain-FOLDER and "
        "knowledge-FOLDER, which start from it",
    )
    further.add_argument(
        "--transfer",
        type=comma_separated,
        default=(),
        metavar="MODEL,MODEL",
        help="models made by kgbert train, usually in another domain and with another graph; each "
        "adds the arms plain-MODEL and knowledge-MODEL, which start from its weights",
    )
    further.add_argument(
        "--ablate-sources",
        action="store_true",
        help="also read the graph without each of the sources that --merge joined, to learn which "
        "of them help",
    )
    further.add_argument(
        "--also-test",
        type=comma_separated,
        default=(),
        metavar="FILE,FILE",
        help="further labelled texts that every run is tested on, such as those of another domain",
    )
    further.add_argument(
        "--without-graph",
        action="store_true",
        help="save the best model without the graph and its names, for example for its licence",
    )
    further.add_argument(
        "--reproduce",
        action=Reproduce,
        metavar="RESULTS",
        help="repeat the comparison that wrote this results.json, and print whether the results "
        "agree; no other argument is needed",
    )
    parser.add_argument_group("arms", _describe_arms())


def _describe_arms() -> str:
    """Return every arm with its description, by kind."""
    blocks = []
    for kind, descriptions in KINDS.items():
        lines = [
            fill(description, _WIDTH, initial_indent=f"  {name:<22}", subsequent_indent=" " * 24)
            for name, description in descriptions.items()
        ]
        blocks.append("\n".join([kind, *lines]))
    return "\n".join(blocks)


COMPARE = Command(
    compare,
    _add_arguments,
    example="kgbert compare hp.obo --texts notes.csv --backbone bert-base-uncased",
)
