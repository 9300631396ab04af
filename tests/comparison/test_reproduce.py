from copy import deepcopy

import pytest

from kgbert.comparison.reproduce import agreement
from tests.support.invented_study import runs, study, summarised

MANIFEST = {
    "versions": {"torch": "2.13"},
    "graph": {"hash": "a"},
    "splits": {"0": {"train": 1, "validation": 1, "test": 1, "hash": "b"}},
    "backbone": {"name": "c"},
    "linker": {"dictionary": {"rules": ("d",)}},
    "training_configs": {"plain": {"epochs": 8}},
}


def results(gain=0.03, **changes):
    return summarised(study(manifest=deepcopy(MANIFEST) | changes), runs(gain))


def test_the_same_again_agrees():
    found = agreement(results(), results())

    assert found.agrees
    assert found.sentences == (
        "Reproduced: the verdict is 'helps' again. All 18 runs have the same accuracy as before.",
    )


def test_different_scores_with_the_same_verdict_agree_and_are_reported():
    found = agreement(results(), results(0.04))

    assert found.agrees
    assert "12 of 18 runs have another accuracy, by at most 1.0 points." in found.sentences[0]


def test_another_verdict_does_not_agree():
    found = agreement(results(), results(0.0))

    assert not found.agrees
    assert found.sentences[0].startswith(
        "Not reproduced: the verdict is 'helps' before, 'no evidence' now."
    )


def test_other_inputs_do_not_agree_and_are_named():
    found = agreement(results(), results(graph={"hash": "z"}, linker={"char-ngram": {}}))

    assert not found.agrees
    assert "what changed: the graph and the linker." in found.sentences[1]


def test_different_versions_are_reported():
    found = agreement(results(), results(versions={"torch": "2.14"}))

    assert found.agrees
    assert found.sentences[1] == "Other versions: torch 2.13, now 2.14."


def test_manifests_without_a_linker_are_older_and_agree():
    before = results(linker=None)

    assert agreement(before, results()).agrees


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"splits": {"0": MANIFEST["splits"]["0"] | {"hash": "z"}}}, "the texts"),
        ({"backbone": {"name": "z"}}, "the encoder"),
        ({"training_configs": {"plain": {"epochs": 3}}}, "the settings"),
    ],
)
def test_each_input_that_differs_is_named(changes, named):
    found = agreement(results(), results(**changes))

    assert not found.agrees
    assert found.sentences[1].endswith(f"what changed: {named}.")
