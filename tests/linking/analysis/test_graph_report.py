import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from kgbert.graph.storage.builder import GraphBuilder
from kgbert.linking.analysis.coverage import coverage
from kgbert.linking.analysis.graph_report import render_graph_report, write_graph_report
from kgbert.linking.analysis.overlap import RULE
from kgbert.linking.dictionary.linker import DictionaryLinker

VOID = {"meta", "br"}
EVIL = "<script>alert('x')</script> & \"quotes\""


class Page(HTMLParser):
    """Checks that tags are closed in order, and collects words and attributes."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.attributes, text = [], [], set(), page
        self.words = " ".join(re.sub(r"<[^>]+>", " ", text.split("</style>")[1]).split())
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attributes}
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def graph_of(name="gout"):
    builder = GraphBuilder()
    builder.add_name("E:root", "disease of joints")
    builder.add_name("E:1", name)
    builder.add_entity("E:1", "swollen & painful")
    builder.add_edge("E:1", "rdfs:subClassOf", "E:root")
    builder.add_edge("E:1", "affects", "E:root")
    return builder.build()


def page_of(graph, texts=()):
    found = coverage(texts, DictionaryLinker(graph), graph) if texts else None
    return Page(render_graph_report(graph, graph.health(), found))


@pytest.mark.parametrize("texts", [(), ["gout"] * 60, ["gout of patients"], ["nothing"] * 60])
@pytest.mark.parametrize("graph", [graph_of(), GraphBuilder().build()], ids=["small", "empty"])
def test_the_page_is_whole_and_loads_nothing(graph, texts):
    page = page_of(graph, texts)

    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert not {"src", "href", "onclick"} & page.attributes


def test_the_drawings_are_well_formed():
    page = render_graph_report(graph_of(), graph_of().health())

    drawings = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(drawings) == 3
    for drawing in drawings:
        assert ElementTree.fromstring(drawing).get("aria-label")


def test_texts_of_a_graph_are_escaped():
    page = page_of(graph_of(EVIL))

    assert "script" not in page.tags
    assert "&lt;script&gt;alert" in page.words


def test_the_assessment_comes_first_and_its_rule_is_explained():
    page = page_of(graph_of(), ["gout"] * 60)

    assert page.words.index("Sufficient overlap The overlap is sufficient") < 80
    assert RULE in page.words.replace("\xa0", " ")


def test_a_graph_that_no_text_mentions_is_reported_with_the_cause():
    page = page_of(graph_of(), ["dogs bark"] * 60)

    assert "No overlap Injection cannot help" in page.words
    assert "Nothing was linked: the texts and the first 2 names have no word in common" in (
        page.words
    )


def test_what_is_around_an_entity_is_shown():
    words = page_of(graph_of(), ["gout"] * 60).words

    assert "gout E:1 swollen &amp; painful" in words
    assert "affects disease of joints" in words


def test_without_texts_the_page_shows_how_to_give_them():
    page = page_of(graph_of())

    assert "2 entities with 2 names, connected by 2 edges." in page.words
    assert "kgbert inspect GRAPH --texts FILE" in page.words


def test_a_page_of_one_thing_is_in_the_singular_and_has_no_depth_without_hierarchy():
    builder = GraphBuilder()
    builder.add_name("E:1", "gout")

    words = page_of(builder.build(), ["gout"]).words

    assert "1 entity · 1 name · 0 edges · 0 relations " in words
    assert "have a mention: 1 mention (1.00 a text) of 1 entity." in words
    assert "nearest root" not in words


def test_the_page_is_written_to_the_given_path(tmp_path):
    path = write_graph_report(graph_of(), tmp_path / "new" / "page.html")

    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_the_scopes_of_names_are_plotted_and_listed():
    builder = GraphBuilder()
    builder.add_name("E:1", "gout")
    builder.add_name("E:1", "podagra", "narrow")
    builder.add_name("E:1", "Gicht", "exact", "de")

    words = page_of(builder.build()).words

    assert "Scopes of the names" in words
    assert "3: 1 preferred, 1 exact, 1 narrow (languages: none 2, de 1)" in words
