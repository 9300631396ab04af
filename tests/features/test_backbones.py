import pytest
from transformers import AutoConfig

from kgbert.features.backbones import FAMILIES, family_of, longest_text
from tests.support import tiny


def test_every_family_in_the_table_is_tested_or_shares_the_entry_of_one_that_is():
    tested = {id(FAMILIES[name]) for name in tiny.FAMILIES}

    assert set(tiny.FAMILIES) <= set(FAMILIES)
    assert {name for name, family in FAMILIES.items() if id(family) not in tested} == set()


@pytest.mark.parametrize(
    ("family", "expected"),
    [("bert", 64), ("roberta", 62), ("mpnet", 62), ("xlnet", None), ("gpt2", 64), ("llama", 64)],
)
def test_longest_text_leaves_out_the_positions_of_padding(family, expected):
    assert longest_text(tiny.tiny_config(family)) == expected


@pytest.mark.parametrize(("family", "first"), [("bert", 0), ("roberta", 2), ("deberta-v2", None)])
def test_first_position_is_that_of_absolute_positions_only(family, first):
    config = tiny.tiny_config(family)

    assert family_of(config).first_position(config) == first


def test_an_unknown_family_is_taken_for_an_encoder_that_reads_the_first_token():
    family = family_of(AutoConfig.for_model("fnet"))

    assert family.reads_first_token
    assert family.first_position(AutoConfig.for_model("fnet")) is None
