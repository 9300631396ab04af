"""kgbert compare: does the knowledge help on your task?"""

import json
from argparse import Action, ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

from kgbert.cli.core.argument_types import positive, rates, seconds, sizes
from kgbert.cli.core.checks import check_output
from kgbert.cli.core.command import Command
from kgbert.cli.core.distributed import each_alone
from kgbert.cli.options.study import study_of
from kgbert.cli.options.training import add_task_arguments
from kgbert.comparison.arms.descriptions import KINDS
from kgbert.comparison.arms.roles import check_names
from kgbert.utils.registry import lookup

if TYPE_CHECKING:
    from kgbert.comparison.study import Study

#: The list of arms in the help is broken at this width.
_WIDTH = 78


@each_alone
def compare(arguments: Namespace) -> None:
    """Train plain, augmented and control models on paired seeds, and judge whether it helps."""
    check_output(arguments.output)
    _check_budget(arguments)
    # Imported here and below: these load torch, for which a mistyped argument need not wait.
    from kgbert.comparison.arms.registry import ARMS

    arms = [lookup(ARMS, name.strip(), "arm") for name in arguments.arms.split(",")]
    check_names([arm.name for arm in arms])
    study = study_of(arguments, arms, range(arguments.seeds))
    include = False if arguments.without_graph else None
    study = replace(study, command=_told(arguments), includes_graph=include)
    if arguments.grid:
        study = _tuned(study, arguments.grid)
    if arguments.budget:
        study = _affordable(study, arguments.budget)
    from kgbert.cli.core.results import compare_and_show

    compare_and_show(study, arguments.train_sizes)


class Reproduce(Action):
    """Runs a comparison again as its ``results.json`` says, and tells whether it agrees."""

    def __call__(
        self,
        parser: ArgumentParser,
        namespace: Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        """Run it and end, as --help and --version do: no other argument is needed."""
        path = Path(str(values))
        try:
            parser.exit(_reproduce(path, namespace))
        except (ValueError, OSError) as error:
            parser.exit(1, f"kgbert: {' '.join(str(error).split())}\n")


def _reproduce(path: Path, defaults: Namespace) -> int:
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError) as error:
        what = "no such file" if isinstance(error, FileNotFoundError) else f"no JSON ({error})"
        raise ValueError(
            f"--reproduce {path}: {what}; name a results.json that kgbert compare wrote"
        ) from error
    if not before.get("command"):
        raise ValueError(
            f"{path} does not tell the command it came from, so it cannot be run again from here; "
            "it was not written by kgbert compare, or by an older one: type that command again "
            "with another --output"
        )
    told = {name: _back(value) for name, value in before["command"].items()}
    # Results of an older version do not tell of arguments that it did not have.
    arguments = Namespace(**{**vars(defaults), **told})
    arguments.output = Path(f"{arguments.output}-again")
    compare(arguments)
    from kgbert.comparison.reproduce import agreement

    after = json.loads((arguments.output / "results.json").read_text(encoding="utf-8"))
    found = agreement(before, after)
    print("\n" + "\n".join(found.sentences))
    return 0 if found.agrees else 1


def _back(value: object) -> object:
    """Return an argument as it was: what is written as a list was a tuple."""
    return tuple(value) if isinstance(value, list) else value


def _told(arguments: Namespace) -> dict[str, object]:
    """Return the arguments as they can be written down."""
    told = {name: value for name, value in vars(arguments).items() if name != "command"}
    return {**told, "output": str(arguments.output)}


def _tuned(study: "Study", rates: Sequence[float]) -> "Study":
    from kgbert.cli.core.progress import show_trial
    from kgbert.comparison.tuning import tuned

    return tuned(study, rates, progress=show_trial)


def _check_budget(arguments: Namespace) -> None:
    if arguments.budget and (arguments.grid or arguments.train_sizes != (None,)):
        raise ValueError(
            "--budget plans one comparison, and cannot know what --grid and --train-sizes add to "
            "it; leave either out"
        )


def _affordable(study: "Study", budget: int) -> "Study":
    from functools import partial

    from kgbert.cli.core.progress import show_run
    from kgbert.comparison.budget import within_budget
    from kgbert.comparison.compare import compare as run

    print("timing one run of each arm, unless one was finished before", flush=True)
    planned = within_budget(study, budget, partial(run, progress=show_run))
    print("\n".join(planned.budget), flush=True)
    # Planned again it might come out otherwise; done again it is to be the same.
    fixed = {
        "arms": ",".join(arm.name for arm in planned.arms),
        "seeds": len(planned.seeds),
        "budget": None,
    }
    return replace(planned, command={**planned.command, **fixed})


def _add_arguments(parser: ArgumentParser) -> None:
    add_task_arguments(parser, "kgbert-results")
    parser.add_argument(
        "--arms",
        default="plain,knowledge,shuffled",
        metavar="A,B,C",
        help="what is compared, of the arms below (plain,knowledge,shuffled)",
    )
    parser.add_argument(
        "--seeds",
        type=positive,
        default=6,
        metavar="N",
        help="paired seeds; a verdict needs six (6)",
    )
    parser.add_argument(
        "--reproduce",
        action=Reproduce,
        metavar="RESULTS",
        help="nothing else: run again what this results.json came from, and say whether it agrees",
    )
    parser.add_argument(
        "--budget",
        type=seconds,
        metavar="TIME",
        help="run only the arms and seeds that fit into a time, as in 30m or 2h, and say what is "
        "left out",
    )
    parser.add_argument(
        "--without-graph",
        action="store_true",
        help="leave the graph with its names out of the best model's folder, for its licence",
    )
    parser.add_argument(
        "--train-sizes",
        type=sizes,
        default=(None,),
        metavar="N,N,all",
        help="compare with so many training texts each, as in 50,200,all, on the same test texts "
        "(all)",
    )
    parser.add_argument_group("arms", _arms_told())
    parser.add_argument(
        "--grid",
        type=rates,
        metavar="R,R",
        help="choose each arm's --learning-rate from these, as in 1e-4,4e-4, on the validation "
        "texts of two seeds",
    )


def _arms_told() -> str:
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
