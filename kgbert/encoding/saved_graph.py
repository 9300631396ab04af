"""The graph of a saved model: in its folder, or left out and given by the user."""

from collections.abc import Mapping
from pathlib import Path

from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.serialization import load_graph
from kgbert.utils.errors import KGBertError, Remedy
from kgbert.utils.paths import GRAPH_FILE


def graph_metadata(graph: KnowledgeGraph) -> dict[str, str]:
    """Return the metadata of a graph that a folder without the graph stores."""
    return {
        "source": Path(graph.source).name,
        "version": graph.version,
        "licence": graph.licence,
        "hash": graph.hash,
    }


def resolve_graph(
    folder: Path, given: KnowledgeGraph | None, metadata: Mapping[str, str]
) -> KnowledgeGraph:
    """Return the given graph, or the one in the folder.

    Args:
        folder: The folder of a saved processor.
        given: The graph that the user has read again.
        metadata: :func:`graph_metadata` of the graph if it was left out, else empty.

    Raises:
        KGBertError: The graph was left out and is not given, or another one is given.
    """
    if given is None and metadata:
        raise KGBertError(
            f"{folder} was saved without its graph ({_named(metadata)}), so it cannot be used "
            "without your copy, read with the same options.",
            code="graph-left-out",
            remedies=[Remedy("graph", purpose="with your copy")],
        )
    if given is None:
        return load_graph(folder / GRAPH_FILE)
    if metadata and given.hash != metadata["hash"]:
        raise KGBertError(
            f"{given.source or 'the graph'} ({given.version or 'no version'}, hash "
            f"{given.hash[:12]}) is not the graph of {folder} ({_named(metadata)}, hash "
            f"{metadata['hash'][:12]}). Read the same release with the same options: card, "
            "languages, relations, roots.",
            code="other-graph",
        )
    return given


def _named(metadata: Mapping[str, str]) -> str:
    return ", ".join(filter(None, (metadata["source"], metadata["version"], metadata["licence"])))
