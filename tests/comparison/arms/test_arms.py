from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kgbert.baselines import ernie as transe
from kgbert.comparison.arms.arm import RunInputs
from kgbert.comparison.arms.descriptions import DESCRIPTIONS, KINDS
from kgbert.comparison.arms.features import only_names
from kgbert.comparison.arms.links import NoisyLinker, ShuffledLinker
from kgbert.comparison.arms.registry import ARMS
from kgbert.comparison.compare import run_study
from kgbert.data import Example, Span
from kgbert.features import entity_features as features
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.graph.verbalize import verbalize
from kgbert.linking.factory import make_linker
from kgbert.linking.grounding import ground
from kgbert.linking.mention import Candidate, Mention
from kgbert.models.task_models import KGBertModel
from kgbert.tasks.registry import TASKS
from tests.support.errors import raises
from tests.support.processes import printed_elsewhere
from tests.support.small_study import InventedRuns, small_study
from tests.support.tiny import save_plain, tiny_features, tiny_graph

TASK = TASKS["text-classification"]
TEXTS = ["fever of the lung", "no mention", "cough and pneumonia, then fever"]


def linker():
    return make_linker(tiny_graph(), "dictionary")


def inputs(**changes):
    graph = tiny_graph()
    parts = ([Example(text, "ill") for text in TEXTS],) * 3
    return replace(RunInputs(graph, tiny_features(graph), linker(), "none", parts, TASK), **changes)


def inputs_for(arm, backbone):
    """Return inputs that suit an arm: gold entities, entities of the labels, or other vectors."""
    spans = (Span(0, 5, "Sign", "EX:1"),) if arm.name == "oracle-links" else ()
    parts = ([Example(text, "ill", spans) for text in TEXTS],) * 3
    grounding = ground(["pneumonia", "cough"], tiny_graph())
    given = inputs(backbone=backbone, parts=parts, grounding=grounding, path_steps=2)
    if arm.name == "dictionary":
        return replace(given, task=TASKS["token-classification"])
    if arm.name == "words-only":
        return replace(given, features=replace(given.features, encoder_hash="file:0"))
    return given


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    return save_plain(tmp_path_factory.mktemp("plain"), "bert", KGBertModel)


@pytest.fixture
def no_cache(monkeypatch):
    """Disable caches outside the test."""
    for module, name in ((features, "encode_entities"), (transe, "transe_vectors")):
        make = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *given, make=make: make(*given, cache=None))


def entities(found):
    return [[c.entity for m in mentions for c in m.candidates] for mentions in found]


def shape(found):
    return [
        [(m.start, m.end, [c.score for c in m.candidates]) for m in mentions] for mentions in found
    ]


@pytest.mark.parametrize("arm", ARMS.values(), ids=ARMS)
def test_every_arm_has_a_one_line_description_and_keeps_texts_labels_and_entities(
    arm, backbone, no_cache
):
    given = inputs_for(arm, backbone)

    changed = arm.transform(given, 0)

    assert ARMS[arm.name] is arm
    assert 0 < len(arm.description) <= 120
    assert "\n" not in arm.description
    for part in changed.parts:
        assert [example.target for example in part] == ["ill"] * len(TEXTS)
    assert list(changed.graph.entity_ids) == list(given.graph.entity_ids)
    assert len(changed.features.vectors) == len(given.graph)
    assert len(changed.linker(TEXTS)) == len(TEXTS)


@pytest.mark.parametrize("arm", ARMS.values(), ids=ARMS)
def test_every_arm_changes_the_same_again_for_a_seed_and_leaves_random_numbers_alone(
    arm, backbone, no_cache
):
    given = inputs_for(arm, backbone)
    torch.manual_seed(0)
    before = torch.get_rng_state()

    first, second = arm.transform(given, 1), arm.transform(given, 1)

    assert torch.equal(torch.get_rng_state(), before)
    assert first.graph == second.graph
    assert np.array_equal(first.features.vectors, second.features.vectors)
    assert first.linker(TEXTS) == second.linker(TEXTS)
    assert first.parts == second.parts


@given(seed=st.integers(0, 2**32))
def test_shuffling_keeps_places_counts_and_scores(seed):
    shuffled = ShuffledLinker(linker(), tiny_graph(), seed)(TEXTS)

    assert shape(shuffled) == shape(linker()(TEXTS))


@given(seed=st.integers(0, 2**32))
def test_shuffling_is_one_permutation_of_all_entities(seed):
    graph = tiny_graph()
    everything = [[Mention(0, 1, tuple(Candidate(entity, 1.0) for entity in graph.entity_ids))]]
    shuffled = ShuffledLinker(lambda texts: everything, graph, seed)

    ((ids,),) = (entities(shuffled(["x"])),)

    assert sorted(ids) == sorted(graph.entity_ids)
    assert entities(shuffled(["x"])) == [ids]


def test_training_and_test_are_shuffled_alike():
    train = ShuffledLinker(linker(), tiny_graph(), 1)(TEXTS)
    test = ShuffledLinker(linker(), tiny_graph(), 1)([TEXTS[0]])

    assert test == train[:1]


def test_seeds_shuffle_differently():
    found = {str(ShuffledLinker(linker(), tiny_graph(), seed)(TEXTS)) for seed in range(6)}

    assert len(found) > 4


def test_changed_links_depend_on_no_hash_order():
    code = "from tests.comparison.arms.test_arms import *; print(changed_links())"

    assert printed_elsewhere(code, hash_seed=1) == f"{changed_links()}\n"


def changed_links():
    linkers = (made(linker(), tiny_graph(), 5) for made in (ShuffledLinker, NoisyLinker))
    return [changed(TEXTS) for changed in linkers]


def test_entity_unknown_to_the_graph_stays():
    stranger = [[Mention(0, 5, (Candidate("X:9", 0.5),))]]

    assert ShuffledLinker(lambda texts: stranger, tiny_graph(), 0)(["fever"]) == stranger


@given(seed=st.integers(0, 2**32))
def test_noise_keeps_places_counts_and_scores(seed):
    noisy = NoisyLinker(linker(), tiny_graph(), seed)(TEXTS)

    assert shape(noisy) == shape(linker()(TEXTS))


def test_noise_reaches_three_mentions_in_ten_and_each_text_by_itself():
    graph = tiny_graph()
    texts = [f"fever {number}" for number in range(2_000)]
    stranger = [[Mention(0, 5, (Candidate("real", 1.0),))]]
    noisy = NoisyLinker(lambda texts: stranger * len(texts), graph, 3)

    found = noisy(texts)

    changed = [x[0].candidates[0].entity != "real" for x in found]
    assert 0.27 < sum(changed) / len(texts) < 0.33
    assert noisy(texts[7:9]) == found[7:9]


def test_rewired_edges_keep_every_degree_of_every_relation():
    graph = wide_graph()

    rewired = ARMS["rewired-edges"].transform(inputs(graph=graph), 0).graph

    assert degrees(rewired) == degrees(graph)
    assert edges(rewired) != edges(graph)
    assert (np.diff(rewired.heads) >= 0).all()
    assert rewired.hash != graph.hash


def test_shuffled_relations_keep_every_edge_and_how_often_a_relation_occurs():
    graph = wide_graph()

    shuffled = ARMS["shuffled-relations"].transform(inputs(graph=graph), 0).graph

    assert Counter(shuffled.relations.tolist()) == Counter(graph.relations.tolist())
    pairs = [Counter((head, tail) for head, _, tail in edges(x)) for x in (shuffled, graph)]
    assert pairs[0] == pairs[1]
    assert edges(shuffled) != edges(graph)


def test_relations_of_a_graph_with_one_of_them_cannot_be_shuffled():
    builder = GraphBuilder()
    builder.add_name("a", "a")
    builder.add_relation("is", "is a")
    builder.add_edge("a", "is", "a")

    with raises("arm-needs-other-graph"):
        ARMS["shuffled-relations"].transform(inputs(graph=builder.build(source="one")), 0)


def wide_graph():
    builder = GraphBuilder()
    generator = np.random.default_rng(0)
    for number in range(40):
        builder.add_name(f"E:{number:02}", f"name {number}")
    for head, tail in generator.integers(0, 40, (120, 2)).tolist():
        builder.add_edge(f"E:{head:02}", f"r{head % 3}", f"E:{tail:02}")
    return builder.build(source="wide")


def edges(graph):
    return list(
        zip(graph.heads.tolist(), graph.relations.tolist(), graph.tails.tolist(), strict=True)
    )


def degrees(graph):
    leaving = Counter((head, relation) for head, relation, _ in edges(graph))
    reaching = Counter((relation, tail) for _, relation, tail in edges(graph))
    return leaving, reaching


def test_a_graph_of_names_verbalizes_each_entity_as_its_preferred_name():
    graph = tiny_graph()

    bare = only_names(graph)

    descriptions = [verbalize(bare, index) for index in range(len(bare))]
    assert descriptions == [graph.name(index) for index in range(len(graph))]


def test_random_features_are_as_long_as_real_ones_and_differ_by_seed():
    given = inputs(features=tiny_features(tiny_graph()))

    first, second = (ARMS["random-features"].transform(given, seed).features for seed in (0, 1))

    assert first.vectors.dtype == np.float16
    assert 0.7 < np.linalg.norm(first.vectors) / np.linalg.norm(given.features.vectors) < 1.4
    assert not np.array_equal(first.vectors, second.vectors)


@pytest.mark.parametrize("arm", ["mention-only", "dummy"])
def test_constant_features_tell_no_entity_from_another(arm):
    vectors = ARMS[arm].transform(inputs(), 0).features.vectors

    assert (vectors == vectors[0]).all()


def test_the_dummy_reads_the_same_of_every_text():
    found = ARMS["dummy"].transform(inputs(), 0).linker(["fever", "nothing"])

    assert [[(m.start, m.end) for m in mentions] for mentions in found] == [[(0, 5)], [(0, 7)]]
    assert len({entity for text_entities in entities(found) for entity in text_entities}) == 1


def test_oracle_links_are_those_of_the_labels():
    spans = (Span(0, 5, "Sign", "EX:1"), Span(6, 8, "Other"), Span(13, 17, "Organ", "EX:4"))
    labelled = Example("fever of the lung", spans=spans)

    found = (
        ARMS["oracle-links"]
        .transform(inputs(parts=([labelled], [], [])), 0)
        .linker(["fever of the lung", "lung"])
    )

    assert entities(found) == [["EX:1", "EX:4"], []]


@pytest.mark.parametrize(
    ("spans", "message"), [((), "name 0 ids"), ((Span(0, 5, "Sign", "X:1"),), "example X:1")]
)
def test_oracle_links_without_gold_entities_are_refused(spans, message):
    parts = ([Example("fever", spans=spans)], [], [])

    with pytest.raises(ValueError, match=rf"whose spans name entities.*{message}.*leave the arm"):
        ARMS["oracle-links"].transform(inputs(parts=parts), 0)


def test_pooled_fusion_refuses_relations():
    arguments = (Span(0, 5, "head"), Span(6, 8, "tail"))
    parts = ([Example("fever of", "there", arguments=arguments)], [], [])

    with raises("arm-needs-other-task"):
        ARMS["on2vec"].transform(inputs(parts=parts, task=TASKS["relation-classification"]), 0)


@pytest.mark.parametrize("arm", ["typed-markers", "on2vec"])
def test_arms_for_whole_texts_refuse_to_tag_words(arm):
    parts = ([Example("fever", spans=(Span(0, 5, "Sign"),))], [], [])

    with pytest.raises(ValueError, match=rf"the arm '{arm}'.*token.classification.*leave the arm"):
        ARMS[arm].transform(inputs(parts=parts, task=TASKS["token-classification"]), 0)


def test_an_inapplicable_arm_is_rejected_before_training(monkeypatch, tmp_path):
    runs = InventedRuns(monkeypatch)
    arms = [ARMS[name] for name in ("plain", "knowledge", "oracle-links")]

    with raises("no-gold-links"):
        run_study(small_study(tmp_path, arms=arms))

    assert runs.done == []


@pytest.mark.parametrize("family", ["modernbert", "deberta-v2", "xlnet", "mpnet"])
def test_soft_positions_are_refused_where_positions_are_no_numbers(family, tmp_path):
    given = inputs(backbone=save_plain(tmp_path, family, KGBertModel))

    with raises("relative-positions"):
        ARMS["k-bert"].transform(given, 0)


def test_gated_backbones_are_refused_for_ernie_before_anything_is_trained(tmp_path, monkeypatch):
    given = inputs(backbone=save_plain(tmp_path, "modernbert", KGBertModel))
    monkeypatch.setattr(transe, "transe_vectors", lambda *given: pytest.fail("trained vectors"))

    with pytest.raises(ValueError, match=r"is gated.*Choose another.*leave the arm 'ernie' out"):
        ARMS["ernie"].transform(given, 0)


def test_every_arm_has_its_meaning_in_the_list_that_the_command_shows():
    assert list(DESCRIPTIONS) == list(ARMS)
    assert set(KINDS) == {
        "compared",
        "controls",
        "rivals",
        "measures against overfitting",
        "ceiling",
    }
