import pytest
import torch
from transformers import AutoConfig

from kgbert.features.backbones import family_of
from kgbert.models.config import POOLINGS
from kgbert.models.fusions import FUSIONS
from kgbert.models.task_models import (
    KGBertForSequenceClassification,
    KGBertForTokenClassification,
    KGBertModel,
)
from tests.models.layers.test_injection import in_another_order
from tests.models.test_checkpointing import assert_same, gradients
from tests.support.errors import raises
from tests.support.tiny import (
    FAMILIES,
    TEXTS,
    loss_of,
    perturb,
    run,
    states,
    tiny_processor,
    tokens_of,
    trained,
)

RIVALS = sorted(set(FUSIONS) - {"attention"})

#: Families whose feed-forward part ERNIE can enter.
UNGATED = sorted(set(FAMILIES) - {"modernbert"})

#: Families whose tokens see only the tokens before them.
CAUSAL = [family for family in FAMILIES if family_of(AutoConfig.for_model(family)).causal]

TASKS = (KGBertForSequenceClassification, KGBertForTokenClassification)

#: Every rival with every task that it is for.
CASES = [
    pytest.param(fusion, kind, id=f"{fusion}-{kind.__name__}")
    for fusion in RIVALS
    for kind in TASKS
    if kind.reads_one_position or not FUSIONS[fusion].needs_pooling
]


def processor_of(fusion, family="bert"):
    return tiny_processor(family, hops=2 if FUSIONS[fusion].reads_graph else 0)


def hops(fusion):
    return {} if FUSIONS[fusion].reads_graph else {"graph_layers": 0}


@pytest.mark.parametrize(
    ("fusion", "family"),
    [
        (fusion, family)
        for fusion in RIVALS
        for family in UNGATED
        if not (FUSIONS[fusion].needs_bidirectional and family in CAUSAL)
    ],
)
def test_a_rival_starts_as_the_plain_model(fused, plain, fusion, family):
    batch = processor_of(fusion, family)(TEXTS)

    ours = run(fused(family, fusion=fusion, **hops(fusion)), batch)

    assert torch.equal(ours.logits, run(plain(family), tokens_of(batch)).logits)


@pytest.mark.parametrize("family", CAUSAL)
@pytest.mark.parametrize("fusion", ["ernie", "knowbert"])
def test_a_rival_that_reads_both_directions_refuses_a_causal_backbone(fused, fusion, family):
    with raises("fusion-needs-bidirectional"):
        fused(family, fusion=fusion, **hops(fusion))


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize(("fusion", "kind"), CASES)
def test_a_rivals_knowledge_reaches_the_logits_of_linked_texts_and_of_no_others(
    fused, fusion, kind, pooling
):
    model = perturb(fused(kind=kind, fusion=fusion, pooling=pooling, **hops(fusion)))
    batch = processor_of(fusion)(TEXTS)
    other = batch | {"node_features": batch["node_features"].flip(0)}

    answers = states(run(model, batch))
    with model.without_knowledge():
        off = states(run(model, batch))

    unlinked = TEXTS.index("nothing to see")
    changed = (answers != off).flatten(1).any(1)
    assert changed.tolist() == [row != unlinked for row in range(len(TEXTS))]
    assert not torch.equal(answers, states(run(model, other)))


@pytest.mark.parametrize(("fusion", "kind"), CASES)
def test_a_rivals_answer_depends_on_no_batch_mate_and_no_order(fused, fusion, kind):
    model = perturb(fused(kind=kind, fusion=fusion, pooling="mean", **hops(fusion)))
    processor = tiny_processor()
    batch = processor(TEXTS)

    together = states(run(model, batch))
    shuffled, rows = in_another_order(batch)

    assert torch.allclose(states(run(model, shuffled)), together[rows], atol=1e-5)
    for row, text in enumerate(TEXTS):
        alone = states(run(model, processor([text])))[0]
        assert torch.allclose(together[row][: len(alone)], alone, atol=1e-5)


@pytest.mark.parametrize(("fusion", "kind"), CASES)
def test_after_a_few_steps_every_part_of_a_rival_has_a_gradient(fused, fusion, kind):
    # With the mean pooled: what the last block fuses into a mention, no other token reads.
    options = {"pooling": "mean", **hops(fusion)}
    model = trained(fused(kind=kind, fusion=fusion, **options), steps=2).train()

    loss_of(model, tiny_processor()(TEXTS)).backward()

    silent = [
        name
        for name, parameter in model.named_parameters()
        if not name.startswith("backbone.")
        and (parameter.grad is None or not parameter.grad.any())
        # A softmax does not change where all its scores do.
        and not name.endswith((".key.bias", ".pooling.bias"))
    ]
    assert silent == []


@pytest.mark.parametrize(("fusion", "kind"), CASES)
def test_a_saved_rival_answers_as_before(fused, fusion, kind, tmp_path):
    model = perturb(fused(kind=kind, fusion=fusion, **hops(fusion)))
    batch = processor_of(fusion)(TEXTS)
    model.save_pretrained(tmp_path)

    again, report = kind.from_pretrained(tmp_path, output_loading_info=True)

    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    assert torch.equal(states(run(again.eval(), batch)), states(run(model, batch)))


@pytest.mark.parametrize("fusion", RIVALS)
def test_a_rival_computes_in_bfloat16_what_it_does_in_single_precision(fused, fusion):
    model = perturb(fused(fusion=fusion, **hops(fusion)))
    batch = processor_of(fusion)(TEXTS)
    expected = run(model, batch).logits

    with torch.autocast("cpu", torch.bfloat16):
        cast = run(model, batch).logits
        loss_of(model.train(), batch).backward()

    assert torch.allclose(cast.float(), expected, atol=0.2)


@pytest.mark.parametrize("fusion", RIVALS)
def test_a_rival_may_live_in_recomputed_blocks(fused, fusion):
    batches = [processor_of(fusion)(texts) for texts in (TEXTS[:2], TEXTS[2:])]
    kept, recomputed = (perturb(fused(fusion=fusion, **hops(fusion))) for _ in range(2))
    recomputed.gradient_checkpointing_enable()

    found, expected = gradients(recomputed, batches), gradients(kept, batches)

    if FUSIONS[fusion].reads_graph:
        assert_same(found, expected)
    assert all(torch.allclose(found[name], x, atol=1e-6) for name, x in expected.items())


@pytest.mark.parametrize(("fusion", "kind"), CASES)
def test_a_batch_in_which_nothing_is_linked_is_computed_as_without_knowledge(fused, fusion, kind):
    model = perturb(fused(kind=kind, fusion=fusion, **hops(fusion)))
    batch = processor_of(fusion)(["nothing to see", "", "nor here"])

    ours = states(run(model, batch))
    with model.without_knowledge():
        off = states(run(model, batch))

    assert torch.equal(ours, off)


@pytest.mark.parametrize("fusion", RIVALS)
def test_hidden_links_change_nothing(fused, fusion):
    model = perturb(fused(fusion=fusion, **hops(fusion)))
    batch = processor_of(fusion)(TEXTS)
    hidden = batch | {"link_scores": torch.full_like(batch["link_scores"], -torch.inf)}
    other = hidden | {"node_features": batch["node_features"].flip(0)}

    assert torch.allclose(run(model, hidden).logits, run(model, other).logits, atol=1e-6)


def test_entities_are_not_fused_into_gated_feed_forward_parts(fused):
    with raises("gated-feed-forward"):
        fused("modernbert", fusion="ernie", graph_layers=0)


@pytest.mark.parametrize("kind", [KGBertForTokenClassification, KGBertModel])
def test_what_reads_all_positions_cannot_be_fused_after_pooling(fused, kind):
    with raises("fusion-needs-pooling"):
        fused(kind=kind, fusion="pooled")


def test_heads_that_cannot_share_a_vector_are_refused(fused):
    with raises("indivisible-heads"):
        fused(fusion="knowbert", knowledge_heads=3, knowledge_size=15)


def test_an_unknown_fusion_is_refused_with_the_known_ones(fused):
    with raises("unknown-name"):
        fused(fusion="erny")
