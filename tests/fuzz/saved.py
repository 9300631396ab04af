"""Saved models and caches, whose files the fuzz tests damage."""

import warnings
from pathlib import Path

import torch

from kgbert import ReadOptions, read_graph
from kgbert.features.cache import load_cached
from kgbert.features.entity_features import EntityFeatures
from kgbert.graph import read_cache
from kgbert.models.task_models import KGBertForSequenceClassification
from kgbert.training.saving import load_model, save_model
from kgbert.utils.checksums import CHECKSUMS_FILE
from kgbert.utils.errors import KGBertError
from tests.fuzz.families import Family
from tests.support.five_entities import TABLE
from tests.support.tiny import TINY, save_plain, tiny_features, tiny_graph, tiny_processor


def _write_model(folder: Path) -> Path:
    plain = save_plain(folder.with_name(f"{folder.name}-plain"), "bert", _CLASS)
    torch.manual_seed(3)
    model = _CLASS.from_backbone(plain, tiny_graph(), **TINY, labels=["ill", "well"]).eval()
    save_model(folder, model, tiny_processor(linker=None), {})
    # With it, every change but those of JSON would be refused before the file is read.
    (folder / CHECKSUMS_FILE).unlink()
    return folder


def _read_model(folder: Path, is_format_named: bool) -> object:
    try:
        return load_model(folder)
    except ValueError as error:
        # What is checked before the weights are read raises a plain ValueError.
        if "\n" in str(error):
            raise AssertionError("a refusal of several lines") from error
        raise error if isinstance(error, KGBertError) else KGBertError(str(error)) from error


def _write_graph_cache(folder: Path) -> Path:
    source = folder.with_name(f"{folder.name}-graph.csv")
    source.write_text(TABLE, encoding="utf-8")
    _read_cached(source, folder)
    return folder


def _read_graph_cache(folder: Path, is_format_named: bool) -> object:
    source = folder.with_name(f"{folder.name}-graph.csv")
    graph = _read_cached(source, folder)
    assert graph == read_graph(source, cache=None)
    assert _read_cached(source, folder) == graph
    return graph


def _read_cached(source: Path, cache: Path) -> object:
    worth_keeping, read_cache._WORTH_KEEPING = read_cache._WORTH_KEEPING, 0
    try:
        return read_graph(source, options=ReadOptions(), cache=cache)
    finally:
        read_cache._WORTH_KEEPING = worth_keeping


def _write_features(folder: Path) -> Path:
    path = folder / "features.safetensors"
    tiny_features(tiny_graph()).save(path)
    return path


def _read_features(path: Path, is_format_named: bool) -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        features = load_cached(path, EntityFeatures.load)
    if features is not None:
        assert (features.vectors == tiny_features(tiny_graph()).vectors).all()
    return features


_CLASS = KGBertForSequenceClassification

#: Name -> files that kgbert saved, and the function that loads them.
SAVED = {
    "saved model": Family(_write_model, _read_model, KGBertError),
    "graph cache": Family(_write_graph_cache, _read_graph_cache, KGBertError),
    "features cache": Family(_write_features, _read_features, KGBertError),
}
