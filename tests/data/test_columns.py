import pytest

from kgbert.data import Columns, read_texts
from kgbert.utils.errors import Remedy
from tests.support.errors import raises


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        return path

    return write


def test_other_columns_can_be_named(write):
    path = write("a.csv", "note;ICD chapter\nfever;XVIII\n")

    (example,) = read_texts(path, columns={"text": "note", "label": "ICD chapter"})

    assert (example.text, example.target) == ("fever", "XVIII")


def test_columns_may_be_named_like_each_other():
    columns = Columns({"text": "label", "label": "text"})

    assert columns.rename({"text": "ill", "label": "a fever"}) == {
        "text": "a fever",
        "label": "ill",
    }


def test_a_column_does_not_become_the_label_by_its_name_where_another_was_named(write):
    path = write("a.csv", "text,label,kind\nfever,1,ill\n")

    assert read_texts(path, columns={"label": "kind"})[0].target == "ill"


@pytest.mark.parametrize(
    ("name", "content", "place"),
    [
        ("a.csv", "note,purpose\nfever,ill\n", "line 1: "),
        ("a.jsonl", '{"note": "fever", "purpose": "ill"}\n{"note": "pain"}', ""),
    ],
)
def test_a_label_column_that_is_named_must_be_there(write, name, content, place):
    path = write(name, content)

    with raises("missing-column") as raised:
        read_texts(path, columns={"text": "note", "label": "porpose"})

    assert str(raised.value).startswith(f"{path}: {place}no column 'porpose'; found 'note', ")
    (remedy,) = raised.value.remedies
    assert (remedy.option, remedy.value) == ("columns", {"label": "purpose"})


@pytest.mark.parametrize(
    ("name", "content"), [("a.conll", "fever\tB-Sign\n"), ("a.txt", "High fever.\n")]
)
def test_a_file_without_columns_refuses_those_that_are_named(write, name, content):
    with raises("no-columns"):
        read_texts(write(name, content), columns={"label": "kind"})


def test_a_json_line_may_lack_the_label_that_others_have(write):
    path = write("a.jsonl", '{"text": "fever"}\n{"text": "pain", "kind": "ill"}')

    examples = read_texts(path, columns={"label": "kind"})

    assert [example.target for example in examples] == [None, "ill"]


def test_the_column_of_the_text_is_not_offered_for_the_label(write):
    path = write("a.csv", "note,purpose\nfever,ill\n")

    with raises("missing-column") as raised:
        read_texts(path, columns={"text": "note"}, require_labels=True)

    assert raised.value.remedies[0].value == {"label": "purpose"}


def test_a_column_is_worded_for_python_and_for_the_command_line():
    remedy = Remedy("columns", {"text": "my note"})

    assert remedy.in_python() == "columns={'text': 'my note'}"
    assert remedy.on_command_line() == "--text-column 'my note'"
