"""Fit to the training texts what needs no training of the encoder."""

from collections.abc import Sequence

from kgbert.data import Example
from kgbert.encoding.processor import KGBertProcessor
from kgbert.models.base import KGBertPreTrainedModel
from kgbert.tasks.base import Task
from kgbert.training.evidence.scale import fit_label_scores
from kgbert.training.evidence.text_comparison import fit_text_comparer
from kgbert.training.evidence.words import fit_word_evidence


def fit_evidence(
    model: KGBertPreTrainedModel, processor: KGBertProcessor, task: Task, train: Sequence[Example]
) -> None:
    """Set the weights of all evidence of an untrained model, and the bias of its head.

    Args:
        model: The model.
        processor: Its processor.
        task: Its task.
        train: The training texts.
    """
    if _fits_label_scores(model):
        fit_label_scores(model, processor, task, train)
    # Label scores have an offset of their own.
    if not model.config.label_vectors or not model.label_scorer.scale:
        bias = task.output_bias(train, model.config)
        if bias is not None:
            model.set_output_bias(bias)
    if model.path_scorer is not None and model.paths_lead_to == "words":
        fit_word_evidence(model, processor, task, train)
    if model.config.compares_texts:
        fit_text_comparer(model, processor, task, train)


def _fits_label_scores(model: KGBertPreTrainedModel) -> bool:
    """Return whether the weights of the evidence for labels are fitted before training."""
    if model.answers_several_labels:
        has_paths = model.path_scorer is not None and model.paths_lead_to == "labels"
        return model.config.label_vectors or has_paths
    # Labels without training texts are found by similarity alone, even if it tells no others apart.
    is_compared = model.config.label_vectors and model.label_queries == "text"
    return is_compared and not model.config.untrained_labels
