from dataclasses import dataclass, replace

import pytest

from kgbert.comparison.arms.descriptions import MEASURES
from kgbert.comparison.arms.links import shuffle_entities
from kgbert.comparison.arms.registry import ARMS, Arm
from kgbert.comparison.run import check_arms, run_arm
from kgbert.comparison.study import describe_linker
from kgbert.linking.caching import CachingLinker
from kgbert.linking.factory import make_linker
from kgbert.linking.mention import Candidate, Mention
from kgbert.models.task_models import KGBertModel
from kgbert.tasks.registry import TASKS
from kgbert.training.config import Regularization, TrainingConfig
from tests.support.errors import raises
from tests.support.small_study import small_study
from tests.support.tiny import save_plain, tiny_features, tiny_graph


def own_arm(change):
    return Arm("own", "of the user's own", transform=change)


def test_own_arm_runs_anew_when_its_code_changes_and_not_before(tmp_path):
    study = small_study(tmp_path)
    one, same, other = (
        own_arm(change)
        for change in (
            lambda inputs, seed: shuffle_entities(inputs, 0),
            lambda inputs, seed: shuffle_entities(inputs, 0),
            lambda inputs, seed: shuffle_entities(inputs, seed),
        )
    )

    assert study.fingerprint(one, 0) == study.fingerprint(own_arm(one.transform), 0)
    assert study.fingerprint(one, 0) != study.fingerprint(other, 0)
    assert study.fingerprint(replace(one, options={"hops": 1}), 0) != study.fingerprint(same, 0)


def keeping(share):
    def change(inputs, seed):
        return shuffle_entities(inputs, int(share))

    return change


@dataclass
class Keeping:
    share: float

    def __call__(self, inputs, seed):
        return shuffle_entities(inputs, int(self.share))


@pytest.mark.parametrize("make", [keeping, Keeping, lambda share: Keeping(share).__call__])
def test_a_custom_arm_runs_again_when_a_value_in_its_state_changes(tmp_path, make):
    study = small_study(tmp_path)
    one, same, other = (study.fingerprint(own_arm(make(x)), 0) for x in (0.1, 0.1, 0.9))

    assert one == same != other


class Own:
    def __init__(self, found):
        self.found = found

    def __call__(self, texts):
        return [self.found for _ in texts]


def test_a_run_is_done_anew_with_other_features_mentions_or_ids(tmp_path):
    study = small_study(tmp_path)
    fever = [Mention(0, 5, (Candidate("EX:1", 1.0),))]
    split = study.split(0)
    renamed = replace(split, test=[replace(x, id=f"{x.id}'") for x in split.test])
    studies = [
        study,
        replace(study, features=tiny_features(study.graph, seed=1)),
        replace(study, linker=Own([])),
        replace(study, linker=CachingLinker(Own(fever))),
        replace(study, split=lambda seed: renamed),
    ]

    assert len({each.fingerprint(ARMS["knowledge"], 0) for each in studies}) == len(studies)
    again = replace(study, linker=Own(fever))
    assert again.fingerprint(ARMS["plain"], 0) == studies[3].fingerprint(ARMS["plain"], 0)


def test_a_run_is_known_again_where_the_encoder_of_its_linker_has_moved(tmp_path):
    here = save_plain(tmp_path / "here" / "models", "bert", KGBertModel)
    study = small_study(tmp_path, linker=make_linker(tiny_graph(), f"description:{here}"))
    before = study.fingerprint(ARMS["plain"], 0), describe_linker(study.linker)

    (tmp_path / "here").rename(tmp_path / "there")
    moved = here.replace("/here/", "/there/")
    study = replace(study, linker=make_linker(tiny_graph(), f"description:{moved}"))

    assert (study.fingerprint(ARMS["plain"], 0), describe_linker(study.linker)) == before
    assert str(tmp_path) not in str(before)


@pytest.mark.parametrize("name", MEASURES)
def test_the_arm_of_a_measure_adds_it_to_the_other_settings(tmp_path, name):
    shared = TrainingConfig(epochs=3, regularization=Regularization(dropout=0.15, l1=1e-5))
    study = replace(small_study(tmp_path), training_configs={"default": shared})

    config = study.training_config(ARMS[name])

    assert config == shared.changed({name.replace("-", "_"): MEASURES[name]})
    assert config != shared == study.training_config(ARMS["knowledge"])
    assert study.fingerprint(ARMS[name], 0) != study.fingerprint(ARMS["knowledge"], 0)


def test_the_arm_of_a_measure_is_trained_with_it(tmp_path):
    study = small_study(tmp_path, save_plain(tmp_path, "bert", KGBertModel))

    record = run_arm(study, ARMS["label-smoothing"], 0).record

    assert record.training_config.regularization == Regularization(label_smoothing=0.1)


def test_a_measure_that_does_not_apply_to_the_task_is_refused_before_training(tmp_path):
    study = replace(small_study(tmp_path), arms=[ARMS["label-smoothing"]], task=TASKS["regression"])

    with raises("loss-without-classes"):
        check_arms(study)
