"""Digests of the texts that a model has read."""

import numpy as np
import pytest

from kgbert.data import Example
from kgbert.data.texts_read import TextsRead, text_digest
from kgbert.utils.paths import TEXTS_FILE
from kgbert.utils.safetensors_io import save_matrices
from tests.support.errors import raises


def test_digests_are_equal_after_saving_and_loading(tmp_path):
    read = TextsRead().with_unlabelled(map(text_digest, ["b", "a", "b"]))
    read = read.with_labelled([Example("c", "x", others=("d",))])

    read.save(tmp_path)

    again = TextsRead.load(tmp_path)
    assert np.array_equal(again.unlabelled, read.unlabelled)
    assert np.array_equal(again.labelled, read.labelled)
    assert len(again.unlabelled) == 2
    assert again.count_unlabelled([Example("A", ""), Example("c", "")]) == 1
    # The second text of a pair belongs to the example.
    pairs = [Example("C", "y", others=("d",)), Example("c", "x", others=("e",)), Example("c", "x")]
    assert again.count_labelled(pairs) == 1


def test_nothing_is_saved_where_nothing_was_read(tmp_path):
    TextsRead().save(tmp_path)

    assert not list(tmp_path.iterdir())
    assert not TextsRead.load(tmp_path)
    assert not TextsRead.load("user/model")


@pytest.mark.parametrize("content", [b"", b"\x08" * 40])
def test_a_damaged_file_is_refused(tmp_path, content):
    (tmp_path / TEXTS_FILE).write_bytes(content)

    with raises("damaged-vectors"):
        TextsRead.load(tmp_path)


def test_a_file_of_other_content_is_refused(tmp_path):
    save_matrices(tmp_path / TEXTS_FILE, {"vectors": np.zeros(2, np.float32)}, {})

    with raises("damaged-text-digests"):
        TextsRead.load(tmp_path)
