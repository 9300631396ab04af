"""Texts with several labels of many: a mention of a label in the text is evidence for it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import kgbert
from kgbert.data import Example
from kgbert.data.splits import Split
from kgbert.features import feature_sources
from kgbert.training.config import Regularization, TrainingConfig
from kgbert.training.evidence import scale
from kgbert.training.overfitting.augmentation import Augmenter
from tests.support.small_study import SHARED
from tests.support.tiny import tiny_features

#: Entities that are labels of training texts, of test texts only, and of no text that names them.
SEEN, UNSEEN, GENERIC = range(20), range(20, 30), range(30, 35)

_GENERATOR = np.random.default_rng(3)
NAMES = ["".join(_GENERATOR.choice(list("abcdefghiklmnoprstuvz"), 7)) for _ in range(35)]
LABELS = [f"E:{number}" for number in range(35)]

CONFIG = TrainingConfig(
    epochs=3, batch_size=8, max_length=40, options={**SHARED, "injected_layers": []}
)


pytestmark = pytest.mark.usefixtures("small_features")


def subject_graph():
    builder = kgbert.GraphBuilder()
    for label, name in zip(LABELS, NAMES, strict=True):
        builder.add_name(label, name)
    return builder.build(source="subjects")


def texts(subjects, count):
    """Return texts that mention two subjects, which are their labels, and something generic."""
    found = []
    for _ in range(count):
        own = sorted(_GENERATOR.choice(subjects, 2, replace=False).tolist())
        words = [NAMES[x] for x in (*own, int(_GENERATOR.choice(GENERIC)))]
        found.append(Example(" and ".join(words), tuple(sorted(LABELS[x] for x in own))))
    return found


SPLIT = Split(texts(SEEN, 60), texts(SEEN, 20), texts([*SEEN, *UNSEEN], 40))


def train(backbone, *, config=CONFIG, **options):
    return kgbert.train(
        subject_graph(),
        lambda seed: SPLIT,
        task="multi-label-classification",
        backbone=backbone,
        ground={label: label for label in LABELS},
        paths=1,
        config=config,
        **options,
    )


@pytest.fixture(scope="module")
def trained(backbone):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(
            feature_sources, "encode_entities", lambda graph, _, **rest: tiny_features(graph)
        )
        return train(backbone)


def weight_of(model, number):
    return model.path_scorer.mention_weight[model.config.labels.index(LABELS[number])].item()


def test_mentioned_labels_are_found_whether_or_not_training_texts_have_them(trained):
    predictions = trained.predict(SPLIT.test)

    assert trained.test_metrics["micro_f1"] > 0.9
    unseen = {LABELS[x] for x in UNSEEN}
    right = [(x.answer.labels & unseen, {*y.target} & unseen) for x, y in zip(
        predictions, SPLIT.test, strict=True
    )]  # fmt: skip
    found = sum(len(answer & gold) for answer, gold in right)
    assert found > 0.8 * sum(len(gold) for _, gold in right)


def test_a_mention_counts_less_for_entities_that_are_mentioned_but_no_labels(trained):
    weights = [[weight_of(trained.model, x) for x in some] for some in (SEEN, UNSEEN, GENERIC)]

    seen, unseen, generic = weights
    assert max(generic) < min(unseen) == max(unseen) == 0 < np.mean(seen)


def test_without_fitting_the_same_training_finds_fewer(backbone, trained, monkeypatch):
    monkeypatch.setattr("kgbert.training.evidence.fit.fit_label_scores", lambda *arguments: None)

    found = train(backbone).test_metrics["micro_f1"]

    assert found < trained.test_metrics["micro_f1"] - 0.05


def test_a_saved_model_and_one_with_other_labels_keep_the_weights(trained, tmp_path):
    saved = kgbert.pipeline(trained.save(tmp_path / "model"))
    fewer = saved.with_labels(LABELS[5:])

    for pipeline in (saved, fewer):
        for number in (7, 31):
            assert weight_of(pipeline.model, number) == weight_of(trained.model, number)
    for before, after in zip(trained.predict(SPLIT.test), saved(SPLIT.test), strict=True):
        assert before.answer == after.answer
        assert before.paths == after.paths


def test_mentions_after_the_last_token_are_evidence(backbone):
    short = train(backbone, config=replace(CONFIG, max_length=6))
    example = SPLIT.test[0]
    (encoded,) = short.task.encode([example], short.processor)
    (text,) = encoded.texts

    read = {short.graph.entity_ids[x] for x in text.links.entities}
    assert not {*example.target} <= read
    named = [short.processor.paths.labels[x] for x in text.paths.targets]
    assert {*example.target} <= {*named}
    assert short.test_metrics["micro_f1"] > 0.9


def test_hidden_entities_are_hidden_after_the_last_token_as_well(trained):
    (encoded,) = trained.task.encode([Example(" ".join(12 * NAMES[:3]), ())], trained.processor)
    augmenter = Augmenter(
        trained.graph, trained.processor.linker, Regularization(entity_dropout=0.5), 1
    )

    hidden = trained.processor.paths.update(augmenter.hide_entities(encoded.texts[0], 0, 0))

    left = {trained.graph.entity_ids[x] for x in hidden.links.entities}
    counted = {trained.processor.paths.labels[x] for x in hidden.paths.targets}
    assert 0 < len(left) < 3
    assert counted == left


def test_a_text_with_one_label_has_one_weight_for_all_mentions(backbone):
    single = [Example(x.text, x.target[0]) for x in SPLIT.train]

    model = kgbert.train(
        subject_graph(),
        {"train": single, "validation": single, "test": single},
        task="text-classification",
        backbone=backbone,
        ground="labels",
        paths=1,
        config=replace(CONFIG, epochs=1),
    ).model

    assert model.path_scorer.mention_weight is None


def test_a_sample_of_pairs_gives_the_same_weights(backbone, monkeypatch):
    def fitted():
        model = train(backbone, config=replace(CONFIG, epochs=1)).model
        return torch.cat([model.path_scorer.weights[:1, 0], model.path_scorer.mention_weight])

    complete = fitted()
    monkeypatch.setattr(scale, "MAX_DRAWN", 1000)

    torch.testing.assert_close(fitted(), complete, rtol=0.15, atol=0.1)
