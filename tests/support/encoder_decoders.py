"""Tiny random encoder-decoders for the tests of generation."""

from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForSeq2SeqLM, PreTrainedConfig

from kgbert.models.task_models import KGBertForConditionalGeneration, KGBertModel
from tests.support.tiny import BLOCKS, LONGEST, TINY, save_plain, tiny_graph, tiny_tokenizer

_T5_SIZES = {"d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": BLOCKS, "num_heads": 4}
_BART_SIZES = {
    "d_model": 32,
    "encoder_layers": BLOCKS,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 48,
    "max_position_embeddings": LONGEST,
    # Tests compare with the likeliest tokens.
    "forced_eos_token_id": None,
}

#: The sizes of a tiny model of each family; "bert" stands for two encoders that are joined.
ENCODER_DECODERS = {
    "t5": _T5_SIZES,
    "mt5": _T5_SIZES,
    "bart": _BART_SIZES,
    "marian": _BART_SIZES,
    "bert": {},
}


def tokenizer_of(family: str):
    """Return a tokenizer for a family: that of BERT, or one without a token of classification."""
    tokenizer = tiny_tokenizer("bert" if family == "bert" else "roberta")
    if family not in ("bert", "bart"):
        tokenizer.cls_token = None
    return tokenizer


def _config(family: str) -> PreTrainedConfig:
    tokenizer = tokenizer_of(family)
    end, padding = tokenizer.convert_tokens_to_ids(["</s>", "<pad>"])
    return AutoConfig.for_model(
        family,
        vocab_size=len(tokenizer),
        pad_token_id=padding,
        eos_token_id=end,
        decoder_start_token_id=end if family == "bart" else padding,
        **ENCODER_DECODERS[family],
    )


def save_encoder_decoder(folder: Path, family: str) -> str:
    """Save a plain tiny checkpoint with its tokenizer and return its folder."""
    if family == "bert":
        return save_plain(folder, "bert", KGBertModel)
    torch.manual_seed(0)
    AutoModelForSeq2SeqLM.from_config(_config(family)).save_pretrained(folder / family)
    tokenizer_of(family).save_pretrained(folder / family)
    return str(folder / family)


def fused_pair(folder: Path, family: str):
    """Return a plain encoder-decoder, and a fused one with its weights."""
    checkpoint = save_encoder_decoder(folder, family)
    plain = KGBertForConditionalGeneration.auto_class.from_pretrained(checkpoint).eval()
    torch.manual_seed(3)
    settings = {"max_target_length": 8}
    fused = KGBertForConditionalGeneration.from_model(
        plain, tiny_graph(), task="generation", task_settings=settings, **TINY
    )
    return plain, fused.eval()
