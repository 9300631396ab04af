import ast
import subprocess
import sys
from pathlib import Path

import pytest

import kgbert

ROOT = Path(__file__).parents[2]
SNIPPET = "import kgbert\nreveal_type(kgbert.read_graph)\nkgbert.read_grph\n"


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """Return what mypy says of a program that uses kgbert, line by line."""
    program = tmp_path_factory.mktemp("program") / "program.py"
    program.write_text(SNIPPET)
    command = [sys.executable, "-m", "mypy", "--no-error-summary", program]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert not ran.stderr
    return [line.partition("program.py:")[2] for line in ran.stdout.splitlines()]


def test_names_for_type_checkers_are_those_that_exist():
    tree = ast.parse(Path(kgbert.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))

    typed = {
        alias.asname: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert typed == kgbert._HOMES


def test_public_names_are_listed():
    assert dir(kgbert) == sorted(["__version__", *kgbert._HOMES])


@pytest.mark.slow
@pytest.mark.timeout(900)  # without a cache, mypy reads torch and transformers
def test_a_type_checker_knows_the_signature_of_a_public_function(checked):
    revealed = next(line for line in checked if line.startswith("2:"))

    assert 'Revealed type is "def (' in revealed
    assert "options: " in revealed
    assert revealed.endswith('-> kgbert.graph.core.graph.KnowledgeGraph"')


@pytest.mark.slow
@pytest.mark.timeout(900)  # without a cache, mypy reads torch and transformers
def test_a_type_checker_reports_a_misspelt_name(checked):
    reported = next(line for line in checked if line.startswith("3:"))

    assert 'error: Module has no attribute "read_grph"' in reported
