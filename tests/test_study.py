from dataclasses import replace

from small_study import small_study

from kgbert.comparing.arms import Arm
from kgbert.comparing.arms.links import shuffle_entities


def own_arm(change):
    return Arm("own", "of the user's own", change=change)


def test_own_arm_runs_anew_when_its_code_changes_and_not_before(tmp_path):
    study = small_study(tmp_path)
    one, same, other = (
        own_arm(change)
        for change in (
            lambda material, seed: shuffle_entities(material, 0),
            lambda material, seed: shuffle_entities(material, 0),
            lambda material, seed: shuffle_entities(material, seed),
        )
    )

    assert study.fingerprint(one, 0) == study.fingerprint(own_arm(one.change), 0)
    assert study.fingerprint(one, 0) != study.fingerprint(other, 0)
    assert study.fingerprint(replace(one, options={"hops": 1}), 0) != study.fingerprint(same, 0)
