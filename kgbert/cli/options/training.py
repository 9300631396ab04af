"""Command-line arguments for labelled texts and for the model to train."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kgbert.cli.core.argument_types import learning_rate, positive
from kgbert.cli.core.progress import ProgressReporter
from kgbert.cli.options.graph import add_graph_arguments, graph_of
from kgbert.cli.options.linker import add_linker_arguments, linker_of
from kgbert.cli.options.texts import columns_of
from kgbert.tasks.base import Task
from kgbert.tasks.registry import AUTO, TASKS
from kgbert.training.config import ENCODER_LEARNING_RATE, HEAD_LEARNING_RATE, KNOWLEDGE_SHARE
from kgbert.utils.errors import DataError

if TYPE_CHECKING:
    from kgbert.data.splits import Split
    from kgbert.graph.core.graph import KnowledgeGraph
    from kgbert.linking.mention import Linker
    from kgbert.training.config import TrainingConfig


def add_task_arguments(parser: ArgumentParser, output: str) -> None:
    """Add the arguments for graph, texts, backbone and training."""
    add_graph_arguments(parser)
    _add_texts(parser)
    _add_model(parser)
    add_linker_arguments(parser)
    _add_training(parser)
    parser.add_argument(
        "--output",
        type=Path,
        default=Path(output),
        metavar="FOLDER",
        help=f"folder to write to ({output})",
    )


@dataclass(frozen=True)
class TrainingSources:
    """The arguments of a training or a comparison, read from the command line."""

    task: Task
    split: "Callable[[int], Split]"
    graph: "KnowledgeGraph"
    linker: "Linker"


def training_sources_of(
    arguments: Namespace, seeds: Sequence[int], reporter: ProgressReporter
) -> TrainingSources:
    """Read texts and graph and check the backbone; what is quick to check comes first."""
    task, split = task_and_split_of(arguments, seeds)
    reporter.message(f"reading {arguments.graph}")
    graph = graph_of(arguments)
    # Torch and transformers take seconds to load: the message comes before.
    reporter.message(f"{graph!r}; loading {arguments.backbone}")
    from kgbert.cli.core.checks import check_backbone

    check_backbone(arguments.backbone)
    return TrainingSources(task, split, graph, linker_of(arguments, graph))


def task_and_split_of(
    arguments: Namespace, seeds: Sequence[int]
) -> "tuple[Task, Callable[[int], Split]]":
    """Return the task, and the split by seed; the splits of ``seeds`` are checked."""
    from kgbert.data.splits import check_split
    from kgbert.training.grounding import declared_labels
    from kgbert.training.splits import task_and_splits

    own = [arguments.train, arguments.validation, arguments.test]
    if bool(arguments.texts) == any(own) or not (arguments.texts or all(own)):
        raise DataError(
            "give the labelled texts either as one file with --texts FILE, of which each seed "
            "draws 60 % to train, 20 % to validate and 20 % to test, or as three with --train, "
            "--validation and --test",
            code="texts-not-named",
        )
    task, split = task_and_splits(
        arguments.texts or arguments.train,
        validation=arguments.validation,
        test=arguments.test,
        task=arguments.task,
        columns=columns_of(arguments),
        labels=declared_labels(ground_of(arguments)),
    )
    for seed in seeds:
        check_split(split(seed), task)
    return task, split


def ground_of(arguments: Namespace) -> str | None:
    """Return how the labels are grounded: by the file that names their entities, or by names."""
    given: str | None = arguments.label_entities or arguments.ground
    return given


def training_config_of(arguments: Namespace) -> "TrainingConfig":
    """Return the training configuration that the arguments describe."""
    from kgbert.training.config import TrainingConfig

    return TrainingConfig(
        encoder_learning_rate=arguments.learning_rate,
        head_learning_rate=arguments.head_learning_rate,
        epochs=arguments.epochs,
        batch_size=arguments.batch_size,
        max_length=arguments.max_length,
        options={"pooling": arguments.pooling},
    )


def _add_texts(parser: ArgumentParser) -> None:
    texts = parser.add_argument_group("labelled texts (CSV, TSV, JSONL, CoNLL)")
    texts.add_argument(
        "--texts",
        metavar="FILE",
        help="one file: each seed draws 60 %% of it to train, 20 %% to validate and 20 %% to test",
    )
    for part, purpose in (
        ("train", "to train on"),
        ("validation", "that decide when to stop"),
        ("test", "to test on"),
    ):
        texts.add_argument(
            f"--{part}", metavar="FILE", help=f"or your own split in three files: texts {purpose}"
        )
    texts.add_argument(
        "--task",
        default=AUTO,
        metavar="NAME",
        help=f"{', '.join(TASKS)}, one of an installed package, or auto, which takes it from the "
        "columns of the file (auto)",
    )
    texts.add_argument(
        "--text-column", default="text", metavar="NAME", help="column or key of the text (text)"
    )
    texts.add_argument(
        "--label-column", default="label", metavar="NAME", help="column or key of the label (label)"
    )
    texts.add_argument(
        "--ground",
        choices=("labels",),
        help="compare each text also with the entities that are its possible labels: with their "
        "names, definitions and descendants",
    )
    texts.add_argument(
        "--label-entities",
        metavar="FILE",
        help="the same, with the columns label and entity that name the entities; may contain "
        "labels that no training text has",
    )
    texts.add_argument(
        "--paths",
        type=positive,
        default=0,
        metavar="N",
        help="score also which paths of up to N relations, 1 to 3, lead in the graph to a label "
        "(with --ground), to a choice, or from one argument of a relation to the other",
    )


def _add_model(parser: ArgumentParser) -> None:
    model = parser.add_argument_group("the model")
    model.add_argument(
        "--backbone",
        required=True,
        metavar="NAME",
        help="the encoder to start from: a name on the Hugging Face hub, or a folder",
    )
    model.add_argument(
        "--max-length",
        type=positive,
        default=256,
        metavar="N",
        help="maximum number of tokens of a text; longer texts are truncated (256)",
    )
    model.add_argument(
        "--pooling",
        choices=("head", "mean"),
        default="head",
        help="pooling of a text classifier: its own token, or the mean of all tokens (head)",
    )


def _add_training(parser: ArgumentParser) -> None:
    training = parser.add_argument_group("how it is trained")
    training.add_argument(
        "--epochs",
        type=positive,
        default=10,
        metavar="N",
        help="maximum number of epochs; training stops early if validation does not improve (10)",
    )
    training.add_argument(
        "--batch-size", type=positive, default=32, metavar="N", help="texts per training step (32)"
    )
    for option, default, part in (
        ("--learning-rate", ENCODER_LEARNING_RATE, "the pretrained encoder"),
        (
            "--head-learning-rate",
            HEAD_LEARNING_RATE,
            f"the task head, and {KNOWLEDGE_SHARE:g} of that for what reads knowledge",
        ),
    ):
        training.add_argument(
            option,
            type=learning_rate,
            default=default,
            metavar="RATE",
            help=f"learning rate of {part} ({default:g})",
        )
