from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from kgbert.data import Example, Span, parts_of, read_texts
from tests.support.errors import raises

ROWS = [{"text": "High fever", "label": "ill"}, {"text": "All well", "label": "well"}]
EXAMPLES = [Example("High fever", "ill"), Example("All well", "well")]


class Dataset:
    """Rows with features, as in the library ``datasets``."""

    def __init__(self, rows, features=None):
        self.rows, self.features = rows, features or {}
        self.column_names = list(rows[0])

    def __iter__(self):
        return iter(self.rows)


class Frame:
    """Rows in the format of polars."""

    def iter_rows(self, *, named):
        return iter(ROWS)


def class_label(*names):
    return SimpleNamespace(names=list(names))


def sequence_of(feature):
    return SimpleNamespace(feature=feature)


SOURCES = {
    "list of dicts": ROWS,
    "tuple": tuple(ROWS),
    "generator": (row for row in ROWS),
    "pandas": pd.DataFrame(ROWS),
    "pandas categories": pd.DataFrame(ROWS).astype({"label": "category"}),
    "polars": Frame(),
    "datasets": Dataset(ROWS),
    "datasets with classes": Dataset(
        [{"text": "High fever", "label": 1}, {"text": "All well", "label": 0}],
        {"text": SimpleNamespace(dtype="string"), "label": class_label("well", "ill")},
    ),
}


@pytest.mark.parametrize("name", SOURCES)
def test_rows_in_memory_are_read_like_a_file(name):
    assert read_texts(SOURCES[name]) == EXAMPLES


def test_columns_of_rows_in_memory_can_be_named():
    frame = pd.DataFrame(ROWS).rename(columns={"text": "sentence", "label": "kind"})

    assert read_texts(frame, columns={"text": "sentence", "label": "kind"}) == EXAMPLES


@pytest.mark.parametrize("wrap", [sequence_of, lambda feature: [feature]], ids=["Sequence", "list"])
def test_classes_of_tags_get_their_names(wrap):
    features = {"ner_tags": wrap(class_label("O", "B-Sign"))}
    source = Dataset([{"id": "0", "tokens": ["High", "fever"], "ner_tags": [0, 1]}], features)

    assert read_texts(source) == [Example("High fever", spans=(Span(5, 10, "Sign"),), id="0")]


def test_the_class_minus_one_is_a_missing_label():
    source = Dataset([{"text": "a", "label": -1}], {"label": class_label("well", "ill")})

    assert read_texts(source)[0].target is None


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT], ids=repr)
def test_missing_labels_of_a_frame_are_no_class(missing):
    frame = pd.DataFrame({"text": ["a", "b"], "label": pd.Series(["ill", missing], dtype=object)})

    assert [example.target for example in read_texts(frame)] == ["ill", None]


def test_numbers_of_numpy_are_labels_like_others():
    frame = pd.DataFrame({"text": ["a"], "label": np.array([3], np.int8)})

    assert read_texts(frame)[0].target == "3"


def test_arrays_in_cells_are_lists():
    frame = pd.DataFrame(
        {"tokens": [np.array(["High", "fever"])], "tags": [np.array(["O", "B-X"])]}
    )

    assert read_texts(frame)[0].spans == (Span(5, 10, "X"),)


@pytest.mark.parametrize("names", [("train", "validation", "test"), ("training", "dev", "testing")])
def test_the_parts_of_a_divided_source_are_found_by_their_names(names):
    train, validation, test = (Dataset(ROWS) for _ in range(3))

    parts = parts_of(dict(zip(names, (train, validation, test), strict=True)))

    assert parts == {"train": train, "validation": validation, "test": test}
    assert list(parts) == ["train", "validation", "test"]


def test_a_source_that_is_not_divided_has_no_parts():
    assert parts_of(pd.DataFrame(ROWS)) == parts_of(ROWS) == parts_of("notes.csv") == {}


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ({"train": ROWS}, "divided-source"),
        (5, "unknown-source"),
        (b"notes.csv", "unknown-source"),
        ([], "no-texts"),
        (["a fever"], "not-an-object"),
        ([{"txt": "a"}], "missing-column"),
        ([{"text": np.nan}], "text-not-a-string"),
        ([{"text": "a\ud800"}], "lone-surrogate"),
    ],
)
def test_what_is_no_source_is_refused(source, code):
    with raises(code):
        read_texts(source)


def test_errors_name_the_row():
    with raises("text-not-a-string") as raised:
        read_texts(pd.DataFrame({"text": ["a", np.nan]}))

    assert str(raised.value).startswith("DataFrame: row 2: ")
