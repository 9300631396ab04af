"""Inject knowledge of a graph into a loaded Hugging Face model."""

from typing import Any

from transformers import (
    MODEL_FOR_MULTIPLE_CHOICE_MAPPING,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from kgbert.encoding.processor import KGBertProcessor
from kgbert.features.entity_features import EntityFeatures
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.mention import Linker
from kgbert.models import task_models
from kgbert.models.base import KGBertPreTrainedModel
from kgbert.models.config import check_options
from kgbert.models.heads.encoder import EncoderWithHead
from kgbert.utils.errors import KGBertError


def inject_knowledge(
    model: PreTrainedModel,
    graph: KnowledgeGraph,
    *,
    tokenizer: PreTrainedTokenizerBase | None = None,
    features: EntityFeatures | None = None,
    linker: Linker | None = None,
    **options: Any,
) -> KGBertPreTrainedModel:
    """Return a fused model with the weights and the head of a loaded model.

    Before training, its output is bit for bit that of the loaded model, which may be fresh or
    fine-tuned and is not changed. ``fused.processor`` creates its batches::

        model = AutoModelForSequenceClassification.from_pretrained("my-fine-tuned-bert")
        fused = kgbert.inject_knowledge(model, kgbert.read_graph("hp.obo"))
        logits = fused(**fused.processor(["The patient has a fever."])).logits

    Args:
        model: Any encoder or decoder-only model of transformers, bare or with a head for sequence
            or token classification, multiple choice, question answering or masked language
            modelling.
        graph: The knowledge graph.
        tokenizer: The tokenizer; loaded from the checkpoint of the model if None.
        features: One vector an entity; encoded by that checkpoint if None.
        linker: Any callable from texts to mentions; None means a dictionary linker.
        **options: Fields of :class:`kgbert.KGBertConfig`, such as ``injected_layers``.

    Raises:
        KGBertError: The head of the model is unknown, its blocks are not found, or tokenizer,
            features and model do not fit together.
    """
    check_options(options)
    if features is not None:
        options = features.model_options | options
    fused: KGBertPreTrainedModel = fused_class(model).from_model(model, graph, **options)
    fused.processor = KGBertProcessor.for_model(
        fused, graph, features, tokenizer=tokenizer, linker=linker
    )
    return fused


def fused_class(model: PreTrainedModel) -> type[KGBertPreTrainedModel]:
    """Return the fused class with the head of a loaded model."""
    if isinstance(model, KGBertPreTrainedModel):
        raise KGBertError(
            f"this {type(model).__name__} already reads a graph. Inject knowledge into the plain "
            "model.",
            code="already-fused",
        )
    for fused in _FUSED:
        if type(model) in _plain_classes(fused, model):
            return fused
    plain = [x.auto_class.__name__ for x in _FUSED if not issubclass(x.auto_class, EncoderWithHead)]
    known = ", ".join(dict.fromkeys([*plain, "AutoModelForMultipleChoice"]))
    raise KGBertError(
        f"a {type(model).__name__} has a head that kgbert cannot fuse with knowledge. Load the "
        f"checkpoint with one of {known}.",
        code="unknown-head",
    )


def _plain_classes(fused: type[KGBertPreTrainedModel], model: PreTrainedModel) -> tuple[Any, ...]:
    """Return the plain models whose head a fused class has."""
    if issubclass(fused.auto_class, EncoderWithHead):
        return (fused.auto_class,)
    mapping = fused.auto_class._model_mapping
    if fused is task_models.KGBertForMultipleChoice:
        mapping = MODEL_FOR_MULTIPLE_CHOICE_MAPPING
    plain = mapping.get(type(model.config), None)
    return plain if isinstance(plain, tuple) else (plain,)


#: The fused classes with a plain counterpart, in transformers or here.
_FUSED: tuple[type[KGBertPreTrainedModel], ...] = (
    task_models.KGBertForSequenceClassification,
    task_models.KGBertForTokenClassification,
    task_models.KGBertForQuestionAnswering,
    task_models.KGBertForMultipleChoice,
    task_models.KGBertForConditionalGeneration,
    task_models.KGBertForMaskedLM,
    task_models.KGBertForRelationClassification,
    task_models.KGBertForRelationExtraction,
    task_models.KGBertForEventExtraction,
    task_models.KGBertModel,
)
