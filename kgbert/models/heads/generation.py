"""Plain encoder-decoders: a checkpoint of one, or two copies of an encoder."""

from typing import Any

from transformers import (
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    EncoderDecoderModel,
    PreTrainedConfig,
    PreTrainedModel,
)

from kgbert.features.pretrained import load_config, load_pretrained, load_tokenizer
from kgbert.utils.errors import KGBertError


class AutoEncoderDecoder:
    """Loads an encoder-decoder like an Auto class; an encoder becomes encoder and decoder.

    The decoder made of an encoder has new layers that attend to the encoder (Rothe et al. 2020,
    arXiv:1907.12461).
    """

    _model_mapping = AutoModelForSeq2SeqLM._model_mapping

    @classmethod
    def from_config(cls, config: PreTrainedConfig) -> PreTrainedModel:
        """Return a model with fresh weights."""
        model: PreTrainedModel = AutoModelForSeq2SeqLM.from_config(config)
        return model

    @classmethod
    def from_pretrained(cls, name_or_path: str, **options: Any) -> PreTrainedModel:
        """Return the model of a checkpoint.

        Raises:
            KGBertError: The checkpoint is an encoder that transformers cannot use as a decoder.
        """
        if load_config(name_or_path).is_encoder_decoder:
            return load_pretrained(AutoModelForSeq2SeqLM, name_or_path, **_loading(options))
        return _two_encoders(name_or_path, _loading(options))


def _loading(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of loading without those that name labels."""
    return {name: options[name] for name in ("dtype",) if name in options}


def _two_encoders(name_or_path: str, options: dict[str, Any]) -> PreTrainedModel:
    tokenizer = load_tokenizer(name_or_path)
    encoder = load_pretrained(AutoModel, name_or_path, **options)
    config = load_config(name_or_path, is_decoder=True, add_cross_attention=True)
    if config.model_type not in _DECODERS:
        raise KGBertError(
            f"{config.model_type} has no decoder in transformers, so that two of it cannot write a "
            f"text. Choose a backbone of {', '.join(_DECODERS)}, or an encoder-decoder such as t5 "
            "or bart.",
            code="backbone-without-decoder",
        )
    decoder = load_pretrained(AutoModelForCausalLM, name_or_path, config=config, **options)
    model: PreTrainedModel = EncoderDecoderModel(encoder=encoder, decoder=decoder)
    special = {
        "decoder_start_token_id": tokenizer.cls_token_id,
        "eos_token_id": tokenizer.sep_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    for name, value in special.items():
        setattr(model.config, name, value)
        setattr(model.generation_config, name, value)
    model.config.name_or_path = name_or_path
    return model


#: Families of encoders whose decoder can attend to an encoder.
_DECODERS = ("bert", "camembert", "electra", "roberta", "xlm-roberta")
