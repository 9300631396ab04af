import json
import subprocess
import sys
from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import pytest
from transformers import TrainerControl, TrainerState

from kgbert.cli import main
from kgbert.cli.commands import tune as command
from kgbert.comparison.results import EpochRecord, RunRecord, SliceScore
from kgbert.tasks.registry import TASKS
from kgbert.training.config import TrainingConfig
from kgbert.training.trainer import default_arguments
from kgbert.tuning import tune as tuning
from kgbert.tuning.pruning import Thresholds, is_still_pruned
from kgbert.tuning.results import PRUNED, TuneResult
from kgbert.tuning.tune import tune
from kgbert.utils.paths import MODEL_FOLDER
from tests.support.errors import raises
from tests.support.project.folder import PROJECT
from tests.support.small_study import RECIPE, InventedRuns, split_of
from tests.support.tiny import tiny_features, tiny_graph

SPACE = {"batch_size": [4, 8, 16], "dropout": [0.0, 0.3]}


@cache
def _arguments():
    return default_arguments("checkpoints", use_cpu=True, bf16=False)


class InventedTrials(InventedRuns):
    """Scores by configuration: larger batches and dropout are better; tests are recorded."""

    def __init__(self, monkeypatch):
        super().__init__(monkeypatch)
        self.tested, self.stop_after, self.linked = [], None, 3
        self.path_steps, self.feature_sources = set(), []
        monkeypatch.setattr(tuning, "run_arm", self.train)
        monkeypatch.setattr(tuning, "evaluate", lambda *given: {"accuracy": 0.99})
        monkeypatch.setattr(tuning, "entity_features", self.features)

    def features(self, graph, backbone, linker, reporter, sources):
        self.feature_sources.append(sources)
        return tiny_features(graph)

    def score(self, arm, config):
        dropout = config.regularization.dropout or 0.0
        return 0.5 + 0.01 * config.batch_size + dropout / 10 + 0.05 * (arm == "knowledge")

    def train(self, study, arm, seed, callbacks=(), **options):
        if self.stop_after is not None and len(self.done) >= self.stop_after:
            raise KeyboardInterrupt
        result = self.run(study, arm, seed)
        self.path_steps.add(study.path_steps)
        config, split = study.training_config(arm), study.split(seed)
        if split.test is not split.validation:
            self.tested.append((arm.name, config.batch_size, seed))
        score, history = self.score(arm.name, config) + 0.001 * seed, []
        stop = callbacks[0] if hasattr(callbacks[0], "has_stopped") else None
        for epoch in (1, 2, 3):
            history.append(EpochRecord(epoch, 0.1, score - 0.1 * (3 - epoch)))
            if stop:
                metrics = {"eval_accuracy": history[-1].validation}
                stop.on_evaluate(_arguments(), TrainerState(), TrainerControl(), metrics)
                if stop.has_stopped:
                    break
        record = replace(
            result.record,
            validation={"accuracy": history[-1].validation},
            metrics={"accuracy": score - 0.02},
            history=tuple(history),
            training_config=config,
            slices={"linked": SliceScore(self.linked, {"accuracy": 0.9})},
        )
        return replace(result, record=record)


@pytest.fixture
def trials(monkeypatch):
    return InventedTrials(monkeypatch)


def search(folder, **options):
    return tune(
        tiny_graph(),
        split_of()(0),
        **{
            "task": TASKS["text-classification"],
            "backbone": "no backbone",
            "space": SPACE,
            "search": "grid",
            "output": folder / "search",
            "config": RECIPE,
            **options,
        },
    )


def comparable(result):
    """Return a result without the times of its trials, which no two searches share."""
    timeless = replace(result.best, seconds=0.0)
    return replace(
        result, trials=tuple(replace(x, seconds=0.0) for x in result.trials), best=timeless
    )


def test_the_best_configuration_is_found_and_tested_once_by_the_first_seed(tmp_path, trials):
    result = search(tmp_path)

    assert result.best.options == {"batch_size": 16, "dropout": 0.3}
    assert trials.tested == [("knowledge", 16, 0)]
    assert result.test_uses == 1
    assert result.config.regularization.dropout == 0.3
    assert result.stopped == "every combination was tried"


def test_a_second_search_trains_nothing_and_gives_the_same_result(tmp_path, trials):
    first = search(tmp_path)
    count = len(trials.done)

    second = search(tmp_path)

    assert len(trials.done) == count
    assert second == first
    assert TuneResult.load(tmp_path / "search" / "results.json") == first


@pytest.mark.parametrize("way", ["grid", "random", "bayesian"])
def test_a_stopped_search_continues_and_gives_the_same_result(tmp_path, trials, way):
    whole = search(tmp_path / "whole", search=way, trials=6)
    count = len(trials.done)
    trials.done.clear()
    trials.stop_after = 5
    with pytest.raises(KeyboardInterrupt):
        search(tmp_path / "parts", search=way, trials=6)
    trials.stop_after = None

    continued = search(tmp_path / "parts", search=way, trials=6)

    assert len(trials.done) == count
    assert comparable(continued) == comparable(whole)


def test_after_an_interruption_the_best_so_far_is_reported(tmp_path, trials):
    class Messages:
        shown = []  # noqa: RUF012 - one test

        def message(self, text):
            self.shown.append(str(text))

        def steps(self, task):
            return lambda done, total: None

    trials.stop_after = 3

    with pytest.raises(KeyboardInterrupt):
        search(tmp_path, reporter=Messages())

    assert "best so far: trial 3 of knowledge, accuracy 0.630" in Messages.shown[-1]


@pytest.mark.parametrize("name", ["random", "bayesian"])
def test_a_search_begins_with_the_settings_that_were_given(tmp_path, trials, name):
    config = replace(RECIPE, batch_size=64)

    found = search(tmp_path, search=name, trials=3, config=config)

    assert [trial.options for trial in found.trials[:1]] == [{}]
    assert found.best.number == 1  # the larger the batch, the better the score
    assert found.config == config
    assert "best: trial 1 of knowledge: as given" in found.table()


def test_the_search_ends_after_the_round_that_meets_the_requirement(tmp_path, trials):
    result = search(tmp_path, until="accuracy>=0.62")

    assert len(result.trials) == 4
    assert (result.is_met_on_validation, result.is_met) == (True, True)
    assert result.limits == ()
    assert "accuracy >= 0.62: met on validation, met on test" in result.table()


def test_met_on_validation_and_missed_on_test_is_not_met(tmp_path, trials):
    result = search(tmp_path, until="accuracy>=0.735")

    assert (result.is_met_on_validation, result.is_met) == (True, False)
    assert "met on validation, not met on test" in result.table()
    assert [limit.cause for limit in result.limits] == ["noise", "data"]


def test_an_unmet_requirement_names_what_limits_it(tmp_path, trials):
    trials.linked = 1

    result = search(tmp_path, until="accuracy>=0.98")

    assert result.is_met is False
    assert [limit.cause for limit in result.limits] == ["noise", "data", "linking"] or [
        limit.cause for limit in result.limits
    ] == ["data", "linking"]
    assert "limited by data: The model has learnt its 24 training texts" in result.table()


def test_both_arms_get_as_many_trials_and_the_better_one_is_tested(tmp_path, trials):
    result = search(tmp_path, arms=["plain", "knowledge"], trials=5, search="random")

    counts = [sum(x.arm == arm for x in result.trials) for arm in ("plain", "knowledge")]
    assert counts == [5, 5]
    assert result.best.arm == "knowledge"
    assert [arm for arm, *_ in trials.tested] == ["knowledge"]


def test_options_of_the_knowledge_are_not_searched_for_the_plain_arm(tmp_path, trials):
    result = search(tmp_path, arms=["plain"], space={**SPACE, "injected_layers": [[1], [1, 3]]})

    assert {*result.trials[0].options} == {*SPACE}
    plain = "--injected-layers=none --ground=none --paths=0"
    assert result.command.endswith(f"--batch-size=16 --dropout=0.3 {plain}")


def test_trials_below_the_median_get_no_second_seed(tmp_path, trials):
    result = search(tmp_path)

    statuses = [trial.status for trial in result.trials]
    assert PRUNED in statuses
    assert all(len(x.scores) == 1 for x in result.trials if x.status == PRUNED)
    assert all(len(x.scores) == 2 for x in result.trials if x.is_done)


def test_a_hopeless_training_is_stopped_before_its_last_epoch(tmp_path, trials):
    space = {"batch_size": [16, 15, 14, 13, 2]}

    result = search(tmp_path, space=space)

    (last,) = [x for x in result.trials if x.options["batch_size"] == 2]
    records = [json.loads(x.read_text()) for x in (tmp_path / "search/trials/runs").iterdir()]
    (run,) = [x for x in records if x["training_config"]["batch_size"] == 2]
    assert last.status == run["status"] == PRUNED
    assert len(run["history"]) == 2


def test_a_failed_trial_is_reported_and_not_chosen(tmp_path, trials, monkeypatch):
    score = trials.score

    def fail(arm, config):
        if config.batch_size == 16:
            raise RuntimeError("out of memory")
        return score(arm, config)

    monkeypatch.setattr(trials, "score", fail)

    result = search(tmp_path)

    assert result.best.options["batch_size"] == 8
    assert [x.error for x in result.trials if x.status == "failed"] == [
        "RuntimeError: out of memory"
    ] * 2


def test_without_a_finished_trial_the_error_is_reported(tmp_path, trials, monkeypatch):
    def fail(arm, config):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(trials, "score", fail)

    with pytest.raises(ValueError, match="out of memory") as caught:
        search(tmp_path)

    assert caught.value.code == "no-finished-trial"
    assert trials.tested == []


def test_a_budget_bounds_the_time_of_all_trials(tmp_path, trials):
    trials.seconds = 0.05

    result = search(tmp_path, budget=0.4, seeds=1, space={"batch_size": list(range(2, 60))})

    assert 1 < len(result.trials) <= 8
    # The last trial may take a little longer than those before it.
    assert sum(x.seconds for x in result.trials) <= 0.4 + trials.seconds
    assert result.stopped.startswith("the budget")


def test_a_search_in_which_every_trial_fails_ends_after_a_round(tmp_path, trials, monkeypatch):
    def fail(arm, config):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(trials, "score", fail)

    with raises("no-finished-trial"):
        search(tmp_path, budget=3600, space={"batch_size": list(range(2, 60))})

    assert len(trials.done) <= 2 * tuning.ROUND


def test_a_search_for_another_metric_stops_no_trial_by_the_main_one(tmp_path, trials, monkeypatch):
    invented = trials.train

    def train(study, arm, seed, **options):
        result = invented(study, arm, seed, **options)
        record = result.record
        scores = {"macro_f1": record.validation["accuracy"], **record.validation}
        return replace(result, record=replace(record, validation=scores, metrics=scores))

    monkeypatch.setattr(tuning, "run_arm", train)
    monkeypatch.setattr(tuning, "evaluate", lambda *given: {"macro_f1": 0.9})
    space = {"batch_size": [16, 15, 14, 13, 2]}

    search(tmp_path, space=space, until="macro_f1>=0.99")

    records = [json.loads(x.read_text()) for x in (tmp_path / "search/trials/runs").iterdir()]
    assert {len(run["history"]) for run in records} == {3}


def test_paths_and_sources_of_features_reach_every_trial(tmp_path, trials):
    entity = tiny_graph().entity_ids[0]

    search(tmp_path, trials=2, ground={"ill": entity}, paths=2, features="vectors.npz")

    assert trials.path_steps == {2}
    assert trials.feature_sources == ["vectors.npz"]
    with raises("paths-without-grounding"):
        search(tmp_path, paths=2)


def test_the_command_passes_paths_and_features(tmp_path, monkeypatch):
    given = {}

    def searched(*sources, **options):
        given.update(options)
        return SimpleNamespace(table=lambda: "")

    task = TASKS["text-classification"]
    sources = SimpleNamespace(task=task, graph=tiny_graph(), split=split_of(), linker="dictionary")
    monkeypatch.setattr(command, "training_sources_of", lambda *rest: sources)
    monkeypatch.setattr(tuning, "tune", searched)
    typed = ["tune", "graph.obo", "--texts", "texts.csv", "--backbone", "encoder", "--quiet"]

    main([*typed, "--paths", "2", "--features", "v.npz", "--output", str(tmp_path / "search")])

    assert (given["paths"], given["features"]) == (2, "v.npz")


def test_the_folder_has_the_model_of_the_reported_configuration(tmp_path, trials):
    few = search(tmp_path, trials=4)
    search(tmp_path, trials=6)

    again = search(tmp_path, trials=4)
    search(tmp_path, trials=4)

    tested = [batch_size for _, batch_size, _ in trials.tested]
    best = few.best.options["batch_size"]
    assert again.best.options == few.best.options
    assert tested == [best, 16, best]


def test_importance_finds_the_option_that_decides(tmp_path, trials, monkeypatch):
    monkeypatch.setattr(trials, "score", lambda arm, config: 0.5 + 0.01 * config.batch_size)

    result = search(
        tmp_path, search="random", trials=12, space={**SPACE, "weight_decay": [0.0, 0.1]}
    )

    assert next(iter(result.importance)) == "batch_size"
    assert sum(result.importance.values()) == pytest.approx(1)


def test_the_requirement_may_be_another_metric_of_the_task(tmp_path, trials):
    with raises("unknown-name"):
        search(tmp_path, until="f1>=0.5")


@pytest.mark.parametrize(
    ("until", "code"),
    [
        ("accuracy", "invalid-requirement"),
        ("accuracy>=", "invalid-requirement"),
        ("accuracy>=1e", "invalid-requirement"),
        ("accuracy<=0.8", "wrong-direction"),
        ("accuracy>=85", "requirement-out-of-range"),
    ],
)
def test_a_requirement_that_cannot_be_is_refused(tmp_path, trials, until, code):
    with raises(code):
        search(tmp_path, until=until)

    assert trials.done == []


@pytest.mark.parametrize("options", [{"budget": 0}, {"trials": 0}, {"seeds": -1}])
def test_a_search_without_a_trial_is_refused(tmp_path, trials, options):
    with raises("nothing-to-try"):
        search(tmp_path, **options)


def test_an_arm_that_is_no_choice_of_a_search_is_refused(tmp_path, trials):
    with raises("unknown-name"):
        search(tmp_path, arms=["shuffled"])


def test_a_search_in_the_default_space_sets_options_of_the_training(tmp_path, trials):
    worst = replace(RECIPE, batch_size=1)

    result = search(tmp_path, space=None, search="random", trials=2, config=worst)

    assert result.config != TrainingConfig()
    assert "--learning-rate=" in result.command


def test_the_command_checks_the_requirement_and_names_the_model(tmp_path, monkeypatch, capsys):
    (tmp_path / "search" / MODEL_FOLDER).mkdir(parents=True)
    task = TASKS["text-classification"]
    sources = SimpleNamespace(task=task, graph=tiny_graph(), split=split_of(), linker="dictionary")
    result = SimpleNamespace(table=lambda: "the table")
    monkeypatch.setattr(command, "training_sources_of", lambda *rest: sources)
    monkeypatch.setattr(command, "check_output", lambda folder: None)
    monkeypatch.setattr(tuning, "tune", lambda *given, **options: result)
    typed = ["tune", "graph.obo", "--texts", "texts.csv", "--backbone", "encoder"]
    typed += ["--output", str(tmp_path / "search")]

    assert main([*typed, "--until", "accuracy>=0.8"]) == 0
    shown = capsys.readouterr().out
    assert main([*typed, "--until", "f1>=0.8"]) == 1

    assert "the table" in shown
    assert f"try      kgbert predict {tmp_path / 'search' / MODEL_FOLDER}" in shown
    assert "'f1'" in capsys.readouterr().err


def test_the_table_tells_what_decided_and_how_often_the_test_was_used(tmp_path, trials):
    result = search(
        tmp_path, search="random", trials=12, space={**SPACE, "pooling": ["mean", "head"]}
    )

    shown = replace(result, test_uses=2).table()

    assert f"importance of the options for {result.best.arm}: batch_size" in shown
    assert "pooling" in result.importance
    assert "the test texts have been used 2 times" in shown
    assert result.is_met is None


def test_a_file_that_is_no_result_of_a_search_is_refused(tmp_path):
    (tmp_path / "results.json").write_text('{"schema_version": 0}')

    with raises("schema-version"):
        TuneResult.load(tmp_path / "results.json")


def test_a_stopped_trial_stays_stopped_only_while_the_thresholds_would_stop_it():
    run = RunRecord("plain", 0, PRUNED, history=tuple(EpochRecord(n, 0.1, 0.5) for n in (1, 2)))

    assert is_still_pruned(run, Thresholds((0.6, 0.6)))
    assert not is_still_pruned(run, Thresholds((0.6, 0.5)))
    assert not is_still_pruned(run, Thresholds())


@pytest.mark.slow
def test_two_processes_share_the_trials_of_a_search(tmp_path, trials):
    whole = search(tmp_path / "alone", seeds=2)
    code = (
        "import json, os, pathlib, pytest, time\n"
        "from tests.tuning.test_tune import InventedTrials, comparable, search\n"
        "trials = InventedTrials(pytest.MonkeyPatch())\n"
        "trials.seconds = 0.3\n"
        f"folder = pathlib.Path({str(tmp_path)!r})\n"
        "(folder / f'{os.getpid()}.started').touch()\n"
        "while len(list(folder.glob('*.started'))) < 2: time.sleep(0.01)\n"
        "result = search(folder / 'shared', seeds=2)\n"
        "print(json.dumps([trials.done, comparable(result).to_json()]))"
    )
    command = [sys.executable, "-W", "ignore", "-c", code]
    options = {"stdout": subprocess.PIPE, "cwd": PROJECT, "text": True}

    processes = [subprocess.Popen(command, **options) for _ in range(2)]
    (first, result), (second, other) = (json.loads(x.communicate()[0]) for x in processes)

    assert first
    assert second
    assert len(first) + len(second) == len(trials.done)
    assert result == other == comparable(whole).to_json()
