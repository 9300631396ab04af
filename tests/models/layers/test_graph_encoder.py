import numpy as np
import pytest
import torch

from kgbert.encoding.neighbor_sampling import NeighborSampler
from kgbert.models.layers.graph_encoder import ENCODERS, CompositionLayer, GraphEncoder
from tests.support.errors import raises
from tests.support.project.plugins import install_example
from tests.support.tiny import TEXTS, perturb, run, tiny_graph, tiny_processor

FEATURES, SIZE, RELATIONS = 6, 8, 2


def encoder(kind, layers=2, relations=RELATIONS):
    torch.manual_seed(0)
    return GraphEncoder(
        kind, layers, features=FEATURES, size=SIZE, relations=relations, dropout=0.1
    ).eval()


def chain():
    """Return features of six nodes, where each of the first four hears the next."""
    torch.manual_seed(1)
    edges = torch.tensor([[1, 2, 3, 4], [0, 1, 2, 3]])
    return torch.randn(6, FEATURES), edges, torch.tensor([0, 1, 2, 3])


@pytest.mark.parametrize("layers", [0, 1, 2, 3])
@pytest.mark.parametrize("kind", ENCODERS)
def test_a_vector_depends_on_as_many_hops_as_there_are_layers(kind, layers):
    features, edges, types = chain()
    model = encoder(kind, layers)
    before = model(features, edges, types)
    reached = []

    for node in range(len(features)):
        other = features.clone()
        other[node] += 1
        if not torch.allclose(model(other, edges, types)[0], before[0], atol=1e-6):
            reached.append(node)

    assert reached == list(range(1 if kind == "none" else layers + 1))


@pytest.mark.parametrize("kind", sorted(set(ENCODERS) - {"none"}))
def test_relations_and_directions_count(kind):
    # Two neighbours: an attention over one alone gives it all, whatever its relation.
    features = chain()[0][:3]
    edges, types = torch.tensor([[1, 2], [0, 0]]), torch.tensor([0, 1])
    model = encoder(kind)
    vectors = model(features, edges, types)

    assert not torch.allclose(model(features, edges, types.flip(0)), vectors, atol=1e-4)
    assert not torch.allclose(model(features, edges.flip(0), types), vectors, atol=1e-4)


@pytest.mark.parametrize("kind", ENCODERS)
def test_the_order_of_edges_changes_nothing(kind):
    features, edges, types = chain()
    model, order = encoder(kind), torch.tensor([2, 0, 3, 1])

    shuffled = model(features, edges[:, order], types[order])

    assert torch.allclose(shuffled, model(features, edges, types), atol=1e-6)


@pytest.mark.parametrize("hops", [0, 1, 2, 3])
@pytest.mark.parametrize("layers", [0, 1, 2, 3])
@pytest.mark.parametrize("kind", ENCODERS)
def test_what_no_layer_above_reads_is_left_out_and_changes_nothing(kind, layers, hops):
    graph = tiny_graph()
    sampled = NeighborSampler(graph, fan_out=2, hops=hops).sample(np.array([0, 2]))
    features = torch.randn(len(sampled.nodes), FEATURES)
    edges, types = torch.from_numpy(sampled.edge_index), torch.from_numpy(sampled.edge_types)
    model = encoder(kind, layers, relations=len(graph.relation_ids))

    trimmed = model(features, edges, types, sampled.hop_sizes)

    assert len(trimmed) == 2
    assert torch.allclose(trimmed, model(features, edges, types)[:2], atol=1e-6)


@pytest.mark.parametrize("kind", ENCODERS)
def test_nodes_that_nothing_joins_do_not_meet(kind):
    features, edges, types = chain()
    model = encoder(kind)
    alone = model(features[5:], edges[:, :0], types[:0])

    assert torch.allclose(model(features, edges, types)[5:], alone, atol=1e-6)


@pytest.mark.parametrize("kind", ENCODERS)
def test_loops_and_no_nodes_at_all_are_fine(kind):
    features, edges, types = chain()
    model = encoder(kind)
    loop = torch.tensor([[0], [0]])

    assert torch.isfinite(model(features, loop, types[:1])).all()
    assert model(features[:0], edges[:, :0], types[:0]).shape == (0, SIZE)


def test_an_unknown_encoder_is_refused():
    with raises("unknown-name"):
        encoder("gat")


class OwnLayer(CompositionLayer):
    """A layer that a user passes as an object."""


def test_a_layer_of_ones_own_is_passed_as_an_object_and_saved_by_its_name(fused, tmp_path):
    model = perturb(fused(graph_encoder=OwnLayer))
    batch = tiny_processor()(TEXTS)
    model.save_pretrained(tmp_path)

    again = type(model).from_pretrained(tmp_path)

    assert again.config.graph_encoder == "OwnLayer"
    assert isinstance(again.graph_encoder.layers[0], OwnLayer)
    assert torch.equal(run(again, batch).logits, run(model, batch).logits)
    ENCODERS.pop("OwnLayer")


def test_a_layer_of_an_installed_package_is_found_by_its_entry_point(fused, tmp_path, monkeypatch):
    install_example(tmp_path, monkeypatch)

    model = fused(graph_encoder="sender-mean")

    assert run(model, tiny_processor()(TEXTS)).logits.isfinite().all()
    assert type(model.graph_encoder.layers[0]).__name__ == "SenderMean"
