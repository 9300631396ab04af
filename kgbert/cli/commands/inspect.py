"""kgbert inspect: size and health of a graph, and how much of some texts it reaches."""

import json
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

from kgbert.cli.core.command import Command
from kgbert.cli.core.progress import add_quiet_argument
from kgbert.cli.options.graph import add_graph_arguments, graph_of
from kgbert.cli.options.linker import add_linker_arguments, linker_of
from kgbert.cli.options.texts import add_role_argument, columns_of
from kgbert.data import Columns, read_examples, read_records, read_texts
from kgbert.utils.errors import DataError

if TYPE_CHECKING:
    from kgbert.features.feature_sources import VectorReport
    from kgbert.graph.core.graph import KnowledgeGraph
    from kgbert.linking.analysis.coverage import Coverage
    from kgbert.linking.analysis.label_leakage import GoldLabels
    from kgbert.linking.grounding import Grounding
    from kgbert.linking.mention import Linker

#: Width at which sentences wrap in a terminal.
WIDTH = 100


def inspect(arguments: Namespace) -> None:
    """Show the size of a graph, what may be wrong with it, and how much of texts it reaches."""
    texts = _texts_of(arguments)
    graph = graph_of(arguments)
    linker = linker_of(arguments, graph) if texts else None
    found = _coverage_of(texts, graph, linker) if linker else None
    labelled = _gold_labels_of(arguments) if linker else None
    grounding = _grounding_of(labelled, graph) if labelled else None
    warnings = (
        _warnings(labelled, grounding, graph, linker) if labelled and grounding and linker else []
    )
    vectors = _vectors_of(arguments, graph)
    if arguments.html:
        # Imported here, like everything that reads the graph, so that --help does not load it.
        from kgbert.linking.analysis.graph_report import write_graph_report

        write_graph_report(graph, arguments.html, coverage=found, warnings=warnings)
    health = graph.health()
    if arguments.json:
        report = json.loads(health.json())
        report |= {"coverage": found.as_dict()} if found else {}
        report |= {"labels": [asdict(label) for label in grounding.labels]} if grounding else {}
        report |= {"warnings": warnings} if labelled else {}
        report |= {"features": asdict(vectors)} if vectors else {}
        print(json.dumps(report, indent=2))
        return
    print(health)
    if found:
        print(f"\n{arguments.texts}\n{found}")
    if grounding:
        _show_labels(grounding, graph)
    for warning in warnings:
        print(f"\n{fill(f'Warning: {warning}', WIDTH)}")
    if vectors:
        print(f"\nfeatures\n{vectors.summary()}")
    if arguments.html:
        print(f"\npage  {arguments.html}")


def _show_labels(grounding: "Grounding", graph: "KnowledgeGraph") -> None:
    print(f"\nlabels\n{grounding.summary(graph)}")
    if grounding.is_recommended:
        print(
            fill(
                "A classifier of texts will also compare each text with the names, definitions and "
                "descendants of these entities, which can help whatever the texts mention; "
                "--ground none switches it off.",
                WIDTH,
            )
        )


def _texts_of(arguments: Namespace) -> list[str]:
    # Read before the graph, which can take longer, so that a mistyped name fails at once.
    if not arguments.texts:
        return []
    examples = read_texts(arguments.texts, columns=columns_of(arguments), overlaps="longest")
    return [example.joined for example in examples]


def _coverage_of(texts: list[str], graph: "KnowledgeGraph", linker: "Linker") -> "Coverage":
    from kgbert.linking.analysis.coverage import coverage

    return coverage(texts, linker, graph)


def _gold_labels_of(arguments: Namespace) -> "GoldLabels | None":
    """Return the texts with their labels; None if they have none."""
    from kgbert.linking.analysis.label_leakage import GoldLabels
    from kgbert.tasks.registry import detect_task

    records = read_records(arguments.texts, Columns(columns_of(arguments)))
    try:
        task = detect_task([record.values for record in records])
    except DataError:  # texts without labels
        return None
    examples = read_examples(arguments.texts, task, columns=columns_of(arguments))
    labels = [task.classes(example) for example in examples]
    return GoldLabels(examples, labels, "texts with a mention") if any(labels) else None


def _grounding_of(labelled: "GoldLabels", graph: "KnowledgeGraph") -> "Grounding":
    """Return the entities of the labels."""
    from kgbert.linking.grounding import ground

    return ground(labelled.names, graph)


def _warnings(
    labelled: "GoldLabels", grounding: "Grounding", graph: "KnowledgeGraph", linker: "Linker"
) -> list[str]:
    """Return the warnings of a comparison about labels that the graph states."""
    from kgbert.linking.analysis.label_leakage import label_warnings

    compared = grounding if grounding.is_recommended else None
    return list(label_warnings(graph, linker, labelled.names, labelled, grounding=compared))


def _vectors_of(arguments: Namespace, graph: "KnowledgeGraph") -> "VectorReport | None":
    """Return how a file of vectors fits the graph; None without a file."""
    if not arguments.features:
        return None
    from kgbert.features.feature_sources import match_vectors

    return match_vectors(arguments.features, graph)[1]


def _add_arguments(parser: ArgumentParser) -> None:
    add_graph_arguments(parser)
    parser.add_argument(
        "--texts",
        metavar="FILE",
        help="texts, with or without labels: how many of them mention an entity, how many labels "
        "are entities, and whether the graph states labels of texts",
    )
    parser.add_argument(
        "--text-column", default="text", metavar="NAME", help="column or key of the text (text)"
    )
    parser.add_argument(
        "--label-column", default="label", metavar="NAME", help="column or key of the label (label)"
    )
    parser.add_argument(
        "--features",
        metavar="FILE",
        help="vectors of entities by id: how many entities of the graph have one",
    )
    add_role_argument(parser)
    add_linker_arguments(parser)
    parser.add_argument("--json", action="store_true", help="write one JSON object")
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="also write a page with plots to this file"
    )
    add_quiet_argument(parser)


INSPECT = Command(inspect, _add_arguments, example="kgbert inspect hp.obo --texts notes.csv")
