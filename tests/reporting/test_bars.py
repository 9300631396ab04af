from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from kgbert.reporting.bars import WIDTH, bar_plot, nested_plot

bars = st.lists(
    st.tuples(
        st.text(st.characters(codec="utf-8", categories=["L", "P"]), max_size=60),
        st.integers(0, 10**7),
    ),
    min_size=1,
    max_size=12,
)


def rectangles(svg):
    return [node for node in ElementTree.fromstring(svg).iter() if node.tag.endswith("rect")]


@given(bars)
def test_bars_are_as_long_as_their_numbers(found):
    lengths = [
        float(bar.get("width")) for bar in rectangles(nested_plot([(x, []) for x in found], "t"))
    ]

    most = max(count for _, count in found)
    for length, (_, count) in zip(lengths, found, strict=True):
        assert abs(length - WIDTH * count / max(1, most)) < 0.5


@given(bars)
def test_bars_stay_on_the_drawing(found):
    short = [(name[:20], count) for name, count in found]

    for bar in rectangles(bar_plot(short, "t")):
        assert 0 <= float(bar.get("x")) + float(bar.get("width")) <= WIDTH


def test_a_name_that_is_too_long_is_cut():
    svg = nested_plot([(("long " * 40, 5), [])], "title")

    texts = [node.text for node in ElementTree.fromstring(svg).iter() if node.tag.endswith("text")]
    assert texts[0].endswith("long…")
    assert texts[1] == "5"


def test_parts_lie_inside_the_bar_of_the_whole():
    whole, first, second = rectangles(nested_plot([(("all", 10), [("a", 6), ("b", 3)])], "title"))

    widths = [float(bar.get("width")) for bar in (whole, first, second)]
    assert widths == [WIDTH, WIDTH * 0.6 - 1.5, WIDTH * 0.3 - 1.5]
    assert float(first.get("x")) == 0
    assert float(second.get("x")) == WIDTH * 0.6
