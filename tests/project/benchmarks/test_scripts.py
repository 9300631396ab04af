"""Every benchmark script can be run from the project's root and explains its options."""

import importlib
import pkgutil
import sys

import pytest

import benchmarks

MODULES = [
    module.name
    for module in pkgutil.walk_packages(benchmarks.__path__, "benchmarks.")
    if not module.ispkg
]


@pytest.mark.parametrize("name", MODULES)
def test_module_imports(name):
    importlib.import_module(name)


@pytest.mark.parametrize("name", MODULES)
def test_script_prints_its_help(name, monkeypatch, capsys):
    module = importlib.import_module(name)
    if not hasattr(module, "main") or module.main.__module__ != name:
        return
    monkeypatch.setattr(sys, "argv", [name, "--help"])

    with pytest.raises(SystemExit) as stopped:
        module.main()

    assert stopped.value.code == 0
    assert f"python -m {name}" in module.__doc__
    assert "usage:" in capsys.readouterr().out
