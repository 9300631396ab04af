"""Plug your own ontology into a Hugging Face encoder, and learn whether it helps."""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

#: Where each public name lives; a module is loaded when its first name is used (PEP 562).
_HOMES = {
    # Read a graph and look at it.
    "DataError": "kgbert.utils.errors",
    "GraphError": "kgbert.utils.errors",
    "KGBertError": "kgbert.utils.errors",
    "KnowledgeGraph": "kgbert.graph.core.graph",
    "GraphBuilder": "kgbert.graph.storage.builder",
    "Limits": "kgbert.graph.core.options",
    "ReadOptions": "kgbert.graph.core.options",
    "read_graph": "kgbert.graph.read",
    "merge_graphs": "kgbert.graph.merge",
    "list_cards": "kgbert.graph.cards",
    "load_graph": "kgbert.graph.serialization",
    "save_graph": "kgbert.graph.serialization",
    # Find its entities in texts.
    "Candidate": "kgbert.linking.mention",
    "Mention": "kgbert.linking.mention",
    "Coverage": "kgbert.linking.analysis.coverage",
    "DictionaryLinker": "kgbert.linking.dictionary.linker",
    "NearestNameLinker": "kgbert.linking.dictionary.char_ngram",
    "coverage": "kgbert.linking.analysis.coverage",
    "write_health_page": "kgbert.linking.analysis.health_page",
    "LinkerSettings": "kgbert.linking.dictionary.settings",
    "load_linker": "kgbert.linking.dictionary.files",
    "make_linker": "kgbert.linking.factory",
    "misleading_names": "kgbert.linking.gold_names",
    "save_linker": "kgbert.linking.dictionary.files",
    "with_gold_names": "kgbert.linking.gold_names",
    "with_told_names": "kgbert.linking.gold_names",
    "from_function": "kgbert.linking.adapters",
    "from_gliner": "kgbert.linking.adapters",
    "from_gold": "kgbert.linking.adapters",
    "from_spacy": "kgbert.linking.adapters",
    "Example": "kgbert.data",
    "Span": "kgbert.data",
    "read_texts": "kgbert.data",
    # Make batches, and models that read them.
    "EntityFeatures": "kgbert.features.entity_features",
    "EntityVectors": "kgbert.encoding.entity_vectors",
    "KGBertProcessor": "kgbert.encoding.processor",
    "EmbeddingLinker": "kgbert.linking.embedding.linker",
    "NameEncoder": "kgbert.linking.embedding.name_encoder",
    "encode_entities": "kgbert.features.entity_features",
    "pad_to_buckets": "kgbert.encoding.padding_buckets",
    "KGBertConfig": "kgbert.models.config",
    "KGBertForEntityLinking": "kgbert.models.auto",
    "KGBertForRelationClassification": "kgbert.models.auto",
    "KGBertForSequenceClassification": "kgbert.models.auto",
    "KGBertForTokenClassification": "kgbert.models.auto",
    "KGBertModel": "kgbert.models.auto",
    # Train, save and ask.
    "LinkerRecipe": "kgbert.linking.embedding.training",
    "train_linker": "kgbert.linking.embedding.training",
    "Training": "kgbert.training.trainer",
    "default_arguments": "kgbert.training.trainer",
    "fine_tune": "kgbert.training.trainer",
    "load_model": "kgbert.training.saving",
    "save_model": "kgbert.training.saving",
    "Prediction": "kgbert.training.pipeline",
    "context_linker": "kgbert.training.pipeline",
    "pipeline": "kgbert.training.pipeline",
    # Learn whether the graph helped.
    "ARMS": "kgbert.comparison.arms.registry",
    "Arm": "kgbert.comparison.arms.registry",
    "TrainingConfig": "kgbert.comparison.study",
    "Split": "kgbert.data.splits",
    "Study": "kgbert.comparison.study",
    "compare": "kgbert.comparison.compare",
    "drawn_split": "kgbert.data.splits",
    "family": "kgbert.comparison.statistics.multiple_testing",
    "fixed_split": "kgbert.data.splits",
    "render_markdown": "kgbert.comparison.report.tables",
    "render_table": "kgbert.comparison.report.tables",
    "write_report": "kgbert.comparison.report.html",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'kgbert' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
