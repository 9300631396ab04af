from dataclasses import replace

from small_study import small_study
from tiny import save_plain, tiny_graph

from kgbert.comparing.arms import ARMS, Arm
from kgbert.comparing.arms.links import shuffle_entities
from kgbert.comparing.study import linker_told
from kgbert.linking.linkers import make_linker
from kgbert.modeling.models import KGBertModel


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


def test_a_run_is_known_again_where_the_encoder_of_its_linker_has_moved(tmp_path):
    here = save_plain(tmp_path / "here" / "models", "bert", KGBertModel)
    study = small_study(tmp_path, linker=make_linker(tiny_graph(), f"description:{here}"))
    before = study.fingerprint(ARMS["plain"], 0), linker_told(study.linker)

    (tmp_path / "here").rename(tmp_path / "there")
    moved = here.replace("/here/", "/there/")
    study = replace(study, linker=make_linker(tiny_graph(), f"description:{moved}"))

    assert (study.fingerprint(ARMS["plain"], 0), linker_told(study.linker)) == before
    assert str(tmp_path) not in str(before)
