"""Plug your own ontology into a Hugging Face encoder, and learn whether it helps."""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

#: Where each public name lives; a module is loaded when its first name is used (PEP 562).
_HOMES = {
    # Read a graph and look at it.
    "GraphError": "kgbert.graph.graph",
    "KnowledgeGraph": "kgbert.graph.graph",
    "GraphBuilder": "kgbert.graph.builder",
    "Limits": "kgbert.graph.options",
    "ReadOptions": "kgbert.graph.options",
    "read_graph": "kgbert.graph.read",
    "merge_graphs": "kgbert.graph.merge",
    "list_cards": "kgbert.graph.cards",
    "load_graph": "kgbert.graph.cache",
    "save_graph": "kgbert.graph.cache",
    # Find its entities in texts.
    "Candidate": "kgbert.linking.mention",
    "Mention": "kgbert.linking.mention",
    "Coverage": "kgbert.linking.coverage",
    "DictionaryLinker": "kgbert.linking.dictionary",
    "NearestNameLinker": "kgbert.linking.nearest",
    "coverage": "kgbert.linking.coverage",
    "write_health_page": "kgbert.linking.health_page",
    "LinkerSettings": "kgbert.linking.settings",
    "load_linker": "kgbert.linking.cache",
    "make_linker": "kgbert.linking.linkers",
    "misleading_names": "kgbert.linking.teaching",
    "save_linker": "kgbert.linking.cache",
    "with_gold_names": "kgbert.linking.teaching",
    "with_told_names": "kgbert.linking.teaching",
    "from_function": "kgbert.linking.adapters",
    "from_gliner": "kgbert.linking.adapters",
    "from_gold": "kgbert.linking.adapters",
    "from_spacy": "kgbert.linking.adapters",
    "Example": "kgbert.texts",
    "Span": "kgbert.texts",
    "read_texts": "kgbert.texts",
    # Make batches, and models that read them.
    "EntityFeatures": "kgbert.batching.features",
    "EntityVectors": "kgbert.batching.vectors",
    "KGBertProcessor": "kgbert.batching.processor",
    "EmbeddingLinker": "kgbert.modeling.entity_linking",
    "NameEncoder": "kgbert.modeling.name_encoder",
    "encode_entities": "kgbert.modeling.features",
    "in_buckets": "kgbert.batching.buckets",
    "KGBertConfig": "kgbert.modeling.config",
    "KGBertForEntityLinking": "kgbert.modeling.models",
    "KGBertForRelationClassification": "kgbert.modeling.models",
    "KGBertForSequenceClassification": "kgbert.modeling.models",
    "KGBertForTokenClassification": "kgbert.modeling.models",
    "KGBertModel": "kgbert.modeling.models",
    # Train, save and ask.
    "LinkerRecipe": "kgbert.training.linker_training",
    "train_linker": "kgbert.training.linker_training",
    "Training": "kgbert.training.fine_tune",
    "default_arguments": "kgbert.training.fine_tune",
    "fine_tune": "kgbert.training.fine_tune",
    "load_model": "kgbert.training.folder",
    "save_model": "kgbert.training.folder",
    "Prediction": "kgbert.training.pipeline",
    "context_linker": "kgbert.training.pipeline",
    "pipeline": "kgbert.training.pipeline",
    # Learn whether the graph helped.
    "ARMS": "kgbert.comparing.arms",
    "Arm": "kgbert.comparing.arms",
    "Recipe": "kgbert.comparing.study",
    "Split": "kgbert.comparing.study",
    "Study": "kgbert.comparing.study",
    "compare": "kgbert.comparing.compare",
    "drawn_split": "kgbert.comparing.splits",
    "family": "kgbert.comparing.family",
    "fixed_split": "kgbert.comparing.splits",
    "render_markdown": "kgbert.comparing.tables",
    "render_table": "kgbert.comparing.tables",
    "write_report": "kgbert.comparing.report",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'kgbert' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
