import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

import kgbert
from tests.support.project.folder import PROJECT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build from a copy: setuptools leaves its build folders beside the sources."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("kgbert", "graphs"):
        shutil.copytree(
            PROJECT / name,
            folder / name,
            symlinks=True,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(PROJECT / name, folder)
    offline = ["--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", *offline, "-w", folder, folder], check=True
    )
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as opened:
        yield opened


@pytest.fixture(scope="module")
def metadata(wheel):
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return Parser().parsestr(wheel.read(name).decode())


def test_every_file_of_the_package_is_in_the_wheel(wheel):
    sources = {
        path.relative_to(PROJECT).as_posix()
        for path in (PROJECT / "kgbert").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert "kgbert/py.typed" in sources
    assert sources <= set(wheel.namelist())


def test_graph_cards_are_in_the_wheel(wheel):
    cards = {
        f"kgbert/graph/cards/{path.name}"
        for path in (PROJECT / "kgbert/graph/cards").glob("*.toml")
    }

    assert cards
    assert cards <= set(wheel.namelist())


def test_nothing_beside_the_package_is_installed(wheel):
    tops = {name.split("/")[0] for name in wheel.namelist()}

    assert tops == {"kgbert", f"kgbert-{kgbert.__version__}.dist-info"}


def test_wheel_carries_its_terms(wheel, metadata):
    texts = {Path(name).name for name in wheel.namelist() if "/licenses/" in name}

    assert texts == {"LICENSE", "NOTICE"}
    assert metadata["License-Expression"] == "Apache-2.0"


def test_version_of_the_wheel_is_the_one_that_the_package_says(metadata):
    assert metadata["Version"] == kgbert.__version__


def test_wheel_leaves_the_choice_of_a_torch_build_to_the_user(metadata):
    (torch,) = (need for need in metadata.get_all("Requires-Dist") if need.startswith("torch>"))

    assert torch == "torch>=2.11"


def test_changelog_has_an_entry_for_this_version():
    changelog = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")

    assert f"## {kgbert.__version__}" in changelog
