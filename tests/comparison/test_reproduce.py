from copy import deepcopy

from kgbert.comparison.reproduce import agreement
from kgbert.comparison.statistics.summary import summarise
from tests.support.invented_study import runs, study

MANIFEST = {
    "versions": {"torch": "2.13"},
    "graph": {"hash": "a"},
    "data": {"0": {"hash": "b"}},
    "backbone": {"name": "c"},
    "linker": {"dictionary": {"rules": ("d",)}},
    "training_configs": {"plain": {"epochs": 8}},
}


def results(gain=0.03, **changes):
    return summarise(study(manifest=deepcopy(MANIFEST) | changes), runs(gain))


def test_the_same_again_agrees():
    found = agreement(results(), results())

    assert found.agrees
    assert found.sentences == (
        "It agrees: the verdict is 'helps' again. All 18 runs have the accuracy they had.",
    )


def test_other_scores_with_the_same_verdict_agree_and_are_told():
    found = agreement(results(), results(0.04))

    assert found.agrees
    assert "12 of 18 runs have another accuracy, by 1.0 points at most." in found.sentences[0]


def test_another_verdict_does_not_agree():
    found = agreement(results(), results(0.0))

    assert not found.agrees
    assert found.sentences[0].startswith(
        "It does not agree: the verdict is 'helps' before, 'no evidence' now."
    )


def test_other_inputs_do_not_agree_and_are_named():
    found = agreement(results(), results(graph={"hash": "z"}, linker={"char-ngram": {}}))

    assert not found.agrees
    assert "the graph and the linker differ" in found.sentences[1]


def test_other_versions_are_told():
    found = agreement(results(), results(versions={"torch": "2.14"}))

    assert found.agrees
    assert found.sentences[1] == "Other versions: torch 2.13, now 2.14."


def test_manifests_without_a_linker_are_older_and_agree():
    before = results()
    del before["manifest"]["linker"]

    assert agreement(before, results()).agrees
