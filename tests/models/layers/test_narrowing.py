import pytest
import torch
from torch import nn
from transformers import AutoModel

from kgbert.features.backbones import blocks_of
from kgbert.models.layers.narrowing import BlockUnits, head_units, narrow_blocks, neuron_units
from tests.support.tiny import tiny_config

WITH_HEADS = ("bert", "roberta", "electra", "xlm-roberta", "camembert")
WITH_NEURONS = (*WITH_HEADS, "distilbert", "deberta-v2", "mpnet", "xlnet")
WITHOUT = ("modernbert", "gpt2", "llama", "qwen2")


def backbone_of(family):
    torch.manual_seed(0)
    return AutoModel.from_config(tiny_config(family)).eval()


def states(backbone):
    ids = torch.randint(5, 30, (2, 7), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return backbone(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state


def test_the_units_of_each_family():
    has_heads = {x: head_units(backbone_of(x)) is not None for x in (*WITH_NEURONS, *WITHOUT)}
    has_neurons = {x: neuron_units(backbone_of(x)) is not None for x in (*WITH_NEURONS, *WITHOUT)}

    assert [name for name, has in has_heads.items() if has] == list(WITH_HEADS)
    assert [name for name, has in has_neurons.items() if has] == list(WITH_NEURONS)


CASES = [(x, head_units) for x in WITH_HEADS] + [(x, neuron_units) for x in WITH_NEURONS]


@pytest.mark.parametrize(("family", "kind"), CASES)
def test_units_that_nobody_reads_change_nothing_when_they_are_left_out(family, kind):
    backbone = backbone_of(family)
    units = kind(backbone)
    unread, read = torch.tensor([0, 2]), torch.arange(units.count(blocks_of(backbone)[0].module))
    read = read[~torch.isin(read, unread)]
    kept = units.places(read)
    for block in blocks_of(backbone):
        reader = block.module.get_submodule(units.reader)
        with torch.no_grad():
            reader.weight[:, units.places(unread)] = 0
    expected, weights = states(backbone), backbone.state_dict()

    counts = (len(read), None) if kind is head_units else (None, len(read))
    narrow_blocks(backbone, *counts)

    for name, fresh in backbone.state_dict().items():
        old = weights[name]
        if name.endswith(tuple(f"{x}.{y}" for x in units.writers for y in ("weight", "bias"))):
            old = old[kept]
        elif name.endswith(f"{units.reader}.weight") and old.shape != fresh.shape:
            old = old[:, kept]
        fresh.copy_(old)
    assert torch.allclose(states(backbone), expected, atol=1e-6)


def test_the_importance_of_a_unit_by_hand():
    block = nn.ModuleDict({"w": nn.Linear(3, 4), "r": nn.Linear(4, 2)})
    units = BlockUnits(("w",), "r", size=2)
    with torch.no_grad():
        block["r"].weight.copy_(torch.tensor([[1.0, 0.0, 3.0, 0.0], [0.0, 2.0, 4.0, 0.0]]))
    inputs = torch.tensor([[1.0, 1.0, 0.0, 9.0], [0.0, 1.0, 2.0, 9.0]])

    importance = units.importance(block, inputs.square().sum(0))

    # Contributions 1 * 1 and sqrt(2) * 2 of the first unit, 2 * 5 and 0 of the second.
    assert importance.tolist() == pytest.approx([3.0, 10.0])
    assert units.count(block) == 2
    assert units.places(torch.tensor([1])).tolist() == [2, 3]
