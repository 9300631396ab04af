import pytest

from kgbert.data import read_texts


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        return path

    return write


def test_other_columns_can_be_named(write):
    path = write("a.csv", "note;ICD chapter\nfever;XVIII\n")

    (example,) = read_texts(path, text_column="note", label_column="ICD chapter")

    assert (example.text, example.target) == ("fever", "XVIII")


@pytest.mark.parametrize(
    ("name", "content", "place"),
    [
        ("a.csv", "note,purpose\nfever,ill\n", "line 1: "),
        ("a.jsonl", '{"note": "fever", "purpose": "ill"}\n{"note": "pain"}', "a.jsonl: "),
    ],
)
def test_a_label_column_that_is_named_must_be_there(write, name, content, place):
    message = (
        f"{place}no column 'porpose'; there are 'note', 'purpose'. If the label is in 'purpose', "
        r"type --label-column 'purpose' \(in Python: label_column='purpose'\)"
    )

    with pytest.raises(ValueError, match=message):
        read_texts(write(name, content), text_column="note", label_column="porpose")


@pytest.mark.parametrize(
    ("name", "content", "instead"),
    [
        ("a.conll", "fever\tB-Sign\n", "token and tag are the first and the last word of a line"),
        ("a.txt", "High fever.\n", "a line is a text"),
    ],
)
def test_a_file_without_columns_refuses_those_that_are_named(write, name, content, instead):
    message = (
        f"there are no columns here, and so no 'kind': {instead}; leave out --label-column "
        r"\(in Python: label_column\)"
    )

    with pytest.raises(ValueError, match=message):
        read_texts(write(name, content), label_column="kind")


def test_a_json_line_may_lack_the_label_that_others_have(write):
    path = write("a.jsonl", '{"text": "fever"}\n{"text": "pain", "kind": "ill"}')

    assert [example.target for example in read_texts(path, label_column="kind")] == [None, "ill"]


def test_the_column_of_the_text_is_not_offered_for_the_label(write):
    path = write("a.csv", "note,purpose\nfever,ill\n")

    with pytest.raises(ValueError, match="type --label-column 'purpose'"):
        read_texts(path, text_column="note", require_labels=True)
