import gzip
import json
from pathlib import Path

import pytest

from kgbert.pretraining.texts import corpus as module
from kgbert.pretraining.texts.corpus import MAX_CHARACTERS, measure, open_corpus
from tests.support.errors import raises


def texts_of(source, **columns):
    return [text for text, _ in open_corpus(source, columns)]


def test_lines_of_a_text_file_are_texts_and_blank_lines_separate_documents(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("No fever.\n  A cough. \n\n\nNext patient.\n")

    assert list(open_corpus(path)) == [
        ("No fever.", True),
        ("A cough.", False),
        ("Next patient.", True),
    ]


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".csv", ".json", ".txt.gz"])
def test_files_of_every_kind_hold_the_same_texts(tmp_path, suffix):
    path = tmp_path / f"notes{suffix}"
    texts = ["No fever.", "A cough, today."]
    content = {
        "jsonl": "".join(json.dumps({"text": text}) + "\n" for text in texts),
        "json": json.dumps([{"text": text} for text in texts]),
        "csv": 'text\nNo fever.\n"A cough, today."\n',
        "txt": "\n".join(texts),
    }[suffix.split(".")[1]]
    with gzip.open(path, "wt") if suffix.endswith(".gz") else path.open("w") as file:
        file.write(content)

    assert texts_of(path) == texts


def test_a_folder_is_read_in_order_without_hidden_and_other_files(tmp_path):
    for name in ("b.txt", "a/c.md", ".hidden/d.txt", "picture.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)

    corpus = open_corpus(tmp_path)

    assert [text for text, _ in corpus] == ["a/c.md", "b.txt"]
    assert corpus.skipped == {".png": 1}


def test_rows_and_tokens_in_memory_are_texts():
    assert texts_of(["No fever."]) == ["No fever."]
    assert texts_of([{"note": "No fever."}], text="note") == ["No fever."]
    assert texts_of([{"tokens": ["No", "fever"], "tags": ["O", "O"]}]) == ["No fever"]


def test_a_stream_that_can_be_read_once_is_read_twice():
    corpus = open_corpus(iter(["a", "b"]))

    assert list(corpus) == list(corpus) != []


def test_long_texts_are_split_at_spaces_and_lose_nothing():
    text = " ".join(f"word{number}" for number in range(6_000))

    parts = texts_of([text, "short"])

    assert max(map(len, parts)) <= MAX_CHARACTERS
    assert " ".join(parts[:-1]) == text


def test_copies_of_a_text_are_never_on_both_sides():
    texts = [f"text {number % 50}" for number in range(500)]

    statistics = measure(open_corpus(texts), 0.04)

    held_out = [text for text in texts if statistics.holds_out(text)]
    assert len(set(held_out)) == len(statistics.held_out) == 20
    assert statistics.texts == 500


@pytest.mark.parametrize(("count", "expected"), [(2, 1), (100, 5), (900, 30)])
def test_a_share_of_the_texts_is_held_out(monkeypatch, count, expected):
    monkeypatch.setattr(module, "MAX_HELD_OUT", 30)
    texts = [f"text {number}" for number in range(count)]

    assert len(measure(open_corpus(texts), 0.05).held_out) == expected


def test_the_hash_is_that_of_the_texts_and_not_of_their_files(tmp_path):
    (tmp_path / "a.txt").write_text("one\ntwo\n")
    (tmp_path / "b.jsonl").write_text('{"text": "one"}\n{"text": "two"}\n')

    hashes = [measure(open_corpus(tmp_path / name), 0.1).hash for name in ("a.txt", "b.jsonl")]

    assert hashes[0] == hashes[1] != measure(open_corpus(["two", "one"]), 0.1).hash


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("empty.txt", b"", "empty-corpus"),
        ("blank.txt", b" \n\n", "empty-corpus"),
        ("short.txt", b"One text.\nOne text.\n", "corpus-too-short"),
        ("photo.txt", b"\x89PNG\0\0", "binary-file"),
        ("late.txt", b"a text\n" * 2_000 + b"a\0b\n", "binary-file"),
        ("latin.txt", b"one\nfi\xe8vre\n", "wrong-encoding"),
        ("broken.txt.gz", b"\x1f\x8b no archive", "damaged-archive"),
        ("broken.jsonl", b'{"text": "a"}\n{"text"\n', "malformed-json"),
        ("notes.jsonl", b'{"note": "a"}\n', "missing-column"),
        ("notes.csv", b"note,label\na,b\n", "missing-column"),
    ],
)
def test_unusable_files_are_named(tmp_path, monkeypatch, name, content, code):
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(content)

    with raises(code) as error:
        measure(open_corpus(name), 0.1)

    assert name in str(error.value)


def test_a_folder_without_texts_is_refused(tmp_path):
    with raises("no-corpus-files"):
        open_corpus(tmp_path)


def test_a_missing_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("notes.txt").write_text("a")

    with raises("missing-file"):
        open_corpus("note.txt")


def test_a_text_file_has_no_columns(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("notes.txt").write_text("a\nb\n")

    with raises("no-columns"):
        measure(open_corpus("notes.txt", {"text": "note"}), 0.1)


@pytest.mark.parametrize("kind", ["csv", "jsonl", "conll", "memory"])
def test_training_texts_are_a_corpus_without_the_excluded_test_texts(tmp_path, kind):
    texts = {"train": ["A fever here", "cough there"], "test": ["a  FEVER here"]}
    sources = {name: written(tmp_path / f"{name}.{kind}", some) for name, some in texts.items()}

    corpus = open_corpus(sources["train"], exclude=sources["test"])

    assert [text for text, _ in corpus] == ["cough there"]
    assert corpus.count_excluded() == 1


def written(path, texts):
    """Return the labelled texts as a file of the kind of its suffix, or in memory."""
    lines = {
        ".csv": ["text,label", *(f"{text},x" for text in texts)],
        ".jsonl": [json.dumps({"text": text, "label": "x"}) for text in texts],
        ".conll": ["\n".join(f"{word} O" for word in text.split()) + "\n" for text in texts],
    }
    if path.suffix not in lines:
        return [{"text": text, "label": "x"} for text in texts]
    path.write_text("\n".join(lines[path.suffix]) + "\n")
    return path


def test_both_texts_of_a_pair_are_read():
    rows = [{"text": "Is it fever?", "text_pair": "It is.", "label": "yes"}]

    assert list(open_corpus(rows)) == [("Is it fever?", True), ("It is.", False)]
