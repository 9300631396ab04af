from types import SimpleNamespace

from benchmarks.grounding.sample_efficiency import MOST, FirstTerms
from benchmarks.grounding.tables import sample_efficiency_tables
from kgbert.data import Example
from kgbert.data.splits import Split


def split(seed):
    train = [Example(f"{label}{number}", label) for label in "ab" for number in range(MOST)]
    return Split(train, [Example("a?", "a")], [Example("b?", "b")])


def test_the_first_terms_of_each_category_train_and_the_others_stay():
    two = FirstTerms(SimpleNamespace(split=split), 2)(0)

    assert [x.text for x in two.train] == ["a0", "a1", "b0", "b1"]
    assert (two.validation, two.test) == (split(0).validation, split(0).test)


def test_knowledge_is_compared_with_plain_with_as_many_texts_and_with_three_times_as_many():
    scores = {("knowledge", 1): 0.9, ("plain", 1): 0.5, ("plain", 3): 0.7}
    lines = sample_efficiency_tables(
        {
            "categories": 100,
            "test terms": 501,
            "encoder": "tiny",
            "versions": {"torch": "2.0"},
            "hardware": {"processor": "2 x z80"},
            "finished": "2026-01-02T03:04:05+0000",
            "runs": [
                {"seed": seed, "terms": terms, "arm": arm, "score": score}
                for seed in range(6)
                for (arm, terms), score in scores.items()
            ],
        }
    ).splitlines()

    assert "| 1 | 100 | 50.0 | 90.0 | +40.0 [40.0, 40.0] | 0.031 | 6 |" in lines
    assert "| 3 | 300 | 70.0 |  |  |  |  |" in lines
    assert "| 100 | 90.0 | 300 | 70.0 | +20.0 [20.0, 20.0] | 0.031 | 6 |" in lines
