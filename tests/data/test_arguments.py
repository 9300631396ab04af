import pytest

from kgbert.data import Example, Span, read_texts
from tests.support.errors import raises


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("r.csv", "text,label,head_start,head_end,tail_start,tail_end\na to b,x,0,1,5,6\n"),
        (
            "r.tsv",
            "text\tlabel\thead_start\thead_end\ttail_start\ttail_end\na to b\tx\t0\t1\t5\t6\n",
        ),
        (
            "r.jsonl",
            '{"text": "a to b", "label": "x", "head_start": 0, "head_end": 1, "tail_start": 5, '
            '"tail_end": 6}\n',
        ),
    ],
)
def test_arguments_of_a_relation_are_read(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")

    (example,) = read_texts(path)

    assert example.arguments == (Span(0, 1, "head"), Span(5, 6, "tail"))
    assert example.target == "x"


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ("0,1,5,", "incomplete-arguments"),
        ("0,1,5,x", "offset-not-a-number"),
        ("0,1,5,-6", "offset-not-a-number"),
        ("0,1,5,7", "span-outside-text"),
    ],
)
def test_arguments_that_cannot_be_placed_are_refused(tmp_path, cells, code):
    path = tmp_path / "r.csv"
    path.write_text(f"text,head_start,head_end,tail_start,tail_end\na to b,{cells}\n")

    with raises(code) as raised:
        read_texts(path)

    assert "line 2" in str(raised.value)


def test_one_argument_is_no_relation():
    with raises("wrong-number-of-arguments"):
        Example("a to b", arguments=(Span(0, 1, "head"),))
