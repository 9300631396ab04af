"""Plug your own ontology into a Hugging Face encoder, and learn whether it helps."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # The same names as below, for type checkers and editors; a test compares both.
    from kgbert.comparison.arms.registry import ARMS as ARMS
    from kgbert.comparison.arms.registry import Arm as Arm
    from kgbert.comparison.compare import compare as compare
    from kgbert.comparison.compare import run_study as run_study
    from kgbert.comparison.results import ComparisonResult as ComparisonResult
    from kgbert.comparison.results import RunRecord as RunRecord
    from kgbert.comparison.statistics.multiple_testing import family as family
    from kgbert.comparison.statistics.verdict import Verdict as Verdict
    from kgbert.comparison.study import Study as Study
    from kgbert.data import Example as Example
    from kgbert.data import Span as Span
    from kgbert.data import read_examples as read_examples
    from kgbert.data import read_texts as read_texts
    from kgbert.data.splits import Split as Split
    from kgbert.data.splits import drawn_split as drawn_split
    from kgbert.data.splits import fixed_split as fixed_split
    from kgbert.deployment.distillation import distil as distil
    from kgbert.deployment.onnx_export import export_onnx as export_onnx
    from kgbert.encoding.padding_buckets import pad_to_buckets as pad_to_buckets
    from kgbert.encoding.precomputed_vectors import EntityVectors as EntityVectors
    from kgbert.encoding.processor import KGBertProcessor as KGBertProcessor
    from kgbert.explanation.explain import explain as explain
    from kgbert.explanation.faithfulness import FaithfulnessReport as FaithfulnessReport
    from kgbert.explanation.faithfulness import evaluate_explanations as evaluate_explanations
    from kgbert.explanation.html import write_explanations as write_explanations
    from kgbert.explanation.results import Explanation as Explanation
    from kgbert.explanation.summary import ExplanationSummary as ExplanationSummary
    from kgbert.explanation.summary import summarize_explanations as summarize_explanations
    from kgbert.features.entity_features import EntityFeatures as EntityFeatures
    from kgbert.features.entity_features import encode_entities as encode_entities
    from kgbert.graph.cards import list_cards as list_cards
    from kgbert.graph.core.graph import KnowledgeGraph as KnowledgeGraph
    from kgbert.graph.core.options import Limits as Limits
    from kgbert.graph.core.options import ReadOptions as ReadOptions
    from kgbert.graph.core.sources import select_sources as select_sources
    from kgbert.graph.editor import GraphEditor as GraphEditor
    from kgbert.graph.merge import merge_graphs as merge_graphs
    from kgbert.graph.read import read_graph as read_graph
    from kgbert.graph.serialization import load_graph as load_graph
    from kgbert.graph.serialization import save_graph as save_graph
    from kgbert.graph.storage.builder import GraphBuilder as GraphBuilder
    from kgbert.linking.adapters import from_function as from_function
    from kgbert.linking.adapters import from_gliner as from_gliner
    from kgbert.linking.adapters import from_gold as from_gold
    from kgbert.linking.adapters import from_spacy as from_spacy
    from kgbert.linking.analysis.coverage import Coverage as Coverage
    from kgbert.linking.analysis.coverage import coverage as coverage
    from kgbert.linking.analysis.graph_report import write_graph_report as write_graph_report
    from kgbert.linking.dictionary.char_ngram import CharNgramLinker as CharNgramLinker
    from kgbert.linking.dictionary.files import load_linker as load_linker
    from kgbert.linking.dictionary.files import save_linker as save_linker
    from kgbert.linking.dictionary.linker import DictionaryLinker as DictionaryLinker
    from kgbert.linking.dictionary.settings import LinkerSettings as LinkerSettings
    from kgbert.linking.embedding.linker import EmbeddingLinker as EmbeddingLinker
    from kgbert.linking.embedding.name_encoder import NameEncoder as NameEncoder
    from kgbert.linking.embedding.training import LinkerTrainingConfig as LinkerTrainingConfig
    from kgbert.linking.embedding.training import train_linker as train_linker
    from kgbert.linking.factory import make_linker as make_linker
    from kgbert.linking.gold_names import unreliable_names as unreliable_names
    from kgbert.linking.gold_names import with_added_names as with_added_names
    from kgbert.linking.gold_names import with_gold_names as with_gold_names
    from kgbert.linking.grounding import Grounding as Grounding
    from kgbert.linking.grounding import ground as ground
    from kgbert.linking.mention import Candidate as Candidate
    from kgbert.linking.mention import Mention as Mention
    from kgbert.models.config import KGBertConfig as KGBertConfig
    from kgbert.models.inject import inject_knowledge as inject_knowledge
    from kgbert.models.task_models import (
        KGBertForConditionalGeneration as KGBertForConditionalGeneration,
    )
    from kgbert.models.task_models import KGBertForEntityLinking as KGBertForEntityLinking
    from kgbert.models.task_models import KGBertForEventExtraction as KGBertForEventExtraction
    from kgbert.models.task_models import KGBertForMaskedLM as KGBertForMaskedLM
    from kgbert.models.task_models import KGBertForMultipleChoice as KGBertForMultipleChoice
    from kgbert.models.task_models import KGBertForQuestionAnswering as KGBertForQuestionAnswering
    from kgbert.models.task_models import (
        KGBertForRelationClassification as KGBertForRelationClassification,
    )
    from kgbert.models.task_models import KGBertForRelationExtraction as KGBertForRelationExtraction
    from kgbert.models.task_models import (
        KGBertForSequenceClassification as KGBertForSequenceClassification,
    )
    from kgbert.models.task_models import (
        KGBertForTokenClassification as KGBertForTokenClassification,
    )
    from kgbert.models.task_models import KGBertModel as KGBertModel
    from kgbert.pretraining.config import MaskingConfig as MaskingConfig
    from kgbert.pretraining.config import PretrainingConfig as PretrainingConfig
    from kgbert.pretraining.link_prediction import (
        pretrain_graph_encoder as pretrain_graph_encoder,
    )
    from kgbert.pretraining.ontology import pretrain_on_graph as pretrain_on_graph
    from kgbert.pretraining.output import PretrainedEncoder as PretrainedEncoder
    from kgbert.pretraining.pretrain import pretrain as pretrain
    from kgbert.pretraining.record import PretrainingRecord as PretrainingRecord
    from kgbert.pretraining.record import pretraining_record as pretraining_record
    from kgbert.tasks.base import EncodedExample as EncodedExample
    from kgbert.tasks.base import LabelSpace as LabelSpace
    from kgbert.tasks.base import Metric as Metric
    from kgbert.tasks.base import Prediction as Prediction
    from kgbert.tasks.base import Slice as Slice
    from kgbert.tasks.base import Task as Task
    from kgbert.tasks.registry import TASKS as TASKS
    from kgbert.tasks.registry import find_task as find_task
    from kgbert.training.config import Regularization as Regularization
    from kgbert.training.config import TrainingConfig as TrainingConfig
    from kgbert.training.evaluation import Evaluation as Evaluation
    from kgbert.training.evidence.zero_shot import zero_shot as zero_shot
    from kgbert.training.pipeline import context_linker as context_linker
    from kgbert.training.pipeline import pipeline as pipeline
    from kgbert.training.saving import load_model as load_model
    from kgbert.training.saving import save_model as save_model
    from kgbert.training.train import TrainedModel as TrainedModel
    from kgbert.training.train import train as train
    from kgbert.training.trainer import TrainingResult as TrainingResult
    from kgbert.training.trainer import default_arguments as default_arguments
    from kgbert.training.trainer import fine_tune as fine_tune
    from kgbert.tuning.results import TuneResult as TuneResult
    from kgbert.tuning.tune import tune as tune
    from kgbert.utils.errors import DataError as DataError
    from kgbert.utils.errors import GraphError as GraphError
    from kgbert.utils.errors import KGBertError as KGBertError

__version__ = "0.2.0"

#: Where each public name lives; a module is loaded when its first name is used (PEP 562).
_HOMES = {
    # Read a graph and look at it.
    "DataError": "kgbert.utils.errors",
    "GraphError": "kgbert.utils.errors",
    "KGBertError": "kgbert.utils.errors",
    "KnowledgeGraph": "kgbert.graph.core.graph",
    "GraphBuilder": "kgbert.graph.storage.builder",
    "GraphEditor": "kgbert.graph.editor",
    "Limits": "kgbert.graph.core.options",
    "ReadOptions": "kgbert.graph.core.options",
    "read_graph": "kgbert.graph.read",
    "merge_graphs": "kgbert.graph.merge",
    "select_sources": "kgbert.graph.core.sources",
    "list_cards": "kgbert.graph.cards",
    "load_graph": "kgbert.graph.serialization",
    "save_graph": "kgbert.graph.serialization",
    # Find its entities in texts.
    "Candidate": "kgbert.linking.mention",
    "Mention": "kgbert.linking.mention",
    "Coverage": "kgbert.linking.analysis.coverage",
    "DictionaryLinker": "kgbert.linking.dictionary.linker",
    "CharNgramLinker": "kgbert.linking.dictionary.char_ngram",
    "coverage": "kgbert.linking.analysis.coverage",
    "write_graph_report": "kgbert.linking.analysis.graph_report",
    "LinkerSettings": "kgbert.linking.dictionary.settings",
    "load_linker": "kgbert.linking.dictionary.files",
    "make_linker": "kgbert.linking.factory",
    "Grounding": "kgbert.linking.grounding",
    "ground": "kgbert.linking.grounding",
    "unreliable_names": "kgbert.linking.gold_names",
    "save_linker": "kgbert.linking.dictionary.files",
    "with_gold_names": "kgbert.linking.gold_names",
    "with_added_names": "kgbert.linking.gold_names",
    "from_function": "kgbert.linking.adapters",
    "from_gliner": "kgbert.linking.adapters",
    "from_gold": "kgbert.linking.adapters",
    "from_spacy": "kgbert.linking.adapters",
    "Example": "kgbert.data",
    "Span": "kgbert.data",
    "read_texts": "kgbert.data",
    "read_examples": "kgbert.data",
    # Make batches, and models that read them.
    "EntityFeatures": "kgbert.features.entity_features",
    "EntityVectors": "kgbert.encoding.precomputed_vectors",
    "KGBertProcessor": "kgbert.encoding.processor",
    "EmbeddingLinker": "kgbert.linking.embedding.linker",
    "NameEncoder": "kgbert.linking.embedding.name_encoder",
    "encode_entities": "kgbert.features.entity_features",
    "pad_to_buckets": "kgbert.encoding.padding_buckets",
    "KGBertConfig": "kgbert.models.config",
    "KGBertForConditionalGeneration": "kgbert.models.task_models",
    "KGBertForEntityLinking": "kgbert.models.task_models",
    "KGBertForEventExtraction": "kgbert.models.task_models",
    "KGBertForMaskedLM": "kgbert.models.task_models",
    "KGBertForMultipleChoice": "kgbert.models.task_models",
    "KGBertForQuestionAnswering": "kgbert.models.task_models",
    "KGBertForRelationClassification": "kgbert.models.task_models",
    "KGBertForRelationExtraction": "kgbert.models.task_models",
    "KGBertForSequenceClassification": "kgbert.models.task_models",
    "KGBertForTokenClassification": "kgbert.models.task_models",
    "KGBertModel": "kgbert.models.task_models",
    "inject_knowledge": "kgbert.models.inject",
    # Continue the pretraining of an encoder.
    "MaskingConfig": "kgbert.pretraining.config",
    "PretrainedEncoder": "kgbert.pretraining.output",
    "PretrainingConfig": "kgbert.pretraining.config",
    "PretrainingRecord": "kgbert.pretraining.record",
    "pretrain": "kgbert.pretraining.pretrain",
    "pretrain_graph_encoder": "kgbert.pretraining.link_prediction",
    "pretrain_on_graph": "kgbert.pretraining.ontology",
    "pretraining_record": "kgbert.pretraining.record",
    # Say what is answered, train, save and ask.
    "TASKS": "kgbert.tasks.registry",
    "find_task": "kgbert.tasks.registry",
    "Task": "kgbert.tasks.base",
    "Metric": "kgbert.tasks.base",
    "LabelSpace": "kgbert.tasks.base",
    "EncodedExample": "kgbert.tasks.base",
    "Prediction": "kgbert.tasks.base",
    "Slice": "kgbert.tasks.base",
    "LinkerTrainingConfig": "kgbert.linking.embedding.training",
    "train_linker": "kgbert.linking.embedding.training",
    "TrainedModel": "kgbert.training.train",
    "train": "kgbert.training.train",
    "TrainingResult": "kgbert.training.trainer",
    "default_arguments": "kgbert.training.trainer",
    "fine_tune": "kgbert.training.trainer",
    "Evaluation": "kgbert.training.evaluation",
    "load_model": "kgbert.training.saving",
    "save_model": "kgbert.training.saving",
    "context_linker": "kgbert.training.pipeline",
    "pipeline": "kgbert.training.pipeline",
    "zero_shot": "kgbert.training.evidence.zero_shot",
    # Ask why.
    "Explanation": "kgbert.explanation.results",
    "explain": "kgbert.explanation.explain",
    "evaluate_explanations": "kgbert.explanation.faithfulness",
    "FaithfulnessReport": "kgbert.explanation.faithfulness",
    "summarize_explanations": "kgbert.explanation.summary",
    "ExplanationSummary": "kgbert.explanation.summary",
    "write_explanations": "kgbert.explanation.html",
    # Make it small and use it elsewhere.
    "distil": "kgbert.deployment.distillation",
    "export_onnx": "kgbert.deployment.onnx_export",
    # Learn whether the graph helped.
    "ARMS": "kgbert.comparison.arms.registry",
    "Arm": "kgbert.comparison.arms.registry",
    "TrainingConfig": "kgbert.training.config",
    "Regularization": "kgbert.training.config",
    "Split": "kgbert.data.splits",
    "Study": "kgbert.comparison.study",
    "compare": "kgbert.comparison.compare",
    "run_study": "kgbert.comparison.compare",
    "drawn_split": "kgbert.data.splits",
    "family": "kgbert.comparison.statistics.multiple_testing",
    "fixed_split": "kgbert.data.splits",
    "ComparisonResult": "kgbert.comparison.results",
    "RunRecord": "kgbert.comparison.results",
    "Verdict": "kgbert.comparison.statistics.verdict",
    # Search until it is good enough.
    "TuneResult": "kgbert.tuning.results",
    "tune": "kgbert.tuning.tune",
}

__all__ = ["__version__", *_HOMES]


if not TYPE_CHECKING:  # Type checkers would take it for a promise of any name.

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module 'kgbert' has no attribute {name!r}")
        return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
