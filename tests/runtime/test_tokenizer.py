import pytest
from tokenizers import Tokenizer

from kgbert.runtime.settings import TokenizerSettings
from kgbert.runtime.tokenizer import RuntimeTokenizer
from tests.support.tiny import tiny_tokenizer

TEXTS = ["fever and cough", "a lung", ""]
OPTIONS = {"truncation": True, "max_length": 6, "return_offsets_mapping": True}


@pytest.fixture
def original():
    return tiny_tokenizer("bert")


@pytest.fixture
def tokenizer(original):
    settings = TokenizerSettings(
        padding={"input_ids": original.pad_token_id, "attention_mask": 0},
        padding_side="right",
        truncation_side="right",
        unk_token_id=original.unk_token_id,
        all_special_ids=original.all_special_ids,
        sep_token=original.sep_token,
    )
    return RuntimeTokenizer(Tokenizer.from_str(original.backend_tokenizer.to_str()), settings)


@pytest.mark.parametrize("others", [None, ["the organ", "cough, cough", ""]])
def test_texts_and_pairs_have_the_tokens_of_transformers(original, tokenizer, others):
    expected = original(TEXTS, others, **OPTIONS)

    tokens = tokenizer(TEXTS, others, **OPTIONS)

    assert {name: tokens[name] for name in tokens} == {name: expected[name] for name in tokens}
    assert [tokens.sequence_ids(row) for row in range(3)] == [
        expected.sequence_ids(row) for row in range(3)
    ]


def test_the_tokens_of_a_batch_are_read_once(tokenizer):
    tokens = tokenizer(TEXTS, **OPTIONS)

    # A list built at each access would make long inputs take quadratic time.
    assert tokens["input_ids"] is tokens["input_ids"]
