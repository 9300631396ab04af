"""kgbert pretrain: an encoder that has read the texts of a domain, or its graph."""

from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgbert.cli.core.argument_types import (
    comma_separated,
    fraction,
    layers,
    learning_rate,
    not_negative,
    positive,
    positive_number,
)
from kgbert.cli.core.command import Command
from kgbert.cli.core.progress import ProgressReporter, add_quiet_argument
from kgbert.cli.options.graph import add_reading_arguments, graph_of
from kgbert.cli.options.linker import add_linker_arguments, linker_of
from kgbert.cli.options.texts import columns_of
from kgbert.utils.errors import KGBertError, Remedy

if TYPE_CHECKING:
    from kgbert.graph.core.graph import KnowledgeGraph
    from kgbert.pretraining.config import PretrainingConfig
    from kgbert.pretraining.output import PretrainedEncoder


def pretrain(arguments: Namespace) -> None:
    """Continue pretraining on texts, on texts with the graph as input, or on the graph alone."""
    _check_inputs(arguments)
    # Imported here, so that a mistyped argument fails before torch is loaded.
    from kgbert.cli.core.checks import check_encoder
    from kgbert.pretraining.output import check_output_folder
    from kgbert.utils.device import process_state

    check_output_folder(arguments.output)
    is_main_process = process_state().is_main_process
    reporter = ProgressReporter(quiet=arguments.quiet or not is_main_process)
    graph = None
    if arguments.graph:
        reporter.message(f"reading {arguments.graph}")
        graph = graph_of(arguments)
        reporter.message(repr(graph))
    check_encoder(arguments.backbone, "--backbone ")
    reporter.message(f"loading {arguments.backbone}")
    try:
        if arguments.corpus:
            encoder = _on_texts(arguments, graph, reporter)
        else:
            assert graph is not None
            learn = _on_edges if arguments.link_prediction else _on_graph
            encoder = learn(arguments, graph, reporter)
    except KeyboardInterrupt:
        print(f"\nstopped; the same command continues in {arguments.output}")
        raise
    if is_main_process:
        _show(encoder)


def _check_inputs(arguments: Namespace) -> None:
    if not arguments.corpus and not arguments.graph:
        raise KGBertError(
            "nothing to learn from: give a corpus (kgbert pretrain notes.txt ...), or a graph.",
            code="nothing-to-pretrain-on",
            remedies=[Remedy("graph", purpose="to learn from a graph in words")],
        )
    unused = [name for name in ("exclude", "injected_layers") if getattr(arguments, name)]
    if not arguments.corpus and unused:
        raise KGBertError(
            f"--{unused[0].replace('_', '-')} belongs to pretraining on texts, and no corpus is "
            "given; leave it out, or name a corpus.",
            code="conflicting-options",
        )
    if arguments.link_prediction and arguments.pairs:
        raise KGBertError(
            "--link-prediction trains the graph encoder, and --pairs the encoder of texts; leave "
            "out one of them. Both can follow each other: pretrain on one, and give the result to "
            "--backbone.",
            code="conflicting-options",
        )
    if arguments.corpus and arguments.pairs:
        raise KGBertError(
            "--pairs belongs to pretraining on a graph, and a corpus is given; leave out one of "
            "them. Both can follow each other: pretrain on one, and give the result to --backbone.",
            code="conflicting-options",
        )


def _on_texts(
    arguments: Namespace, graph: "KnowledgeGraph | None", reporter: ProgressReporter
) -> "PretrainedEncoder":
    from kgbert.pretraining.config import MaskingConfig, PretrainingConfig
    from kgbert.pretraining.pretrain import pretrain
    from kgbert.pretraining.texts.corpus import open_corpus

    paths = [Path(path) for path in arguments.corpus]
    columns = {name: x for name, x in columns_of(arguments).items() if name != x}
    if skipped := open_corpus(paths, columns).skipped:
        kinds = ", ".join(f"{count} x {suffix}" for suffix, count in skipped.items())
        reporter.message(f"skipped files that are no texts: {kinds}")
    return pretrain(
        paths,
        backbone=arguments.backbone,
        output=arguments.output,
        graph=graph,
        columns=columns,
        exclude=[Path(path) for path in arguments.exclude] or None,
        linker="dictionary" if graph is None else linker_of(arguments, graph),
        masking=MaskingConfig(
            probability=arguments.mask_probability,
            whole_words=not arguments.mask_tokens,
            whole_mentions=not arguments.mask_tokens,
            packing="lines" if arguments.line_by_line else "blocks",
        ),
        config=_config_of(arguments, PretrainingConfig(options=_model_options(arguments))),
        reporter=reporter,
    )


def _on_graph(
    arguments: Namespace, graph: "KnowledgeGraph", reporter: ProgressReporter
) -> "PretrainedEncoder":
    from kgbert.pretraining.config import GRAPH_CONFIG
    from kgbert.pretraining.ontology import pretrain_on_graph
    from kgbert.pretraining.pairs import DEFAULT_PAIRS

    return pretrain_on_graph(
        graph,
        backbone=arguments.backbone,
        output=arguments.output,
        pairs=arguments.pairs or DEFAULT_PAIRS,
        config=_config_of(arguments, GRAPH_CONFIG),
        reporter=reporter,
    )


def _on_edges(
    arguments: Namespace, graph: "KnowledgeGraph", reporter: ProgressReporter
) -> "PretrainedEncoder":
    from kgbert.pretraining.config import EDGE_CONFIG
    from kgbert.pretraining.link_prediction import pretrain_graph_encoder

    return pretrain_graph_encoder(
        graph,
        backbone=arguments.backbone,
        output=arguments.output,
        config=_config_of(arguments, EDGE_CONFIG),
        reporter=reporter,
    )


def _model_options(arguments: Namespace) -> dict[str, object]:
    """Return the fields of the model's configuration that the arguments set."""
    given = arguments.injected_layers
    return {} if given is None else {"injected_layers": list(given)}


def _config_of(arguments: Namespace, defaults: "PretrainingConfig") -> "PretrainingConfig":
    """Return the settings that the arguments describe; others have the defaults."""
    names = (
        "epochs",
        "max_steps",
        "batch_size",
        "gradient_accumulation",
        "learning_rate",
        "link_prediction",
        "max_length",
        "held_out",
        "evaluations",
        "patience",
        "seed",
    )
    given = {name: value for name in names if (value := getattr(arguments, name)) is not None}
    return replace(defaults, **given)


def _show(encoder: "PretrainedEncoder") -> None:
    from kgbert.pretraining.card import measures_text
    from kgbert.reporting.formatting import counted, duration

    record = encoder.record
    before, after = record.before_and_after
    if record.corpus and record.corpus.excluded_texts:
        print(f"left out of the corpus: {counted(record.corpus.excluded_texts, 'text')}")
    print(f"{record.objective}: {counted(record.steps, 'step')} in {duration(record.seconds)}")
    print(f"before   {measures_text(before)}")
    print(f"after    {measures_text(after)}   (step {after.step:,}, the best)")
    if not record.improved:
        print("The held-out loss did not improve; try more data or a lower --learning-rate.")
    print(f"\nencoder  {encoder.folder}")
    print(f"use      --backbone {encoder.folder} with train or compare; or compare it with the")
    print(f"         encoder it was made from: kgbert compare ... --pretrained {encoder.folder}")


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "corpus",
        nargs="*",
        metavar="CORPUS",
        help="files or folders of texts (.txt, .jsonl, .csv ..., also .gz); without any, the "
        "encoder is pretrained on the graph itself",
    )
    parser.add_argument(
        "--backbone",
        required=True,
        metavar="NAME",
        help="the encoder to start from: a name on the Hugging Face hub, or a folder",
    )
    parser.add_argument(
        "--graph",
        metavar="GRAPH",
        help="with a corpus: read it at the mentions of its entities, which are masked as a whole; "
        "without: learn from its names, definitions and edges",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("kgbert-encoder"),
        metavar="FOLDER",
        help="folder to write to (kgbert-encoder)",
    )
    _add_corpus_arguments(parser)
    _add_training_arguments(parser)
    add_reading_arguments(parser)
    add_linker_arguments(parser)
    add_quiet_argument(parser)


def _add_corpus_arguments(parser: ArgumentParser) -> None:
    texts = parser.add_argument_group("what is learnt")
    texts.add_argument(
        "--text-column", default="text", metavar="NAME", help="column or key of the text (text)"
    )
    texts.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="FILE",
        help="leave out the texts of this file, such as the test texts of a task; may be repeated",
    )
    texts.add_argument(
        "--line-by-line",
        action="store_true",
        help="give each text its own row, instead of rows filled with consecutive texts",
    )
    texts.add_argument(
        "--mask-probability",
        type=fraction,
        default=0.15,
        metavar="SHARE",
        help="share of the tokens that are masked (0.15)",
    )
    texts.add_argument(
        "--mask-tokens",
        action="store_true",
        help="mask single tokens, instead of whole words and whole mentions of the graph",
    )
    texts.add_argument(
        "--injected-layers",
        type=layers,
        metavar="N,N|none",
        help="with a corpus and a graph: blocks after which the graph is read; none only to mask "
        "and measure its mentions (the upper half)",
    )
    texts.add_argument(
        "--link-prediction",
        type=positive_number,
        metavar="WEIGHT",
        help="with a corpus and a graph: weight of a second loss, which predicts hidden edges of "
        "the graph; without a corpus: train only the graph encoder, by this loss",
    )
    texts.add_argument(
        "--pairs",
        type=comma_separated,
        metavar="A,B",
        help="without a corpus: what a name is paired with (synonym,definition,parent,relation), "
        "or identity, a control that pairs each name with itself",
    )


def _add_training_arguments(parser: ArgumentParser) -> None:
    training = parser.add_argument_group("how it is trained")
    options: tuple[tuple[str, Any, str, str], ...] = (
        (
            "--epochs",
            positive_number,
            "N",
            "maximum number of passes over the data (3; graph 5; edges 10)",
        ),
        ("--max-steps", positive, "N", "maximum number of steps (no limit)"),
        ("--batch-size", positive, "N", "rows, pairs or edges per pass (32; graph 128; edges 256)"),
        ("--gradient-accumulation", positive, "N", "forward passes per step (1)"),
        (
            "--learning-rate",
            learning_rate,
            "RATE",
            "highest learning rate (1e-4; graph 5e-5; edges 1e-3)",
        ),
        ("--max-length", positive, "N", "maximum number of tokens of a row (128; graph 64)"),
        ("--held-out", fraction, "SHARE", "share of the texts or entities held out (0.05)"),
        ("--evaluations", positive, "N", "evaluations on the held-out data (20)"),
        ("--patience", positive, "N", "evaluations without improvement before it stops (3)"),
        ("--seed", not_negative, "N", "seed of order, masks and new weights (0)"),
    )
    for option, kind, metavar, description in options:
        training.add_argument(option, type=kind, metavar=metavar, help=description)


PRETRAIN = Command(
    pretrain,
    _add_arguments,
    example="kgbert pretrain notes.txt --graph hp.obo --backbone bert-base-uncased --output domain",
)
