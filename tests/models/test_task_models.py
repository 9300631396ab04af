import copy

import pytest
import torch
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification, pipeline

from kgbert.features.backbones import FAMILIES as KNOWN_FAMILIES
from kgbert.features.backbones import blocks_of, family_of, head_input_of
from kgbert.models.config import KGBertConfig
from kgbert.models.inputs import BatchKnowledge
from kgbert.models.layers.graph_encoder import ENCODERS
from kgbert.models.task_models import KGBertForSequenceClassification, KGBertModel
from tests.support.errors import raises
from tests.support.tiny import (
    BLOCKS,
    EVERY_MODEL,
    FAMILIES,
    TEXTS,
    TINY,
    inputs_for,
    perturb,
    run,
    save_plain,
    states,
    tiny_config,
    tiny_graph,
    tiny_processor,
    tokens_of,
)

#: What a batch that brings knowledge cannot do without.
WHOLE = set(BatchKnowledge._fields) - {
    "hop_sizes",
    "entity_vectors",
    "vectors_hash",
    "link_gold",
}


@pytest.mark.parametrize(("family", "kind"), EVERY_MODEL)
def test_a_new_model_computes_what_the_plain_one_computes(fused, plain, family, kind):
    batch = tiny_processor(family)(inputs_for(kind))

    ours = run(fused(family, kind), batch, output_hidden_states=True)
    theirs = run(plain(family, kind), tokens_of(batch), output_hidden_states=True)

    assert torch.equal(states(ours), states(theirs))
    assert len(ours.hidden_states) == BLOCKS + 1
    assert all(map(torch.equal, ours.hidden_states, theirs.hidden_states))


@pytest.mark.parametrize(("family", "kind"), EVERY_MODEL)
def test_with_mean_pooling_it_computes_what_the_same_model_without_injections_computes(
    fused, family, kind
):
    batch = tiny_processor(family)(inputs_for(kind))
    model = fused(family, kind, pooling="mean")
    bare = fused(family, kind, pooling="mean", injected_layers=[])

    ours = run(model, batch, output_hidden_states=True)
    theirs = run(bare, batch, output_hidden_states=True)

    assert torch.equal(states(ours), states(theirs))
    assert all(map(torch.equal, ours.hidden_states, theirs.hidden_states))


@pytest.mark.parametrize("encoder", ENCODERS)
def test_a_new_model_is_the_plain_one_with_every_graph_encoder(fused, plain, encoder):
    batch = tiny_processor()(TEXTS)

    ours = run(fused(graph_encoder=encoder), batch)

    assert torch.equal(ours.logits, run(plain(), tokens_of(batch)).logits)


@pytest.mark.parametrize("family", FAMILIES)
def test_mean_pooling_shows_the_head_the_mean_of_a_texts_own_tokens(fused, family):
    batch = tiny_processor(family)(TEXTS)
    model = fused(family, pooling="mean", injected_layers=[])
    unpooled = fused(family, injected_layers=[])
    mask = batch["attention_mask"].unsqueeze(-1)

    rows = torch.arange(len(TEXTS))
    seen = last_states(model, batch)[rows, read_index(model, batch)]

    own = last_states(unpooled, batch)
    expected = (own * mask).sum(1) / mask.sum(1)
    assert torch.allclose(seen, expected, atol=1e-6)


def test_a_head_that_takes_the_mean_itself_computes_what_it_did(tmp_path):
    folder = save_plain(tmp_path, "modernbert", KGBertForSequenceClassification)
    plain = AutoModelForSequenceClassification.from_pretrained(folder, classifier_pooling="mean")
    plain.save_pretrained(folder)
    batch = tiny_processor("modernbert")(TEXTS)

    model = KGBertForSequenceClassification.from_backbone(folder, tiny_graph(), **TINY).eval()

    assert model.config.pooling == "mean"
    expected = run(plain.eval(), tokens_of(batch)).logits
    assert torch.allclose(run(model, batch).logits, expected, atol=1e-5)
    unread = AutoModelForSequenceClassification.from_pretrained(folder, classifier_pooling="cls")
    assert not torch.allclose(run(unread.eval(), tokens_of(batch)).logits, expected, atol=1e-3)


def read_index(model, batch):
    """Return the token that the head reads, found text by text."""
    if family_of(model.config.backbone).reads_first_token:
        return torch.zeros(len(batch["input_ids"]), dtype=torch.int64)
    return torch.tensor([int(mask.nonzero().max()) for mask in batch["attention_mask"]])


def last_states(model, batch):
    """Return what a task head reads, (batch, tokens, hidden)."""
    seen = []
    last = head_input_of(model.backbone).module
    handle = last.register_forward_hook(lambda last, inputs, output: seen.append(output))
    run(model, batch)
    handle.remove()
    # A shared block is called once for each layer.
    hidden = seen[-1][0] if isinstance(seen[-1], tuple) else seen[-1]
    return hidden.transpose(0, 1) if model.config.backbone.model_type == "xlnet" else hidden


def test_a_batch_without_knowledge_is_refused(fused):
    batch = tokens_of(tiny_processor()(TEXTS))

    with raises("batch-without-knowledge"):
        fused()(**batch)


def test_a_model_without_injections_takes_a_batch_without_knowledge(fused):
    batch = tiny_processor()(TEXTS)
    model = fused(injected_layers=[])

    assert torch.equal(run(model, tokens_of(batch)).logits, run(model, batch).logits)


@pytest.mark.parametrize("missing", sorted(WHOLE))
def test_a_batch_with_part_of_the_knowledge_is_refused(fused, missing):
    batch = tiny_processor()(TEXTS)
    del batch[missing]

    with raises("incomplete-knowledge"):
        fused()(**batch)


@pytest.mark.parametrize("cut", [lambda x: x[:1], lambda x: torch.cat([x, x]), lambda x: x[1:]])
def test_knowledge_cut_or_joined_by_rows_is_refused(fused, cut):
    batch = cut_by_rows(tiny_processor()(TEXTS), cut)

    with raises("sliced-knowledge"):
        fused()(**batch)


def test_data_parallel_is_refused(fused):
    halves = cut_by_rows(tiny_processor()(TEXTS), lambda tensor: tensor.chunk(2)[0])

    with raises("sliced-knowledge"):
        fused()(**halves)


def cut_by_rows(batch, cut):
    """Return a batch as whoever knows nothing of graphs would cut it."""
    return {
        name: cut(value) if isinstance(value, torch.Tensor) else value
        for name, value in batch.items()
    }


def test_the_pipeline_of_transformers_is_refused(fused):
    model = fused(labels=["a", "b", "c"])
    ask = pipeline(
        "text-classification", model=model, tokenizer=tiny_processor().tokenizer, device="cpu"
    )

    with raises("batch-without-knowledge"):
        ask("fever and cough")


def test_a_copy_computes_the_same_and_shares_nothing(fused):
    batch = tiny_processor()(TEXTS)
    model = perturb(fused())
    run(model, batch, output_hidden_states=True)
    expected = run(model, batch).logits

    copied = copy.deepcopy(model)
    perturb(model, seed=9)

    assert torch.equal(run(copied, batch).logits, expected)
    assert not torch.equal(run(model, batch).logits, expected)


def test_two_models_share_no_memory(fused):
    first, second = perturb(fused()), perturb(fused())
    batch = tiny_processor()(TEXTS)
    expected = run(second, batch).logits

    with first.without_knowledge(), first.record_attention() as weights:
        assert torch.equal(run(second, batch).logits, expected)
    assert weights == {}


def test_knowledge_is_on_again_after_an_error_inside_knowledge_off(fused):
    model, batch = perturb(fused()), tiny_processor()(TEXTS)
    expected = run(model, batch).logits

    with pytest.raises(ZeroDivisionError), model.without_knowledge():
        1 / 0  # noqa: B018 - the error is what is wanted

    assert torch.equal(run(model, batch).logits, expected)


@pytest.mark.parametrize("pooling", ["head", "mean"])
def test_calling_the_backbone_past_the_fused_model_is_refused(fused, pooling):
    model, batch = fused(pooling=pooling), tokens_of(tiny_processor()(TEXTS))

    with raises("backbone-called-directly"):
        model.backbone(**batch)


def test_the_backbone_answers_alone_once_knowledge_is_switched_off(fused, plain):
    model, batch = perturb(fused()), tokens_of(tiny_processor()(TEXTS))

    with model.without_knowledge():
        alone = run(model.backbone, batch).logits

    assert torch.equal(alone, run(plain(), batch).logits)


def test_generation_that_enters_the_decoder_again_is_refused(fused):
    model = fused("gpt2", KGBertModel)

    with raises("backbone-called-directly"):
        model.backbone.h[0](torch.zeros(1, 1, 32))


def test_nothing_is_kept_between_passes(fused):
    model, batch = perturb(fused()), tiny_processor()(TEXTS)

    run(model, batch)
    with raises("batch-without-knowledge"):
        model(**tokens_of(batch))

    assert model.context_stack.current is None


def test_the_same_links_with_minus_infinite_scores_change_nothing(fused):
    model, batch = perturb(fused()), tiny_processor()(TEXTS)
    hidden = batch | {"link_scores": torch.full_like(batch["link_scores"], -torch.inf)}

    with model.without_knowledge():
        off = run(model, batch).logits

    assert torch.allclose(run(model, hidden).logits, off, atol=1e-6)


def test_another_graph_needs_no_new_weights(fused):
    model = perturb(fused())
    processor = tiny_processor()
    batch = processor(["fever"])
    edited = batch | {"node_features": torch.zeros_like(batch["node_features"])}

    assert not torch.allclose(run(model, batch).logits, run(model, edited).logits)
    assert not any("node" in name for name in model.state_dict())


def test_a_backbone_without_a_list_of_blocks_is_refused():
    backbone = AutoConfig.for_model("fnet", hidden_size=32, vocab_size=50, num_hidden_layers=3)
    model = AutoModel.from_config(backbone)
    model.config.num_hidden_layers = 4

    with raises("unknown-blocks"):
        blocks_of(model)


def test_a_family_that_is_not_in_the_table_is_injected_by_the_generic_rule():
    backbone = AutoConfig.for_model("fnet", hidden_size=32, vocab_size=50, num_hidden_layers=3)

    assert "fnet" not in KNOWN_FAMILIES
    assert len(blocks_of(AutoModel.from_config(backbone))) == 3


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("inner", [1, 2])
def test_each_layer_of_shared_blocks_is_injected_by_itself(groups, inner):
    backbone = tiny_config("albert")
    backbone.num_hidden_groups, backbone.inner_group_num = groups, inner
    batch = tiny_processor("albert")(TEXTS)
    model = KGBertModel(KGBertConfig(backbone, list(tiny_graph().relation_ids), **TINY))
    perturb(model)
    with torch.no_grad():
        model.injections["layer_1"].gate.zero_()

    on = run(model, batch, output_hidden_states=True).hidden_states
    with model.without_knowledge():
        off = run(model, batch, output_hidden_states=True).hidden_states

    last = inner * BLOCKS
    assert all(torch.equal(on[state], off[state]) for state in range(last))
    assert not torch.equal(on[last], off[last])


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"injected_layers": [0]}, "unknown-layer"),
        ({"injected_layers": [4]}, "unknown-layer"),
        ({"injected_layers": [-4]}, "unknown-layer"),
        ({"injected_layers": [3, -1]}, "repeated-layer"),
        ({"injected_layers": [1, 1]}, "repeated-layer"),
        ({"knowledge_size": 10, "knowledge_heads": 4}, "indivisible-heads"),
        ({"pooling": "max"}, "unknown-name"),
        ({"graph_encoder": "rgcm"}, "unknown-name"),
    ],
)
def test_options_that_cannot_work_are_refused(options, code):
    config = {"backbone": tiny_config("bert"), "relations": ["r"], **options}

    with raises(code):
        KGBertModel(KGBertConfig(**config))


def test_the_upper_half_is_injected_by_default():
    assert KGBertConfig(backbone=tiny_config("bert")).injected_layers == [2, 3]


def test_negative_layers_count_from_the_last():
    config = KGBertConfig(backbone=tiny_config("bert"), injected_layers=[1, -1])

    assert config.injected_layers == [1, 3]


def test_an_option_that_is_misspelt_is_refused(fused):
    with raises("unknown-name"):
        fused(injected_layer=[-1])


def test_labels_are_named_in_the_order_of_the_logits(fused):
    model = fused(labels=["well", "ill", "dead"])

    assert model.config.id2label == {0: "well", 1: "ill", 2: "dead"}
    assert model.config.num_labels == 3
    assert model.backbone.config.label2id == {"well": 0, "ill": 1, "dead": 2}


def test_a_batch_made_for_relations_that_the_model_lacks_does_not_pass_unseen(fused):
    model, batch = fused(), tiny_processor()(TEXTS)
    batch["edge_types"] = batch["edge_types"] + 2 * len(tiny_graph().relation_ids)

    with pytest.raises(IndexError):
        model(**batch)


def test_the_auto_classes_know_the_fused_models(fused):
    assert AutoConfig.for_model("kgbert").model_type == "kgbert"
    assert isinstance(
        AutoModelForSequenceClassification.from_config(fused().config),
        KGBertForSequenceClassification,
    )
