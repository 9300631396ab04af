import json
from dataclasses import replace

import pytest
import torch
from transformers import AutoModel

from kgbert.comparison import run
from kgbert.comparison.arms.registry import ARMS
from kgbert.comparison.results import Cost, RunRecord
from kgbert.comparison.run import run_arm
from kgbert.tasks.registry import TASKS
from kgbert.training import train
from kgbert.training.saving import load_model, save_model
from kgbert.training.trainer import StepProgress
from kgbert.utils.errors import KGBertError
from tests.support.small_study import RECIPE, small_study, split_of, tagged
from tests.support.tiny import tiny_config, tiny_tokenizer


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoder")
    torch.manual_seed(0)
    AutoModel.from_config(tiny_config("bert")).save_pretrained(folder)
    tiny_tokenizer("bert").save_pretrained(folder)
    return str(folder)


@pytest.fixture
def begun(monkeypatch):
    """Return the initial weights and the ordered texts of each run."""
    found, fine_tune = [], train.fine_tune

    def watched(model, processor, train, validation, **options):
        weights = {name: x.clone() for name, x in model.state_dict().items()}
        collate, batches = processor.collate, []

        def seen(encoded, epoch=0):
            if epoch:  # 0 is evaluation
                batches.append([text.text for text in encoded])
            return collate(encoded, epoch)

        processor.collate = seen
        found.append((weights, batches))
        return fine_tune(model, processor, train, validation, **options)

    monkeypatch.setattr(train, "fine_tune", watched)
    return found


def test_arms_of_a_seed_share_initial_weights_and_the_order_of_texts(tmp_path, encoder, begun):
    study = small_study(tmp_path, encoder)
    arms = ("plain", "knowledge", "shuffled", "no-edges")

    for name in arms:
        run_arm(study, ARMS[name], 0)

    (plain, order), *others = begun
    assert len(order) == 6
    for weights, batches in others:
        assert all(torch.equal(tensor, weights[name]) for name, tensor in plain.items())
        assert batches == order


def test_knowledge_and_shuffled_share_every_initial_weight(tmp_path, encoder, begun):
    study = small_study(tmp_path, encoder)

    for name in ("knowledge", "shuffled"):
        run_arm(study, ARMS[name], 0)

    (real, _), (shuffled, _) = begun
    assert real.keys() == shuffled.keys()
    assert all(torch.equal(tensor, shuffled[name]) for name, tensor in real.items())


def test_seeds_differ_in_weights_and_order(tmp_path, encoder, begun):
    texts = split_of()(0)
    study = small_study(tmp_path, encoder, split=lambda seed: texts)

    for seed in (0, 1):
        run_arm(study, ARMS["plain"], seed)

    (one, order), (other, another) = begun
    assert not torch.equal(one["backbone.classifier.weight"], other["backbone.classifier.weight"])
    assert order != another


def test_run_repeats_itself(tmp_path, encoder):
    study = small_study(tmp_path, encoder)

    records = [run_arm(study, ARMS["knowledge"], 3).record for _ in range(2)]

    one, other = (replace(record, cost=Cost()) for record in records)
    assert one == other


def test_record_is_json_and_quotes_no_text(tmp_path, encoder):
    study = small_study(tmp_path, encoder)
    steps = []

    trained = run_arm(
        study, ARMS["knowledge"], 0, callbacks=[StepProgress(lambda *step: steps.append(step))]
    )

    record, written = trained.record, json.dumps(trained.record.to_json())
    assert RunRecord.from_json(json.loads(written)) == record
    assert not any(example.text in written for example in study.split(0).test)
    assert len(record.items.ids) == len(record.items.correct) == 8
    assert sum(record.items.correct) / 8 == record.metrics["accuracy"]
    assert record.slices["linked"].size + record.slices["unlinked"].size == 8
    assert steps == [(step, 6) for step in range(1, 7)]


@pytest.mark.parametrize("arm", ["plain", "shuffled", "verbalized-context"])
def test_no_arm_pays_for_linking_that_others_are_spared(tmp_path, encoder, monkeypatch, arm):
    linked_texts, counts = [], []
    study = small_study(tmp_path, encoder)
    linker, begin, predict = study.linker, run.PeakMemory, run.predict
    # The timer starts with the first and ends after the second.
    monkeypatch.setattr(run, "PeakMemory", lambda: counts.append(len(linked_texts)) or begin())
    monkeypatch.setattr(
        run, "predict", lambda *given: counts.append(len(linked_texts)) or predict(*given)
    )
    study = replace(study, linker=lambda texts: linked_texts.extend(texts) or linker(texts))

    run_arm(study, ARMS[arm], 0)

    before, after = counts
    assert before == after > 0


def test_plain_arm_samples_no_neighbours(tmp_path, encoder):
    study = small_study(tmp_path, encoder)

    hops = [run_arm(study, ARMS[arm], 0).processor.sampler.hops for arm in ("plain", "knowledge")]

    assert hops == [0, 2]


def test_plain_arm_has_no_more_parameters_than_the_backbone(tmp_path, encoder):
    trained = run_arm(small_study(tmp_path, encoder), ARMS["plain"], 0)

    assert trained.record.cost.added_parameters == 0
    assert trained.model.config.injected_layers == []


def test_model_of_a_run_can_be_saved_and_answers_again(tmp_path, encoder):
    study = small_study(tmp_path, encoder)
    trained = run_arm(study, ARMS["knowledge"], 0)
    save_model(tmp_path / "model", trained.model, trained.processor, {})

    model, processor, _ = load_model(tmp_path / "model")

    texts = ["fever of the lung", "nothing"]
    with torch.no_grad():
        again = model(**processor(texts)).logits
        before = trained.model.eval()(**trained.processor(texts)).logits
    # Trainer leaves a model in bfloat16 autocast after training in bfloat16.
    assert torch.allclose(again, before.float(), atol=1e-3)


@pytest.mark.parametrize("name", ["plain", "knowledge", "verbalized-context"])
def test_tagging_is_compared_too(tmp_path, encoder, name):
    study = small_study(
        tmp_path, encoder, split=split_of(tagged), task=TASKS["token-classification"]
    )

    record = run_arm(study, ARMS[name], 0).record

    assert set(record.metrics) == {"precision", "recall", "f1", "macro_f1"}
    assert record.items.answers == ()
    assert len(record.items.correct) == 8


def test_longer_texts_than_the_backbone_takes_are_cut(tmp_path, encoder):
    longer = {"default": replace(RECIPE, max_length=10_000)}
    study = small_study(tmp_path, encoder, training_configs=longer)

    assert run_arm(study, ARMS["plain"], 0).processor.max_length == 64


@pytest.mark.parametrize(
    ("value", "found"), [({}, "no schema version"), ({"schema_version": 0}, "0")]
)
def test_a_record_of_another_version_is_refused(value, found):
    with pytest.raises(KGBertError, match=found) as caught:
        RunRecord.from_json(value, source="run.json")

    assert caught.value.code == "schema-version"
