import numpy as np
import pytest
import torch

from kgbert.encoding.precomputed_vectors import EntityVectors
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.models import precompute as precomputing
from kgbert.models.layers.graph_encoder import ENCODERS
from kgbert.models.task_models import KGBertForTokenClassification
from kgbert.training.pipeline import pipeline
from kgbert.training.saving import load_model, save_model
from tests.support.errors import raises
from tests.support.tiny import TEXTS, loss_of, perturb, run, tiny_graph, tiny_processor

#: By the heads of its attentions, the shape of a tiny model; of one head they can be folded.
HEADS = {1: {"knowledge_heads": 1, "knowledge_size": 32}, 2: {}}

#: What half precision may change in the logits of a tiny model.
TOLERANCE = 5e-3


@pytest.mark.parametrize("chunk", [1, 4, 100])
@pytest.mark.parametrize("hops", [2, 3])
@pytest.mark.parametrize("encoder", ENCODERS)
def test_precomputed_vectors_are_those_of_every_batch(fused, monkeypatch, encoder, hops, chunk):
    monkeypatch.setattr(precomputing, "CHUNK", chunk)
    model = perturb(fused(graph_encoder=encoder))
    processor = tiny_processor(hops=hops, fan_out=2)

    vectors = model.precompute(processor).vectors

    for entity in range(len(tiny_graph())):
        sampled = processor.sampler.sample(np.array([entity]))
        with torch.no_grad():
            computed = model.graph_encoder(
                torch.from_numpy(processor.features.vectors[sampled.nodes]),
                torch.from_numpy(sampled.edge_index),
                torch.from_numpy(sampled.edge_types),
                sampled.hop_sizes,
            )
        # Half precision keeps eleven bits of a number.
        assert np.allclose(vectors[entity], computed[0].numpy(), rtol=2**-11, atol=1e-5)


@pytest.mark.parametrize("heads", HEADS)
@pytest.mark.parametrize("kind", [None, KGBertForTokenClassification])
def test_looking_vectors_up_changes_answers_within_the_tolerance(fused, kind, heads):
    shape = {"pooling": "mean"} if kind is None else {"kind": kind}
    model = perturb(fused(**shape, **HEADS[heads]))
    processor = tiny_processor()
    sampled = run(model, processor(TEXTS)).logits

    processor.use_vectors(model.precompute(processor))
    batch = processor(TEXTS)

    assert "edge_index" not in batch
    assert batch["entity_vectors"].dtype == torch.float16
    assert torch.allclose(run(model, batch).logits, sampled, atol=TOLERANCE)


def test_one_head_leaves_no_map_for_the_text(fused, monkeypatch):
    model, processor = perturb(fused(**HEADS[1])), tiny_processor()
    hidden, blocks = model.config.backbone.hidden_size, len(model.config.injected_layers)
    sampled = run(model, processor(TEXTS)).logits
    vectors = model.precompute(processor)
    processor.use_vectors(vectors)

    for attention in model.injections.values():
        for layer in (attention.query, attention.key, attention.value, attention.output):
            monkeypatch.setattr(layer, "forward", None)

    assert vectors.vectors.shape[1] == hidden + blocks * (2 * hidden + 1)
    assert torch.allclose(run(model, processor(TEXTS)).logits, sampled, atol=TOLERANCE)


@pytest.mark.parametrize("heads", HEADS)
def test_recorded_attention_equals_that_of_sampled_vectors(fused, heads):
    model, processor = perturb(fused(pooling="mean", **HEADS[heads])), tiny_processor()
    with model.record_attention() as sampled:
        run(model, processor(TEXTS))

    processor.use_vectors(model.precompute(processor))
    with model.record_attention() as looked_up:
        run(model, processor(TEXTS))

    assert sampled.keys() == looked_up.keys() == model.injections.keys()
    for name, weights in sampled.items():
        assert weights.std() > 0.01
        assert torch.allclose(looked_up[name], weights, atol=TOLERANCE)


@pytest.mark.parametrize("heads", HEADS)
def test_texts_without_links_look_nothing_up(fused, heads):
    model, processor = perturb(fused(**HEADS[heads])), tiny_processor()
    processor.use_vectors(model.precompute(processor))
    batch = processor(["nothing to see"])

    with model.without_knowledge():
        off = run(model, batch).logits

    assert len(batch["entity_vectors"]) == 0
    assert torch.equal(run(model, batch).logits, off)


@pytest.mark.parametrize("heads", HEADS)
def test_a_saved_folder_looks_vectors_up(fused, tmp_path, heads):
    model = perturb(fused(labels=list("abc"), **HEADS[heads]))
    processor = tiny_processor(linker=None)
    processor.use_vectors(model.precompute(processor))
    save_model(tmp_path / "model", model, processor, {})

    loaded, again, _ = load_model(tmp_path / "model")
    batch = again(TEXTS)

    # Where weights lie in memory decides in which order numbers are added up.
    expected = run(model, processor(TEXTS)).logits
    assert torch.allclose(run(loaded, batch).logits, expected, atol=1e-6)
    assert "entity_vectors" in batch
    assert len(pipeline(tmp_path / "model")(TEXTS)) == len(TEXTS)


def test_a_folder_with_vectors_of_other_weights_is_refused(fused, tmp_path):
    model, processor = perturb(fused(labels=list("abc"))), tiny_processor(linker=None)
    processor.use_vectors(model.precompute(processor))
    save_model(tmp_path / "model", model, processor, {})
    perturb(model, seed=2).save_pretrained(tmp_path / "model")

    with raises("changed-file"):
        load_model(tmp_path / "model")
    (tmp_path / "model" / "kgbert_checksums.json").unlink()
    with raises("stale-vectors"):
        load_model(tmp_path / "model")


def test_stale_vectors_are_not_saved(fused, tmp_path):
    model, processor = perturb(fused(labels=list("abc"))), tiny_processor(linker=None)
    processor.use_vectors(model.precompute(processor))

    with raises("stale-vectors"):
        save_model(tmp_path / "model", perturb(model, seed=2), processor, {})
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("fuse", [False, True])
def test_training_makes_vectors_stale(fused, fuse):
    model, processor = perturb(fused()), tiny_processor()
    batch, vectors = processor(TEXTS), model.precompute(processor)
    processor.use_vectors(vectors)
    run(model, processor(TEXTS))
    loss_of(model, batch).backward()
    torch.optim.AdamW(model.parameters(), 1e-3, fused=fuse).step()

    with raises("stale-vectors"):
        run(model, processor(TEXTS))
    processor.use_vectors(model.precompute(processor))
    run(model, processor(TEXTS))


@pytest.mark.parametrize(
    "name",
    ["query.weight", "query.bias", "key.weight", "key.bias", "value.weight", "output.weight"],
)
def test_keys_and_values_are_stale_when_an_attention_was_trained(fused, name):
    model, processor = perturb(fused(**HEADS[1])), tiny_processor()
    processor.use_vectors(model.precompute(processor))
    run(model, processor(TEXTS))

    with torch.no_grad():
        next(iter(model.injections.values())).get_parameter(name).add_(0.1)

    with raises("stale-vectors"):
        run(model, processor(TEXTS))


def test_another_precision_makes_vectors_stale(fused):
    model, processor = perturb(fused()), tiny_processor()
    processor.use_vectors(model.precompute(processor))
    run(model, processor(TEXTS))

    with raises("stale-vectors"):
        run(model.bfloat16(), processor(TEXTS))


def test_what_learns_from_vectors_looked_up_makes_none_stale(fused):
    model, processor = perturb(fused(**HEADS[1])), tiny_processor()
    processor.use_vectors(model.precompute(processor))
    head = model.backbone.classifier
    before = head.weight.detach().clone()

    # In evaluation, for example to train no more than the head.
    model(**processor(TEXTS), labels=torch.zeros(len(TEXTS), dtype=torch.int64)).loss.backward()
    torch.optim.AdamW(model.parameters(), 1e-3, fused=True, weight_decay=0).step()

    assert not torch.equal(head.weight, before)
    looked_up = run(model, processor(TEXTS)).logits
    processor.use_vectors(None)
    assert torch.allclose(run(model, processor(TEXTS)).logits, looked_up, atol=TOLERANCE)


def test_wrapped_maps_cannot_be_absorbed(fused):
    model = fused(**HEADS[1])
    attention = next(iter(model.injections.values()))
    attention.query = torch.nn.Sequential(attention.query)

    with raises("wrapped-projection"):
        model.precompute(tiny_processor())


def test_vectors_that_half_precision_cannot_hold_are_refused(fused):
    model = perturb(fused(**HEADS[1]))
    with torch.no_grad():
        next(iter(model.injections.values())).key.weight.mul_(1e6)

    with raises("non-finite-vectors"):
        model.precompute(tiny_processor())


@pytest.mark.parametrize("shape", [{"knowledge_size": 16}, {"knowledge_heads": 2}])
def test_short_vectors_and_several_heads_are_mapped_in_each_batch(fused, shape):
    model = fused(**HEADS[1] | shape)

    vectors = model.precompute(tiny_processor()).vectors

    assert vectors.shape[1] == model.config.knowledge_size


def test_a_gate_is_in_no_vectors(fused):
    model, processor = perturb(fused(**HEADS[1])), tiny_processor()
    processor.use_vectors(model.precompute(processor))
    before = run(model, processor(TEXTS)).logits

    with torch.no_grad():
        for attention in model.injections.values():
            attention.gate.mul_(2)

    assert not torch.allclose(run(model, processor(TEXTS)).logits, before)


def test_training_on_precomputed_vectors_is_refused(fused):
    model, processor = fused(), tiny_processor()
    processor.use_vectors(model.precompute(processor))

    with raises("training-on-precomputed-vectors"):
        model.train()(**processor(TEXTS))


@pytest.mark.parametrize(
    "change",
    [{"fan_out": 3}, {"features": "other"}],
)
def test_vectors_made_with_another_processor_are_refused(fused, change):
    vectors = fused().precompute(tiny_processor())
    processor = tiny_processor(**{"fan_out": change.get("fan_out", 8)})
    if "features" in change:
        object.__setattr__(processor.features, "encoder_hash", "seed 1")

    with raises("stale-vectors"):
        processor.use_vectors(vectors)


def test_vectors_of_another_graph_are_refused(fused):
    vectors = fused().precompute(tiny_processor())
    processor = tiny_processor()
    builder = GraphBuilder()
    for number in range(len(tiny_graph())):
        builder.add_name(f"EX:{number}", "other")
    processor.graph = builder.build()

    with raises("stale-vectors"):
        processor.use_vectors(vectors)


def test_a_model_that_computes_no_vectors_has_none_to_precompute(fused):
    vectors, plain = fused().precompute(tiny_processor()), fused(injected_layers=[])

    with raises("no-entity-vectors"):
        plain.precompute(tiny_processor())
    with raises("no-entity-vectors"):
        plain.check_vectors(vectors)


def test_precomputing_reports_progress_and_keeps_the_mode(fused):
    model, progress = fused().train(), []

    model.precompute(tiny_processor(), lambda done, all_of_it: progress.append((done, all_of_it)))

    assert progress == sorted(progress)
    assert progress[-1][0] == progress[-1][1]
    assert model.training
    assert model.graph_encoder.training


def test_vectors_are_mapped_and_not_read(fused, tmp_path):
    vectors = fused().precompute(tiny_processor())

    vectors.save(tmp_path / "vectors.safetensors")
    again = EntityVectors.load(tmp_path / "vectors.safetensors")

    assert again.origin == vectors.origin
    assert np.array_equal(again.vectors, vectors.vectors)
    assert not again.vectors.flags.owndata
    assert not again.vectors.flags.writeable


@pytest.mark.parametrize("missing", ["vectors_hash", "hop_sizes", "link_node_index"])
def test_a_batch_with_part_of_what_is_looked_up_is_refused(fused, missing):
    model, processor = fused(), tiny_processor()
    processor.use_vectors(model.precompute(processor))
    batch = processor(TEXTS)
    del batch[missing]

    with raises("incomplete-knowledge"):
        model(**batch)


def test_vectors_cut_by_rows_are_refused(fused):
    model, processor = fused(), tiny_processor()
    processor.use_vectors(model.precompute(processor))
    batch = processor(TEXTS)

    with raises("sliced-knowledge"):
        model(**batch | {"entity_vectors": batch["entity_vectors"][:1]})
