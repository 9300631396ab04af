"""Score the choices of a question with the head of sequence classification."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from transformers import (
    MODEL_FOR_MULTIPLE_CHOICE_MAPPING,
    AutoModelForSequenceClassification,
    PreTrainedModel,
)

from kgbert.utils.errors import KGBertError


def group_by_question(
    scores: Float[Tensor, " choices"], counts: Sequence[int]
) -> Float[Tensor, "questions columns"]:
    """Return one row of scores a question, padded on the right with minus infinity.

    >>> group_by_question(torch.tensor([1.0, 2.0, 3.0]), [1, 2]).tolist()
    [[1.0, -inf], [2.0, 3.0]]
    """
    sizes = torch.tensor(counts, device=scores.device).unsqueeze(1)
    is_choice = torch.arange(max(counts), device=scores.device) < sizes
    return scores.new_full(is_choice.shape, -torch.inf).masked_scatter(is_choice, scores)


def as_choice_scorer(model: PreTrainedModel) -> PreTrainedModel:
    """Return a model for multiple choice as one for sequence classification with one output.

    Both heads have the same parts in BERT and several other families. A model for sequence
    classification is returned as it is.

    Raises:
        KGBertError: The heads of the family differ.
    """
    known: Any = MODEL_FOR_MULTIPLE_CHOICE_MAPPING.get(type(model.config), None)
    if type(model) is not known:
        return model
    config = deepcopy(model.config)
    config.num_labels = 1
    scorer: Any = AutoModelForSequenceClassification.from_config(config)
    weights = model.state_dict()
    shapes = {name: x.shape for name, x in scorer.state_dict().items()}
    if shapes != {name: x.shape for name, x in weights.items()}:
        raise KGBertError(
            f"the head of a {type(model).__name__} has other parts than that of a "
            f"{type(scorer).__name__}, with which kgbert scores choices. Fine-tune with "
            "kgbert.train(..., task='multiple-choice') instead, from the same checkpoint.",
            code="unknown-head",
        )
    scorer.load_state_dict(weights)
    scorer.to(device=model.device, dtype=model.dtype)
    trained: PreTrainedModel = scorer.train(model.training)
    return trained
