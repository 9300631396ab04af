from math import log

import pytest
import torch

from kgbert.data import Example, Span
from kgbert.models.layers.knowledge_attention import Links
from kgbert.models.linking_loss import linking_loss
from kgbert.tasks.base import IGNORED
from kgbert.tasks.registry import TASKS
from kgbert.training.dataset import KGBertCollator, TrainingExamples
from tests.support.errors import raises
from tests.support.tiny import TEXTS, config_with, perturb, run, tiny_processor

#: Three positions with two links, one link, and one link.
POSITIONS = torch.tensor([0, 0, 1, 2])

#: What two heads give each link; the rest goes to the null entity.
SHARES = torch.tensor([[0.5, 0.7], [0.3, 0.1], [0.2, 0.4], [0.9, 0.9]])


def loss_of_gold(gold, scores=(0.0, 0.0, 0.0, 0.0)):
    links = Links(
        torch.zeros(3, dtype=torch.int64),
        torch.arange(3),
        POSITIONS,
        torch.arange(4),
        torch.tensor(scores),
    )
    return float(linking_loss([SHARES], links, torch.tensor(gold)))


def test_the_gold_candidates_share_counts_and_where_it_is_missing_that_of_the_null_entity():
    found = loss_of_gold([1, 0, 0, IGNORED])

    assert found == pytest.approx((-log(0.6) - log(1 - 0.3)) / 2)


def test_unlabelled_links_have_no_loss():
    assert loss_of_gold([IGNORED] * 4) == 0.0


def test_a_gold_candidate_that_was_hidden_makes_the_null_entity_right():
    hidden = loss_of_gold([1, 0, IGNORED, IGNORED], (-torch.inf, 0.0, 0.0, 0.0))

    assert hidden == pytest.approx(-log(1 - 0.6 - 0.2))


def batch_with_gold(*entities):
    spans = (Span(0, 5, "Sign", entities[0]), Span(10, 15, "Sign", entities[1]))
    task, processor = TASKS["text-classification"], tiny_processor()
    examples = [Example("fever and cough", "ill", spans), Example("a lung", "well")]
    texts = TrainingExamples(
        task, processor, examples, config_with(["ill", "well"]), with_link_gold=True
    )
    return KGBertCollator(task, processor)([texts[0], texts[1]])


def test_only_the_tokens_of_a_mention_have_gold_links():
    batch = batch_with_gold("EX:8", "EX:3")

    gold = batch["link_gold"]
    places = batch["link_token_index"][batch["link_query_index"]]
    rows = batch["link_batch_index"][batch["link_query_index"]]
    assert (gold[(places == 0) | (rows == 1)] == IGNORED).all()
    assert gold[(places > 0) & (rows == 0)].tolist() == [0, 1] + [0] * 5


def test_gold_links_add_their_weighted_loss(fused):
    batch = batch_with_gold("EX:8", "EX:2")
    losses = []
    for weight in (0.0, 0.1, 0.2):
        model = perturb(fused(linking_loss=weight))
        losses.append(float(run(model, batch).loss))

    assert losses[0] < losses[1] < losses[2]
    assert losses[2] - losses[1] == pytest.approx(losses[1] - losses[0], rel=1e-3)


def test_the_attention_learns_the_gold_links_beside_the_task(fused):
    batch = batch_with_gold("EX:8", "EX:2")
    model = fused(linking_loss=1.0, link_dropout=0.0).train()
    optimiser = torch.optim.AdamW(model.parameters(), 0.01)
    for _ in range(40):
        optimiser.zero_grad()
        model(**batch).loss.backward()
        optimiser.step()

    with model.eval().record_attention() as weights:
        run(model, {name: x for name, x in batch.items() if name != "link_gold"})

    right = batch["link_gold"] == 1
    for shares in weights.values():
        assert (shares.mean(-1)[right] > 0.9).all()


def test_a_negative_weight_is_refused(fused):
    with raises("negative-linking-loss"):
        fused(linking_loss=-1.0)


def test_another_fusion_has_no_attention_to_teach(fused):
    with raises("linking-loss-without-attention"):
        fused(linking_loss=0.1, fusion="pooled")


def test_evaluation_has_no_gold_links(fused):
    model = perturb(fused(linking_loss=0.5))
    batch = tiny_processor()(TEXTS)
    labels = torch.zeros(len(TEXTS), dtype=torch.int64)

    bare = perturb(fused())

    assert torch.equal(run(model, batch, labels=labels).loss, run(bare, batch, labels=labels).loss)
