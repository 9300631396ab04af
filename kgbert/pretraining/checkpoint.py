"""The checkpoint that is pretrained: with its language-modelling head, a new one, or none."""

from dataclasses import dataclass
from typing import Any, Literal, cast

import torch
from torch import Tensor
from transformers import (
    MODEL_FOR_CAUSAL_LM_MAPPING,
    MODEL_FOR_MASKED_LM_MAPPING,
    MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForSeq2SeqLM,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from kgbert.features.backbones import family_of
from kgbert.features.frozen_encoder import weights_hash
from kgbert.features.pretrained import (
    check_tokenizer,
    load_config,
    load_reporting_missing,
    load_tokenizer,
)
from kgbert.utils.errors import KGBertError

#: How a language model learns from texts: encoders, decoders, and encoder-decoders.
LanguageObjective = Literal[
    "masked language modelling", "causal language modelling", "span corruption"
]


@dataclass(frozen=True)
class Checkpoint:
    """A loaded checkpoint."""

    name: str
    """Its hub name or folder."""
    model: PreTrainedModel
    """The model to save: a language model, or the encoder without a head."""
    has_own_head: bool
    """Whether the checkpoint has the weights of the head; a new head is random."""
    other_weights: dict[str, Tensor]
    """Weights of the checkpoint that the model does not use, such as a pooling layer."""
    tokenizer: PreTrainedTokenizerBase
    hash: str
    """SHA-256 of the weights of the encoder before the training."""

    @property
    def encoder(self) -> PreTrainedModel:
        """The model without its head."""
        return encoder_of(self.model)

    @property
    def objective(self) -> LanguageObjective:
        """How the model learns from texts."""
        return objective_of(self.model.config)

    def state_dict(self) -> dict[str, Tensor]:
        """Return all weights to save."""
        prefix = self.model.base_model_prefix
        others = {f"{prefix}.{name}": tensor for name, tensor in self.other_weights.items()}
        return {**self.model.state_dict(), **others}


def encoder_of(model: PreTrainedModel) -> PreTrainedModel:
    """Return a model without its head, and without the modules that inject knowledge."""
    inner: Any = model.base_model
    return model if inner is model else encoder_of(cast(PreTrainedModel, inner))


def load_language_model(name: str) -> Checkpoint:
    """Return a checkpoint with its language-modelling head, or with a new tied one.

    Raises:
        KGBertError: Transformers has no language-modelling head for this architecture, or the
            tokenizer does not support it.
    """
    config = load_config(name)
    auto_class = _language_model_class(config)
    if auto_class is None:
        raise _no_head(name, config)
    model, has_own_head = _with_head(auto_class, name)
    if not has_own_head and not config.tie_word_embeddings:
        config.tie_word_embeddings = True
        model, _ = _with_head(auto_class, name, config=config)
    checkpoint = _checkpoint(name, model, has_own_head=has_own_head)
    _check_language_tokenizer(checkpoint)
    return checkpoint


def load_encoder(name: str) -> Checkpoint:
    """Return a checkpoint with its own language-modelling head if it has one, else without."""
    auto_class = _language_model_class(load_config(name))
    if auto_class is not None:
        model, has_own_head = _with_head(auto_class, name)
        if has_own_head:
            return _checkpoint(name, model, has_own_head=True)
    encoder, _ = _load(AutoModel, name)
    # A pooling layer has no part in the mean of the states.
    for part, parameter in encoder.named_parameters():
        parameter.requires_grad_("pooler" not in part.split("."))
    return _checkpoint(name, encoder, has_own_head=False)


def _checkpoint(name: str, model: PreTrainedModel, *, has_own_head: bool) -> Checkpoint:
    others: dict[str, Tensor] = {}
    if model.base_model is not model:
        base, missing = _load(AutoModel, name)
        used = model.base_model.state_dict().keys() | missing
        others = {part: tensor for part, tensor in base.state_dict().items() if part not in used}
    tokenizer = load_tokenizer(name)
    check_tokenizer(tokenizer, model.config)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    before = weights_hash(model.base_model)
    return Checkpoint(name, model, has_own_head, others, tokenizer, before)


def _language_model_class(config: PreTrainedConfig) -> Any:
    """Return the class that loads language models of this architecture, or None."""
    auto_class, mapping = _AUTO_CLASSES[objective_of(config)]
    return auto_class if type(config) in mapping else None


def objective_of(config: PreTrainedConfig) -> LanguageObjective:
    """Return how models of a configuration learn from texts."""
    if config.is_encoder_decoder:
        return "span corruption"
    is_causal = family_of(config).causal
    return "causal language modelling" if is_causal else "masked language modelling"


def _no_head(name: str, config: PreTrainedConfig) -> KGBertError:
    return KGBertError(
        f"{name} ({config.model_type}) has no language-modelling head in transformers: pretraining "
        "on texts needs an encoder with a head for masked language modelling (bert, roberta, "
        "deberta-v2, modernbert ...), a decoder (gpt2, llama ...), or T5. Choose another backbone.",
        code="no-pretraining-head",
    )


def _check_language_tokenizer(checkpoint: Checkpoint) -> None:
    tokenizer, missing = checkpoint.tokenizer, ""
    if checkpoint.objective == "masked language modelling" and tokenizer.mask_token is None:
        missing = "has no mask token"
    if checkpoint.objective == "span corruption" and not sentinels(tokenizer):
        missing = "has no sentinel tokens (<extra_id_0> ...) as that of T5"
    if not tokenizer.is_fast:
        missing = "is no fast tokenizer (tokenizer.json)"
    if missing:
        raise KGBertError(
            f"the tokenizer of {checkpoint.name} {missing}, which pretraining on texts needs. "
            "Choose another backbone.",
            code="unsupported-tokenizer",
        )


def sentinels(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Return the tokens that stand for the removed spans of a text, in order, as T5 has them."""
    vocabulary = tokenizer.get_vocab()
    # The vocabulary of mT5 has them with a space before.
    names = ((f"<extra_id_{number}>", f"▁<extra_id_{number}>") for number in range(100))
    found = [next((vocabulary[x] for x in some if x in vocabulary), None) for some in names]
    return [token for token in found if token is not None]


def _with_head(auto_class: Any, name: str, **options: Any) -> tuple[PreTrainedModel, bool]:
    """Return a language model, and whether the checkpoint has the weights of its head."""
    model, missing = _load(auto_class, name, **options)
    base_prefix = f"{model.base_model_prefix}."
    # Biases of a tied decoder count as missing in some families.
    weights = [x for x in missing if x.endswith("weight") and not x.startswith(base_prefix)]
    return model, not weights


def _load(auto_class: Any, name: str, **options: Any) -> tuple[PreTrainedModel, set[str]]:
    """Return a model in single precision, and the names of weights that the checkpoint lacks."""
    return load_reporting_missing(auto_class, name, dtype=torch.float32, **options)


#: The Auto class of each objective, and the architectures that it knows.
_AUTO_CLASSES: dict[LanguageObjective, tuple[Any, Any]] = {
    "masked language modelling": (AutoModelForMaskedLM, MODEL_FOR_MASKED_LM_MAPPING),
    "causal language modelling": (AutoModelForCausalLM, MODEL_FOR_CAUSAL_LM_MAPPING),
    "span corruption": (AutoModelForSeq2SeqLM, MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING),
}
