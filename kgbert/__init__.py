"""Plug your own ontology into a Hugging Face encoder, and learn whether it helps."""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

#: Where each public name lives; a module is loaded when its first name is used (PEP 562).
_HOMES = {
    "GraphError": "kgbert.graph.graph",
    "KnowledgeGraph": "kgbert.graph.graph",
    "ReadOptions": "kgbert.graph.options",
    "read_graph": "kgbert.graph.read",
    "Candidate": "kgbert.linking.mention",
    "Mention": "kgbert.linking.mention",
    "Coverage": "kgbert.linking.coverage",
    "DictionaryLinker": "kgbert.linking.dictionary",
    "coverage": "kgbert.linking.coverage",
    "Example": "kgbert.texts",
    "Span": "kgbert.texts",
    "read_texts": "kgbert.texts",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'kgbert' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
