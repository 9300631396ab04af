from importlib.util import find_spec

import pytest

from benchmarks.diagnoses import splits as diagnoses
from benchmarks.diagnoses.run import RECIPES, SIZES
from benchmarks.diagnoses.splits import DiagnosisSplits, category, is_for_validation
from kgbert.data import Example


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
    assert {arm for size in SIZES.values() for arm in size.rates} <= RECIPES.keys()


@pytest.mark.skipif(
    not find_spec("simple_icd_10_cm"), reason="the package simple-icd-10-cm is not installed"
)
@pytest.mark.slow
def test_real_diagnoses_are_many_and_of_every_chapter():
    found = diagnoses.read_diagnoses()

    assert len(found) > 30_000
    labels = {example.target for example in found}
    assert len(labels) == len(diagnoses.CHAPTERS)
    assert {"Neoplasms", "Diseases of the circulatory system"} < labels
    assert len({example.text.casefold() for example in found}) == len(found)
