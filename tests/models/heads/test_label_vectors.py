import pytest
import torch

from kgbert.models.heads.label_vectors import SHARPNESS, label_loss, soft_maximum
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


@pytest.mark.parametrize("several", [False, True])
def test_labels_without_training_texts_get_no_gradient(several):
    config = config_with("abc")
    config.problem_type = "multi_label_classification" if several else None
    logits = torch.randn(4, 3, requires_grad=True)
    labels = torch.eye(3)[[0, 1, 0, 1]] if several else torch.tensor([0, 1, 0, 1])

    label_loss(logits, labels, config, untrained=[2]).backward()

    assert not logits.grad[:, 2].any()
    assert logits.grad[:, :2].all()
