import json
import re
import shutil

import pytest

from kgbert.training.saving import load_model, save_model
from kgbert.utils.checksums import CHECKSUMS_FILE
from kgbert.utils.paths import FEATURES_FILE
from kgbert.utils.safetensors_io import open_matrices
from tests.support.errors import raises
from tests.support.tiny import perturb, tiny_features, tiny_graph, tiny_processor, tiny_tokenizer

WEIGHTS = "model.safetensors"


@pytest.fixture
def saved(fused, tmp_path):
    """Return the folder of a saved model."""
    model = perturb(fused(labels=["ill", "well", "dead"], pooling="mean"))
    save_model(tmp_path / "model", model, tiny_processor(linker=None), {})
    return tmp_path / "model"


@pytest.mark.parametrize("name", [WEIGHTS, FEATURES_FILE, "tokenizer.json"])
def test_a_flipped_bit_is_noticed(saved, name):
    content = bytearray((saved / name).read_bytes())
    content[-9] ^= 1
    (saved / name).write_bytes(content)

    with raises("changed-file"):
        load_model(saved)


def test_the_weights_of_another_model_are_noticed(saved, fused, tmp_path):
    other = perturb(fused(labels=["ill", "well", "dead"], pooling="mean"), 2)
    save_model(tmp_path / "other", other, tiny_processor(linker=None), {})
    shutil.copy(tmp_path / "other" / WEIGHTS, saved / WEIGHTS)

    with raises("changed-file"):
        load_model(saved)


def test_a_file_that_is_gone_is_named(saved):
    (saved / "tokenizer.json").unlink()

    with raises("changed-file"):
        load_model(saved)


def test_damaged_checksums_are_named(saved):
    (saved / CHECKSUMS_FILE).write_text("[")

    with raises("damaged-checksums"):
        load_model(saved)


def test_checksums_name_no_file_outside_the_folder(saved, tmp_path):
    (tmp_path / "secret").write_text("x")
    (saved / CHECKSUMS_FILE).write_text(json.dumps({"../secret": "0"}))

    with raises("changed-file"):
        load_model(saved)


def test_a_folder_without_checksums_is_loaded(saved):
    (saved / CHECKSUMS_FILE).unlink()

    assert load_model(saved)


def test_without_checksums_a_tokenizer_of_another_size_is_refused(saved):
    (saved / CHECKSUMS_FILE).unlink()
    tokenizer = tiny_tokenizer("bert")
    tokenizer.add_tokens([f"extra{number}" for number in range(99)])
    tokenizer.save_pretrained(saved)

    with raises("vocabulary-mismatch"):
        load_model(saved)


def test_without_checksums_a_head_of_another_size_is_refused(saved, fused):
    (saved / CHECKSUMS_FILE).unlink()
    fused(labels=["yes", "no"], pooling="mean").save_pretrained(saved.with_name("other"))
    shutil.copy(saved.with_name("other") / WEIGHTS, saved / WEIGHTS)

    with raises("incomplete-weights"):
        load_model(saved)


@pytest.mark.parametrize("content", ["[", "5", '{"model_type": 5}'])
def test_a_damaged_configuration_is_refused_in_one_line(saved, content):
    (saved / "config.json").write_text(content)

    with pytest.raises(ValueError, match=re.escape(str(saved))) as error:
        load_model(saved)

    assert "\n" not in str(error.value)


def test_a_flipped_bit_in_vectors_is_noticed(tmp_path):
    path = tmp_path / "features.safetensors"
    tiny_features(tiny_graph()).save(path)
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(content)

    with pytest.raises(ValueError, match=r"features\.safetensors.*not what was written"):
        open_matrices(path)
