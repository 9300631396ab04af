"""An encoder with fewer tokens gives the same vectors for the texts that it was made for."""

import json

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import AutoModel, AutoTokenizer, PreTrainedTokenizerFast

from benchmarks.verdict.small_vocabulary import shrink
from tests.support.tiny import tiny_config

PIECES = [
    "<s>",
    "<pad>",
    "</s>",
    "<unk>",
    "▁",
    "▁fièvre",
    "▁fever",
    "▁Fieber",
    "f",
    "i",
    "v",
    "<mask>",
]


@pytest.fixture
def encoder(tmp_path):
    """A tiny multilingual encoder with a Unigram tokenizer."""
    folder = tmp_path / "encoder"
    tokenizer = Tokenizer(models.Unigram([(piece, -1.0) for piece in PIECES], unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        mask_token="<mask>",
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = tiny_config("bert")
    config.vocab_size, config.pad_token_id = len(PIECES), PIECES.index("<pad>")
    AutoModel.from_config(config).save_pretrained(folder)
    return folder


def test_the_texts_have_the_same_tokens_and_vectors(encoder, tmp_path):
    shrink(encoder, tmp_path / "small", ["fever", "fièvre"])

    before, after = (_encoded(folder, "fever fièvre") for folder in (encoder, tmp_path / "small"))
    assert after[0] == before[0]
    torch.testing.assert_close(after[1], before[1])


def test_tokens_of_other_languages_are_dropped(encoder, tmp_path):
    kept = shrink(encoder, tmp_path / "small", ["fever", "fièvre"])

    tokens = AutoTokenizer.from_pretrained(tmp_path / "small").get_vocab()
    assert set(PIECES) - set(tokens) == {"▁Fieber"}
    assert kept == len(tokens) == len(PIECES) - 1
    assert json.loads((tmp_path / "small" / "config.json").read_text())["vocab_size"] == kept


def _encoded(folder, text):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    inputs = tokenizer(text, return_tensors="pt")
    with torch.no_grad():
        hidden = AutoModel.from_pretrained(folder)(**inputs).last_hidden_state
    return tokenizer.convert_ids_to_tokens(inputs.input_ids[0]), hidden
