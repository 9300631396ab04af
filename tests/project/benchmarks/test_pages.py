"""The tables of the pages are those rendered from the results."""

import json
import re

import pytest

from benchmarks.rendering import pages
from tests.support.invented_study import records, runs, study, summarised

#: The parts of a manifest that the pages show.
MANIFEST = {
    "versions": {"torch": "2.0", "transformers": "5.0"},
    "hardware": {"processor": "2 x z80", "threads": 2, "accelerator": "none"},
    "graph": {"source": "signs.obo", "version": "", "entities": 20_000, "edges": 24_000},
    "backbone": {"name": "tiny"},
    "splits": {"0": {"train": 1_000, "validation": 20, "test": 30}},
    "finished": "2026-01-02T03:04:05+0000",
}


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: page.name)
def test_tables_are_rendered_from_the_results(page):
    text = page.read_text(encoding="utf-8")

    assert pages.render_page(text) == text


def test_picture_is_drawn_from_the_results():
    assert pages.PICTURE.read_text(encoding="utf-8") == pages.render_picture()


def test_a_missing_result_is_marked(tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "RESULTS", tmp_path)

    page = pages.render_page("<!-- rendered: demo -->\nold numbers\n<!-- end -->\n")

    assert page == "<!-- rendered: demo -->\n\nNot measured yet.\n\n<!-- end -->\n"
    assert "Not measured yet." in pages.render_picture()


@pytest.mark.parametrize(
    ("gain", "verdict"), [(0.03, "Knowledge helps: +"), (-0.03, "Knowledge hurts: -")]
)
def test_a_loss_is_shown_like_a_gain(tmp_path, monkeypatch, gain, verdict):
    done = [run | {"seconds": 20.0} for run in runs(gain)]
    results = summarised(study(manifest=MANIFEST), done).with_runs(records(done))
    (tmp_path / "demo.json").write_text(json.dumps(results.to_json()), encoding="utf-8")
    monkeypatch.setattr(pages, "RESULTS", tmp_path)

    page = pages.render_page("<!-- rendered: demo -->\n<!-- end -->")

    assert f"**{verdict}" in page
    assert "| plain |" in page
    assert "1,000 training, 20 validation and 30 test texts" in page
    assert "6 min 0 s for all runs together; 2 x z80, 2 threads, torch 2.0" in page
    assert verdict in pages.render_picture()
    assert "knowledge over shuffled" in pages.render_picture()


def test_chosen_learning_rates_are_marked(tmp_path, monkeypatch):
    tried = [
        {"texts": 1000, "arm": "plain", "rate": rate, "validation": [score, score]}
        for rate, score in ((1e-4, 0.5), (2e-4, 0.625))
    ]
    found = {"tried": tried, "chosen": tried[1:], "seeds": [7, 8]}
    (tmp_path / "diagnoses_learning_rates.json").write_text(json.dumps(found), encoding="utf-8")
    monkeypatch.setattr(pages, "RESULTS", tmp_path)

    page = pages.render_page("<!-- rendered: diagnoses, learning rates -->\n<!-- end -->")

    assert "| texts | arm | learning rate | seed 7 | seed 8 |" in page
    assert "| 1,000 | plain | 0.0001 | 50.0 | 50.0 |  |" in page
    assert "| 1,000 | plain | 0.0002 | 62.5 | 62.5 | chosen |" in page


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: page.name)
def test_every_marker_has_a_block_and_an_end(page):
    text = page.read_text(encoding="utf-8")
    names = re.findall(r"<!-- rendered: (.+?) -->", text)

    assert set(names) <= set(pages.BLOCKS)
    assert len(names) == text.count("<!-- end -->")


def test_tables_can_be_read_in_the_repository():
    docs = pages.PROJECT / "docs"
    only_on_the_site = {
        path.relative_to(docs).as_posix()
        for path in docs.rglob("*.md")
        if "<!-- generated:" in path.read_text(encoding="utf-8")
    }

    assert only_on_the_site == {"reference/api.md", "reference/cli.md", "reference/errors.md"}
