import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kgbert.encoding.padding_buckets import SMALLEST, bucket_of, pad_to_buckets
from kgbert.models.config import POOLINGS
from kgbert.models.fusions import FUSIONS
from kgbert.models.layers.graph_encoder import ENCODERS
from kgbert.models.task_models import KGBertForTokenClassification
from tests.support.tiny import TEXTS, loss_of, perturb, run, states, tiny_processor

#: What other sizes of matrices may change in single precision.
TOLERANCE = 1e-6

UNLINKED = ["nothing to see", "nor here"]


@given(st.integers(0, 10**7))
def test_a_bucket_has_room_for_more_but_not_much(size):
    bucket = bucket_of(size)

    assert size < bucket <= max(SMALLEST, 1.25 * size + 1)
    assert bucket_of(bucket - 1) == bucket


def gradients(model, batch):
    model.zero_grad()
    loss_of(model, batch).backward()
    return [parameter.grad for parameter in model.parameters() if parameter.grad is not None]


@pytest.mark.parametrize("texts", [TEXTS, UNLINKED], ids=["linked", "unlinked"])
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("encoder", ENCODERS)
def test_what_is_padded_is_computed_and_learnt_as_it_was(fused, encoder, pooling, texts):
    model = perturb(fused(graph_encoder=encoder, pooling=pooling))
    batch = tiny_processor()(texts)

    padded = pad_to_buckets(batch, model.read_position)

    assert torch.allclose(run(model, padded).logits, run(model, batch).logits, atol=TOLERANCE)
    for ours, theirs in zip(gradients(model, padded), gradients(model, batch), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_every_fusion_computes_padded_batches_as_unpadded(fused, fusion):
    model = perturb(fused(fusion=fusion))
    batch = tiny_processor()(TEXTS)

    padded = run(model, pad_to_buckets(batch, model.read_position)).logits

    assert torch.allclose(padded, run(model, batch).logits, atol=TOLERANCE)


def test_what_gold_links_teach_is_taught_in_padded_batches_alike(fused):
    model = perturb(fused(linking_loss=0.5))
    batch = tiny_processor()(TEXTS)
    batch["link_gold"] = torch.arange(len(batch["link_node_index"])) % 3 - 1

    padded = pad_to_buckets(batch, model.read_position)

    assert torch.allclose(loss_of(model, padded), loss_of(model, batch), atol=TOLERANCE)
    assert loss_of(model, batch) != loss_of(model, {**batch, "link_gold": None})


@pytest.mark.parametrize("family", ["bert", "xlnet"])
def test_texts_padded_on_either_side_are_computed_alike(fused, family):
    model = perturb(fused(family, KGBertForTokenClassification))
    batch = tiny_processor(family)(TEXTS)

    padded = states(run(model, pad_to_buckets(batch, model.read_position)))

    assert torch.allclose(padded, states(run(model, batch)), atol=TOLERANCE)


def test_vectors_that_are_looked_up_are_padded_too(fused):
    model, processor = perturb(fused()), tiny_processor()
    processor.use_vectors(model.precompute(processor))
    batch = processor(TEXTS)

    padded = pad_to_buckets(batch, model.read_position)

    assert len(padded["entity_vectors"]) == bucket_of(len(batch["entity_vectors"]))
    assert torch.allclose(run(model, padded).logits, run(model, batch).logits, atol=TOLERANCE)


def test_every_size_is_a_bucket():
    padded = pad_to_buckets(tiny_processor()(TEXTS), 0)

    sizes = {len(padded[name]) for name in padded if name.startswith("link_")}
    sizes |= {size for hop in padded["hop_sizes"] for size in hop if size}
    assert all(size == bucket_of(size - 1) for size in sizes)
    assert padded["edge_index"].shape == (2, len(padded["edge_types"]))
