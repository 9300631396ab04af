import errno
import json
import os
from dataclasses import replace

import pytest

from kgbert.comparison import compare, learning_rates
from kgbert.comparison.arms.registry import ARMS, Arm
from kgbert.comparison.compare import run_study
from kgbert.comparison.report.html import render_report
from kgbert.comparison.results import ComparisonResult
from kgbert.data import Example
from kgbert.data.splits import Split
from kgbert.features import feature_sources
from kgbert.linking.factory import make_linker
from kgbert.training.config import TrainingConfig
from kgbert.utils.progress import LogReporter
from tests.support.errors import raises
from tests.support.small_study import (
    EVERY_RUN,
    InventedRuns,
    run_files,
    small_study,
    split_of,
    texts,
)
from tests.support.tiny import tiny_features, tiny_graph


@pytest.fixture
def invented(monkeypatch):
    return InventedRuns(monkeypatch)


@pytest.fixture
def study(tmp_path):
    return small_study(tmp_path / "results")


def test_every_arm_runs_with_every_seed(study, invented):
    run_study(study)

    assert invented.done == EVERY_RUN


def test_second_call_repeats_no_run_and_returns_the_same_result(study, invented):
    first = run_study(study)
    second = run_study(study)

    assert len(invented.done) == len(EVERY_RUN)
    assert second.verdict == first.verdict
    assert second.arms == first.arms


def test_more_seeds_run_only_what_is_new(study, invented):
    run_study(study)
    run_study(replace(study, seeds=range(3)))

    assert invented.done[len(EVERY_RUN) :] == [(arm.name, 2) for arm in study.arms]


@pytest.mark.parametrize(
    "changes",
    [
        {"training_configs": {"default": TrainingConfig(epochs=3)}},
        {"split": split_of(sizes=(24, 6, 9))},
        {"linker": make_linker(tiny_graph(), "char-ngram")},
    ],
    ids=["training_config", "texts", "linker"],
)
def test_changed_settings_run_anew_and_lose_no_file(study, invented, changes):
    run_study(study)
    before = run_files(study)

    run_study(replace(study, **changes))

    assert invented.done == 2 * EVERY_RUN
    assert set(before) < set(run_files(study))
    assert len(run_files(study)) == 2 * len(before)


def test_interruption_keeps_finished_runs_and_leaves_no_half_file(study, invented):
    invented.failing["knowledge", 1] = KeyboardInterrupt()

    with pytest.raises(KeyboardInterrupt):
        run_study(study)
    kept = run_files(study)
    invented.failing.clear()
    run_study(study)

    assert len(kept) == 4
    assert all(name.endswith(".json") for name in kept)
    assert invented.done == [*EVERY_RUN[:5], *EVERY_RUN[4:]]
    assert not [path for path in study.folder.rglob("*") if path.name.startswith(".")]


def test_failed_run_is_recorded_and_ends_no_other(study, invented):
    invented.failing["knowledge", 0] = RuntimeError("out of memory")

    results = run_study(study)

    (missing,) = results.missing
    assert invented.done == EVERY_RUN
    assert (missing.arm, missing.seed, missing.reason) == ("knowledge", 0, "failed")
    assert "RuntimeError: out of memory" in missing.error
    assert "Traceback" in missing.error


def test_failed_run_is_tried_again(study, invented):
    invented.failing["knowledge", 0] = RuntimeError("out of memory")
    run_study(study)
    invented.failing.clear()

    results = run_study(study)

    assert invented.done == [*EVERY_RUN, ("knowledge", 0)]
    assert results.missing == ()


def test_comparison_in_which_all_fails_still_reports(study, invented):
    for place in EVERY_RUN:
        invented.failing[place] = RuntimeError("out of memory")

    results = run_study(study)

    assert results.verdict.outcome == "too few seeds"
    assert len(results.missing) == len(EVERY_RUN)


def test_verdict_states_how_many_seeds_are_missing(tmp_path, invented):
    invented.failing["plain", 5] = RuntimeError("out of memory")

    results = run_study(small_study(tmp_path, seeds=range(6)))

    sentence = results.verdict.sentence
    assert sentence.startswith("Too few seeds for a verdict: 5 complete, 6 needed")
    assert sentence.endswith("Run the same command again to fill in the missing ones.")


def test_too_few_seeds_give_no_verdict_but_a_remedy(study, invented):
    verdict = run_study(study).verdict

    assert verdict.outcome == "too few seeds"
    assert "Run the same command with --seeds 6 or more." in verdict.sentence


def test_each_run_is_reported_with_the_remaining_time(study, invented):
    reported = []

    run_study(study, progress=reported.append)

    assert [one.done for one in reported] == [1, 2, 3, 4, 5, 6]
    assert {one.total for one in reported} == {6}
    assert reported[0].outcome == "accuracy 0.500"
    assert reported[-1].seconds_left == 0


def test_earlier_finished_runs_are_reported_once(study, invented):
    run_study(study)
    reported = []

    run_study(study, progress=reported.append)

    assert [(one.done, one.arm, one.outcome) for one in reported] == [(6, "", "finished before")]


def test_results_file_gives_the_same_report(study, invented):
    run_study(study)
    results = ComparisonResult.load(study.folder / "results.json")

    page = (study.folder / "report.html").read_text(encoding="utf-8")
    assert render_report(results) == page
    assert results.study.manifest.graph.hash == study.graph.hash
    assert list(results.study.manifest.splits) == ["0", "1"]
    assert [(run.arm, run.seed) for run in results.runs] == EVERY_RUN


def test_changed_test_texts_of_the_saved_model_are_explained(tmp_path, monkeypatch):
    invented = InventedRuns(monkeypatch, validation={0: 0.5, 1: 0.9})
    study = small_study(tmp_path / "results")

    result = run_study(study)

    examples = result.study.examples
    assert invented.explained == [[example.text for example in examples]]
    assert {x.text for x in examples} <= {x.text for x in study.split(1).test}
    assert all(example.explanation.text == example.text for example in examples)
    assert ComparisonResult.load(study.folder / "results.json") == result
    page = (study.folder / "explanations.html").read_text(encoding="utf-8")
    assert all(example.text in page for example in examples)


def test_without_explanations_no_page_of_an_earlier_comparison_is_left(study, invented):
    run_study(study)
    invented.explains = False

    result = run_study(study)

    assert {example.explanation for example in result.study.examples} == {None}
    assert not (study.folder / "explanations.html").exists()


def test_nothing_is_explained_where_no_model_is_saved(study, invented):
    result = run_study(replace(study, keeps_model=False))

    assert len(result.study.examples) > 0
    assert invented.explained == []


def test_tables_are_written_for_papers_and_notes(study, invented):
    results = run_study(study)

    assert "| knowledge | 60.5" in (study.folder / "report.md").read_text(encoding="utf-8")
    assert "\\toprule" in (study.folder / "report.tex").read_text(encoding="utf-8")
    assert results.study.power_statement in render_report(results)


def test_linker_stands_in_the_manifest(study, invented):
    linker = run_study(study).study.manifest.linker
    own = replace(study, linker=lambda texts: study.linker(texts), keeps_model=False)

    assert list(linker) == ["dictionary"]
    assert isinstance(run_study(own).study.manifest.linker, str)


def test_the_remedy_for_too_few_seeds_comes_from_the_study(study, invented):
    verdict = run_study(replace(study, seed_hint="Ask for more.")).verdict

    assert verdict.sentence.endswith("Ask for more.")


def test_a_text_that_is_in_training_and_in_the_test_is_warned_of(tmp_path, invented):
    leaking = split_of()(0)
    leaking = Split(leaking.train, leaking.validation, [*leaking.test, leaking.train[0]])

    results = run_study(small_study(tmp_path, split=lambda seed: leaking))

    assert any("also occur in training: 1 of 9" in warning for warning in results.warnings)


def test_full_disk_is_one_error_and_nothing_half_written(study, invented, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match=r"could not write .*plain-0-.* \(No space left"):
            run_study(study)
    left = [path for path in study.folder.rglob("*") if path.is_file()]
    run_study(study)

    assert left == []
    assert invented.done == [EVERY_RUN[0], *EVERY_RUN]


def test_damaged_record_is_named(study, invented):
    run_study(study)
    name = run_files(study)[0]
    (study.folder / "runs" / name).write_text("{")

    with pytest.raises(ValueError, match=f"{name}: the record of a run is damaged .* delete"):
        run_study(study)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arms": [ARMS["knowledge"]]}, "the arms knowledge lack 'plain'"),
        ({"arms": []}, r"the arms \(none\) lack 'knowledge'"),
        ({"arms": [ARMS["plain"], *map(ARMS.get, ("plain", "knowledge"))]}, "'plain' is named 2"),
        ({"seeds": [1, 1]}, "the seed '1' is named 2 times"),
        ({"seeds": []}, "no seed to run. Use seeds=6"),
        ({"linker": lambda texts: [[] for _ in texts]}, "none of the 24 training texts mentions"),
        ({"split": split_of(sizes=(24, 6, 0))}, "test: there is no text"),
        (
            {"split": lambda seed: Split([Example("fever", "ill")] * 9, *2 * [[Example("", "x")]])},
            "all 9 texts have the label 'ill'",
        ),
    ],
    ids=["no plain", "no arm", "arm twice", "seed twice", "no seed", "no mention", "no test", "1"],
)
def test_what_cannot_be_judged_is_refused_before_training(study, invented, changes, message):
    with pytest.raises(ValueError, match=message):
        run_study(replace(study, **changes))

    assert invented.done == []
    assert not study.folder.exists()


def test_error_for_a_graph_that_no_text_mentions_has_a_reason_and_a_remedy(study, invented):
    elsewhere = [Example(f"dogs bark {i}", "ab"[i % 2]) for i in range(9)]

    with pytest.raises(ValueError, match=r"no word in common.*kgbert inspect GRAPH --texts FILE"):
        run_study(replace(study, split=lambda seed: Split(elsewhere, elsewhere, elsewhere)))


class Recorder(LogReporter):
    def __init__(self, messages):
        self.messages = messages

    def message(self, text):
        self.messages.append(str(text))


class TestOneCall:
    @pytest.fixture
    def features(self, invented, monkeypatch):
        monkeypatch.setattr(
            feature_sources, "encode_entities", lambda graph, _, **rest: tiny_features(graph)
        )

    def test_examples_and_a_named_task_give_a_typed_result(self, tmp_path, invented, features):
        result = compare.compare(
            tiny_graph(),
            texts(),
            backbone="none",
            seeds=2,
            task="text-classification",
            output=tmp_path / "out",
        )

        assert invented.done == EVERY_RUN
        assert result == ComparisonResult.load(tmp_path / "out" / "results.json")
        assert result.verdict.outcome == "too few seeds"
        assert "seeds=6" in result.verdict.sentence
        assert "knowledge over shuffled" in result.table()
        assert result.to_markdown() == (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
        assert result.report(tmp_path / "again.html").exists()

    def test_finished_runs_are_logged(self, tmp_path, invented, features, caplog):
        caplog.set_level("INFO", logger="kgbert.utils.progress")

        compare.compare(
            tiny_graph(),
            texts(),
            backbone="none",
            seeds=2,
            task="text-classification",
            output=tmp_path / "out",
        )

        assert [x for x in caplog.messages if x.startswith("[6/6] shuffled, seed 1: accuracy")]

    def test_the_task_is_inferred_from_a_file_and_custom_arms_run_with_named_ones(
        self, tmp_path, invented, features
    ):
        rows = [f"{example.text},{example.target}" for example in texts()]
        (tmp_path / "notes.csv").write_text("\n".join(["text,label", *rows]))

        result = compare.compare(
            tiny_graph(),
            tmp_path / "notes.csv",
            backbone="none",
            arms=["plain", "knowledge", Arm("own", "an arm of one's own")],
            seeds=1,
            output=tmp_path / "out",
        )

        assert result.study.task == "text classification"
        assert [arm.name for arm in result.arms] == ["plain", "knowledge", "own"]

    def test_a_learning_curve_and_a_search_for_rates_report_each_step(
        self, tmp_path, invented, features, monkeypatch
    ):
        monkeypatch.setattr(learning_rates, "run_arm", invented.run)
        messages = []

        result = compare.compare(
            tiny_graph(),
            split_of(),
            backbone="none",
            task="text-classification",
            arms=["plain", "knowledge"],
            seeds=1,
            output=tmp_path / "out",
            learning_rates=(1e-4, 2e-4),
            train_sizes=(8, None),
            reporter=Recorder(messages),
        )

        assert [point.size for point in result.study.learning_curve] == [8]
        assert result.study.tuning.rates == (1e-4, 2e-4)
        assert messages[-1].startswith("[2/2] knowledge, seed 0: accuracy")
        assert any(message.startswith("[search 4/4] knowledge") for message in messages)

    def test_a_budget_plans_arms_and_seeds(self, tmp_path, invented, features):
        invented.seconds = 0.05
        call = {"backbone": "none", "task": "text-classification", "output": tmp_path / "out"}

        result = compare.compare(tiny_graph(), split_of(), **call, budget=0.01)

        assert len(result.study.seeds) == 1
        assert result.study.budget[0].startswith("Planned for")
        assert "budget=" in result.verdict.sentence

    def test_a_budget_excludes_a_learning_curve_before_anything_is_read(self):
        with raises("conflicting-options"):
            compare.compare(tiny_graph(), [], backbone="none", budget=60, train_sizes=(8, None))

    def test_examples_without_a_task_are_refused(self, invented):
        with raises("unnamed-task"):
            compare.compare(tiny_graph(), texts(), backbone="none")


class TestTheBestModel:
    @pytest.fixture
    def invented(self, monkeypatch):
        return InventedRuns(monkeypatch, validation={0: 0.6, 1: 0.8, 2: 0.8, 3: 0.7})

    def kept(self, study):
        return json.loads((study.folder / "model" / "best.json").read_text())["seed"]

    def test_is_the_best_on_validation(self, study, invented):
        run_study(replace(study, seeds=range(4)))

        assert invented.saved == [0, 1]
        assert self.kept(study) == 1

    def test_is_saved_without_the_graph_on_request_of_the_study(self, study, invented):
        run_study(replace(study, includes_graph=False))

        assert set(invented.graphs) == {False}

    def test_is_kept_when_later_seeds_are_worse(self, study, invented):
        run_study(study)
        run_study(replace(study, seeds=range(4)))

        assert invented.saved == [0, 1]

    def test_replaces_the_model_of_other_settings(self, study, invented):
        run_study(study)
        invented.validation = {0: 0.3, 1: 0.2}

        run_study(replace(study, training_configs={"default": TrainingConfig(epochs=3)}))

        assert invented.saved == [0, 1, 0]
        assert self.kept(study) == 0

    def test_is_trained_again_where_it_was_lost(self, study, invented):
        run_study(study)
        (study.folder / "model" / "best.json").unlink()
        reported = []

        run_study(study, progress=reported.append)

        assert invented.done == [*EVERY_RUN, ("knowledge", 1)]
        assert invented.saved == [0, 1, 1]
        assert "training it again" in reported[-1].outcome

    def test_is_not_kept_where_its_linker_cannot_be(self, study, invented, caplog):
        # A command run in this process before may have silenced this logger.
        caplog.set_level("WARNING", "kgbert.comparison.compare")
        own = replace(study, linker=lambda texts: study.linker(texts))

        run_study(own)

        assert invented.saved == []
        assert "your own linker cannot be saved" in caplog.text
