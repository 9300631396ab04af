import pytest

from kgbert.comparison.statistics.multiple_testing import family
from kgbert.comparison.statistics.power import seeds_needed


def test_a_family_that_the_seeds_cannot_suffice_for_is_refused_with_the_number_needed():
    found = family(dict.fromkeys("abcdefg", 0.031), 6)

    assert found.adjusted == {}
    assert f"That takes {seeds_needed(7)} seeds" in found.sentence


@pytest.mark.parametrize(
    ("p_values", "outcome"),
    [
        ({"a": 0.002, "b": 0.004}, "a and b stay below"),
        ({"a": 0.002, "b": 0.4}, "a stays below"),
        ({"a": 0.2, "b": 0.4}, "none stays below"),
    ],
    ids=["both", "one", "none"],
)
def test_the_sentence_names_the_tasks_that_remain_significant(p_values, outcome):
    assert outcome in family(p_values, 10).sentence


def test_corrected_values_are_never_smaller():
    p_values = {"a": 0.01, "b": 0.02, "c": 0.9}

    adjusted = family(p_values, 10).adjusted

    assert all(adjusted[task] >= p for task, p in p_values.items())
