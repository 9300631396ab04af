import errno
import os
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from kgbert.comparison.report.html import render_report, write_report
from tests.support.invented_study import ARMS, records, runs, slice_score, study, summarised

MANY = (*ARMS, "no-edges", "mention-only", "verbalized-context", "typed entity markers")
VOID = {"meta", "br", "hr", "img", "link", "input"}
EVIL = "<script>alert('x')</script> & \"quotes\""
EXAMPLE = {
    "text": "Torsades de pointes",
    "gold": "heart",
    "predictions": {"plain": "nerves", "knowledge": "heart"},
    "entities": ["Torsade de pointes"],
}


class Page(HTMLParser):
    """Collects tags, addresses, visible text and unclosed elements of a page."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.texts, self.open = set(), [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.texts.append(text)

    @property
    def words(self):
        return " ".join(" ".join(self.texts).split())


def results(found=None, **changes):
    return summarised(study(**changes), runs() if found is None else found)


def svgs(html):
    return ["<svg" + part.partition("</svg>")[0] + "</svg>" for part in html.split("<svg")[1:]]


def test_page_is_well_formed_with_verdict_table_plots_and_method():
    html = render_report(results())

    page = Page(html)

    assert page.open == []
    assert "Knowledge helps: +3.0 points of accuracy over plain" in page.words
    assert "How this was judged" in page.words
    assert len([ElementTree.fromstring(svg) for svg in svgs(html)]) == 4


def test_page_loads_nothing_and_runs_nothing():
    page = Page(render_report(results(examples=[EXAMPLE], manifest={"graph": {"source": "x.obo"}})))

    assert page.tags.isdisjoint({"script", "img", "link", "iframe", "object", "embed", "base"})
    assert {"src", "href", "onload", "action"}.isdisjoint(name for name, _ in page.attributes)


def test_whatever_the_user_brings_is_escaped():
    arms = ("plain", "knowledge", "shuffled", EVIL)
    found = runs(arms=arms)
    for run in found:
        run["training_config"] = {"options": {EVIL: EVIL}}
        run["slices"][EVIL] = slice_score(10, accuracy=0.5)
    evil = {"text": EVIL, "gold": EVIL, "predictions": {"plain": EVIL}, "entities": [EVIL]}

    html = render_report(
        results(
            found,
            name=EVIL,
            task=EVIL,
            arms=arms,
            examples=[evil],
            warnings=[EVIL],
            manifest={"linker": {EVIL: {EVIL: EVIL}}},
        )
    )

    assert "script" not in Page(html).tags
    assert "alert('x')" in Page(html).words


@pytest.mark.parametrize("seeds", [0, 1, 3, 6, 21])
def test_any_number_of_seeds_gives_a_page_without_none_and_nan(seeds):
    html = render_report(results(runs(seeds=seeds), seeds=max(seeds, 1)))

    page = Page(html)

    assert page.open == []
    assert "None" not in page.words
    assert "nan" not in html


def test_equal_scores_can_be_drawn():
    html = render_report(results(runs(gain=0.0, spread=0.0)))

    assert "gave the same accuracy as plain" in Page(html).words
    assert "nan" not in html


def test_runs_without_strata_items_history_and_cost_are_reported():
    bare = [
        {
            **run,
            "slices": {},
            "items": None,
            "history": [],
            "cost": {},
            "training_config": None,
        }
        for run in runs()
    ]

    page = Page(render_report(results(bare, task="token classification")))

    assert "Knowledge helps" in page.words
    assert "Learning curves" not in page.words
    assert "By slice of the test set" not in page.words


def test_many_arms_all_stand_in_the_table_and_only_the_judged_in_the_drawings():
    html = render_report(results(runs(arms=MANY), arms=MANY))

    assert all(arm in Page(html).words for arm in MANY)
    assert [arm for arm in MANY if f">{arm}</text>" in svgs(html)[1]] == list(ARMS)


def test_a_flipped_example_shows_who_was_right_and_the_entities():
    words = Page(render_report(results(examples=[EXAMPLE]))).words

    assert "plain ✗ nerves" in words
    assert "knowledge ✓ heart" in words
    assert "entities Torsade de pointes" in words


def test_an_explained_example_states_the_reasons_and_how_to_explain_other_texts():
    mention = {"start": 0, "end": 8, "text": "Torsades", "entities": [], "value": 1.25}
    answer = {
        "answer": "heart",
        "contrast": "",
        "unit": "log-odds",
        "score": 2.0,
        "score_without_graph": -0.5,
        "words": [],
        "mentions": [mention],
    }
    explanation = {
        "text": EXAMPLE["text"],
        "prediction": ["heart"],
        "prediction_without_graph": ["nerves"],
        "answers": [answer],
        "method": "removal",
        "seconds": 0.1,
    }

    page = Page(render_report(results(examples=[{**EXAMPLE, "explanation": explanation}])))
    without = Page(render_report(results(examples=[EXAMPLE]))).words

    assert "heart: the graph contributes +2.50 log-odds (Torsades +1.25)" in page.words
    assert "kgbert explain model FILE --html PAGE in that folder" in page.words
    assert "kgbert explain" not in without
    assert page.open == []


def test_the_page_counts_the_answers_that_are_right_with_one_arm_only():
    found = results(examples=[EXAMPLE]).with_runs(records(runs()))

    words = Page(render_report(found)).words

    items = {(run["arm"], run["seed"]): run["items"]["correct"] for run in runs()}
    pairs = [
        pair
        for (arm, seed), correct in items.items()
        if arm == "knowledge"
        for pair in zip(correct, items["plain", seed], strict=True)
    ]
    assert pairs
    assert (
        f"Of {len(pairs)} test answers over all seeds, {pairs.count((1, 0))} are right with "
        f"knowledge only, and {pairs.count((0, 1))} with plain only."
    ) in words


def test_a_long_text_is_shortened_between_words():
    html = render_report(results(examples=[{**EXAMPLE, "text": "word " * 1000}]))

    assert html.count("word word") < 100
    assert "word…" in html


def test_without_a_control_the_page_states_what_is_missing():
    arms = ("plain", "knowledge")

    words = Page(render_report(results(arms=arms, control=None))).words

    assert "add the arm 'shuffled'" in words


def test_meanings_of_the_arms_stand_below_their_table():
    descriptions = {"shuffled": "The same model, linked to other entities."}

    words = Page(render_report(results(descriptions=descriptions))).words

    assert "shuffled The same model, linked to other entities." in words


def test_a_failed_run_is_listed_with_its_error():
    found = runs()
    found[0].update(status="failed", error="out of memory")

    assert "plain, seed 0 failed: out of memory" in Page(render_report(results(found))).words


def test_settings_that_differ_name_the_arms():
    found = runs()
    for run in found:
        run["training_config"] = {
            "epochs": 8,
            "head_learning_rate": 5e-4 * (run["arm"] != "plain"),
        }

    words = Page(render_report(results(found))).words

    assert "epochs 8" in words
    assert "head learning rate 0 (plain); 0.0005 (knowledge and shuffled)" in words


def test_options_of_the_model_are_settings_as_well():
    found = runs()
    for run in found:
        layers = {"injected_layers": []} if run["arm"] == "plain" else {}
        run["training_config"] = {"epochs": 8, "options": {"pooling": "mean", **layers}}

    words = Page(render_report(results(found))).words

    assert "pooling mean" in words
    assert "injected layers none (plain); default (knowledge and shuffled)" in words


def test_parts_of_few_texts_stand_in_the_table_but_not_in_the_drawing():
    found = runs()
    for run in found:
        run["slices"]["unlinked"]["size"] = 2

    page = render_report(results(found))

    assert "unlinked" in Page(page).words
    assert '">unlinked</text>' not in page
    assert '">linked</text>' in page


def test_manifest_is_flattened():
    manifest = {"graph": {"source": "hp.obo", "entities": 19533}, "started": "2026-11-22"}

    words = Page(render_report(results(manifest=manifest))).words

    assert "graph, source hp.obo" in words
    assert "graph of 20 k entities" in words


def test_the_method_describes_a_shared_test_set():
    found = runs()
    for run in found:
        run["items"]["ids"] = [str(item) for item in range(40)]

    assert "Flipping its 40 items instead of the seeds" in Page(render_report(results(found))).words


def test_the_method_reports_alternative_tests_as_not_decisive():
    words = Page(render_report(results())).words

    assert "Other tests, on which the verdict does not rest. Over plain: almost stochastic" in words
    assert "McNemar's test of the two models of a seed on its test texts" in words


def test_same_results_give_the_same_page():
    assert render_report(results()) == render_report(results())


def test_report_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = write_report(results(), tmp_path / "out" / "report.html")
    before = path.read_text(encoding="utf-8")
    monkeypatch.setattr(os, "fsync", _disk_full)

    with pytest.raises(OSError, match=r"report\.html \(No space left"):
        write_report(results(name="other"), path)

    assert path.read_text(encoding="utf-8") == before
    assert os.listdir(path.parent) == ["report.html"]


def _disk_full(number):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_branches_and_classes_have_tables_of_their_own():
    found = runs()
    for one in found:
        slices = one["slices"]
        slices["branch: heart"] = slices["class: ill"] = slices["linked"]

    page = render_report(summarised(study(), found))

    assert "By branch of the graph" in page
    assert "By class" in page
    assert '<th scope="row" role="rowheader">heart</th>' in page
    assert "branch: heart" not in page


def test_the_page_begins_with_what_is_compared():
    manifest = {
        "backbone": {"name": "bert-base-uncased"},
        "graph": {"source": "hp.obo", "version": "2026-01"},
    }
    words = Page(render_report(results(manifest=manifest, compares_labels=True))).words

    introduction, _, rest = words.partition("The arms")
    assert (
        "bert-base-uncased was fine-tuned for text classification with and without a graph (hp.obo "
        "2026-01). Plain is the encoder alone; knowledge also reads the entities that a text "
        "mentions and compares each text with the entities of its labels; shuffled does the same "
        "with permuted entities."
    ) in introduction
    assert rest
    assert "entities of its labels" not in Page(render_report(results())).words
