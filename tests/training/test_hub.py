"""Upload to the Hugging Face Hub and loading by name, with a folder that stands for the hub."""

import json
import shutil
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import numpy as np
import pytest
from huggingface_hub import ModelCard
from huggingface_hub.errors import LocalEntryNotFoundError, RepositoryNotFoundError

import kgbert
from kgbert.cli import main
from kgbert.comparison.arms.transfer import transfer_arms
from kgbert.data.texts_read import TextsRead, text_digest
from kgbert.graph.cards import hub_licence, list_cards
from kgbert.training.saving import load_model
from kgbert.training.train import TrainedModel
from kgbert.utils.checksums import CHECKSUMS_FILE
from kgbert.utils.paths import GRAPH_FILE, SETTINGS_FILE, TEXTS_FILE
from kgbert.utils.progress import LOG_REPORTER
from tests.support.errors import raises
from tests.support.exported import tiny_model
from tests.support.planted.label_children import CHILDREN, label_graph, labelled_texts
from tests.support.tiny import tiny_graph

NAME = "ann/kinds"
TOKEN = "hf_thisIsASecret"


class Hub:
    """Keeps repositories in a folder, and records what was called."""

    def __init__(self, folder):
        self.folder, self.public, self.calls = folder, set(), []

    def create_repo(self, name, *, private, exist_ok):
        assert exist_ok
        self.calls.append("create")
        if not (self.folder / name).exists():
            (self.folder / name).mkdir(parents=True)
            self.public |= set() if private else {name}
        return f"hub/{name}"

    def model_info(self, name):
        return SimpleNamespace(private=name not in self.public)

    def upload_folder(self, *, repo_id, folder_path, commit_message, delete_patterns):
        self.calls.append("upload")
        place = self.folder / repo_id
        for file in [x for x in place.rglob("*") if x.is_file()]:
            if any(fnmatch(str(file.relative_to(place)), each) for each in delete_patterns):
                file.unlink()
        shutil.copytree(folder_path, place, dirs_exist_ok=True)

    def snapshot_download(self, name, *, ignore_patterns):
        assert "*.bin" in ignore_patterns
        self.calls.append("download")
        if not (self.folder / name).exists():
            raise LocalEntryNotFoundError("no connection, and nothing in the cache\nmore")
        return str(self.folder / name)

    def files(self, name=NAME):
        return {
            str(file.relative_to(self.folder / name)): file.read_bytes()
            for file in (self.folder / name).rglob("*")
            if file.is_file()
        }

    def metadata(self, name=NAME):
        return ModelCard((self.folder / name / "README.md").read_text()).data.to_dict()


@pytest.fixture
def hub(tmp_path, monkeypatch):
    fake = Hub(tmp_path / "hub")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: fake)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", fake.snapshot_download)
    monkeypatch.chdir(tmp_path)
    return fake


@pytest.fixture(scope="module")
def model(plain_folder):
    found, _ = tiny_model("text-classification", plain_folder("bert", kgbert.KGBertModel))
    return found


def with_licence(model, licence) -> TrainedModel:
    graph = replace(model.graph, licence=licence)
    processor = model.processor.with_graph(
        graph, model.processor.features, model.processor.linker, None
    )
    return replace(model, processor=processor)


def test_what_is_uploaded_is_the_saved_folder_with_a_completed_card(model, hub, tmp_path):
    model = with_licence(model, "CC BY 4.0")
    saved = model.save(tmp_path / "saved")

    assert model.push_to_hub(NAME, card={"datasets": ["ann/notes"]}) == f"hub/{NAME}"

    expected = {x.name: x.read_bytes() for x in saved.iterdir()}
    uploaded = hub.files()
    assert uploaded.keys() == expected.keys()
    assert {GRAPH_FILE, SETTINGS_FILE, "model.safetensors"} <= uploaded.keys()
    changed = {name for name in expected if uploaded[name] != expected[name]}
    assert changed == {"README.md", "config.json"}
    assert not [name for name, content in uploaded.items() if TOKEN.encode() in content]
    assert f'kgbert.pipeline("{NAME}")' in uploaded["README.md"].decode()
    assert hub.metadata() == {
        "library_name": "kgbert",
        "license": "cc-by-4.0",
        "datasets": ["ann/notes"],
        "pipeline_tag": "text-classification",
        "tags": ["kgbert", "knowledge-graph", "text-classification"],
    }


def test_no_folder_of_this_machine_is_uploaded(plain_folder, hub, tmp_path):
    backbone = plain_folder("bert", kgbert.KGBertModel)
    vectors = tmp_path / "private" / "vectors.npz"
    vectors.parent.mkdir()
    ids = np.array(label_graph().entity_ids, str)
    np.savez(vectors, ids=ids, vectors=np.random.default_rng(0).normal(size=(len(ids), 8)))
    trained = kgbert.train(
        label_graph(),
        labelled_texts(*CHILDREN),
        task="text-classification",
        backbone=backbone,
        features=["words", vectors],
        config=kgbert.TrainingConfig(epochs=1, max_length=24, options={"injected_layers": [1]}),
    )

    trained.push_to_hub(NAME)

    held = b"".join(hub.files().values())
    assert str(Path(backbone).parent).encode() not in held
    assert str(tmp_path).encode() not in held
    assert b"./vectors.npz" in held
    assert trained.model.config.backbone.name_or_path == backbone
    assert kgbert.pipeline(NAME).processor.label_sets is not None
    # The model in memory still finds its vectors.
    assert trained.with_graph(label_graph())


def test_the_metadata_names_a_backbone_of_the_hub(model, hub):
    model.model.config.backbone.name_or_path = "bert-base-uncased"

    model.push_to_hub(NAME, card={"license": "mit", "language": "en"})

    metadata = hub.metadata()
    assert (metadata["base_model"], metadata["license"]) == ("bert-base-uncased", "mit")
    assert metadata["language"] == "en"


def test_a_graph_that_may_not_be_passed_on_is_left_out_and_that_is_said(model, hub, caplog):
    with_licence(model, "").push_to_hub(NAME)
    assert "check that you may publish the graph" in caplog.text
    assert GRAPH_FILE in hub.files()
    caplog.clear()
    (hub.folder / NAME / "LICENSE").write_text("mine")

    with_licence(model, list_cards()["umls"].licence).push_to_hub(NAME)

    assert "does not permit to pass them on" in caplog.text
    files = hub.files()
    # The graph of the first upload is removed, but no file of the user.
    assert GRAPH_FILE not in files
    assert files["LICENSE"] == b"mine"
    assert "license" not in hub.metadata()
    assert "does not contain the graph" in files["README.md"].decode()
    with raises("graph-left-out"):
        kgbert.pipeline(NAME)
    assert kgbert.pipeline(NAME, graph=tiny_graph())(["a fever"])


def test_a_public_repository_is_not_taken_for_a_private_model(model, hub):
    model.push_to_hub(NAME)
    hub.calls.clear()

    with raises("public-repository"):
        model.push_to_hub(NAME, private=True)

    assert hub.calls == ["create"]
    model.push_to_hub("ann/secret", private=True)
    assert hub.files("ann/secret")


def test_a_model_is_loaded_by_its_name_in_every_place(model, hub, tmp_path, capsys):
    model.push_to_hub(NAME)
    (expected,) = model.predict(["a fever of the lung"])

    (answer,) = kgbert.pipeline(NAME)(["a fever of the lung"])
    assert (answer.label, answer.probability) == (
        expected.label,
        pytest.approx(expected.probability, abs=1e-5),
    )
    _, processor, task = load_model(NAME)
    assert (task.name, processor.graph) == ("text-classification", model.graph)
    arms = transfer_arms([NAME], tmp_path, tiny_graph(), LOG_REPORTER)
    assert [arm.name for arm in arms] == ["plain-kinds", "knowledge-kinds"]
    assert main(["predict", NAME, "a fever of the lung", "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out)["label"] == expected.label
    assert set(hub.calls[2:]) == {"download"}


def test_a_folder_comes_before_a_name_on_the_hub(model, hub):
    model.save(Path(NAME))

    assert kgbert.pipeline(NAME)
    assert not hub.calls
    with raises("no-saved-model"):
        load_model(Path("ann/none"))  # a path is none on the hub
    assert not hub.calls


@pytest.mark.parametrize("error", [None, RepositoryNotFoundError])
def test_a_name_without_a_model_is_explained(hub, monkeypatch, capsys, error):
    def missing(name, **options):
        response = SimpleNamespace(headers={}, request=None)
        raise error("404 Client Error. Repository Not Found", response=response)

    if error:
        monkeypatch.setattr(huggingface_hub, "snapshot_download", missing)

    with raises("no-hub-model"):
        kgbert.pipeline("ann/none")
    assert main(["predict", "ann/none", "a fever"]) == 1
    assert "no such folder, and the model of this name" in capsys.readouterr().err


def test_a_repository_of_another_library_is_refused(hub, capsys):
    (hub.folder / NAME).mkdir(parents=True)
    (hub.folder / NAME / "config.json").write_text("{}")

    assert main(["predict", NAME, "a fever"]) == 1
    assert "so this is no kgbert model" in capsys.readouterr().err


def test_the_digests_of_texts_may_be_removed_before_a_folder_is_shared(model, tmp_path):
    read = TextsRead().with_unlabelled([text_digest("a")])
    model.model.texts_read = read
    saved = model.save(tmp_path / "saved")
    model.model.texts_read = TextsRead()

    assert TEXTS_FILE not in json.loads((saved / CHECKSUMS_FILE).read_text())
    (saved / TEXTS_FILE).unlink()
    assert load_model(saved)


@pytest.mark.parametrize(
    ("licence", "identifier"),
    [
        ("https://creativecommons.org/publicdomain/zero/1.0/", "cc0-1.0"),
        ("http://creativecommons.org/licenses/by/4.0/", "cc-by-4.0"),
        ("CC BY-NC-SA 4.0", "cc-by-nc-sa-4.0"),
        ("Apache-2.0", "apache-2.0"),
        ("CC BY 9.0", "other"),
        ("free for all", "other"),
    ],
)
def test_licences_get_the_identifier_of_the_hub(licence, identifier):
    assert hub_licence(licence) == identifier
