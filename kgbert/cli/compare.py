"""kgbert compare: does the knowledge help on your task?"""

import json
from argparse import Action, ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from kgbert.cli.command import Command
from kgbert.cli.numbers import positive, rates, sizes
from kgbert.cli.study_options import study_of
from kgbert.cli.task_options import add_task_arguments

if TYPE_CHECKING:
    from kgbert.comparing.study import Study


def compare(arguments: Namespace) -> None:
    """Train plain, augmented and control models on paired seeds, and judge whether it helps."""
    study = study_of(arguments, arguments.arms.split(","), range(arguments.seeds))
    study = replace(study, command=_told(arguments))
    if arguments.grid:
        study = _tuned(study, arguments.grid)
    # Imported here: it loads torch, for which a mistyped argument need not wait.
    from kgbert.cli.results import compare_and_show

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
            parser.exit(_reproduce(path))
        except (ValueError, OSError) as error:
            parser.exit(1, f"kgbert: {' '.join(str(error).split())}\n")


def _reproduce(path: Path) -> int:
    before = json.loads(path.read_text(encoding="utf-8"))
    if not before.get("command"):
        raise ValueError(
            f"{path} does not tell the command it came from, so it cannot be run again from here; "
            "it was not written by kgbert compare, or by an older one: type that command again "
            "with another --output"
        )
    told = {name: _back(value) for name, value in before["command"].items()}
    arguments = Namespace(**told)
    arguments.output = Path(f"{arguments.output}-again")
    compare(arguments)
    from kgbert.comparing.agreement import agreement

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
    from kgbert.cli.progress import show_trial
    from kgbert.comparing.tuning import tuned

    return tuned(study, rates, progress=show_trial)


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
    parser.add_argument(
        "--reproduce",
        action=Reproduce,
        metavar="RESULTS",
        help="nothing else: run again what this results.json came from, and say whether it agrees",
    )
    parser.add_argument(
        "--train-sizes",
        type=sizes,
        default=(None,),
        metavar="N,N,all",
        help="compare with so many training texts each, as in 50,200,all, on the same test texts "
        "(all)",
    )
    parser.add_argument(
        "--grid",
        type=rates,
        metavar="R,R",
        help="choose each arm's --learning-rate from these, as in 1e-4,4e-4, on the validation "
        "texts of two seeds",
    )


COMPARE = Command(
    compare,
    _add_arguments,
    example="kgbert compare hp.obo --texts notes.csv --backbone bert-base-uncased",
)
