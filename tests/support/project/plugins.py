"""The example package of ``tests/support/project/plugin``, installed for one test."""

import sys
import tomllib
from pathlib import Path

EXAMPLE = Path(__file__).parent / "plugin"


def install_example(folder, monkeypatch):
    """Put the example package on ``sys.path``, with the metadata that pip would have written."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    install(folder, monkeypatch, project["name"], project["entry-points"])
    monkeypatch.syspath_prepend(EXAMPLE)
    for module in [name for name in sys.modules if name.startswith("kgbert_example")]:
        monkeypatch.delitem(sys.modules, module)


def install(folder, monkeypatch, name, entry_points):
    """Put the metadata of a package on ``sys.path``: its name and its entry points by group."""
    metadata = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "\n".join(
            f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in points.items())
            for group, points in entry_points.items()
        )
    )
    monkeypatch.syspath_prepend(folder)
