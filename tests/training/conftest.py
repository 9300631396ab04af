"""Fixtures of the tests that train from a plain checkpoint."""

import pytest

from kgbert.features import feature_sources
from kgbert.models.task_models import KGBertModel
from tests.support.tiny import tiny_features


@pytest.fixture(scope="module")
def backbone(plain_folder):
    return plain_folder("bert", KGBertModel)


@pytest.fixture
def small_features(monkeypatch):
    """Give entities random vectors instead of encoding them."""
    monkeypatch.setattr(
        feature_sources, "encode_entities", lambda graph, _, **rest: tiny_features(graph)
    )
