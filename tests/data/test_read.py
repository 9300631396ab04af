import csv
import gzip
import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgbert.data import Example, Span, read_texts
from kgbert.data import read as reading
from kgbert.data.read import READERS
from kgbert.data.tags import decode_tags

# NUL cannot stand in a CSV, carriage returns are line ends, surrogates are no characters.
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r\n")
# In CoNLL tabs and spaces separate, and a line of its own may begin with # or -DOCSTART-.
TOKENS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r\n\t #-"), min_size=1
).filter(str.strip)
TEXTS = st.text(CHARACTERS, min_size=1).map(str.strip).filter(bool)
LABELS = st.sampled_from(["ill", "well", "ungewiß"])

#: The same two labelled sentences wherever a format can hold them.
WORDS = ["High", "fever", "."]
TAGS = ["B-Sign", "I-Sign", "O"]


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


CONTENTS = {
    ".csv": "text,label\nHigh fever .,ill\n",
    ".tsv": "text\tlabel\nHigh fever .\till\n",
    ".jsonl": '{"text": "High fever .", "label": "ill"}\n',
    ".ndjson": '{"text": "High fever .", "label": "ill"}\n',
    ".txt": "High fever .\n",
    ".conll": "High B-Sign\nfever I-Sign\n. O\n",
    ".bio": "High\tB-Sign\nfever\tI-Sign\n.\tO\n",
    ".iob": "High NN I-Sign\nfever NN I-Sign\n. . O\n",
    ".iob2": "High B-Sign\nfever I-Sign\n. O",
}


@pytest.mark.parametrize("suffix", READERS)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gz"])
def test_every_suffix_is_read_plain_and_packed(write, suffix, pack):
    path = write(
        f"notes{suffix}{'.gz' if pack is gzip.compress else ''}", pack(CONTENTS[suffix].encode())
    )

    (example,) = read_texts(path)

    assert example.text == "High fever ."
    assert (example.target, example.spans) in [
        ("ill", ()),
        (None, ()),
        (None, (Span(0, 10, "Sign"),)),
    ]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("suffix", READERS)
def test_byte_order_mark_and_line_ends_change_nothing(write, suffix, line_end):
    plain = write(f"a{suffix}", CONTENTS[suffix])
    other = write(f"b{suffix}", "\ufeff" + CONTENTS[suffix].replace("\n", line_end))

    assert read_texts(other) == read_texts(plain)


@given(rows=st.lists(st.tuples(TEXTS, LABELS), min_size=1), separator=st.sampled_from(",;\t"))
def test_csv_comes_back_as_written(tmp_path_factory, rows, separator):
    path = tmp_path_factory.mktemp("csv") / "notes.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=separator).writerows([("text", "label"), *rows])

    assert [(example.text, example.target) for example in read_texts(path)] == rows


@given(rows=st.lists(st.tuples(TEXTS, LABELS), min_size=1), escaped=st.booleans())
def test_jsonl_comes_back_as_written(tmp_path_factory, rows, escaped):
    path = tmp_path_factory.mktemp("jsonl") / "notes.jsonl"
    lines = (json.dumps({"text": t, "label": la}, ensure_ascii=escaped) for t, la in rows)
    path.write_text("\n".join(lines), encoding="utf-8", newline="")

    assert [(example.text, example.target) for example in read_texts(path)] == rows


@given(texts=st.lists(TEXTS, min_size=1))
def test_lines_of_a_text_file_end_at_line_feeds_only(tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("txt") / "notes.txt"
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8", newline="")

    assert [example.text for example in read_texts(path)] == [text.strip() for text in texts]


@given(
    sentences=st.lists(
        st.lists(st.tuples(TOKENS, st.sampled_from(["O", "B-A", "B-B"])), min_size=1), min_size=1
    )
)
def test_conll_tokens_stand_where_their_spans_say(tmp_path_factory, sentences):
    path = tmp_path_factory.mktemp("conll") / "notes.conll"
    path.write_text(
        "\n\n".join("\n".join("\t".join(row) for row in rows) for rows in sentences),
        encoding="utf-8",
        newline="",
    )

    examples = read_texts(path)

    assert [
        [(example.text[span.start : span.end], f"B-{span.label}") for span in example.spans]
        for example in examples
    ] == [[row for row in rows if row[1] != "O"] for rows in sentences]


def test_tokens_and_tags_read_alike_from_conll_and_jsonl(write):
    conll = write("a.conll", "".join(f"{w}\t{t}\n" for w, t in zip(WORDS, TAGS, strict=True)))
    jsonl = write("a.jsonl", json.dumps({"tokens": WORDS, "tags": TAGS}))

    assert (
        read_texts(conll)
        == read_texts(jsonl)
        == [Example("High fever .", spans=(Span(0, 10, "Sign"),))]
    )


@pytest.mark.parametrize("suffix", [".txt", ".tsv"])
def test_tagged_lines_are_read_as_conll_whatever_the_suffix(write, suffix):
    path = write(f"train{suffix}", "-DOCSTART- -X- O O\n\nHigh\tB-Sign\nfever\tI-Sign\n\nNo\tO\n")

    assert [example.text for example in read_texts(path)] == ["High fever", "No"]


def test_plain_sentences_that_end_in_a_capital_o_stay_sentences(write):
    path = write("notes.txt", "The blood type is O\nNo fever\n")

    assert [example.text for example in read_texts(path)] == ["The blood type is O", "No fever"]


@pytest.mark.parametrize(
    "tags",
    [["B-A", "I-A", "O", "B-B"], ["I-A", "I-A", "O", "I-B"], ["B-A", "E-A", "O", "S-B"]],
    ids=["BIO", "IOB1", "IOBES"],
)
def test_every_tagging_scheme_gives_the_same_spans(tags):
    assert decode_tags(tags) == [(0, 2, "A"), (3, 4, "B")]


def test_slips_in_tags_are_logged_with_the_first_line(write, caplog):
    path = write("slip.conll", "a B-X\nb O\nc I-X\n")

    with caplog.at_level(logging.WARNING):
        (example,) = read_texts(path)

    assert len(example.spans) == 2
    assert "1 tags continue no span" in caplog.text
    assert "line 3: I-X after O" in caplog.text


def test_files_in_one_scheme_are_read_silently(write, caplog):
    read_texts(write("iob1.conll", "a I-X\nb I-X\nc B-X\n\nd I-Y\n"))
    read_texts(write("bio.conll", "a B-X\nb I-X\nc B-X\n\nd B-Y\n"))

    assert not caplog.records


def test_spans_keep_their_entity_and_come_in_reading_order(write):
    spans = [
        {"start": 6, "end": 11, "label": "Sign", "entity": "HP:1"},
        {"start": 0, "end": 5, "label": "Degree"},
    ]
    path = write("a.jsonl", json.dumps({"id": 7, "text": "Acute fever", "spans": spans}))

    assert read_texts(path) == [
        Example("Acute fever", None, (Span(0, 5, "Degree"), Span(6, 11, "Sign", "HP:1")), "7")
    ]


def test_longest_of_overlapping_spans_can_be_kept(write):
    spans = [{"start": 0, "end": 5, "label": "A"}, {"start": 0, "end": 11, "label": "B"}]
    path = write("a.jsonl", json.dumps({"text": "Acute fever", "spans": spans}))

    (example,) = read_texts(path, overlaps="longest")

    assert example.spans == (Span(0, 11, "B"),)


def test_a_row_over_several_lines_does_not_shift_the_line_numbers(write):
    path = write("a.csv", 'text,label\n"two\nlines",ill\n\nbroken\n')

    with pytest.raises(ValueError, match=r"line 5: 1 columns where the header has 2 \('broken'\)"):
        read_texts(path)


BAD_CONTENTS = {
    "empty": ("a.csv", "", "the file is empty; put one text a line"),
    "blank": ("a.jsonl", " \n \n", "the file is empty"),
    "header only": ("a.csv", "text,label\n", "no text in this file"),
    "separators only": ("a.csv", ",,\n", "no column 'text'; there are none"),
    "not utf-8": ("a.csv", b"text\nfi\xe8vre\n", "line 2: byte 0xe8 is not UTF-8; save"),
    "utf-16": ("a.csv", "text\nfever\n".encode("utf-16"), "line 1: byte 0xff is not UTF-8"),
    "not gzip": ("a.csv.gz", b"text\nfever\n", "cannot be unpacked .*; pack it again"),
    "cut gzip": ("a.csv.gz", gzip.compress(b"text\nfever\n")[:-9], "cannot be unpacked"),
    "column": ("a.csv", "Texts,label\nx,y\n", "line 1: no column 'text'; there are 'Texts', "
               "'label'. If the text is in 'Texts', type --text-column 'Texts'"),
    "ragged": ("a.csv", "text,label\nfever, high,ill\n", "line 2: 3 columns where the header has"),
    "open quote": ("a.csv", 'text,label\n"fever,ill\n', "line 2: unexpected end of data; is a"),
    "json": ("a.jsonl", '{"text": "a"}\n{text}\n', "line 2: no valid JSON, .* at column 2; write"),
    "deep json": ("a.jsonl", '{"text": ' + "[" * 100_000, "line 1: nested too deeply; a text"),
    "no object": ("a.jsonl", "[1]\n", r"line 1: found '\[1\]' where an object belongs"),
    "key": ("a.jsonl", '{"txt": "a"}', "line 1: no column 'text'; there are 'txt'"),
    "text type": ("a.jsonl", '{"text": 1}', "line 1: 'text' holds 1; a text belongs in double"),
    "labels": ("a.jsonl", '{"text": "a", "label": ["b"]}', r"the label is \['b'\]; a text has one"),
    "half character": ("a.jsonl", r'{"text": "a\ud800"}', r"half of a character .* at 1\)"),
    "span keys": ("a.jsonl", '{"text": "a", "spans": [{"start": 0}]}', "is not understood; write"),
    "spans type": ("a.jsonl", '{"text": "a", "spans": 5}', "line 1: 'spans' holds 5; it must be a"),
    "span type": ("a.jsonl", '{"text": "a", "spans": [[0, 1, "A"]]}', "is not understood; write"),
    "outside": ("a.jsonl", '{"text": "a", "spans": [{"start": 0, "end": 2, "label": "A"}]}',
                r"line 1: span 0 to 2 \('A'\) does not lie inside the text of 1 characters"),
    "overlap": ("a.jsonl", '{"text": "abc", "spans": [{"start": 0, "end": 2, "label": "A"}, '
                '{"start": 1, "end": 3, "label": "B"}]}', "overlap, .*overlaps='longest'"),
    "tag count": ("a.jsonl", '{"tokens": ["a"], "tags": []}', "1 tokens but 0 tags"),
    "tag type": ("a.jsonl", '{"tokens": ["a"], "tags": [0]}', "'tags' holds .*list of strings"),
    "tag": ("a.conll", "a O\nb PER\n", "line 2: 'PER' is no tag; a tag is O or one of B-"),
    "no tag": ("a.conll", "a O\nb\n", "line 2: 'b' has no tag; write a token, a tab or space"),
    "suffix": ("a.xlsx", "text", "unknown suffix '.xlsx'. Known: .bio, .conll, .csv"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "content", "message"), BAD_CONTENTS.values(), ids=BAD_CONTENTS)
def test_bad_content_is_located_and_comes_with_a_remedy(write, name, content, message):
    path = write(name, content)

    with pytest.raises(ValueError, match=message) as raised:
        read_texts(path)

    assert str(raised.value).startswith(str(path))


BAD_LABELS = {
    "column": ("a.csv", "text,labels\nx,y\n", "type --label-column 'labels'"),
    "cell": ("a.csv", "text,label\nx,y\nz,\n", "line 3: 'label' is empty; every text needs a"),
    "key": ("a.jsonl", '{"text": "x", "label": null}', "line 1: 'label' is empty"),
    "plain": ("a.txt", "x\n", "holds texts without labels; write a .csv"),
}


@pytest.mark.parametrize(("name", "content", "message"), BAD_LABELS.values(), ids=BAD_LABELS)
def test_missing_label_is_refused_only_where_labels_are_required(write, name, content, message):
    path = write(name, content)

    with pytest.raises(ValueError, match=message):
        read_texts(path, require_labels=True)

    assert read_texts(path)[-1].target is None


def test_texts_with_spans_need_no_label(write):
    path = write("a.jsonl", '{"text": "x", "spans": []}\n{"tokens": ["a"], "tags": ["O"]}')

    assert [example.text for example in read_texts(path, require_labels=True)] == ["x", "a"]


def test_missing_file_names_the_close_one(write, tmp_path):
    close = write("reviews.csv", "text\nx\n")

    with pytest.raises(FileNotFoundError, match="did you mean") as raised:
        read_texts(tmp_path / "review.csv")

    assert str(close) in str(raised.value)


def test_missing_folder_and_folder_are_told_apart(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file, and no folder"):
        read_texts(tmp_path / "nowhere" / "a.csv")
    with pytest.raises(ValueError, match="this is a folder; name one of its files"):
        read_texts(tmp_path)


def test_file_that_unpacks_without_end_is_refused(write, monkeypatch):
    monkeypatch.setattr(reading, "MAX_BYTES", 100)
    path = write("bomb.txt.gz", gzip.compress(b"a" * 101))

    with pytest.raises(ValueError, match="more than 100 bytes of text; split it"):
        read_texts(path)


def test_unknown_rule_for_overlaps_names_the_known_ones(write):
    with pytest.raises(ValueError, match=r"did you mean 'longest'\? Known: longest, refuse"):
        read_texts(write("a.txt", "x"), overlaps="longst")
