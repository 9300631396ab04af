import re
from html import unescape

from hypothesis import given
from hypothesis import strategies as st

from kgbert.linking.analysis.html import is_uncertain, render_page, segments
from kgbert.linking.analysis.records import LinkedEntity, LinkedMention, LinkedText

SPANS = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 4)), max_size=6)


def mention(start: int, end: int, *scores: float) -> LinkedMention:
    found = (LinkedEntity(f"E:{score}", "name", score, "", "plural") for score in scores)
    return LinkedMention(start, end, "said", tuple(found))


@given(SPANS)
def test_stretches_make_up_the_text_and_are_covered_where_a_mention_lies(spans):
    text = "0123456789abc"
    mentions = tuple(mention(start, start + length, 1.0) for start, length in spans)

    found = list(segments(LinkedText("", text, mentions)))

    assert "".join(segment.text for segment in found) == text
    covered = "".join(segment.text for segment in found if segment.covered)
    wanted = {i for start, length in spans for i in range(start, start + length)}
    assert covered == "".join(text[i] for i in sorted(wanted))
    ending = sorted(number for segment in found for number in segment.ending)
    assert ending == list(range(1, len(mentions) + 1))


def test_page_shows_the_text_as_it_is_and_loads_nothing():
    text = "<script>alert(1)</script> fever & \u202e more"
    page = render_page([LinkedText("<a>", text, (mention(26, 31, 1.0),))], title="T&", note="n")

    body = page.split("<main>")[1]
    [paragraph] = re.findall(r'<p class="text".*?</p>', body, re.DOTALL)
    shown_text = unescape(re.sub(r"<a .*?</a>|<[^>]*>", "", paragraph))
    assert shown_text == text
    assert "<script" not in page
    assert not re.search(r"(src|href)=\"(?!#)|url\(|@import", page)


def test_doubtful_is_a_low_score_or_a_near_rival():
    assert not is_uncertain(mention(0, 1, 1.0, 0.8))
    assert is_uncertain(mention(0, 1, 0.7))
    assert is_uncertain(mention(0, 1, 0.95, 0.94))
    assert is_uncertain(mention(0, 1))
