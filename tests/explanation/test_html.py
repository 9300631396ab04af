import re
from dataclasses import replace
from itertools import pairwise

from kgbert.explanation.explain import explain
from kgbert.explanation.html import render_explanations, segments
from tests.explanation.conftest import TEXT


def test_segments_are_the_text(model):
    (answer,) = explain(model, [TEXT])[0].answers

    found = list(segments(TEXT, answer))

    assert "".join(segment.text for segment in found) == TEXT
    assert [number for segment in found for number in segment.ending] == [1, 2, 3]
    assert max(segment.shade for segment in found) == 5


def test_a_page_names_every_mention_entity_and_edge(model):
    explanations = explain(model, [TEXT])

    page = render_explanations(explanations)

    for mention in explanations[0].answers[0].mentions:
        assert f"<bdi>{mention.text}</bdi>" in page
        for entity in mention.entities:
            assert entity.entity in page
            assert all(edge.tail_name in page for edge in entity.edges)


def test_links_of_a_page_lead_somewhere(model):
    page = render_explanations(explain(model, [TEXT, TEXT]))

    targets = re.findall(r'href="#([^"]+)"', page)
    places = re.findall(r'id="([^"]+)"', page)
    assert targets
    assert set(targets) <= set(places)
    assert len(places) == len(set(places))


def test_headings_skip_no_level_and_links_have_names(model):
    for texts in ([TEXT], [TEXT, TEXT]):
        page = render_explanations(explain(model, texts))

        levels = [int(level) for level in re.findall(r"<h(\d)", page)]
        assert levels[0] == 1
        assert all(lower - upper <= 1 for upper, lower in pairwise(levels))
        assert all("aria-label" in link for link in re.findall(r"<a [^>]+>", page))


def test_texts_are_escaped(model):
    page = render_explanations(explain(model, ["fever <script>alert(1)</script>"]))

    assert "<script" not in page


def test_a_page_without_mentions_says_so(model):
    assert "No entity of the graph is linked" in render_explanations(explain(model, ["nothing"]))


def test_an_explanation_writes_its_page(model, tmp_path):
    (explanation,) = explain(model, [TEXT])

    path = explanation.write_html(tmp_path / "page.html")

    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_rounding_errors_are_no_contributions(model):
    (explanation,) = explain(model, [TEXT], parts=["words", "mentions"])
    answers = tuple(map(with_noise, explanation.answers))

    page = render_explanations([replace(explanation, answers=answers)])

    assert page.count('class="bar none"') == page.count('class="bar ') > 0
    assert not any(segment.shade for segment in segments(TEXT, answers[0]))


def with_noise(answer):
    words = tuple(replace(word, value=1e-7) for word in answer.words)
    mentions = tuple(replace(mention, value=-1e-7) for mention in answer.mentions)
    return replace(answer, words=words, mentions=mentions)
