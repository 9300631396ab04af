import subprocess
import sys
import time

import pytest

from kgbert.cli.registry import COMMANDS

#: What takes a noticeable time to load and is not needed to say what there is.
HEAVY = {
    "networkx",
    "numpy",
    "rdflib",
    "scipy",
    "sklearn",
    "torch",
    "torch_geometric",
    "transformers",
}

HELP = [["--help"], *([name, "--help"] for name in COMMANDS)]


def python(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    ).stdout


def test_importing_kgbert_loads_nothing_heavy():
    loaded = python("import sys, kgbert; print(*sys.modules)").split()

    assert "kgbert" in loaded
    assert not HEAVY & set(loaded)


@pytest.mark.parametrize("arguments", HELP, ids=" ".join)
def test_help_loads_nothing_heavy_and_is_quick(arguments):
    code = (
        "import atexit, sys; from kgbert.cli import main; "
        "atexit.register(lambda: print('LOADED', *sys.modules)); main(sys.argv[1:])"
    )
    started = time.perf_counter()

    output, _, loaded = python(code, *arguments).partition("LOADED")

    # 0.1 to 0.2 s on an idle machine; the bound only catches what would be felt on a busy one.
    assert time.perf_counter() - started < 5
    assert output.startswith("usage: kgbert")
    assert not HEAVY & set(loaded.split())
