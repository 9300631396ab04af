"""Command-line arguments for labelled texts and for the model to train."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from kgbert.cli.core.argument_types import (
    fraction,
    layers,
    learning_rate,
    not_negative,
    points,
    positive,
    positive_number,
)
from kgbert.cli.core.progress import ProgressReporter
from kgbert.cli.options.graph import add_graph_arguments, graph_of
from kgbert.cli.options.linker import add_linker_arguments, linker_of
from kgbert.cli.options.texts import add_role_argument, columns_of
from kgbert.tasks.base import Task
from kgbert.tasks.registry import AUTO, TASKS
from kgbert.training.config import (
    HEAD_LEARNING_RATE,
    KNOWLEDGE_SHARE,
    WEIGHT_DECAY,
)
from kgbert.utils.errors import DataError

if TYPE_CHECKING:
    from kgbert.data.splits import Split
    from kgbert.graph.core.graph import KnowledgeGraph
    from kgbert.linking.mention import Linker
    from kgbert.training.config import TrainingConfig


def add_task_arguments(parser: ArgumentParser, output: str) -> None:
    """Add the arguments for graph, texts, backbone and training."""
    parser.add_argument(
        "--output",
        type=Path,
        default=Path(output),
        metavar="FOLDER",
        help=f"folder to write to ({output})",
    )
    # In the order in which the help shows them: first what most users need.
    _add_texts(parser)
    _add_model(parser)
    _add_training(parser)
    _add_label_entities(parser)
    add_graph_arguments(parser)
    add_linker_arguments(parser)
    _add_regularization(parser)


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
    reporter.message(f"reading {' and '.join([arguments.graph, *arguments.merge])}")
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
    from kgbert.training.evidence.grounding import declared_labels, read_ground
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
        labels=declared_labels(read_ground(ground_of(arguments))),
    )
    for seed in seeds:
        check_split(split(seed), task)
    return task, split


def ground_of(arguments: Namespace) -> str | None:
    """Return how the labels are grounded: by the file that names their entities, or by names."""
    given: str | None = arguments.label_entities or arguments.ground
    if arguments.label_entities and arguments.ground == "none":
        raise DataError(
            "--label-entities names entities of the labels, and --ground none does not use them. "
            "Leave either out.",
            code="conflicting-options",
        )
    return None if given == "none" else given


def training_config_of(arguments: Namespace) -> "TrainingConfig":
    """Return the training configuration that the arguments describe."""
    from kgbert.training.config import Regularization, TrainingConfig

    measures = {field.name: getattr(arguments, field.name) for field in fields(Regularization)}
    return TrainingConfig(
        encoder_learning_rate=arguments.learning_rate,
        head_learning_rate=arguments.head_learning_rate,
        epochs=arguments.epochs,
        batch_size=arguments.batch_size,
        patience=arguments.patience,
        max_length=arguments.max_length,
        options=_model_options(arguments),
        weight_decay=arguments.weight_decay,
        regularization=Regularization(**measures),
    )


def _model_options(arguments: Namespace) -> dict[str, object]:
    """Return the fields of the model's configuration that the arguments set."""
    options: dict[str, object] = {}
    if arguments.pooling is not None:
        options["pooling"] = arguments.pooling
    if arguments.injected_layers is not None:
        options["injected_layers"] = list(arguments.injected_layers)
    return options


def _add_texts(parser: ArgumentParser) -> None:
    texts = parser.add_argument_group("labelled texts (CSV, TSV, JSONL, CoNLL)")
    texts.add_argument(
        "--texts",
        metavar="FILE",
        help="one file: each seed draws 60 %% of it to train, 20 %% to validate and 20 %% to test; "
        "texts with the same id stay in one part",
    )
    for part, purpose in (
        ("train", "training texts of your own split, together with --validation and --test"),
        ("validation", "validation texts, which decide when training stops"),
        ("test", "test texts"),
    ):
        texts.add_argument(f"--{part}", metavar="FILE", help=purpose)
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
    add_role_argument(texts)


def _add_label_entities(parser: ArgumentParser) -> None:
    labels = parser.add_argument_group("labels and choices that are entities of the graph")
    labels.add_argument(
        "--ground",
        choices=(AUTO, "labels", "none"),
        default=AUTO,
        help="compare each text also with the entities that are its possible labels: with their "
        "names, definitions and descendants; auto does so if at least half of the labels are ids "
        "or names of entities, for text and multi-label classification; labels does so in any "
        "case, also for token classification (auto)",
    )
    labels.add_argument(
        "--label-entities",
        metavar="FILE",
        help="the same, with the columns label and entity that name the entities; may contain "
        "labels that no training text has",
    )
    labels.add_argument(
        "--paths",
        type=not_negative,
        metavar="N",
        help="also score the paths of at most N steps, 1 to 3, that lead in the graph from the "
        "mentioned entities to a grounded label, to a choice, from one argument of a relation to "
        "the other, from one text of a pair to the other, or from the mention of a word to its "
        "classes; 0 for none (1 in token classification, and in multi-label classification with "
        "grounded labels, otherwise none)",
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
        "--features",
        metavar="FILE",
        help="vectors of the entities by id in place of their words: word2vec or GloVe text, .npz "
        "or .safetensors; words,FILE takes both (words)",
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
        help="pooling of a text classifier: its own token, or the mean of all tokens (that of the "
        "checkpoint, else head)",
    )
    model.add_argument(
        "--injected-layers",
        type=layers,
        metavar="N,N|none",
        help="blocks after which knowledge is injected: 1 is the first, -1 the last; none for a "
        "model without knowledge (the upper half)",
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
        "--batch-size",
        type=positive,
        metavar="N",
        help="texts per training step (8, 16 or 32, with at least 40 steps an epoch if possible)",
    )
    training.add_argument(
        "--learning-rate",
        type=learning_rate,
        metavar="RATE",
        help="learning rate of the pretrained encoder (2e-4 up to 384 hidden units, less for wider "
        "encoders: 5e-5 for BERT base)",
    )
    training.add_argument(
        "--head-learning-rate",
        type=learning_rate,
        default=HEAD_LEARNING_RATE,
        metavar="RATE",
        help=f"learning rate of the task head; the knowledge layers use {KNOWLEDGE_SHARE:g} times "
        f"this rate ({HEAD_LEARNING_RATE:g})",
    )


def _add_regularization(parser: ArgumentParser) -> None:
    measures = parser.add_argument_group("measures against overfitting")
    measures.add_argument(
        "--patience",
        type=positive,
        default=3,
        metavar="N",
        help="epochs in succession with a low validation score after which training stops (3)",
    )
    for option, default, purpose in (
        ("--weight-decay", WEIGHT_DECAY, "decay of the weights in each step"),
        ("--l1", 0.0, "factor of the sum of all absolute weights in the loss"),
    ):
        measures.add_argument(
            option, type=points, default=default, metavar="X", help=f"{purpose} ({default:g})"
        )
    for option, purpose in (
        ("--dropout", "dropout in the encoder and its head (that of the checkpoint)"),
        ("--label-smoothing", "share of the target that is spread over all labels (0)"),
        ("--synonym-replacement", "share of mentions replaced by another name in training (0)"),
        ("--sibling-replacement", "share of mentions replaced by a sibling in training (0)"),
        ("--entity-dropout", "share of the entities of a text that are hidden in training (0)"),
    ):
        measures.add_argument(
            option,
            type=fraction,
            default=None if option == "--dropout" else 0.0,
            metavar="SHARE",
            help=purpose,
        )
    measures.add_argument(
        "--class-weights",
        choices=("equal", "balanced"),
        default="equal",
        help="balanced: weight labels inversely to their number in the training texts (equal)",
    )
    measures.add_argument(
        "--frozen-layers",
        type=not_negative,
        default=0,
        metavar="N",
        help="lowest blocks that are not trained, together with the embeddings (0)",
    )
    measures.add_argument(
        "--layer-rate-decay",
        type=positive_number,
        default=1.0,
        metavar="FACTOR",
        help="learning rate of a block in relation to the block above (1)",
    )
