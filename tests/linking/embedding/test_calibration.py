import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgbert.linking.embedding.calibration import (
    Calibration,
    best_threshold,
    calibrate,
    fit_calibration,
)
from kgbert.linking.embedding.name_index import EncodedNames

SIMILARITIES = st.floats(-1, 1, width=32)


@given(st.lists(st.tuples(SIMILARITIES, st.booleans()), max_size=30))
def test_a_nearer_name_never_scores_less(observed):
    fitted = fit_calibration([x for x, _ in observed], [right for _, right in observed])

    scores = [fitted.probability(x) for x in np.linspace(-1, 1, 9)]
    assert scores == sorted(scores)
    assert all(0 < score < 1 for score in scores)


def test_scores_are_the_share_that_is_right():
    random = np.random.default_rng(0)
    similarity = random.uniform(0.2, 1, 20_000)
    truth = Calibration(0.6, 9.0)
    right = random.random(20_000) < [truth.probability(x) for x in similarity]

    fitted = fit_calibration(similarity.tolist(), right.tolist())

    for x in (0.3, 0.5, 0.7, 0.9):
        assert fitted.probability(x) == pytest.approx(truth.probability(x), abs=0.02)


def test_synonyms_of_the_graph_calibrate_an_encoder():
    random = np.random.default_rng(0)
    with_synonym, lone = (
        np.repeat(random.normal(size=(50, 16)), 2, axis=0),
        random.normal(size=(100, 16)),
    )
    vectors = np.concatenate([with_synonym + random.normal(size=(100, 16)) * 0.2, lone])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    entities = np.concatenate([np.repeat(np.arange(50), 2), np.arange(50, 150)]).astype(np.int32)
    names = EncodedNames(vectors.astype(np.float16), entities)

    fitted = calibrate(names)

    assert fitted.probability(1.0) > 0.8 > 0.3 > fitted.probability(0.4)
    assert fitted == calibrate(names)


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_names_leave_the_default(count):
    names = EncodedNames(np.ones((count, 4), np.float16), np.zeros(count, np.int32))

    assert calibrate(names) == Calibration()


def test_one_name_an_entity_calibrates_by_what_is_wrong():
    vectors = np.eye(5, dtype=np.float16)

    fitted = calibrate(EncodedNames(vectors, np.arange(5, dtype=np.int32)))

    assert fitted.probability(0.0) < 0.5


FOUND = st.lists(st.tuples(st.sampled_from([0.1, 0.3, 0.5, 0.9]), st.booleans(), st.booleans()))


@given(FOUND, st.integers(0, 5))
def test_no_other_cut_of_whole_texts_has_a_better_f1(found, missed):
    scores, right, stay = zip(*found, strict=True) if found else ((), (), ())
    gold = sum(right) + missed

    chosen = best_threshold(scores, right, stay, gold=gold)

    assert _f1(found, chosen, gold) == max(
        _f1(found, cut, gold) for cut in (0.0, 0.2, 0.4, 0.7, 0.95)
    )


def _f1(found, cut, gold):
    kept = [right for score, right, stays in found if stays or score >= cut]
    return 2 * sum(kept) / max(1, len(kept) + gold)
