"""kgbert tune: search for training settings until a requirement is met."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path

from kgbert.cli.commands.train import TRAIN
from kgbert.cli.core.argument_types import comma_separated, duration, positive
from kgbert.cli.core.checks import check_output
from kgbert.cli.core.command import Command
from kgbert.cli.core.distributed import run_independently
from kgbert.cli.core.parser import Parser
from kgbert.cli.core.progress import ProgressReporter, add_quiet_argument
from kgbert.cli.options.training import (
    add_task_arguments,
    ground_of,
    training_config_of,
    training_sources_of,
)
from kgbert.utils.paths import MODEL_FOLDER, RESULTS_FILE

#: Options of a search that a training lacks, or has with another meaning.
_OWN = ("--output", "--quiet")


@run_independently
def tune(arguments: Namespace) -> None:
    """Search for training settings until a requirement is met, and test the best ones once."""
    check_output(arguments.output)
    reporter = ProgressReporter(quiet=arguments.quiet)
    # Imported here and below, so that a mistyped argument fails before torch is loaded.
    from kgbert.tuning.results import Requirement
    from kgbert.tuning.space import default_space, read_space

    if arguments.until is not None:
        Requirement.parse(arguments.until)
    space = read_space(arguments.space) if arguments.space else None
    sources = training_sources_of(arguments, [0], reporter)
    if arguments.until is not None:
        Requirement.parse(arguments.until).check(sources.task)
    if space is None:
        chosen = {name.removeprefix("--").replace("-", "_") for name in _options(arguments.typed)}
        usual = default_space(sources.task)
        space = {name: values for name, values in usual.items() if name not in chosen}
    from kgbert.cli.core.results import resumable
    from kgbert.tuning.tune import tune as search

    with resumable(arguments.output):
        result = search(
            sources.graph,
            sources.split,
            task=sources.task,
            backbone=arguments.backbone,
            until=arguments.until,
            budget=arguments.budget,
            trials=arguments.trials,
            space=space,
            search=arguments.search,
            arms=arguments.arms,
            seeds=arguments.seeds,
            linker=sources.linker,
            ground=ground_of(arguments),
            paths=arguments.paths,
            features=arguments.features,
            config=training_config_of(arguments),
            output=arguments.output,
            reporter=reporter,
            command=["kgbert", "train", *_train_arguments(arguments.typed)],
        )
    print(f"\n{result.table()}\n")
    print(f"results  {arguments.output / RESULTS_FILE}")
    model = arguments.output / MODEL_FOLDER
    if model.is_dir():
        print(f'model    {model}\ntry      kgbert predict {model} "a text"')


def _options(typed: Sequence[str]) -> list[str]:
    return [word.partition("=")[0] for word in typed if word.startswith("--")]


def _train_arguments(typed: Sequence[str]) -> list[str]:
    """Return the typed arguments without those that kgbert train does not take."""
    known = _known_options(TRAIN)
    taken = [words for words in _grouped(typed[1:]) if _is_taken(words[0], known)]
    return [word for words in taken for word in words]


def _is_taken(first: str, known: Sequence[str]) -> bool:
    option = first.partition("=")[0]
    return not option.startswith("-") or (option in known and option not in _OWN)


def _known_options(command: Command) -> list[str]:
    parser = Parser()
    command.add_arguments(parser)
    return [name for action in parser._actions for name in action.option_strings]


def _grouped(typed: Sequence[str]) -> Iterator[list[str]]:
    """Yield each option with its values, and each positional argument."""
    parser = Parser()
    TUNE.add_arguments(parser)
    actions = {name: action for action in parser._actions for name in action.option_strings}
    words = list(typed)
    while words:
        group = [words.pop(0)]
        action = actions.get(group[0])
        if action is not None and action.nargs is None:
            group += [words.pop(0)]
        yield group


def _add_arguments(parser: ArgumentParser) -> None:
    add_task_arguments(parser, "kgbert-tuning")
    group = parser.add_argument_group("the search")
    group.add_argument(
        "--until",
        metavar="METRIC>=X",
        help="stop when the best configuration reaches this score on the validation texts, for "
        "example accuracy>=0.85 (between quotes in a shell)",
    )
    group.add_argument(
        "--budget",
        type=duration,
        metavar="TIME",
        help="time of all trainings together, for example 30m or 4h",
    )
    group.add_argument(
        "--trials",
        type=positive,
        metavar="N",
        help="maximum number of configurations of each arm (20, with --budget unlimited)",
    )
    group.add_argument(
        "--search",
        choices=("grid", "random", "bayesian"),
        help="how configurations are chosen (bayesian if optuna is installed, else random)",
    )
    group.add_argument(
        "--space",
        type=Path,
        metavar="FILE",
        help="TOML or JSON file with the values of each searched option, for example batch_size = "
        "[8, 16]; without it, common options that are not typed are searched",
    )
    group.add_argument(
        "--arms",
        type=comma_separated,
        default=("knowledge",),
        metavar="A,B",
        help="knowledge, plain, or both with as many trials each (knowledge)",
    )
    group.add_argument(
        "--seeds",
        type=positive,
        default=2,
        metavar="N",
        help="trainings of a promising configuration, whose mean score counts (2)",
    )
    add_quiet_argument(parser)


TUNE = Command(
    tune,
    _add_arguments,
    example="kgbert tune hp.obo --texts notes.csv --backbone bert-base-uncased "
    "--until 'accuracy>=0.85' --budget 4h",
)
