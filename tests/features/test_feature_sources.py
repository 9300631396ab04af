"""Entity vectors that other tools wrote."""

import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import save_file

import kgbert
from kgbert.cli import main
from kgbert.features import feature_sources
from kgbert.features.feature_sources import (
    checked_sources,
    gather_features,
    match_vectors,
    update_features,
)
from kgbert.models.task_models import KGBertModel
from kgbert.training import train as train_module
from kgbert.training.config import TrainingConfig
from tests.support.errors import raises
from tests.support.planted.edges import CLASSES, kinds_graph, label_of, names, text_of
from tests.support.small_study import SHARED
from tests.support.tiny import tiny_features, tiny_graph

MATRIX = np.array([[3, 4, 0], [0, 0, 2], [-1, 0, 0]], np.float32)
IDS = ["EX:1", "http://purl.obolibrary.org/obo/EX_2", "ex_5"]
ROWS = [f"{each} {' '.join(map(str, row))}\n" for each, row in zip(IDS, MATRIX, strict=True)]


def write(path, ids=IDS, matrix=MATRIX):
    """Write vectors in the format of a file name, and return the path."""
    if path.suffix == ".npz":
        np.savez(path, ids=np.array(ids), vectors=matrix)
    elif path.suffix == ".safetensors":
        save_file({"vectors": matrix}, path, metadata={"ids": json.dumps(ids)})
    else:
        lines = [
            f"{each} {' '.join(map(str, row))}"
            for each, row in zip(ids, matrix.tolist(), strict=True)
        ]
        header = [f"{len(ids)} {matrix.shape[1]}"] if path.suffix == ".vec" else []
        path.write_text("\n".join([*header, *lines]) + "\n")
    return path


@pytest.fixture
def backbone(plain_folder):
    return plain_folder("bert", KGBertModel)


@pytest.mark.parametrize("name", ["v.npz", "v.safetensors", "v.txt", "v.vec", "v.w2v"])
def test_vectors_are_joined_by_id_in_any_spelling(graph, tmp_path, name):
    path = write(tmp_path / name, [*IDS, "OTHER:7"], np.vstack([MATRIX, MATRIX[:1]]))

    vectors, report = match_vectors(path, graph)

    places = [graph.index(each) for each in ("EX:1", "EX:2", "EX:5")]
    assert np.array_equal(vectors[places], MATRIX)
    assert not vectors[[graph.index("EX:3"), graph.index("EX:4")]].any()
    assert (report.matched, report.entities, report.width, report.repeated) == (3, 5, 3, 0)
    assert (report.unknown, report.unknown_ids) == (1, ("OTHER:7",))
    assert report.missing_ids == ("EX:3", "EX:4")
    assert "1 id without an entity (such as OTHER:7)" in report.summary()


def test_vectors_of_zeros_are_counted(graph, tmp_path):
    path = write(tmp_path / "v.npz", IDS, MATRIX * [[1], [0], [1]])

    _, report = match_vectors(path, graph)

    assert report.zeros == 1
    assert "1 entity with a vector of zeros" in report.summary()


def test_the_width_of_a_header_is_named(graph, tmp_path):
    (tmp_path / "v.vec").write_text("2 3\nEX:1 1 2\n")

    with pytest.raises(kgbert.DataError, match="2 numbers after the id 'EX:1', but the header say"):
        match_vectors(tmp_path / "v.vec", graph)


def test_ids_with_blanks_and_tabs_are_read(tmp_path):
    builder = kgbert.GraphBuilder()
    builder.add_name("new york", "New York")
    path = tmp_path / "v.txt"
    path.write_text("new york\t1.5\t-2e-1\nthe 1 2\n")

    vectors, report = match_vectors(path, builder.build())

    assert vectors.tolist() == [[1.5, np.float32(-0.2)]]
    assert report.unknown == 1


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("v.txt", "EX:1 1 2\nEX:2 1 2 3\n", "vector-width"),
        ("v.txt", "EX:1 1 2\nEX:2 1\n", "vector-width"),
        ("v.vec", "2 3\nEX:1 1 2\n", "vector-width"),
        ("v.txt", "EX:1 1 nan\n", "vector-not-finite"),
        ("v.txt", "EX:1 1 inf\n", "vector-not-finite"),
        ("v.txt", "EX:1 1 2\nEX:2 1 x\n", "vector-not-a-number"),
        ("v.txt", "EX:1 1 2\nEX:2 x 2\n", "vector-width"),
        ("v.txt", "EX:1 1 2 2\nEX:2 1 x 2\n", "vector-not-a-number"),
        ("v.txt", "EX:1 1 2\nex_1 1 3\n", "duplicate-vectors"),
        ("v.txt", "Q:1 1 2\nQ:2 1 3\n", "no-matching-vectors"),
        ("v.txt", "<html><body>no vectors</body></html>\n", "vector-format"),
        ("v.txt", "", "vector-format"),
        ("v.bin", b"2 3\nEX:1 \x9c\xff\x00", "vector-format"),
        ("v.txt", b"EX:1 " + b"1 " * 600_000, "vector-format"),
        ("v.npz", b"PK no archive", "vector-format"),
        ("v.npz", b"PK\x03\x04 cut off", "vector-format"),
        ("v.safetensors", b"{}", "vector-format"),
        ("v.pkl", b"\x80", "vector-format"),
        ("v.npy", b"", "vector-format"),
        ("v.txt.gz", b"", "vector-format"),
    ],
)
def test_files_that_cannot_be_joined_are_refused(graph, tmp_path, name, content, code):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())

    with raises(code):
        match_vectors(path, graph)


def test_a_missing_file_is_refused(graph, tmp_path, backbone):
    with raises("missing-vectors"):
        gather_features(graph, backbone, tmp_path / "none.npz")


@pytest.mark.parametrize(
    ("arrays", "code"),
    [
        ({"ids": np.array(IDS)}, "vector-format"),
        ({"ids": np.array(IDS, object), "vectors": MATRIX}, "vector-format"),
        ({"ids": np.array(IDS), "vectors": MATRIX[:2]}, "vector-width"),
        ({"ids": np.array(IDS), "vectors": MATRIX[0]}, "vector-width"),
        ({"ids": np.array(IDS), "vectors": MATRIX.astype(complex)}, "vector-not-a-number"),
        ({"ids": np.array(IDS), "vectors": MATRIX * np.nan}, "vector-not-finite"),
    ],
)
def test_damaged_matrices_are_refused(graph, tmp_path, arrays, code):
    np.savez(tmp_path / "v.npz", **arrays)

    with raises(code):
        match_vectors(tmp_path / "v.npz", graph)


def test_safetensors_without_ids_are_refused(graph, tmp_path):
    save_file({"vectors": MATRIX}, tmp_path / "v.safetensors")

    with raises("vector-format"):
        match_vectors(tmp_path / "v.safetensors", graph)


def test_a_repeated_vector_is_counted(graph, tmp_path):
    path = tmp_path / "v.txt"
    path.write_text("".join([*ROWS, ROWS[0]]))

    assert match_vectors(path, graph)[1].repeated == 1


def test_a_file_stands_alone_or_beside_the_words(graph, tmp_path, backbone):
    path = write(tmp_path / "v.npz")

    words, _ = gather_features(graph, backbone)
    alone, (report,) = gather_features(graph, backbone, path)
    both, _ = gather_features(graph, backbone, f"words,{path}")

    assert report.matched == 3
    # Padded, so that attention heads divide the length, and as long as vectors of words.
    assert alone.vectors.shape == (5, 8)
    first = alone.vectors[graph.index("EX:1")]
    assert np.allclose(first[:3], MATRIX[0] / 5 * 3**0.5, atol=1e-3)
    assert not first[3:].any()
    assert np.array_equal(both.vectors, np.hstack([words.vectors, alone.vectors]))
    assert len({words.encoder_hash, alone.encoder_hash, both.encoder_hash}) == 3
    assert gather_features(graph, backbone, both)[0] is both


def test_features_of_another_graph_are_refused(graph, backbone):
    features = gather_features(graph, backbone)[0]
    edited = kgbert.GraphEditor(graph).rename("EX:1", "lung fever").build()

    with raises("features-of-another-graph"):
        gather_features(edited, backbone, features)


@pytest.mark.parametrize("sources", ["words,words", "", [], "words,"])
def test_every_source_is_named_once(graph, backbone, sources):
    with raises("repeated-feature-source"):
        gather_features(graph, backbone, sources)


def test_an_edited_graph_reads_the_file_again(graph, tmp_path, backbone):
    path = write(tmp_path / "v.npz", [*IDS, "EX:9"], np.vstack([MATRIX, MATRIX[1:2]]))
    before, _ = gather_features(graph, backbone, ["words", path])
    editor = kgbert.GraphEditor(graph).add_entity("EX:9", "ague").rename("EX:5", "lungs")
    edited = editor.build()

    after, anew = update_features(edited, graph, before)

    # The renamed one, the new one, and the one whose description names it.
    assert anew == 3
    kept = [each for each in graph.entity_ids if each not in ("EX:1", "EX:5")]
    old, new = ([x.index(each) for each in kept] for x in (graph, edited))
    assert np.array_equal(before.vectors[old], after.vectors[new])
    assert after.vectors[edited.index("EX:9"), -8:].any()

    write(path, IDS, MATRIX + 1)
    with raises("changed-feature-file"):
        update_features(edited, graph, before)
    path.unlink()
    with raises("missing-feature-file"):
        update_features(edited, graph, before)
    with raises("missing-feature-file"):
        update_features(edited, graph, gather_alone(before))


def gather_alone(features):
    """Return the part of the features that comes from the file."""
    name, hash_ = (each.split(" + ")[1] for each in (features.encoder, features.encoder_hash))
    return replace(features, vectors=features.vectors[:, -8:], encoder=name, encoder_hash=hash_)


def test_vectors_that_tell_the_label_are_learnt(tmp_path, backbone, monkeypatch):
    """The descriptions of the entities say nothing, and the vectors all."""
    monkeypatch.setattr(feature_sources, "encode_entities", no_words)
    graph = kinds_graph()
    directions = np.random.default_rng(0).normal(size=(2, 12))
    labels = [label_of(number) for number in range(40)]
    noise = np.random.default_rng(1).normal(size=(40, 12), scale=0.3)
    matrix = directions[[list(CLASSES).index(x) for x in labels]] + noise
    path = write(tmp_path / "v.npz", [f"A:{n:03}" for n in range(40)], matrix)
    rows = [{"text": text_of(name), "label": x} for name, x in zip(names(0), labels, strict=True)]

    model = kgbert.train(
        graph,
        rows[:24] * 2,
        validation=rows[24:32],
        test=rows[32:],
        backbone=backbone,
        features=path,
        config=TrainingConfig(
            epochs=5,
            batch_size=8,
            max_length=40,
            patience=5,
            encoder_learning_rate=1e-3,
            head_learning_rate=2e-2,
            options=SHARED | {"pooling": "mean", "link_dropout": 0.0, "knowledge_dropout": 0.0},
        ),
    )

    assert model.model.config.feature_size == 16
    assert model.evaluate(rows[24:]).metrics["accuracy"] > 0.9
    saved = kgbert.pipeline(model.save(tmp_path / "model"))
    assert [x.answer for x in saved([rows[30]["text"]])] == [
        x.answer for x in model.predict([rows[30]["text"]])
    ]
    with raises("other-feature-encoder"):
        saved.with_graph(kinds_graph("B", 1), features=["words", path])


def test_vectors_that_moved_are_found_by_an_option(tmp_path, backbone, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path / "v.npz", [names(0)[0]], MATRIX[:1])
    for name, classes in (("a.csv", "fl"), ("b.csv", "lf")):
        rows = [f"{entity},is_a,{classes[n % 2]}" for n, entity in enumerate(names(0))]
        (tmp_path / name).write_text("\n".join(["subject,predicate,object", *rows]))
    rows = [{"text": text_of(name), "label": label_of(i)} for i, name in enumerate(names(0))]
    kgbert.train(
        kgbert.read_graph("a.csv", cache=None),
        rows,
        backbone=backbone,
        features=path,
        config=TrainingConfig(epochs=1, max_length=40, options=SHARED | {"feature_size": 8}),
    ).save("model")
    path.rename("elsewhere.npz")
    command = ["predict", "model", rows[0]["text"], "--graph", "b.csv", "--no-cache"]

    assert main(command) == 1
    assert "Use --features ... with the vectors of the entities" in capsys.readouterr().err
    assert main([*command, "--features", "elsewhere.npz"]) == 0
    assert main([*command, "--features", "words"]) == 1
    assert "but those that are given are words" in capsys.readouterr().err


def no_words(*arguments, **options):
    raise AssertionError("the words are not encoded")


def test_train_and_compare_take_a_file(tmp_path, backbone, monkeypatch):
    monkeypatch.chdir(tmp_path)
    calls = []

    def stop(inputs, *arguments, **options):
        calls.append(inputs)
        raise InterruptedError

    monkeypatch.setattr(train_module, "train_on", stop)
    path = write(tmp_path / "v.npz", ["A:001"], MATRIX[:1])
    rows = [{"text": text_of(name), "label": label_of(i)} for i, name in enumerate(names(0))]

    with pytest.raises(InterruptedError):
        kgbert.train(kinds_graph(), rows, backbone=backbone, features=["words", path])

    assert calls[0].features.vectors.shape == (42, 32 + 8)
    with raises("no-vectors-to-leave-out"):
        kgbert.compare(
            kinds_graph(), rows, backbone=backbone, arms=["plain", "knowledge", "words-only"]
        )


def test_inspect_reports_the_vectors(tmp_path, capsys):
    (tmp_path / "g.csv").write_text("subject,predicate,object\nEX:1,treats,EX:2\n")
    path = write(tmp_path / "v.txt", ["EX:1", "Z:9"], MATRIX[:2])
    options = ["--features", str(path), "--name-from-id", "--no-cache", "--quiet"]

    assert main(["inspect", str(tmp_path / "g.csv"), *options]) == 0
    assert "vectors of length 3 for 1 of 2 entities" in capsys.readouterr().out
    assert main(["inspect", str(tmp_path / "g.csv"), *options, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["features"]["unknown_ids"] == ["Z:9"]


def test_rows_with_a_vector_that_came_before_are_counted(graph, tmp_path):
    path = write(tmp_path / "v.txt", [*IDS, "ex_1"], MATRIX[[0, 1, 2, 0]])

    _, report = match_vectors(path, graph)

    assert report.repeated == 1
    assert "  1 row with a vector that came before" in report.summary().splitlines()


def test_sources_are_checked_before_anything_is_encoded(tmp_path):
    path, features = write(tmp_path / "vectors.txt"), tiny_features(tiny_graph())

    assert checked_sources("words") == ""
    assert checked_sources(features) == features.encoder_hash
    assert checked_sources(path) != ""
    with pytest.raises(kgbert.KGBertError, match=r"missing\.txt"):
        checked_sources([path, tmp_path / "missing.txt"])
