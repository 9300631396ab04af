import errno
import os
import re
import resource
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from kgbert.encoding.processor import KGBertProcessor
from kgbert.graph.cards import list_cards
from kgbert.graph.serialization import save_graph
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.models.task_models import KGBertModel
from kgbert.tasks.registry import TASKS
from kgbert.training.pipeline import pipeline
from kgbert.training.saving import load_model, save_model
from kgbert.utils.paths import FEATURES_FILE, GRAPH_FILE, SETTINGS_FILE
from tests.support.errors import raises
from tests.support.tiny import TEXTS, perturb, run, tiny_features, tiny_graph, tiny_processor

LABELS = ["ill", "well", "dead"]


@pytest.fixture
def saved(fused, tmp_path):
    """Return a model, its processor, and their folder."""
    model = perturb(fused(labels=LABELS, pooling="mean"))
    processor = tiny_processor(linker=None)
    save_model(tmp_path / "model", model, processor, {"Accuracy": 0.5})
    return model, processor, tmp_path / "model"


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_loaded_model_answers_as_the_saved_one(saved):
    model, processor, folder = saved

    loaded, again, task = load_model(folder)

    assert task is TASKS["text-classification"]
    assert not loaded.training
    assert torch.equal(run(loaded, again(TEXTS)).logits, run(model, processor(TEXTS)).logits)


def test_a_folder_that_was_moved_answers_as_before(saved):
    model, processor, folder = saved
    moved = folder.rename(folder.with_name("elsewhere"))

    loaded, again, _ = load_model(moved)

    assert torch.equal(run(loaded, again(TEXTS)).logits, run(model, processor(TEXTS)).logits)


def test_saving_again_replaces_the_model_and_leaves_nothing_else(saved, fused):
    _, processor, folder = saved
    (folder / "stray.txt").write_text("of the old model")

    save_model(folder, fused(labels=LABELS), processor, {})

    assert os.listdir(folder.parent) == ["model"]
    assert not (folder / "stray.txt").exists()
    assert {GRAPH_FILE, FEATURES_FILE, SETTINGS_FILE, "README.md"} <= set(os.listdir(folder))


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("kgbert.models.task_models.KGBertForSequenceClassification", "save_pretrained"),
        ("kgbert.encoding.processor.KGBertProcessor", "save_pretrained"),
        ("kgbert.features.entity_features.EntityFeatures", "save"),
        ("pathlib.Path", "write_text"),
    ],
)
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), None])
def test_failing_to_save_leaves_what_stood_there(saved, monkeypatch, place, name, error):
    model, processor, folder = saved
    before = contents(folder)

    def fail(*given, **options):
        raise error or KeyboardInterrupt

    monkeypatch.setattr(f"{place}.{name}", fail)
    with pytest.raises(OSError if error else KeyboardInterrupt) as caught:
        save_model(folder, model, processor, {})
    monkeypatch.undo()

    if error:
        assert caught.value.errno == errno.ENOSPC
        assert str(folder) in str(caught.value)
        assert "nothing was changed. Free some space" in str(caught.value)
    assert contents(folder) == before
    assert os.listdir(folder.parent) == ["model"]


def test_failing_to_rename_puts_the_old_model_back(saved, monkeypatch):
    model, processor, folder = saved
    before = contents(folder)
    rename = Path.rename

    def fail(path, target):
        if path.name.endswith(".tmp"):
            raise OSError(errno.EACCES, "Permission denied")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="nothing was changed"):
        save_model(folder, model, processor, {})
    monkeypatch.undo()

    assert contents(folder) == before
    assert os.listdir(folder.parent) == ["model"]


def test_a_full_disk_during_the_write_of_the_weights_is_reported(saved):
    model, processor, folder = saved
    before = contents(folder)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(OSError, match=r"could not write the model to .*nothing was changed"):
            save_model(folder, model, processor, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)

    assert contents(folder) == before
    assert os.listdir(folder.parent) == ["model"]


KILLED = """
import os, signal, sys
from kgbert.training import saving as folder
folder.model_card = lambda *given, **options: os.kill(os.getpid(), signal.SIGKILL)
model, processor, _ = folder.load_model(sys.argv[1])
folder.save_model(sys.argv[1], model, processor, {})
"""


@pytest.mark.slow
def test_a_kill_while_saving_leaves_what_stood_there(saved):
    *_, folder = saved
    before = contents(folder)

    ended = subprocess.run([sys.executable, "-c", KILLED, str(folder)], capture_output=True)

    assert ended.returncode == -signal.SIGKILL
    assert contents(folder) == before


def test_a_checkpoint_of_another_graph_is_refused(saved):
    *_, folder = saved
    builder = GraphBuilder()
    for number in range(len(tiny_graph())):
        builder.add_name(f"NEW:{number}", f"name {number}")
    save_graph(builder.build(source="another"), folder / GRAPH_FILE)

    with pytest.raises(ValueError, match=r"was made for the graph .* \(another\).* train anew"):
        load_model(folder)


def test_features_of_another_length_are_refused(saved):
    model, _, folder = saved
    model.config.feature_size = 7
    model.config.save_pretrained(folder)

    with pytest.raises(ValueError, match=r"vectors of length 7, but the processor's have 16"):
        load_model(folder)


def test_features_of_another_encoder_are_refused(saved):
    model, _, folder = saved
    model.config.feature_encoder_hash = "0" * 64
    model.config.save_pretrained(folder)

    with raises("feature-encoder-mismatch"):
        load_model(folder)


def test_a_folder_without_a_model_is_named(tmp_path):
    with raises("no-saved-model"):
        load_model(tmp_path)


def test_a_bare_encoder_answers_no_task(fused, tmp_path):
    save_model(tmp_path / "bare", fused(kind=KGBertModel), tiny_processor(linker=None), {})

    with pytest.raises(ValueError, match="a KGBertModel answers no task; fine-tune"):
        load_model(tmp_path / "bare")


def test_the_card_contains_no_local_folders(fused, tmp_path):
    (tmp_path / "encoders" / "tiny").mkdir(parents=True)
    model = fused(labels=LABELS)
    model.config.backbone.name_or_path = str(tmp_path / "encoders" / "tiny")

    save_model(tmp_path / "model", model, tiny_processor(linker=None), {})

    card = (tmp_path / "model" / "README.md").read_text()
    assert "| Backbone | encoders/tiny |" in card
    assert str(tmp_path) not in card


def test_the_card_describes_the_model(saved):
    _, processor, folder = saved

    card = (folder / "README.md").read_text()

    assert len(card.splitlines()) <= 40
    for fact in ("| Accuracy | 0.5 |", processor.graph.hash[:16], "9 entities", "ill, well, dead"):
        assert fact in card


def test_a_processor_of_other_features_does_not_fit(saved):
    *_, folder = saved
    graph = tiny_graph()

    again = KGBertProcessor.from_pretrained(folder)

    assert (again.features.vectors == tiny_features(graph).vectors).all()
    assert again.features.graph_hash == graph.hash


@pytest.fixture
def without_graph(saved):
    model, processor, folder = saved
    save_model(folder, model, processor, {}, include_graph=False)
    return model, processor, folder


def test_a_graph_that_is_left_out_leaves_none_of_its_names_in_the_folder(without_graph):
    _, processor, folder = without_graph

    assert not (folder / GRAPH_FILE).exists()
    held = b"".join(
        content.lower()
        for name, content in contents(folder).items()
        if name not in ("tokenizer.json", "vocab.txt")
    )
    names = (re.escape(name.lower()).encode() for name in processor.graph.names)
    assert [name for name in names if re.search(rb"\b%s\b" % name, held)] == []
    assert "does not contain the graph" in (folder / "README.md").read_text()


def test_with_its_graph_given_again_a_model_answers_as_before(without_graph):
    model, processor, folder = without_graph

    loaded, again, _ = load_model(folder, graph=tiny_graph())

    assert torch.equal(run(loaded, again(TEXTS)).logits, run(model, processor(TEXTS)).logits)
    assert pipeline(folder, graph=tiny_graph())(TEXTS)


def test_a_model_without_its_graph_asks_for_it(without_graph):
    *_, folder = without_graph

    with raises("graph-left-out"):
        load_model(folder)


def test_another_graph_in_the_place_of_the_one_left_out_is_refused(without_graph):
    *_, folder = without_graph
    builder = GraphBuilder()
    builder.add_name("NEW:1", "name")

    with raises("other-graph"):
        load_model(folder, graph=builder.build(source="another"))


@pytest.mark.parametrize(("card", "held"), [("umls", False), ("go", True)])
def test_a_licence_decides_whether_the_graph_is_held(fused, tmp_path, card, held):
    processor = tiny_processor(linker=None)
    processor.graph = replace(processor.graph, licence=list_cards()[card].licence)

    save_model(tmp_path / "model", perturb(fused(labels=LABELS)), processor, {})

    assert (tmp_path / "model" / GRAPH_FILE).exists() is held
