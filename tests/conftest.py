"""What every test may use: no network, and one graph of five entities."""

import gc
import os

# Before anything imports huggingface_hub, which reads it once.
os.environ["HF_HUB_OFFLINE"] = "1"

import pytest
from hypothesis import HealthCheck, settings

from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.storage.builder import GraphBuilder

#: The example of a package that extends kgbert: found only by tests that install it.
collect_ignore = ["support/plugin"]

# On a busy machine an example may take any time; pytest-timeout catches what hangs.
# On CI the examples are the same in every run, so that a change is judged by what it changed;
# everywhere else each run tries others.
settings.register_profile(
    "kgbert",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("kgbert")


def pytest_collection_finish() -> None:
    """Leave what was imported out of garbage collection, which every training runs twice."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def graph() -> KnowledgeGraph:
    """Pneumonia is an infection of the lung and has fever and cough; both are symptoms."""
    builder = GraphBuilder()
    builder.add_entity("EX:1", "An inflammation of the lung.")
    builder.add_entity("EX:2", "A body temperature above the normal.")
    for entity, name in {
        "EX:1": "pneumonia",
        "EX:2": "fever",
        "EX:3": "cough",
        "EX:4": "symptom",
        "EX:5": "lung",
    }.items():
        builder.add_name(entity, name)
    builder.add_name("EX:1", "lung infection", "exact")
    builder.add_name("EX:2", "high temperature", "related")
    builder.add_relation("EX:has_symptom", "has symptom")
    builder.add_relation("EX:located_in", "located in")
    for head, relation, tail in (
        ("EX:1", "EX:has_symptom", "EX:2"),
        ("EX:1", "EX:has_symptom", "EX:3"),
        ("EX:1", "EX:located_in", "EX:5"),
        ("EX:2", "rdfs:subClassOf", "EX:4"),
        ("EX:3", "rdfs:subClassOf", "EX:4"),
    ):
        builder.add_edge(head, relation, tail)
    builder.version, builder.licence = "1", "CC0-1.0"
    return builder.build(source="five entities")


@pytest.fixture(scope="session")
def plain_folder(tmp_path_factory):
    """Return the folder of a plain tiny checkpoint, by family and kind of fused model."""
    from functools import cache

    from tests.support.tiny import save_plain

    folder = tmp_path_factory.mktemp("plain")
    return cache(lambda family, kind: save_plain(folder, family, kind))


@pytest.fixture
def plain(plain_folder):
    """Return a plain tiny model."""
    from kgbert.models.task_models import KGBertForSequenceClassification

    def load(family="bert", kind=KGBertForSequenceClassification):
        return kind.auto_class.from_pretrained(plain_folder(family, kind)).eval()

    return load


@pytest.fixture
def fused(plain_folder):
    """Return a fused tiny model, made from the same checkpoint as the plain one."""
    import torch

    from kgbert.models.task_models import KGBertForSequenceClassification
    from tests.support.tiny import TINY, tiny_graph

    def make(family="bert", kind=KGBertForSequenceClassification, **options):
        folder = plain_folder(family, kind)
        torch.manual_seed(3)
        return kind.from_backbone(folder, tiny_graph(), **TINY | options).eval()

    return make
