"""The graph of a saved processor: in its folder, or left out and given again."""

from collections.abc import Mapping
from pathlib import Path

from kgbert.graph.cache import load_graph
from kgbert.graph.graph import KnowledgeGraph

GRAPH_FILE = "graph.safetensors"


def told_of(graph: KnowledgeGraph) -> dict[str, str]:
    """Return what a folder without its graph tells of it: where it came from, none of its names."""
    return {
        "source": Path(graph.source).name,
        "version": graph.version,
        "licence": graph.licence,
        "hash": graph.hash,
    }


def saved_graph(
    folder: Path, given: KnowledgeGraph | None, told: Mapping[str, str]
) -> KnowledgeGraph:
    """Return the graph that was given, or the one in the folder.

    Args:
        folder: Where a processor was saved.
        given: The graph, read again by the user.
        told: What :func:`told_of` said when it was left out; empty where it was not.

    Raises:
        ValueError: The graph was left out and is not given, or another one is given.
    """
    if given is None and told:
        raise ValueError(
            f"{folder} was saved without its graph ({_named(told)}), so it cannot answer alone; "
            "give your copy: --graph FILE, with the options it was read with "
            "(in Python: graph=kgbert.read_graph(FILE))."
        )
    if given is None:
        return load_graph(folder / GRAPH_FILE)
    if told and given.hash != told["hash"]:
        raise ValueError(
            f"{given.source or 'the graph'} ({given.version or 'no version'}, hash "
            f"{given.hash[:12]}) is not the graph of {folder} ({_named(told)}, hash "
            f"{told['hash'][:12]}); read the same release with the same options: card, languages, "
            "relations, roots."
        )
    return given


def _named(told: Mapping[str, str]) -> str:
    return ", ".join(filter(None, (told["source"], told["version"], told["licence"])))
