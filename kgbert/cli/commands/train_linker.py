"""kgbert train-linker: an encoder that knows the graph's synonyms, to link with."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from kgbert.cli.core.argument_types import learning_rate, not_negative, positive
from kgbert.cli.core.checks import check_output
from kgbert.cli.core.command import Command
from kgbert.cli.core.progress import ProgressReporter, add_quiet_argument
from kgbert.cli.options.graph import add_graph_arguments, graph_of
from kgbert.data import Example, read_texts
from kgbert.utils.errors import DataError
from kgbert.utils.paths import LINKER_FILE


def train_linker(arguments: Namespace) -> None:
    """Train an encoder on the graph's synonyms, so that it also links other wordings."""
    check_output(arguments.output, "linker", LINKER_FILE)
    examples = _gold(arguments.validation) if arguments.validation else []
    reporter = ProgressReporter(quiet=arguments.quiet)
    reporter.message(f"reading {arguments.graph}")
    graph = graph_of(arguments)
    reporter.message(f"{graph!r}; loading {arguments.backbone}")
    # Imported here, so that a mistyped argument fails before torch is loaded.
    from kgbert.cli.core.checks import check_backbone

    check_backbone(arguments.backbone)
    from kgbert.linking.embedding.thresholds import with_tuned_threshold
    from kgbert.linking.embedding.training import LinkerTrainingConfig, train_linker

    recipe = LinkerTrainingConfig(
        epochs=arguments.epochs,
        max_pairs=arguments.max_pairs,
        batch_size=arguments.batch_size,
        learning_rate=arguments.learning_rate,
        seed=arguments.seed,
    )
    trained = train_linker(
        graph, arguments.backbone, recipe=recipe, progress=reporter.steps("training, step")
    )
    linker = with_tuned_threshold(trained.linker, examples) if examples else trained.linker
    linker.save(arguments.output)
    first, last = trained.first_and_last_loss
    print(f"{trained.pairs:,} pairs of synonyms; loss {first:.3f} at first, {last:.3f} at last")
    print(f"NIL below a score of {linker.options.threshold:g}")
    print(f"\nlinker  {arguments.output}")
    print(f'try     kgbert link {arguments.graph} "a text" --linker embedding:{arguments.output}')


def _gold(path: str) -> list[Example]:
    examples = read_texts(path, overlaps="longest")
    if not any(span.entity for example in examples for span in example.spans):
        raise DataError(
            f"--validation {path}: no span has an entity; give JSONL whose spans have "
            'an entity, as in {"text": "No fever.", "spans": [{"start": 3, "end": 8, "entity": '
            '"HP:0001945"}]}',
            code="no-gold-links",
        )
    return examples


def _add_arguments(parser: ArgumentParser) -> None:
    add_graph_arguments(parser)
    parser.add_argument(
        "--backbone",
        required=True,
        metavar="NAME",
        help="the encoder to start from: a name on the Hugging Face hub, or a folder",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("kgbert-linker"),
        metavar="FOLDER",
        help="folder to write to (kgbert-linker)",
    )
    parser.add_argument(
        "--validation",
        metavar="FILE",
        help="texts in which every mention is marked with its entity (JSONL); by them the score is "
        "chosen below which nothing is linked",
    )
    training = parser.add_argument_group("how it is trained")
    for option, default, meaning in (
        ("--epochs", 1, "times that pairs of synonyms are drawn"),
        ("--max-pairs", 30_000, "pairs drawn at most each time"),
        ("--batch-size", 128, "pairs compared with each other"),
    ):
        training.add_argument(
            option, type=positive, default=default, metavar="N", help=f"{meaning} ({default:,})"
        )
    training.add_argument(
        "--learning-rate",
        type=learning_rate,
        metavar="RATE",
        help="learning rate (2e-4, less above 384 hidden units)",
    )
    training.add_argument(
        "--seed",
        type=not_negative,
        default=0,
        metavar="N",
        help="seed of pairs, order and dropout (0)",
    )
    add_quiet_argument(parser)


TRAIN_LINKER = Command(
    train_linker,
    _add_arguments,
    example="kgbert train-linker hp.obo --backbone bert-base-uncased --output hpo-linker",
)
