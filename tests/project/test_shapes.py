import pytest
import torch
from jaxtyping import TypeCheckError

from kgbert.linking.embedding.loss import multi_similarity
from tests.support.project.shapes import modules_with_shapes


def test_tests_check_the_shapes_of_tensors():
    names = torch.nn.functional.normalize(torch.randn(4, 8), dim=1)

    with pytest.raises(TypeCheckError):
        multi_similarity(names, torch.arange(3))


def test_all_rooms_of_tensors_are_among_the_modules_that_are_checked():
    rooms = {module.split(".")[1] for module in modules_with_shapes()}

    assert {"baselines", "linking", "models", "pretraining", "training"} <= rooms
