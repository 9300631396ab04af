from itertools import pairwise

import numpy as np
import pytest

from kgbert.baselines.tfidf import TfidfModel, TfidfVectors

FRUIT = [("a red apple",), ("two red apples and an apple",), ("one apple",)]
TOOLS = [("a steel hammer",), ("the hammer of steel",), ("a hammer",)]


def words_and_pairs(texts):
    split = [text.split() for (text,) in texts]
    return {word for words in split for word in words} | {
        pair for words in split for pair in pairwise(words)
    }


def test_it_learns_which_words_stand_for_a_label():
    vectors, model = TfidfVectors([*FRUIT, *TOOLS]), TfidfModel(10.0)
    model.fit_labels(vectors([*FRUIT, *TOOLS]), np.eye(2)[[0, 0, 0, 1, 1, 1]])

    logits = model.outputs(vectors([("an apple a day",), ("his hammer",), ("unknown",)]))

    assert logits.shape == (3, 2)
    assert logits[0, 0] > 0 > logits[0, 1]
    assert logits[1, 1] > 0 > logits[1, 0]
    assert logits[2, 0] == pytest.approx(-logits[2, 1])
    assert model.parameters == 2 * (len(words_and_pairs([*FRUIT, *TOOLS])) + 1)


def test_a_label_of_no_text_is_improbable_and_one_of_all_texts_is_probable():
    vectors, model = TfidfVectors([*FRUIT, *TOOLS]), TfidfModel(1.0)
    model.fit_labels(vectors([*FRUIT, *TOOLS]), np.array([[0, 1, i // 3] for i in range(6)]))

    logits = model.outputs(vectors([("an apple",), ("something else",)]))

    assert (logits[:, 0] < -10).all()
    assert (logits[:, 1] > 10).all()


def test_it_learns_numbers_in_their_unit():
    vectors, model = TfidfVectors([*FRUIT, *TOOLS]), TfidfModel(100.0)
    model.fit_values(vectors([*FRUIT, *TOOLS]), np.array([1.0, 1.1, 0.9, 7.0, 7.1, 6.9]))

    values = model.outputs(vectors([("apple",), ("hammer",)]))[:, 0]

    assert values[0] < 3 < 5 < values[1]


def test_a_pair_is_judged_by_its_similarity():
    pairs = [
        (f"w{i} x{i}", f"w{i} x{i}" if same else f"y{i} z{i}") for same in (0, 1) for i in range(9)
    ]
    vectors, model = TfidfVectors(pairs), TfidfModel(100.0)
    model.fit_labels(vectors(pairs), np.eye(2)[[0] * 9 + [1] * 9])

    same, other = model.outputs(vectors([("w1 x2 w3", "w1 x2 w3"), ("w1 x2 w3", "y4 z5 y6")]))[:, 1]

    assert same > other
