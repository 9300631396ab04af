import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kgbert.linking.embedding import name_index as encoded_names
from kgbert.linking.embedding.name_index import EncodedNames
from kgbert.linking.embedding.search import NameSearch
from kgbert.linking.embedding.settings import EmbeddingSettings
from kgbert.linking.embedding.string_similarity import StringSimilarity
from tests.support.errors import raises

TEXTS = ["fever", "pyrexia", "choroideremia", "lung", "cough", "coughing"]
OWNERS = [0, 0, 1, 2, 3, 3]


def search(vectors, *, string_weight=0.0, popularity_weight=0.0):
    names = EncodedNames(np.asarray(vectors, np.float16), np.array(OWNERS, np.int32))
    return NameSearch(names, StringSimilarity(TEXTS), TEXTS, string_weight, popularity_weight)


def random_vectors(seed, count=6, hidden=6):
    vectors = torch.randn(count, hidden, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(vectors, dim=-1)


@given(st.integers(0, 99), st.integers(1, 7), st.floats(0, 1), st.floats(0, 0.1))
def test_scores_follow_the_formula_for_every_chunk_size(
    seed, chunk, string_weight, popularity_weight
):
    names, surfaces = random_vectors(seed), ["fevers", "choroideraemia", "a"]
    queries = random_vectors(seed + 1, len(surfaces))
    searched = search(names, string_weight=string_weight, popularity_weight=popularity_weight)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoded_names, "_NAMES", chunk)
        patch.setattr(encoded_names, "_QUERIES", 2)
        found, entities = searched.nearest(surfaces, queries, 4)

    cosine = queries @ torch.from_numpy(searched.names.vectors).float().T
    similarity = StringSimilarity(TEXTS)
    similarities = similarity.similarities(similarity.vectorize(surfaces), 0, len(TEXTS))
    both = (cosine + string_weight * similarities) / (1 + string_weight)
    for row in range(len(surfaces)):
        for likeness, entity in zip(found[row].tolist(), entities[row].tolist(), strict=True):
            mine = [place for place, owner in enumerate(OWNERS) if owner == entity]
            wanted = both[row, mine].max().item() + popularity_weight * np.log1p(len(mine))
            assert likeness == pytest.approx(wanted, abs=1e-4)


def test_string_similarity_helps_for_unknown_words():
    same = np.full((len(TEXTS), 4), 0.5)

    _, entities = search(same, string_weight=0.1).nearest(
        ["choroideraemia"], torch.full((1, 4), 0.5), 1
    )

    assert entities.tolist() == [[1]]


def test_of_entities_that_share_a_name_the_one_with_more_names_comes_first():
    same = np.full((len(TEXTS), 4), 0.5)

    _, entities = search(same, popularity_weight=0.01).nearest(["x"], torch.full((1, 4), 0.5), 4)

    assert entities.tolist() == [[0, 3, 1, 2]]


def test_a_name_is_not_compared_with_itself():
    searched = search(random_vectors(0), string_weight=0.2)

    _, found = searched.others(np.array([2, 3]))

    assert found[0, 0] != 1
    assert found[1, 0] != 2


def test_negative_weights_are_refused():
    with raises("negative-linker-weight"):
        EmbeddingSettings(string_weight=-0.1)
