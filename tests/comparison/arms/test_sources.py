"""Which source of a merged graph helps."""

from dataclasses import replace

import numpy as np
import pytest

import kgbert
from kgbert.comparison.arms.sources import source_arms
from kgbert.comparison.results import DONE
from kgbert.comparison.run import run_arm, run_inputs
from kgbert.data import Example
from kgbert.data.splits import Split
from kgbert.features.entity_features import encode_entities
from kgbert.linking.factory import make_linker
from kgbert.linking.grounding import ground
from kgbert.models.task_models import KGBertModel
from kgbert.training.config import TrainingConfig
from kgbert.utils.progress import LOG_REPORTER
from tests.support.errors import raises
from tests.support.planted.edges import kinds_graph, label_of, names, text_of
from tests.support.small_study import SHARED, small_study
from tests.support.tiny import ExactLinker, tiny_features

CONFIG = TrainingConfig(
    epochs=6,
    batch_size=12,
    max_length=40,
    patience=6,
    encoder_learning_rate=1e-3,
    head_learning_rate=2e-2,
    options=SHARED
    | {"pooling": "mean", "link_dropout": 0.0, "knowledge_dropout": 0.0, "feature_size": 32},
)


@pytest.fixture(scope="module")
def backbone(plain_folder):
    return plain_folder("bert", KGBertModel)


def noise_graph():
    """Return a source that gives names of the texts meaningless entities of its own."""
    builder, random = kgbert.GraphBuilder(), np.random.default_rng(3)
    for number, name in enumerate(["the", "again", *names(7, 20)]):
        builder.add_name(f"N:{number:03}", name)
        builder.add_edge(f"N:{number:03}", "near", f"N:{random.integers(20):03}")
    return builder.build(source="noise")


def test_a_source_that_decides_the_labels_is_told_from_noise(backbone, tmp_path):
    merged = kgbert.merge_graphs({"kinds": kinds_graph(), "noise": noise_graph()})
    features = encode_entities(merged, backbone, cache=None)
    linker = make_linker(merged, "dictionary")
    examples = [
        Example(text_of(name), label_of(number), id=str(number))
        for number, name in enumerate(names(0))
    ]
    study = small_study(
        tmp_path,
        backbone,
        graph=merged,
        features=features,
        linker=linker,
        split=lambda seed: Split(examples[:24] * 2, examples[24:32], examples[24:]),
        training_configs={"default": CONFIG},
    )

    without_kinds, without_noise = source_arms(merged, features, linker, LOG_REPORTER)

    assert [x.name for x in (without_kinds, without_noise)] == [
        "without-source-kinds",
        "without-source-noise",
    ]
    scores = {}
    for arm in (without_kinds, without_noise):
        record = run_arm(study, arm, 0).record
        assert record.status == DONE
        scores[arm.name] = record.metrics["accuracy"]
    assert scores["without-source-noise"] > 0.9
    assert scores["without-source-kinds"] < 0.85
    # Runs are found again: the fingerprint does not depend on the process.
    assert study.fingerprint(without_noise, 0) != study.fingerprint(without_kinds, 0)


def test_labels_lose_the_entities_of_a_source(tmp_path):
    merged = kgbert.merge_graphs({"kinds": kinds_graph(), "noise": noise_graph()})
    features = tiny_features(merged)
    grounding = ground(["A:ill", "N:001"], merged)
    study = small_study(tmp_path, graph=merged, features=features, grounding=grounding)
    linker = make_linker(merged, "dictionary")

    # Nothing has to be encoded, because the sources share no entity.
    arms = source_arms(merged, features, linker, LOG_REPORTER)

    found = [run_inputs(replace(study, arms=arms), arm, 0).grounding.entities for arm in arms]
    assert found == [{"N:001": "N:001"}, {"A:ill": "A:ill"}]


def test_a_graph_of_one_source_has_none_to_leave_out(backbone, tmp_path):
    rows = [{"text": text_of(name), "label": label_of(i)} for i, name in enumerate(names(0))]

    with raises("one-source"):
        kgbert.compare(kinds_graph(), rows, backbone=backbone, ablate_sources=True)
    merged = kgbert.merge_graphs({"kinds": kinds_graph(), "noise": noise_graph()})
    with raises("linker-not-transferable"):
        source_arms(merged, tiny_features(merged), ExactLinker(merged), LOG_REPORTER)
