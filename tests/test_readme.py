import re
import shlex
from pathlib import Path

import pytest
from tiny import tiny_config, tiny_tokenizer
from transformers import AutoModel

import kgbert
from kgbert.cli.main import COMMANDS, _parser

PROJECT = Path(__file__).parents[1]
README = (PROJECT / "README.md").read_text(encoding="utf-8")
PAGES = ("README.md", "benchmarks/README.md")

#: What the README names and no test may download.
HUB_NAME = "sentence-transformers/all-MiniLM-L6-v2"


@pytest.fixture
def render(monkeypatch):
    monkeypatch.syspath_prepend(str(PROJECT / "benchmarks"))
    import render

    return render


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


@pytest.mark.parametrize("page", PAGES)
def test_every_link_to_a_file_or_a_heading_leads_somewhere(page):
    text = (PROJECT / page).read_text(encoding="utf-8")
    headings = {
        re.sub(r"[^\w -]", "", line.lstrip("# ")).lower().replace(" ", "-")
        for line in text.splitlines()
        if line.startswith("#")
    }
    targets = re.findall(r"\]\((?!https?:)([^)]+)\)", text)

    assert targets
    for target in targets:
        path, _, heading = target.partition("#")
        assert ((PROJECT / page).parent / path).exists(), target
        assert not heading or heading in headings, target


def test_every_command_in_the_readme_can_be_typed():
    names = "|".join(COMMANDS)
    lines = re.findall(rf"(?:^|`)kgbert ((?:{names}) [^`\n]+)", README, re.MULTILINE)

    assert lines
    for line in lines:
        given = shlex.split(line, comments=True)
        if not any(word.isupper() for word in given):
            assert _parser().parse_args(given).command is COMMANDS[given[0]]
