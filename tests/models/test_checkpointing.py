import pytest
import torch

from kgbert.models.layers.graph_encoder import ENCODERS
from tests.support.errors import raises
from tests.support.tiny import FAMILIES, TEXTS, loss_of, perturb, tiny_processor

#: Families whose code in transformers can recompute its blocks.
RECOMPUTING = sorted(set(FAMILIES) - {"albert", "mpnet", "xlnet"})


def gradients(model, batches):
    """Return the gradients of all forwards together, dropout included, and of one backward."""
    torch.manual_seed(11)
    sum(loss_of(model.train(), batch) for batch in batches).backward()
    return {name: x.grad for name, x in model.named_parameters() if x.grad is not None}


@pytest.mark.parametrize("family", RECOMPUTING)
def test_recomputed_blocks_give_the_gradients_of_kept_ones(fused, family):
    batch = tiny_processor(family)(TEXTS)
    kept, recomputed = perturb(fused(family)), perturb(fused(family))
    recomputed.gradient_checkpointing_enable()

    assert_same(gradients(recomputed, [batch]), gradients(kept, [batch]))


@pytest.mark.parametrize("family", RECOMPUTING)
def test_two_passes_before_one_backward_keep_their_own_knowledge(fused, family):
    processor = tiny_processor(family)
    batches = [processor(TEXTS[:2]), processor(TEXTS[2:])]
    kept, recomputed = (perturb(fused(family, pooling="mean")) for _ in range(2))
    recomputed.gradient_checkpointing_enable({"use_reentrant": False})

    assert_same(gradients(recomputed, batches), gradients(kept, batches))


@pytest.mark.parametrize("encoder", ENCODERS)
def test_every_graph_encoder_may_feed_recomputed_blocks(fused, encoder):
    batch = tiny_processor()(TEXTS)
    kept, recomputed = (perturb(fused(graph_encoder=encoder)) for _ in range(2))
    recomputed.gradient_checkpointing_enable()

    assert_same(gradients(recomputed, [batch]), gradients(kept, [batch]))


def test_blocks_are_really_recomputed(fused):
    model = perturb(fused())
    model.gradient_checkpointing_enable()
    calls = []
    layer = model.backbone.bert.encoder.layer[0].intermediate
    layer.register_forward_hook(lambda *call: calls.append(call))

    gradients(model, [tiny_processor()(TEXTS)])

    assert len(calls) == 2


def test_knowledge_may_be_off_in_one_of_two_passes(fused):
    batch = tiny_processor()(TEXTS)
    kept, recomputed = perturb(fused()), perturb(fused())
    recomputed.gradient_checkpointing_enable()

    def both(model):
        torch.manual_seed(11)
        on = loss_of(model.train(), batch)
        with model.without_knowledge():
            off = loss_of(model, batch)
        (on + off).backward()
        return {name: x.grad for name, x in model.named_parameters() if x.grad is not None}

    assert_same(both(recomputed), both(kept))


def test_reentrant_recomputation_is_refused(fused):
    with raises("reentrant-checkpointing"):
        fused().gradient_checkpointing_enable({"use_reentrant": True})


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - set(RECOMPUTING)))
def test_families_that_cannot_recompute_say_so(fused, family):
    with pytest.raises(ValueError, match="does not support"):
        fused(family).gradient_checkpointing_enable()


def test_recomputation_can_be_switched_off_again(fused):
    batch = tiny_processor()(TEXTS)
    kept, switched = perturb(fused()), perturb(fused())
    switched.gradient_checkpointing_enable()
    switched.gradient_checkpointing_disable()

    assert not switched.is_gradient_checkpointing
    assert_same(gradients(switched, [batch]), gradients(kept, [batch]))


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    assert any(name.startswith("graph_encoder.") for name in found)
    for name, gradient in expected.items():
        assert torch.allclose(found[name], gradient, atol=1e-6), name
