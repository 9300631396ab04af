import json
import re
import shlex
from pathlib import Path

import pytest
from transformers import AutoModel

import kgbert
from benchmarks.rendering import pages
from kgbert.cli.main import COMMANDS, _parser
from kgbert.comparison.statistics.summary import summarise
from tests.support.invented_study import runs, study
from tests.support.paths import PROJECT
from tests.support.tiny import tiny_config, tiny_tokenizer

README = (PROJECT / "README.md").read_text(encoding="utf-8")
PAGES = ("README.md", "benchmarks/README.md")

#: What the README names and no test may download.
HUB_NAME = "sentence-transformers/all-MiniLM-L6-v2"


#: As much of a manifest as the pages tell.
MANIFEST = {
    "versions": {"torch": "2.0", "transformers": "5.0"},
    "hardware": {"processor": "2 x z80", "threads": 2, "accelerator": "none"},
    "graph": {"source": "signs.obo", "version": "", "entities": 20_000, "edges": 24_000},
    "backbone": {"name": "tiny"},
    "data": {"0": {"train": 1_000, "validation": 20, "test": 30}},
    "finished": "2026-01-02T03:04:05+0000",
}


@pytest.fixture
def render():
    return pages


def code_blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


@pytest.mark.slow
def test_python_of_the_readme_runs_as_printed(tmp_path, monkeypatch, capsys):
    folder = str(tmp_path / "backbone")
    config = tiny_config("bert")
    config.max_position_embeddings = 512
    AutoModel.from_config(config).save_pretrained(folder)
    tiny_tokenizer("bert").save_pretrained(folder)
    monkeypatch.chdir(tmp_path)
    # Features are cached below the home folder.
    monkeypatch.setenv("HOME", str(tmp_path))
    blocks = code_blocks("python")
    assert HUB_NAME in "".join(blocks)

    names = {}
    for block in blocks:
        exec(block.replace(HUB_NAME, folder), names)

    printed = capsys.readouterr().out
    assert "knowledge over shuffled" in printed
    assert "Prediction(text='Discharged on codeine.'" in printed
    assert all(Path(file).exists() for file in ("drugs/report.html", "drugs/results.json"))
    assert names["my_linker"](["Took codeine.", "None."]) == [
        [kgbert.Mention(5, 12, (kgbert.Candidate("codeine", 1.0),))],
        [],
    ]


@pytest.mark.parametrize("page", PAGES)
def test_tables_are_those_that_render_writes(page, render):
    text = (PROJECT / page).read_text(encoding="utf-8")

    assert "<!-- rendered: " in text
    assert render.render_page(text) == text


def test_picture_is_the_one_that_render_draws(render):
    assert render.PICTURE.read_text(encoding="utf-8") == render.render_picture()


def test_a_result_that_is_not_there_is_said_to_be_missing(render, tmp_path, monkeypatch):
    monkeypatch.setattr(render, "RESULTS", tmp_path)

    page = render.render_page("<!-- rendered: demo -->\nold numbers\n<!-- end -->\n")

    assert page == "<!-- rendered: demo -->\n\nNot measured yet.\n\n<!-- end -->\n"
    assert "Not measured yet." in render.render_picture()


@pytest.mark.parametrize(
    ("gain", "verdict"), [(0.03, "Knowledge helps: +"), (-0.03, "Knowledge hurts: -")]
)
def test_a_loss_is_shown_like_a_win(render, tmp_path, monkeypatch, gain, verdict):
    done = [run | {"seconds": 20.0} for run in runs(gain)]
    results = summarise(study(manifest=MANIFEST), done) | {"runs": done}
    (tmp_path / "demo.json").write_text(json.dumps(results), encoding="utf-8")
    monkeypatch.setattr(render, "RESULTS", tmp_path)

    page = render.render_page("<!-- rendered: demo -->\n<!-- end -->")

    assert f"**{verdict}" in page
    assert "| plain |" in page
    assert "1,000 training, 20 validation and 30 test texts" in page
    assert "6 min 0 s for all runs together; 2 x z80, 2 threads, torch 2.0" in page
    assert verdict in render.render_picture()
    assert "knowledge over shuffled" in render.render_picture()


def test_the_chosen_learning_rates_are_marked(render, tmp_path, monkeypatch):
    tried = [
        {"texts": 1000, "arm": "plain", "rate": rate, "validation": [score, score]}
        for rate, score in ((1e-4, 0.5), (2e-4, 0.625))
    ]
    found = {"tried": tried, "chosen": tried[1:], "seeds": [7, 8]}
    (tmp_path / "demo_search.json").write_text(json.dumps(found), encoding="utf-8")
    monkeypatch.setattr(render, "RESULTS", tmp_path)

    page = render.render_page("<!-- rendered: demo search -->\n<!-- end -->")

    assert "| texts | arm | learning rate | seed 7 | seed 8 |" in page
    assert "| 1,000 | plain | 0.0001 | 50.0 | 50.0 |  |" in page
    assert "| 1,000 | plain | 0.0002 | 62.5 | 62.5 | chosen |" in page


@pytest.mark.parametrize("page", PAGES)
def test_every_marker_has_a_block_and_an_end(page, render):
    text = (PROJECT / page).read_text(encoding="utf-8")
    names = re.findall(r"<!-- rendered: (.+?) -->", text)

    assert set(names) <= set(render.BLOCKS)
    assert len(names) == text.count("<!-- end -->")


def test_every_public_name_in_the_readme_exists():
    named = set(re.findall(r"(?<![/\w.])kgbert\.([A-Za-z_]\w*)", README))
    rooms = {path.name.removesuffix(".py") for path in Path(kgbert.__file__).parent.iterdir()}

    assert named - rooms <= {*kgbert.__all__, "__all__"}


def headings_of(page):
    """Return the anchors of a page's headings, as they are made on the web."""
    lines = page.read_text(encoding="utf-8").splitlines()
    titles = (line.lstrip("# ").lower() for line in lines if line.startswith("#"))
    return {re.sub(r"[^\w -]", "", title).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_to_a_file_or_a_heading_leads_somewhere(page):
    own = PROJECT / page
    targets = re.findall(r"\]\((?!https?:)([^)]+)\)", own.read_text(encoding="utf-8"))

    assert targets
    for target in targets:
        path, _, heading = target.partition("#")
        linked = own.parent / path if path else own
        assert linked.exists(), target
        assert not heading or heading in headings_of(linked), target


def test_every_command_in_the_readme_can_be_typed():
    names = "|".join(COMMANDS)
    joined = README.replace("\\\n", "")
    lines = re.findall(rf"(?:^|`)kgbert ((?:{names}) [^`\n]+)", joined, re.MULTILINE)

    assert lines
    for line in lines:
        given = shlex.split(line, comments=True)
        if not any(word.isupper() for word in given):
            assert _parser().parse_args(given).command is COMMANDS[given[0]]
