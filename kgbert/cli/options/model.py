"""Command-line arguments for a trained model, and for the graph that it reads."""

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from kgbert.cli.core.argument_types import comma_separated
from kgbert.cli.core.checks import check_model
from kgbert.cli.options.graph import add_reading_arguments, graph_of
from kgbert.utils.paths import GRAPH_FILE

if TYPE_CHECKING:
    from kgbert.graph.core.graph import KnowledgeGraph
    from kgbert.training.pipeline import KGBertPipeline


def add_model_argument(parser: ArgumentParser) -> None:
    """Add the argument for the folder of a trained model."""
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="folder of a model that train, compare or demo saved, or its name user/model on the "
        "Hugging Face Hub",
    )


def add_model_graph_arguments(parser: ArgumentParser) -> None:
    """Add the arguments for the graph of a trained model, and for reading it."""
    parser.add_argument(
        "--graph",
        metavar="FILE",
        help="another graph to answer by, without training, for example a newer release; or the "
        "graph of a model that was saved without it",
    )
    parser.add_argument(
        "--relation-mapping",
        type=_relation_mapping,
        metavar="A=B,C=D",
        help="relations of this graph and the relations of the model that mean the same; others "
        "are not read (found by id, name and meaning)",
    )
    parser.add_argument(
        "--features",
        metavar="FILE",
        help="where the vectors of other tools are now with which the model was trained: the same "
        "FILE, or words,FILE (where they were then)",
    )
    parser.add_argument(
        "--sources",
        type=comma_separated,
        metavar="A,B",
        help="sources of a merged graph that are read; the others are switched off",
    )
    add_reading_arguments(parser)


def add_parents_argument(parser: ArgumentParser) -> None:
    """Add the argument for labels of a hierarchy."""
    parser.add_argument(
        "--with-parents",
        action="store_true",
        help="predict every label above a predicted one as well (multi-label classification with "
        "labels that are entities)",
    )


def pipeline_of(arguments: Namespace, *, bf16: bool = False) -> "KGBertPipeline":
    """Return the pipeline of a saved model, with the graph that the arguments name."""
    # Before torch is loaded, for which a mistyped name need not wait.
    folder = check_model(arguments.model)
    from kgbert.training.pipeline import pipeline
    from kgbert.utils.logging import silence_libraries

    silence_libraries()
    model = pipeline(folder, graph=_graph_left_out(folder, arguments), bf16=bf16)
    graph = graph_of(arguments) if arguments.graph else model.graph
    if arguments.sources:
        from kgbert.graph.core.sources import select_sources

        graph = select_sources(graph, arguments.sources)
    if graph.hash == model.graph.hash:
        return model
    model = model.with_graph(
        graph, features=arguments.features, relation_mapping=arguments.relation_mapping
    )
    if not arguments.quiet and model.transfer is not None:
        print(model.transfer.summary(), file=sys.stderr)
    return model


def _graph_left_out(folder: Path, arguments: Namespace) -> "KnowledgeGraph | None":
    """Return the graph of a model that was saved without it; None if the folder has it."""
    # Without its names, an older release looks like another graph.
    has_graph = (folder / GRAPH_FILE).exists()
    return None if has_graph or not arguments.graph else graph_of(arguments)


def _relation_mapping(typed: str) -> dict[str, str]:
    pairs = [each.partition("=")[::2] for each in comma_separated(typed)] if typed else []
    if wrong := [each for each in pairs if not all(each)]:
        raise ArgumentTypeError(
            f"invalid relation {wrong[0][0]!r}; expected the relation of the graph and that of "
            "the model, for example may_treat=treats"
        )
    return dict(pairs)
