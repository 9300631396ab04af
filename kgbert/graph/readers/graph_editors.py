"""Read the files of graph editors through networkx: GraphML, GEXF, GML, Pajek, node-link JSON."""

import io
from collections.abc import Callable
from typing import Any

import networkx as nx

from kgbert.graph.files.safe_parsing import safe_json, safe_xml
from kgbert.graph.files.source import Source
from kgbert.graph.rdf.statements import Statements
from kgbert.graph.readers.json.values import members
from kgbert.graph.readers.objects.networkx import read_networkx
from kgbert.utils.errors import GraphError


def read_graph_format(format_name: str, source: Source, statements: Statements) -> None:
    """Add the nodes and edges of a file in one of the formats of ``PARSERS``.

    Raises:
        GraphError: The file is not valid in its format.
    """
    try:
        graph = PARSERS[format_name](source)
    except GraphError:
        raise
    except _SYNTAX_ERRORS as error:
        text = "it ends too early" if isinstance(error, StopIteration) else str(error)
        reason = " ".join(text.split())[:300] or type(error).__name__
        raise GraphError(
            f"{source.name}: not valid {format_name} ({reason}). Correct the file there, or export "
            f"the graph as a table of edges: source, target, relation.",
            code="malformed-graph-format",
        ) from None
    read_networkx(graph, statements)


def _graphml(source: Source) -> "nx.Graph[Any]":
    return nx.read_graphml(io.BytesIO(safe_xml(source)))


def _gexf(source: Source) -> "nx.Graph[Any]":
    return nx.read_gexf(io.BytesIO(safe_xml(source)))


def _gml(source: Source) -> "nx.Graph[Any]":
    return nx.parse_gml(list(source.lines()))


def _pajek(source: Source) -> "nx.Graph[Any]":
    return nx.parse_pajek(source.lines())


def _node_link(source: Source) -> "nx.Graph[Any]":
    content = safe_json(source)
    if isinstance(content, dict) and "elements" in content:
        content = _of_cytoscape(content["elements"])
    if not isinstance(content, dict) or not isinstance(content.get("nodes"), list):
        raise GraphError(
            f"{source.name}: JSON with 'nodes', but not a graph, which is one object with the "
            f"lists 'nodes' and 'links' or 'edges'. Export the graph like that, or as a table of "
            f"edges: source, target, relation.",
            code="unknown-json",
        )
    edges = "links" if "links" in content else "edges"
    return nx.node_link_graph(content, edges=edges)


def _of_cytoscape(elements: Any) -> dict[str, Any]:
    """Return the elements of Cytoscape, a list or lists of nodes and edges, in node-link form."""
    parts = [part for key in ("nodes", "edges") for part in members(elements, key)]
    parts = parts or (elements if isinstance(elements, list) else [])
    objects = [part["data"] for part in parts if isinstance(part, dict) and "data" in part]
    graph: dict[str, Any] = {"directed": True, "multigraph": True, "nodes": [], "edges": []}
    for each in objects:
        graph["edges" if {"source", "target"} <= each.keys() else "nodes"].append(each)
    return graph


#: What networkx raises for malformed files: its own errors, and Python's where it trusted a file.
_SYNTAX_ERRORS = (
    nx.NetworkXException,
    SyntaxError,
    ValueError,
    NameError,
    LookupError,
    AttributeError,
    TypeError,
    ArithmeticError,
    RecursionError,
    StopIteration,
    RuntimeError,
)

#: Formats of graph editors -> a function that parses a file of the format.
PARSERS: dict[str, Callable[[Source], "nx.Graph[Any]"]] = {
    "graphml": _graphml,
    "gexf": _gexf,
    "gml": _gml,
    "pajek": _pajek,
    "node-link": _node_link,
}
