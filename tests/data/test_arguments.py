import pytest

from kgbert.data import Example, Span, read_texts


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
    ("cells", "message"),
    [
        ("0,1,5,", r"line 2: head_start, head_end, tail_start without tail_end; .* needs all four"),
        ("0,1,5,x", r"line 2: tail_end is 'x'; it must be a whole number"),
        ("0,1,5,-6", r"line 2: tail_end is '-6'; it must be a whole number"),
        ("0,1,5,7", r"line 2: span 5 to 7 \('tail'\) does not lie inside the text"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(tmp_path, cells, message):
    path = tmp_path / "r.csv"
    path.write_text(f"text,head_start,head_end,tail_start,tail_end\na to b,{cells}\n")

    with pytest.raises(ValueError, match=message):
        read_texts(path)


def test_one_argument_is_no_relation():
    with pytest.raises(ValueError, match=r"1 argument\(s\) given; a relation has two"):
        Example("a to b", arguments=(Span(0, 1, "head"),))
