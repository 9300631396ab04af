import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kgbert.graph.storage.builder import GraphBuilder
from kgbert.linking.embedding import name_index as encoded_names
from kgbert.linking.embedding.name_encoder import POOLINGS, NameEncoder
from kgbert.linking.embedding.name_index import EncodedNames, distinct_names, encode_names
from tests.support.tiny import tiny_graph, tiny_tokenizer

FAMILIES = ["bert", "xlnet", "roberta"]


@pytest.fixture
def encoder(plain_folder):
    from kgbert.models.task_models import KGBertModel

    def make(family="bert", pooling="mean"):
        encoder = NameEncoder.from_pretrained(plain_folder(family, KGBertModel), pooling=pooling)
        assert type(encoder.tokenizer) is type(tiny_tokenizer(family))
        return encoder

    return make


def random_names(seed, owners, hidden=6):
    vectors = np.random.default_rng(seed).normal(size=(len(owners), hidden))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return EncodedNames(vectors.astype(np.float16), np.array(sorted(owners), np.int32))


def queries_of(seed, count, hidden=6):
    vectors = torch.randn(count, hidden, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(vectors, dim=-1)


@given(
    seed=st.integers(0, 1000),
    owners=st.lists(st.integers(0, 12), min_size=1, max_size=40),
    count=st.integers(0, 5),
    most=st.integers(1, 6),
    chunk=st.integers(1, 9),
)
def test_the_search_is_that_of_all_pairs_whatever_the_chunks(seed, owners, count, most, chunk):
    names, queries = random_names(seed, owners), queries_of(seed, count)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoded_names, "_NAMES", chunk)
        patch.setattr(encoded_names, "_QUERIES", 2)
        found, entities = names.nearest(queries, most)

    all_pairs = queries @ torch.from_numpy(names.vectors).float().T
    for row in range(count):
        best = {}
        for owner, near in zip(names.entities.tolist(), all_pairs[row].tolist(), strict=True):
            best[owner] = max(near, best.get(owner, -2))
        wanted = sorted(best.values(), reverse=True)[:most]
        finite = found[row][found[row].isfinite()]
        assert finite.tolist() == pytest.approx(wanted, abs=1e-5)
        assert [best[entity] for entity in entities[row].tolist()[: len(wanted)]] == pytest.approx(
            wanted, abs=1e-5
        )


def test_a_hidden_name_is_not_found():
    names = random_names(0, [0, 1, 2, 3])
    queries = torch.from_numpy(names.vectors).float()

    _, seen = names.nearest(queries, 1)
    _, unseen = names.nearest(queries, 1, hidden=torch.arange(4))

    assert seen[:, 0].tolist() == [0, 1, 2, 3]
    assert not (unseen[:, 0] == seen[:, 0]).any()


def test_of_equally_near_entities_the_first_comes_first():
    vectors = np.ones((3, 4), np.float16) / 2
    names = EncodedNames(vectors, np.array([2, 5, 7], np.int32))

    _, entities = names.nearest(torch.ones(1, 4) / 2, 3)

    assert entities.tolist() == [[2, 5, 7]]


def test_saved_vectors_are_those_of_one_graph(tmp_path):
    names = random_names(1, [0, 0, 3])
    names.save(tmp_path / "names", "graph")

    again = EncodedNames.load(tmp_path / "names", "graph")

    assert (again.vectors == names.vectors).all()
    assert (again.entities == names.entities).all()
    assert EncodedNames.load(tmp_path / "names", "another graph") is None
    assert EncodedNames.load(tmp_path / "nothing", "graph") is None


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("family", FAMILIES)
def test_batch_mates_change_no_vector(encoder, family, pooling):
    names = ["fever", "a very long name of nothing", "lung"]

    together = encoder(family, pooling).encode(names)
    alone = torch.cat([encoder(family, pooling).encode([name]) for name in names])

    assert torch.allclose(together, alone, atol=1e-5)
    assert torch.allclose(together.norm(dim=-1), torch.ones(3))


def test_many_names_are_encoded_as_a_few_are_in_half_precision(encoder):
    names = ["fever", "cough", "lung"] * 100
    reported = []

    many = encoder().encode_all(names, lambda done, total: reported.append((done, total)))

    few = encoder().encode(names)
    assert many.dtype == np.float16
    assert (torch.from_numpy(many).float() * few).sum(-1).min() > 0.99
    assert reported == [(256, 300), (300, 300)]


def test_no_names_give_no_vectors(encoder):
    assert encoder().encode([]).shape == (0, 32)
    assert encoder().encode_all([]).shape == (0, 32)


def test_case_and_unicode_form_do_not_change_a_vector(encoder):
    vectors = encoder().encode(["Café", "cafe\u0301", "CAFÉ"])

    assert torch.allclose(vectors[0], vectors[1], atol=1e-5)
    assert torch.allclose(vectors[0], vectors[2], atol=1e-5)


def test_unknown_pooling_names_those_there_are(encoder):
    with pytest.raises(ValueError, match="unknown pooling 'meen'; did you mean 'mean'"):
        encoder(pooling="meen")


def test_every_name_of_a_graph_has_a_vector_once_an_entity(encoder):
    builder = GraphBuilder()
    for entity, name in [("A", "Fever"), ("A", "fever"), ("B", "Lung"), ("B", "fever")]:
        builder.add_name(entity, name)
    graph = builder.build()

    names = encode_names(graph, encoder())

    assert distinct_names(graph)[0] == ["fever", "lung", "fever"]
    assert names.entities.tolist() == [0, 1, 1]
    assert len(names.vectors) == 3
    assert len(encode_names(tiny_graph(), encoder()).vectors) == len(tiny_graph().names)
