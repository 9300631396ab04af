import csv
import gzip
import json
import logging
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgbert.data import Example, Span, files, read_examples, read_texts
from kgbert.data.readers.registry import READERS
from kgbert.data.tags import decode_tags
from kgbert.tasks.registry import TASKS
from kgbert.utils.errors import DataError, KGBertError
from tests.support.errors import raises

# A CSV cannot contain NUL, carriage returns end lines, and surrogates are not characters.
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r\n")
# In CoNLL tabs and spaces separate, and # or -DOCSTART- can begin a line.
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
    ".json": '[{"text": "High fever .", "label": "ill"}]\n',
    ".txt": "High fever .\n",
    ".conll": "High B-Sign\nfever I-Sign\n. O\n",
    ".bio": "High\tB-Sign\nfever\tI-Sign\n.\tO\n",
    ".iob": "High NN I-Sign\nfever NN I-Sign\n. . O\n",
    ".iob2": "High B-Sign\nfever I-Sign\n. O",
    ".conllu": "\n".join(
        f"{number}\t{word}\t" + "_\t" * 7 + f"NER={tag}"
        for number, (word, tag) in enumerate(zip(WORDS, TAGS, strict=True), start=1)
    ),
    ".conllup": "# global.columns = ID FORM NER\n1\tHigh\tB-Sign\n2\tfever\tI-Sign\n3\t.\tO\n",
}
#: Parquet is no text, and needs a package of its own.
TEXT_SUFFIXES = sorted(READERS.keys() - {".parquet"})


@pytest.mark.parametrize("suffix", TEXT_SUFFIXES)
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
@pytest.mark.parametrize("suffix", TEXT_SUFFIXES)
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


def test_files_in_one_scheme_log_no_warning(write, caplog):
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

    with raises("ragged-row") as raised:
        read_texts(path)

    assert f"{path}: line 5: 1 columns" in str(raised.value)


BAD_CONTENTS = {
    "empty": ("a.csv", "", "empty-file", ""),
    "blank": ("a.jsonl", " \n \n", "empty-file", ""),
    "header only": ("a.csv", "text,label\n", "no-texts", ""),
    "empty array": ("a.json", "[]", "no-texts", ""),
    "separators only": ("a.csv", ",,\n", "missing-column", ""),
    "not utf-8": ("a.csv", b"text\nfi\xe8vre\n", "wrong-encoding", "line 2"),
    "half utf-16": ("a.csv", "text\nfever\n".encode("utf-16")[:-1], "wrong-encoding", ""),
    "utf-16 without mark": ("a.csv", "text\nfever\n".encode("utf-16-le"), "binary-file", "line 1"),
    "not gzip": ("a.csv.gz", b"text\nfever\n", "damaged-archive", ""),
    "cut gzip": ("a.csv.gz", gzip.compress(b"text\nfever\n")[:-9], "damaged-archive", ""),
    "column": ("a.csv", "Texts,label\nx,y\n", "missing-column", "line 1"),
    "ragged": ("a.csv", "text,label\nfever, high,ill\n", "ragged-row", "line 2"),
    "open quote": ("a.csv", 'text,label\n"fever,ill\n', "malformed-row", "line 2"),
    "json": ("a.jsonl", '{"text": "a"}\n{text}\n', "malformed-json", "line 2"),
    "json array": ("a.json", '[{"text": "a"},\n{text}]', "malformed-json", ""),
    "deep json": ("a.jsonl", '{"text": ' + "[" * 100_000, "deep-json", "line 1"),
    "long number": ("a.jsonl", '{"text": "a"}\n' + "1" * 5_000, "malformed-json", "line 2"),
    "no object": ("a.jsonl", "[1]\n", "not-an-object", "record 1"),
    "line without object": ("a.jsonl", '{"text": "a"}\n1', "not-an-object", "line 2"),
    "key": ("a.jsonl", '{"txt": "a"}', "missing-column", "line 1"),
    "text type": ("a.jsonl", '{"text": 1}', "text-not-a-string", "line 1"),
    "labels": ("a.jsonl", '{"text": "a", "label": ["b", "c"]}', "label-not-a-value", "line 1"),
    "half character": ("a.jsonl", r'{"text": "a\ud800"}', "lone-surrogate", "line 1"),
    "half token": ("a.jsonl", r'{"tokens": ["\ud800"], "tags": ["O"]}', "lone-surrogate", ""),
    "span keys": ("a.jsonl", '{"text": "a", "spans": [{"start": 0}]}', "span-not-understood", ""),
    "spans type": ("a.jsonl", '{"text": "a", "spans": 5}', "spans-not-a-list", "line 1"),
    "span type": ("a.jsonl", '{"text": "a", "spans": ["A"]}', "span-not-understood", ""),
    "outside": ("a.jsonl", '{"text": "a", "spans": [{"start": 0, "end": 2, "label": "A"}]}',
                "span-outside-text", "line 1"),
    "overlap": ("a.jsonl", '{"text": "abc", "spans": [{"start": 0, "end": 2, "label": "A"}, '
                '{"start": 1, "end": 3, "label": "B"}]}', "overlapping-spans", "line 1"),
    "tag count": ("a.jsonl", '{"tokens": ["a"], "tags": []}', "tokens-without-tags", "line 1"),
    "tag type": ("a.jsonl", '{"tokens": ["a"], "tags": [0]}', "unnamed-tags", "line 1"),
    "tag": ("a.conll", "a B-X\nb PER\n", "unknown-tag", "line 2"),
    "no tag": ("a.conll", "a O\nb\n", "token-without-tag", "line 2"),
    "columns of CoNLL-U": ("a.conllu", "1\ta\tB-X\n", "ragged-row", "line 1"),
    "suffix": ("a.xlsx", "text", "unknown-name", ""),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "code", "place"), BAD_CONTENTS.values(), ids=BAD_CONTENTS
)
def test_bad_content_is_located(write, name, content, code, place):
    path = write(name, content)

    with raises(code, DataError if code != "unknown-name" else KGBertError) as raised:
        read_texts(path)

    assert str(raised.value).startswith(f"{path}: {place}")


BAD_LABELS = {
    "column": ("a.csv", "text,labels\nx,y\n", "missing-column", "line 1"),
    "cell": ("a.csv", "text,label\nx,y\nz,\n", "missing-label", "line 3"),
    "NaN of pandas": ("a.csv", "text,label\nx,y\nz,nan\n", "missing-label", "line 3"),
    "null": ("a.jsonl", '{"text": "x", "label": null}', "missing-label", "line 1"),
    "NaN": ("a.jsonl", '{"text": "x", "label": NaN}', "missing-label", "line 1"),
    "plain": ("a.txt", "x\n", "no-labels", ""),
}


@pytest.mark.parametrize(("name", "content", "code", "place"), BAD_LABELS.values(), ids=BAD_LABELS)
def test_missing_label_is_refused_only_where_labels_are_required(write, name, content, code, place):
    path = write(name, content)

    with raises(code) as raised:
        read_texts(path, require_labels=True)
    assert str(raised.value).startswith(f"{path}: {place}")

    assert read_texts(path)[-1].target is None


def test_texts_with_spans_need_no_label(write):
    path = write("a.jsonl", '{"text": "x", "spans": []}\n{"tokens": ["a"], "tags": ["O"]}')

    assert [example.text for example in read_texts(path, require_labels=True)] == ["x", "a"]


def test_missing_file_names_the_close_one(write, tmp_path):
    close = write("reviews.csv", "text\nx\n")

    with raises("missing-file", FileNotFoundError) as raised:
        read_texts(tmp_path / "review.csv")

    assert f"did you mean {close}?" in str(raised.value)


def test_missing_folder_and_folder_have_different_errors(tmp_path):
    with raises("missing-file") as raised:
        read_texts(tmp_path / "nowhere" / "a.csv")
    assert "no such file, and no folder" in str(raised.value)
    with raises("folder-instead-of-file"):
        read_texts(tmp_path)


def test_file_that_unpacks_without_end_is_refused(write, monkeypatch):
    monkeypatch.setattr(files, "MAX_BYTES", 100)
    path = write("bomb.txt.gz", gzip.compress(b"a" * 101))

    with raises("file-too-large"):
        read_texts(path)


def test_unknown_rule_for_overlaps_names_the_known_ones(write):
    with raises("unknown-name"):
        read_texts(write("a.txt", "x"), overlaps="longst")


@pytest.mark.parametrize("separator", [";", ",", "|"])
def test_a_line_that_declares_the_separator_is_no_header(write, separator):
    content = f"sep={separator}\r\ntext{separator}label\r\nHigh fever{separator}ill\r\n"

    (example,) = read_texts(write("a.csv", content))

    assert (example.text, example.target) == ("High fever", "ill")


def test_lines_are_counted_from_the_line_that_declares_the_separator(write):
    with raises("ragged-row") as raised:
        read_texts(write("a.csv", "sep=;\ntext;label\nHigh fever\n"))

    assert "line 3" in str(raised.value)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_the_byte_order_mark_determines_the_encoding(write, encoding):
    path = write("a.tsv", "text\tlabel\nFièvre élevée\tmalade\n".encode(encoding))

    assert [(x.text, x.target) for x in read_texts(path)] == [("Fièvre élevée", "malade")]


def test_a_cell_may_be_longer_than_the_csv_module_allows(write):
    limit = csv.field_size_limit()
    text = "fever " * 40_000

    (example,) = read_texts(write("a.csv", f'text,label\n"{text}",ill\n'))

    assert example.text == text
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize("word", ["N/A", "#N/A", "NULL", "null", "NaN", "<NA>", "n.a.", "(null)"])
def test_a_word_for_a_missing_label_is_no_class(write, word):
    path = write("a.csv", f"text,label\na,{word}\nb,ill\n")

    assert [example.target for example in read_texts(path)] == [None, "ill"]


@pytest.mark.parametrize("word", ["none", "NA", "-", "?"])
def test_a_word_that_is_a_class_of_data_sets_is_kept(write, word):
    (example,) = read_texts(write("a.csv", f"text,label\na,{word}\n"))

    assert example.target == word


def test_a_lone_quote_in_a_table_with_tabs_is_a_character(write):
    rows = ['"open quote text\tz', 'a "quoted" word\ty', '"a ""whole"" cell"\tx', '5" wide\t"w"']

    examples = read_texts(write("a.tsv", "\n".join(["text\tlabel", *rows])))

    assert [(x.text, x.target) for x in examples] == [
        ('"open quote text', "z"),
        ('a "quoted" word', "y"),
        ('a "whole" cell', "x"),
        ('5" wide', "w"),
    ]


def test_quoted_cells_with_tabs_and_line_breaks_are_whole(write):
    content = 'text\tlabel\n"a\tb"\tx\n"two\nlines"\ty\n'

    examples = read_texts(write("a.tsv", content))

    assert [(x.text, x.target) for x in examples] == [("a\tb", "x"), ("two\nlines", "y")]


@pytest.mark.parametrize("line", ["sep=;", '"sep=;"', '"sep=;";'])
def test_the_line_that_declares_the_separator_may_be_quoted(write, line):
    (example,) = read_texts(write("a.csv", f"{line}\ntext;label\na, b;x\n"))

    assert (example.text, example.target) == ("a, b", "x")


def test_comments_of_a_conll_file_with_tabs_are_no_tokens(write):
    path = write("a.conll", "# sentence 1\nHigh\tO\n# a remark\nfever\tB-Sign\n#\tO\n")

    (example,) = read_texts(path)

    assert example.text == "High fever #"


def test_a_hash_is_a_token_in_a_conll_file_without_tabs(write):
    (example,) = read_texts(write("a.conll", "# O\nfever B-Sign\n"))

    assert example.text == "# fever"


def test_labels_that_are_missing_are_no_class(write):
    path = write("a.jsonl", '{"text": "a", "label": NaN}\n{"text": "b", "label": 1.0}')

    assert [example.target for example in read_texts(path)] == [None, "1.0"]


@pytest.mark.parametrize(
    "content",
    [
        '[{"text": "a", "label": "x"}, {"text": "b", "label": "y"}]',
        '{"version": "1", "data": [{"text": "a", "label": "x"}, {"text": "b", "label": "y"}]}',
        '{\n"data":\n[{"text": "a", "label": "x"},\n{"text": "b", "label": "y"}]\n}',
        '{"text": "a", "label": "x"}\n{"text": "b", "label": "y"}',
    ],
    ids=["array", "object", "object over lines", "lines"],
)
@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
def test_json_is_read_as_an_array_or_as_lines(write, content, suffix):
    examples = read_texts(write(f"a{suffix}", content))

    assert [(example.text, example.target) for example in examples] == [("a", "x"), ("b", "y")]


def test_one_object_over_several_lines_is_one_text(write):
    path = write(
        "a.json", '{\n  "text": "a",\n  "spans": [{"start": 0, "end": 1, "label": "X"}]\n}'
    )

    assert read_texts(path) == [Example("a", spans=(Span(0, 1, "X"),))]


def test_parquet_without_its_package_names_the_package(write, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with raises("missing-package"):
        read_texts(write("a.parquet", b"PAR1"))


def test_parquet_is_read_with_the_class_names_that_it_holds(tmp_path):
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    features = {"label": {"_type": "ClassLabel", "names": ["ill", "well"]}}
    table = arrow.table({"text": ["High fever", "None"], "label": [0, 1], "id": ["a", "b"]})
    table = table.replace_schema_metadata(
        {"huggingface": json.dumps({"info": {"features": features}})}
    )
    parquet.write_table(table, tmp_path / "texts.parquet")

    assert read_texts(tmp_path / "texts.parquet") == [
        Example("High fever", "ill", id="a"),
        Example("None", "well", id="b"),
    ]


def test_tokens_and_tags_of_parquet_are_spans(tmp_path):
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    table = arrow.table({"tokens": [["High", "fever"]], "ner_tags": [["O", "B-Sign"]]})
    parquet.write_table(table, tmp_path / "texts.parquet")

    assert read_texts(tmp_path / "texts.parquet")[0].spans == (Span(5, 10, "Sign"),)


@pytest.mark.parametrize("content", [b"PAR1", b"", b"text,label\nHigh fever,ill\n"])
def test_what_is_no_parquet_is_refused(content, write):
    pytest.importorskip("pyarrow")

    with pytest.raises(DataError) as error:
        read_texts(write("a.parquet", content))

    assert error.value.code == "malformed-parquet"


def test_a_label_of_parquet_that_is_missing_is_refused_by_its_row(tmp_path):
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    parquet.write_table(
        arrow.table({"text": ["High fever", "None"], "label": ["ill", None]}),
        tmp_path / "texts.parquet",
    )

    with pytest.raises(DataError, match="row 2"):
        read_texts(tmp_path / "texts.parquet", require_labels=True)


def test_spans_inside_others_are_left_out_with_their_number(caplog):
    spans = [{"start": 0, "end": end, "label": "A"} for end in (3, 1)]

    (example,) = read_examples([{"text": "abc", "spans": spans}], TASKS["token-classification"])

    assert [span.end for span in example.spans] == [3]
    assert "1 of 2 spans overlap a longer one" in caplog.text


@pytest.mark.parametrize("name", ["fragments", "offsets"])
def test_discontinuous_spans_are_read_in_reading_order(name):
    span = {name: [[15, 18], [0, 4]], "label": "Site", "id": "T1"}

    (example,) = read_texts([{"text": "left and right arm", "spans": [span]}])

    assert example.spans == (Span(0, 18, "Site", id="T1", fragments=((0, 4), (15, 18))),)
    assert example.spans[0].words(example.text) == "left ... arm"
