import torch

from kgbert.models.heads.label_vectors import (
    SHARPNESS,
    label_loss,
    share_head_scores,
    soft_maximum,
)
from tests.support.tiny import config_with


def test_the_soft_maximum_is_that_of_each_group():
    values = torch.rand(5, 7) * 2 - 1
    groups = torch.tensor([0, 0, 1, 1, 1, 3, 3])

    found = soft_maximum(values, groups, 4)

    for group in (0, 1, 3):
        own = values[:, groups == group]
        expected = torch.logsumexp(SHARPNESS * own, -1) / SHARPNESS
        torch.testing.assert_close(found[:, group], expected, rtol=1e-4, atol=1e-4)


def test_the_soft_maximum_of_tokens_has_their_shape():
    values = torch.rand(2, 3, 4)

    found = soft_maximum(values, torch.tensor([0, 1, 1, 2]), 3)

    torch.testing.assert_close(found[..., 0], values[..., 0], rtol=1e-4, atol=1e-4)
    assert found.shape == (2, 3, 3)


def test_the_loss_is_that_of_the_head():
    logits, labels = torch.randn(4, 3), torch.tensor([0, 2, -100, 1])

    own = label_loss(logits, labels, config_with("abc"))

    torch.testing.assert_close(own, torch.nn.functional.cross_entropy(logits, labels))


def test_labels_without_training_texts_get_no_gradient():
    logits = torch.randn(4, 3, requires_grad=True)

    label_loss(logits, torch.tensor([0, 1, 0, 1]), config_with("abc"), untrained=[2]).backward()

    assert not logits.grad[:, 2].any()
    assert logits.grad[:, :2].all()


def test_texts_with_several_labels_tell_which_labels_they_do_not_have():
    config = config_with("abc")
    config.problem_type = "multi_label_classification"
    logits = torch.randn(4, 3, requires_grad=True)

    label_loss(logits, torch.eye(3)[[0, 1, 0, 1]], config, untrained=[2]).backward()

    assert (logits.grad[:, 2] > 0).all()


def test_labels_without_training_texts_share_the_scores_of_the_head():
    logits = torch.tensor([[1.0, 3.0, 50.0], [-2.0, 0.0, 9.0]])

    shared = share_head_scores(logits, [2])

    assert shared.tolist() == [[1, 3, 2], [-2, 0, -1]]
    assert not share_head_scores(logits, [0, 1, 2]).any()
