"""Answer by another graph without training."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

import kgbert
from kgbert.cli import main
from kgbert.features import feature_sources
from kgbert.features.entity_features import encode_entities
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.models.task_models import KGBertModel
from kgbert.training.config import TrainingConfig
from kgbert.training.pipeline import KGBertPipeline
from kgbert.training.saving import load_model
from tests.support.errors import raises
from tests.support.planted.edges import SIZE, kinds_graph, label_of, learnt_pipeline, names, text_of
from tests.support.planted.label_children import CHILDREN, label_graph, labelled_texts
from tests.support.small_study import SHARED
from tests.support.tiny import ExactLinker, tiny_features


@pytest.fixture(scope="module")
def backbone(plain_folder):
    return plain_folder("bert", KGBertModel)


@pytest.fixture(scope="module")
def learnt(backbone):
    return learnt_pipeline(backbone)


def answers(pipeline, seed=0):
    return [x.answer for x in pipeline([text_of(name) for name in names(seed)])]


def labels(*, flipped=False):
    return [label_of(number + flipped) for number in range(SIZE)]


def accuracy(pipeline, seed=0, *, flipped=False):
    pairs = zip(answers(pipeline, seed), labels(flipped=flipped), strict=True)
    return np.mean([answer == label for answer, label in pairs])


def test_another_graph_answers_by_its_own_facts(learnt):
    before = answers(learnt)

    other = learnt.with_graph(kinds_graph("B", 1))
    flipped = learnt.with_graph(kinds_graph(flipped=True))

    assert accuracy(learnt) > 0.9
    assert accuracy(other, 1) > 0.9
    assert accuracy(flipped, flipped=True) > 0.9
    assert answers(learnt) == before
    assert (other.transfer.entities, other.transfer.encoded) == (SIZE + 2, SIZE)
    assert learnt.transfer is None


def test_the_same_graph_changes_nothing(learnt):
    same = learnt.with_graph(kinds_graph())

    assert same.transfer.encoded == 0
    assert same.processor.sampler.mapping is None
    text = [text_of(names(0)[0])]
    assert torch.equal(
        learnt.model(**learnt.processor(text)).logits, same.model(**same.processor(text)).logits
    )


@pytest.mark.parametrize(
    ("relation", "method"),
    [("skos:broader", "meaning"), ("http://a.org/isa", "name"), ("x:Treats", "missing")],
)
def test_relations_are_mapped_by_name_and_meaning(learnt, relation, method):
    builder = GraphBuilder()
    for entity in ("B:1", "B:2", "B:3"):
        builder.add_name(entity, entity)
    builder.add_edge("B:1", "rdfs:subClassOf", "B:2")
    builder.add_edge("B:2", relation, "B:3")

    transfer = learnt.with_graph(builder.build(source="B")).transfer

    mapped = {each.relation: each for each in transfer.relations}
    assert mapped["rdfs:subClassOf"].method == "id"
    assert mapped[relation].method == method
    assert (mapped[relation] in transfer.unknown_relations) is (method == "missing")
    assert (f"{relation} (" in transfer.summary()) is (method == "missing")


def test_a_graph_without_a_known_relation_is_refused(learnt):
    graph = kinds_graph("B", 1, "treats")

    with raises("no-known-relation"):
        learnt.with_graph(graph)
    with raises("unknown-relation"):
        learnt.with_graph(graph, relation_mapping={"treats": "cures"})
    with raises("unknown-relation"):
        learnt.with_graph(graph, relation_mapping={"cures": "rdfs:subClassOf"})

    mapped = learnt.with_graph(graph, relation_mapping={"treats": "is a"})
    unread = learnt.with_graph(graph, relation_mapping={})
    assert not mapped.transfer.unknown_relations
    assert [x.edges for x in unread.transfer.unknown_relations] == [SIZE]
    entities = np.arange(len(graph))
    assert mapped.processor.sampler.sample(entities).edge_index.size
    assert not unread.processor.sampler.sample(entities).edge_index.size


def test_entities_keep_their_sampled_neighbours_when_others_are_added(learnt):
    builder = GraphBuilder()
    for number in range(60):
        builder.add_name(f"C:{number:02}", f"fever lung n{number}")
        builder.add_edge(f"C:{number:02}", "rdfs:subClassOf", "C:30")
    before = learnt.with_graph(builder.build())
    builder.add_name("A:0", "earlier in the order")
    builder.add_edge("A:0", "rdfs:subClassOf", "C:02")
    after = before.with_graph(builder.build())

    def neighbours(pipeline, entity):
        index = pipeline.graph.index(entity)
        sampled = pipeline.processor.sampler.sample(np.array([index]), hops=1)
        return {pipeline.graph.entity_ids[node] for node in sampled.nodes.tolist()}

    assert len(neighbours(before, "C:30")) < 12
    assert neighbours(before, "C:30") == neighbours(after, "C:30")


def test_the_result_is_saved_as_an_ordinary_model(learnt, tmp_path):
    graph = kinds_graph("B", 1, "skos:broader", flipped=True)
    other = learnt.with_graph(graph)

    saved = kgbert.pipeline(other.save(tmp_path / "model"))

    batch = [text_of(name) for name in names(1)[:4]]
    expected, found = other(batch), saved(batch)
    assert [x.to_dict() for x in found] == [x.to_dict() for x in expected]
    assert saved.graph == graph
    assert "replaced without training" in (tmp_path / "model" / "README.md").read_text()
    # And it can be given the first graph again.
    assert answers(saved.with_graph(learnt.graph)) == answers(learnt)


def test_a_damaged_map_of_a_saved_model_is_refused(learnt, tmp_path):
    folder = learnt.with_graph(kinds_graph("B", 1, "skos:broader")).save(tmp_path / "model")
    (folder / "kgbert_checksums.json").unlink()
    path = folder / "sampling_map.safetensors"
    path.write_bytes(path.read_bytes()[:-8])

    with raises("damaged-sampling-map"):
        load_model(folder)


def test_precomputed_vectors_are_made_again(learnt):
    model = learnt.model
    learnt.processor.use_vectors(model.precompute(learnt.processor))
    try:
        other = learnt.with_graph(kinds_graph("B", 1))
    finally:
        learnt.processor.use_vectors(None)

    assert other.processor.vectors is not None
    assert len(other.processor.vectors.vectors) == SIZE + 2
    assert accuracy(other, 1) > 0.9


def test_features_of_another_encoder_are_refused(learnt, backbone, plain_folder):
    graph = kinds_graph("B", 1)
    other = plain_folder("distilbert", KGBertModel)

    with raises("other-feature-encoder"):
        learnt.with_graph(graph, features=encode_entities(graph, other, cache=None))
    given = learnt.with_graph(graph, features=encode_entities(graph, backbone, cache=None))

    assert answers(given, 1) == answers(learnt.with_graph(graph), 1)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"encoder": "no/such/folder"}, "missing-feature-encoder"),
        ({"encoder_hash": "0" * 64}, "other-feature-encoder"),
    ],
)
def test_a_changed_encoder_is_refused(learnt, changes, code):
    features = learnt.processor.features
    learnt.processor.features = replace(features, **changes)
    try:
        with raises(code):
            learnt.with_graph(kinds_graph("B", 1))
        assert learnt.with_graph(kinds_graph()).transfer.encoded == 0
    finally:
        learnt.processor.features = features


def test_a_linker_without_settings_must_be_given(learnt):
    graph, linker = kinds_graph("B", 1), learnt.processor.linker
    learnt.processor.linker = ExactLinker(learnt.graph)
    try:
        with raises("linker-not-transferable"):
            learnt.with_graph(graph)
        given = learnt.with_graph(graph, linker=ExactLinker(graph))
    finally:
        learnt.processor.linker = linker

    assert accuracy(given, 1) > 0.9


def other_classes():
    """Return the classes with other ids, and other children, of which one class is missing."""
    builder = GraphBuilder()
    names = {"M:1": "Class two", "M:2": "class one", "L:3": "anything"}
    children = {"M:1": ("kazoo", "sitar"), "M:2": ("basalt", "flint"), "L:3": ("nashi", "guava")}
    for entity, name in names.items():
        builder.add_name(entity, name)
        for place, child in enumerate(children[entity]):
            builder.add_name(f"{entity}.{place}", child)
            builder.add_edge(f"{entity}.{place}", "skos:broader", entity)
    return builder.build(source="other classes")


def test_labels_that_are_entities_are_grounded_again(backbone, monkeypatch):
    monkeypatch.setattr(
        feature_sources, "encode_entities", lambda graph, _, **rest: tiny_features(graph)
    )
    texts = labelled_texts("L:1", "L:2")
    graph = other_classes()
    trained = kgbert.train(
        label_graph(),
        texts,
        validation=texts,
        test=texts,
        backbone=backbone,
        task="text-classification",
        config=TrainingConfig(epochs=1, batch_size=8, max_length=40, options=SHARED),
        ground={label: label for label in CHILDREN},
    )

    other = trained.with_graph(graph, features=tiny_features(graph, seed=0))

    found = {each.label: (each.entity, each.method) for each in other.transfer.labels}
    assert found == {
        "L:1": ("M:2", "name"),
        "L:2": ("M:1", "name"),
        "L:3": ("L:3", "id"),
        "L:4": (None, "missing"),
    }
    assert [each.label for each in other.transfer.lost_labels] == ["L:4"]
    nearest = [x.nearest_labels[0] for x in other.predict(["a kazoo", "a flint", "a guava"])]
    assert [x.label for x in nearest] == ["L:2", "L:1", "L:3"]
    assert [x.kind for x in nearest] == ["child"] * 3
    # The model before is not changed, and the scores of the new one are not known.
    assert trained.predict(["a tuba"])[0].nearest_labels[0].label == "L:2"
    assert trained.test_metrics
    assert not other.scores
    # Distances of labels are those in the new graph.
    pipeline = KGBertPipeline(trained.model, trained.processor, trained.task)
    moved = pipeline.with_graph(graph, features=tiny_features(graph, seed=0))
    for task in (other.task, moved.task):
        assert task.label_hierarchy.graph == graph
        assert task.label_hierarchy.entities["L:1"] == graph.entity_ids.find("M:2")
    assert trained.task.label_hierarchy.graph == label_graph()


def write_obo(path, relation):
    """Write the graph of another prefix as OBO, and return its path."""
    graph = kinds_graph("B", 1)
    lines = []
    for entity_id in graph.entity_ids:
        entity = graph.entity(entity_id)
        lines += ["[Term]", f"id: {entity.id}", f"name: {entity.name}"]
        lines += [f"{relation} {tail}" for _, tail in entity.edges]
    path.write_text("\n".join([*lines, ""]))
    return path


def test_predict_answers_by_another_graph(learnt, tmp_path, capsys):
    folder = learnt.save(tmp_path / "model")
    known = write_obo(tmp_path / "known.obo", "is_a:")
    unknown = write_obo(tmp_path / "unknown.obo", "relationship: treats")
    texts = tmp_path / "texts.txt"
    texts.write_text("".join(f"{text_of(name)}\n" for name in names(1)))

    def predict(*options):
        status = main(["predict", str(folder), str(texts), "--json", *map(str, options)])
        out, err = capsys.readouterr()
        return status, [json.loads(line) for line in out.splitlines()], err

    status, found, error = predict("--graph", known)
    assert status == 0, error
    assert np.mean([x["label"] == y for x, y in zip(found, labels(), strict=True)]) > 0.9
    assert "relations: the model knows 1 of 1" in error

    status, found, error = predict("--graph", unknown)
    assert (status, found) == (1, [])
    assert "--relation-mapping treats=rdfs:subClassOf" in error
    mapping = ("--relation-mapping", "treats=rdfs:subClassOf")
    status, found, error = predict("--graph", unknown, *mapping, "--quiet")
    assert (status, len(found), error) == (0, SIZE, "")


def test_predict_reads_some_sources_of_a_merged_graph(learnt, tmp_path, capsys):
    merged = kgbert.merge_graphs({"a": learnt.graph, "b": kinds_graph("B", 1)})
    folder = learnt.with_graph(merged).save(tmp_path / "model")
    typed = ["predict", str(folder), text_of(names(1)[0]), "--json", "--quiet", "--sources"]

    def mentions(*sources):
        assert main([*typed, *sources]) == 0
        return json.loads(capsys.readouterr().out)["mentions"]

    assert mentions("b") == mentions("a,b")
    assert len(mentions("b")) == 1
    assert mentions("a") == []
    assert main([*typed, "c"]) == 1
    assert "the graph has 'a', 'b'" in capsys.readouterr().err


def logits(pipeline, name):
    """Return the logits of one text, whose subgraph no other text shares."""
    with torch.no_grad():
        return pipeline.model(**pipeline.processor([text_of(name)])).logits


def changed(before, after):
    """Return the names whose texts get other logits, among some."""
    pairs = {name: (logits(before, name), logits(after, name)) for name in names(0)[::6]}
    return {name for name, (first, second) in pairs.items() if not torch.equal(first, second)}


NAMES = names(0)
HELD_OUT = 30


def entity_of(number):
    return f"A:{number:03}"


def test_an_edit_of_one_edge_changes_the_answer_that_depends_on_it(learnt):
    ill, well = "A:ill", "A:well"
    former, new = (ill, well) if label_of(HELD_OUT) == "ill" else (well, ill)
    entity = entity_of(HELD_OUT)
    editor = kgbert.GraphEditor(learnt.graph)
    editor.remove_edge(entity, "rdfs:subClassOf", former)
    edited = learnt.with_graph(editor.add_edge(entity, "rdfs:subClassOf", new).build())

    assert edited.transfer.encoded == 1
    differ = [x != y for x, y in zip(answers(learnt), answers(edited), strict=True)]
    assert np.flatnonzero(differ).tolist() == [HELD_OUT]


@pytest.mark.parametrize("prefix", ["A:~", "0:first"])
def test_what_an_edit_does_not_reach_stays_bit_for_bit(learnt, prefix):
    """An island of its own is edited, before and after all others in the order of the ids."""
    editor = kgbert.GraphEditor(learnt.graph)
    for number in range(2):
        editor.add_entity(f"{prefix}{number}", f"zz{number}")
    editor.add_edge(f"{prefix}0", "rdfs:subClassOf", f"{prefix}1")
    island = learnt.with_graph(editor.build())

    edits = kgbert.GraphEditor(island.graph).rename(f"{prefix}1", "lung lung").build()
    renamed = island.with_graph(edits)

    assert island.transfer.encoded == renamed.transfer.encoded == 2
    assert changed(learnt, island) == set()
    assert changed(island, renamed) == set()
    assert not torch.equal(logits(island, "zz0"), logits(renamed, "zz0"))


def test_an_added_entity_is_answered(learnt):
    editor = kgbert.GraphEditor(learnt.graph)
    for label in ("ill", "well"):
        editor.add_entity(f"A:new-{label}", f"zz{label[0]}z")
        editor.add_edge(f"A:new-{label}", "rdfs:subClassOf", f"A:{label}")
    edited = learnt.with_graph(editor.build())

    assert edited.transfer.encoded == 2
    found = edited([text_of("zziz"), text_of("zzwz")])
    assert [x.answer for x in found] == ["ill", "well"]
    assert answers(edited) == answers(learnt)


def test_a_renamed_entity_is_found_by_its_new_name_only(learnt):
    graph = kgbert.GraphEditor(learnt.graph).rename(entity_of(HELD_OUT), "zqzq").build()
    edited = learnt.with_graph(graph)

    (after,), (former,) = edited([text_of("zqzq")]), edited([text_of(NAMES[HELD_OUT])])
    assert after.answer == label_of(HELD_OUT)
    assert [x.entity for x in after.mentions[0].candidates] == [entity_of(HELD_OUT)]
    assert not former.mentions
    others = [number for number in range(SIZE) if number != HELD_OUT]
    before = answers(learnt)
    assert [answers(edited)[i] for i in others] == [before[i] for i in others]


def test_a_retired_entity_is_read_no_more(learnt, tmp_path):
    graph = kgbert.GraphEditor(learnt.graph).retire(entity_of(HELD_OUT)).build()
    edited = learnt.with_graph(graph)

    (prediction,) = edited([text_of(NAMES[HELD_OUT])])
    assert not prediction.mentions
    assert edited.transfer.encoded == 0
    # The edited model is saved with its edited graph.
    saved = kgbert.pipeline(edited.save(tmp_path / "model"))
    assert entity_of(HELD_OUT) not in saved.graph
    assert answers(saved) == answers(edited)
