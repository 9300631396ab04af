import json

import pytest
from transformers import AutoModel, BertConfig

from kgbert.features.entity_features import EntityFeatures, encode_entities
from kgbert.features.pretrained import (
    check_tokenizer,
    check_vocabulary,
    load_config,
    load_pretrained,
    load_tokenizer,
)
from kgbert.models.task_models import KGBertModel
from tests.support.errors import raises
from tests.support.tiny import FAMILIES, save_plain, tiny_config, tiny_graph, tiny_tokenizer


def test_a_folder_without_a_tokenizer_is_refused(tmp_path):
    folder = save_plain(tmp_path, "bert", KGBertModel)
    for file in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / "bert-KGBertModel" / file).unlink()

    with raises("no-tokenizer"):
        load_tokenizer(folder)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_tokenizer_of_every_family_is_accepted(family):
    check_vocabulary(tiny_tokenizer(family))
    check_tokenizer(tiny_tokenizer(family), tiny_config(family))


@pytest.mark.parametrize("vocab_size", [30, 50_000])
def test_a_vocabulary_that_does_not_fit_the_embeddings_is_refused(vocab_size):
    with raises("vocabulary-mismatch"):
        check_tokenizer(tiny_tokenizer("bert"), BertConfig(vocab_size=vocab_size))


def test_embeddings_padded_to_a_round_number_are_accepted():
    check_tokenizer(tiny_tokenizer("bert"), BertConfig(vocab_size=1_024))


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
def test_a_folder_that_asks_for_its_own_code_is_refused_and_runs_nothing(tmp_path, file):
    folder = save_plain(tmp_path, "bert", KGBertModel)
    marker = tmp_path / "executed"
    path = tmp_path / "bert-KGBertModel" / file
    (path.parent / "evil.py").write_text(f"open({str(marker)!r}, 'w')\n")
    settings = json.loads(path.read_text())
    settings |= {
        "model_type": "own",
        "tokenizer_class": "Own",
        "auto_map": {
            "AutoConfig": "evil.Own",
            "AutoModel": "evil.Own",
            "AutoTokenizer": ["evil.Own", "evil.Own"],
        },
    }
    path.write_text(json.dumps(settings))

    with raises("foreign-code"):
        load_config(folder) if file == "config.json" else load_tokenizer(folder)
    if file == "config.json":
        with raises("foreign-code"):
            load_pretrained(AutoModel, folder)
    assert not marker.exists()


def cached(folder, cache):
    features = encode_entities(tiny_graph(), folder, cache=cache)
    return features, next(cache.iterdir())


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:100]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_text("not a file of vectors, and long enough to have a header"),
        lambda path: EntityFeatures(
            EntityFeatures.load(path).vectors * float("nan"), "e", "h", "g"
        ).save(path),
    ],
)
def test_a_damaged_cache_is_made_again(tmp_path, damage, caplog):
    folder = save_plain(tmp_path, "bert", KGBertModel)
    before, path = cached(folder, tmp_path / "cache")
    expected = before.vectors.copy()
    damage(path)

    features, _ = cached(folder, tmp_path / "cache")

    assert (features.vectors == expected).all()
    assert "are not used and made again" in caplog.text
    assert path.name in caplog.text
    assert (EntityFeatures.load(path).vectors == expected).all()


def test_a_cache_that_cannot_be_written_warns_and_goes_on(tmp_path, caplog):
    folder = save_plain(tmp_path, "bert", KGBertModel)
    (tmp_path / "file").write_text("no folder")

    features = encode_entities(tiny_graph(), folder, cache=tmp_path / "file")

    assert len(features.vectors) == len(tiny_graph())
    assert "not cached" in caplog.text


def test_features_that_are_not_finite_are_refused(tmp_path):
    folder = save_plain(tmp_path, "bert", KGBertModel)
    features = encode_entities(tiny_graph(), folder, cache=None)
    EntityFeatures(features.vectors * float("nan"), "e", "h", "g").save(tmp_path / "features")

    with raises("non-finite-features"):
        EntityFeatures.load(tmp_path / "features")
