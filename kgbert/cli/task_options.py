"""The arguments by which a command is told of labelled texts and of the model to train."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kgbert.cli.graph_options import add_graph_arguments, add_linker_argument
from kgbert.cli.numbers import positive
from kgbert.texts import Example, read_texts

if TYPE_CHECKING:
    from kgbert.comparing.study import Recipe, Split


def add_task_arguments(parser: ArgumentParser, output: str) -> None:
    """Add graph, texts, backbone and how it is trained."""
    add_graph_arguments(parser)
    texts = parser.add_argument_group("labelled texts (CSV, TSV, JSONL, CoNLL)")
    texts.add_argument("--texts", metavar="FILE", help="one file, of which each seed draws a split")
    for part in ("train", "validation", "test"):
        texts.add_argument(f"--{part}", metavar="FILE", help=f"the {part} texts of your own split")
    texts.add_argument("--text-column", default="text", metavar="NAME", help="column of the text")
    texts.add_argument(
        "--label-column", default="label", metavar="NAME", help="column of the label"
    )
    model = parser.add_argument_group("the model")
    model.add_argument(
        "--backbone", required=True, metavar="NAME", help="a name on the hub, or a folder"
    )
    add_linker_argument(parser)
    model.add_argument("--epochs", type=positive, default=10, metavar="N", help="most epochs (10)")
    model.add_argument(
        "--batch-size", type=positive, default=32, metavar="N", help="texts a step (32)"
    )
    model.add_argument(
        "--max-length", type=positive, default=256, metavar="N", help="longest text in tokens (256)"
    )
    model.add_argument(
        "--pooling",
        choices=("head", "mean"),
        default="head",
        help="what the task head reads: its own position, or the mean of all tokens",
    )
    parser.add_argument(
        "--output", type=Path, default=Path(output), metavar="FOLDER", help=f"({output})"
    )


def split_of(arguments: Namespace, seeds: Sequence[int]) -> "Callable[[int], Split]":
    """Read the labelled texts, and return the split of each seed; those of ``seeds`` are sound."""
    from kgbert.comparing.splits import check_split, drawn_split, fixed_split

    own = [arguments.train, arguments.validation, arguments.test]
    if arguments.texts and not any(own):
        draw = drawn_split(_read(arguments.texts, arguments))
        for seed in seeds:
            check_split(draw(seed))
        return draw
    if all(own) and not arguments.texts:
        train, validation, test = (_read(path, arguments) for path in own)
        return fixed_split(train, validation, test)
    raise ValueError(
        "give the labelled texts either as one file with --texts FILE, of which each seed draws "
        "60 % to train, 20 % to validate and 20 % to test, or as three with --train, --validation "
        "and --test"
    )


def recipe_of(arguments: Namespace) -> "Recipe":
    """Return how to train, as the arguments say."""
    from kgbert.comparing.study import Recipe

    return Recipe(
        epochs=arguments.epochs,
        batch_size=arguments.batch_size,
        max_length=arguments.max_length,
        options={"pooling": arguments.pooling},
    )


def _read(path: str, arguments: Namespace) -> list[Example]:
    return read_texts(
        path,
        text_column=arguments.text_column,
        label_column=arguments.label_column,
        overlaps="longest",
    )
