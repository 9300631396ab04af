import sys

import pytest

from kgbert.cli import main
from kgbert.cli.commands import serve
from kgbert.deployment import server
from kgbert.utils.paths import RUNTIME_FILE


@pytest.fixture
def served(monkeypatch):
    """Return what would be served, without a server and without a model."""
    found = []
    monkeypatch.setattr(server, "serve", lambda model, **given: found.append((model, given)))
    monkeypatch.setattr(serve, "check_model", lambda folder: None)
    monkeypatch.setattr(serve, "pipeline_of", lambda arguments: "a pipeline")
    monkeypatch.setattr("kgbert.runtime.load", lambda folder, graph=None: f"of {folder.name}")
    return found


def test_a_model_is_served_with_the_limits_of_the_command_line(tmp_path, served, capsys):
    assert main(["serve", str(tmp_path), "--port", "8123", "--max-texts", "7"]) == 0

    ((model, given),) = served
    assert model == "a pipeline"
    assert (given["host"], given["port"], given["limits"].max_texts) == ("127.0.0.1", 8123, 7)
    assert "http://127.0.0.1:8123" in capsys.readouterr().out


def test_an_exported_model_is_served_without_torch(tmp_path, served):
    (tmp_path / "exported").mkdir()
    (tmp_path / "exported" / RUNTIME_FILE).write_text("{}", encoding="utf-8")

    assert main(["serve", str(tmp_path / "exported")]) == 0

    assert served[0][0] == "of exported"


def test_a_missing_package_is_named_with_what_to_type(tmp_path, served, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "kgbert.deployment.server", None)

    assert main(["serve", str(tmp_path)]) == 1

    assert "pip install 'kgbert[serve]'" in capsys.readouterr().err
