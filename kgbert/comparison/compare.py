"""Run the arms of a study on paired seeds, resume a stopped study, and judge the results."""

import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from transformers import TrainerCallback

from kgbert.comparison.arms.pretrained import pretrained_arms
from kgbert.comparison.arms.registry import ARMS, Arm
from kgbert.comparison.arms.sources import source_arms
from kgbert.comparison.arms.transfer import transfer_arms
from kgbert.comparison.arms.verdict_arms import BASELINE, CONTROL, MAIN, check_names, check_once
from kgbert.comparison.budget import check_budget, within_budget
from kgbert.comparison.checks.examples import changed_predictions, coverage_of
from kgbert.comparison.checks.explanations import explain_by_saved_model
from kgbert.comparison.checks.leakage import leakage_warnings
from kgbert.comparison.learning_curve import compare_sizes
from kgbert.comparison.learning_rates import tuned
from kgbert.comparison.manifest import manifest
from kgbert.comparison.model_selection import best_run, can_be_kept, is_kept, keep_if_best
from kgbert.comparison.report.tables import render_latex
from kgbert.comparison.results import (
    ChangedPrediction,
    ComparisonResult,
    RunRecord,
    StudyRecord,
)
from kgbert.comparison.run import check_arms, run_arm
from kgbert.comparison.run_store import Train, attempt_run, finished_run, shared_runs
from kgbert.comparison.statistics.power import detectable_before, seeds_needed
from kgbert.comparison.statistics.summary import summarise
from kgbert.comparison.study import Study
from kgbert.data import Example, Source
from kgbert.data.splits import check_split
from kgbert.explanation.html import write_explanations
from kgbert.explanation.results import Explanation
from kgbert.features.entity_features import EntityFeatures
from kgbert.features.feature_sources import Features, checked_sources
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.core.sources import sources_of
from kgbert.linking.analysis.diagnosis import check_linked
from kgbert.linking.caching import CachingLinker
from kgbert.linking.factory import make_linker
from kgbert.linking.mention import Linker
from kgbert.reporting.formatting import duration
from kgbert.reporting.svg import Number
from kgbert.tasks.base import Task
from kgbert.tasks.registry import AUTO
from kgbert.training.config import TrainingConfig
from kgbert.training.evidence.grounding import (
    Ground,
    declared_labels,
    ground_task,
    read_ground,
    steps_of_paths,
)
from kgbert.training.splits import LabelledTexts, further_texts, task_and_splits
from kgbert.training.train import entity_features
from kgbert.training.trainer import StepProgress
from kgbert.utils.atomic_write import write_atomically
from kgbert.utils.errors import KGBertError, Remedy
from kgbert.utils.paths import EXPLANATIONS_FILE, MODEL_FOLDER, REPORT_FILE, RESULTS_FILE
from kgbert.utils.progress import LOG_REPORTER, Reporter
from kgbert.utils.registry import ARMS_GROUP, lookup

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StudyProgress:
    """The progress that is reported after each run."""

    done: int
    total: int
    arm: str
    seed: int
    outcome: str
    seconds_left: float

    def __str__(self) -> str:
        count = f"[{self.done}/{self.total}]"
        if not self.arm:
            return f"{count} {self.outcome}"
        left = f", about {duration(self.seconds_left)} left" if self.done < self.total else ""
        return f"{count} {self.arm}, seed {self.seed}: {self.outcome}{left}"


def compare(
    graph: KnowledgeGraph,
    texts: LabelledTexts,
    *,
    backbone: str,
    validation: Source | None = None,
    test: Source | None = None,
    columns: Mapping[str, str] | None = None,
    arms: Sequence[str | Arm] = (BASELINE, MAIN, CONTROL),
    seeds: int = 6,
    task: str | Task = AUTO,
    linker: str | Linker = "dictionary",
    ground: Ground = AUTO,
    paths: int | None = None,
    features: Features = None,
    pretrained: Sequence[str | Path] = (),
    transfer: Sequence[str | Path] = (),
    ablate_sources: bool = False,
    also_test: Sequence[Source] = (),
    output: str | Path = "kgbert-results",
    config: TrainingConfig | None = None,
    learning_rates: Sequence[float] = (),
    train_sizes: Sequence[int | None] = (None,),
    budget: Number | None = None,
    include_graph: bool | None = None,
    reporter: Reporter = LOG_REPORTER,
    command: Mapping[str, Any] | None = None,
) -> ComparisonResult:
    """Return whether a graph helps on labelled texts: every arm is trained on paired seeds.

    Unless there are parts for validation and test, each seed draws 60 % of the texts for training,
    20 % to validate and 20 % to test. Results, report and the best model go to the output folder,
    where a second call continues.

    Args:
        graph: The knowledge.
        texts: Labelled texts, as for :func:`kgbert.train`.
        backbone: Hub name or folder of the encoder.
        validation: Labelled texts that decide when to stop and which weights are kept.
        test: Labelled texts that every run is tested on.
        columns: Names of the columns by what they are: ``{"text": "sentence"}``.
        arms: Names of :data:`kgbert.ARMS` or of installed packages, or arms of your own.
        seeds: Number of paired seeds; a verdict needs six.
        task: Name of a task, a task of your own, or ``auto`` to infer it from the columns.
        linker: Name of a linker, or a linker of your own.
        ground: How the labels are entities of the graph, as for :func:`kgbert.train`.
        paths: Largest number of steps of the paths that are scored, as for :func:`kgbert.train`.
        features: Sources of the entities' vectors, as for :func:`kgbert.train`. The arm
            ``words-only`` then shows whether the vectors of a file add to the words.
        pretrained: Folders of encoders of :func:`kgbert.pretrain`; each adds a plain and a
            knowledge arm that start from it.
        transfer: Folders of models that were fine-tuned before, usually in another domain and with
            another graph; each adds a plain and a knowledge arm that start from its weights.
        ablate_sources: Whether a merged graph is also read without each of its sources, to learn
            which of them help.
        also_test: Further labelled texts that every run is tested on, such as those of another
            domain, to see what is forgotten or carries over.
        output: Folder of the results.
        config: How every arm is trained; the defaults if None.
        learning_rates: Learning rates of the encoder, of which each arm gets the best on the
            validation texts of two seeds; empty for the one of ``config``.
        train_sizes: Numbers of training texts of a learning curve; None stands for all texts.
        budget: Seconds that the training may take; arms and seeds that do not fit are left out.
        include_graph: As for :func:`kgbert.save_model`, for the best model.
        reporter: Shows the progress; the default logs it at level INFO.
        command: The arguments of the command line, which the results record.

    Raises:
        KGBertError: The texts cannot be learnt, linked or judged; nothing was trained.
    """
    check_budget(budget, learning_rates, train_sizes, [*pretrained, *transfer])
    label_entities = read_ground(ground)
    found_task, splits = task_and_splits(
        texts,
        validation=validation,
        test=test,
        task=task,
        columns=columns,
        labels=declared_labels(label_entities),
    )
    folder, split = Path(output), cache(splits)
    # A rare label may be in the training texts of some seeds only.
    labelled = [text for seed in range(max(1, seeds)) for text in split(seed).train]
    grounding = ground_task(found_task, labelled, graph, label_entities, reporter)
    steps = steps_of_paths(found_task, paths, labelled, grounding)
    study = Study(
        name=folder.absolute().name,
        folder=folder,
        graph=graph,
        features=_no_features(graph, features),
        backbone=backbone,
        linker=make_linker(graph, linker) if isinstance(linker, str) else linker,
        task=found_task,
        split=split,
        grounding=grounding,
        path_steps=steps,
        also_test=further_texts(also_test, found_task, split(0).train, columns, reporter),
        arms=[find_arm(arm) for arm in arms],
        seeds=range(seeds),
        training_configs={"default": config or TrainingConfig()},
        includes_graph=include_graph,
        command=dict(command or {}),
        seed_hint=_seed_hint(on_command_line=command is not None),
    )
    if ablate_sources:
        sources_of(graph)
    # What is wrong with the study is found before the entities are encoded, which may take long.
    check_study(study)
    vectors = entity_features(graph, backbone, study.linker, reporter, features)
    every_arm = [
        *study.arms,
        *pretrained_arms(pretrained, graph, reporter, features),
        *transfer_arms(transfer, folder, graph, reporter, study.also_test, found_task.name),
    ]
    if ablate_sources:
        every_arm += source_arms(graph, vectors, study.linker, reporter)
    check_names([arm.name for arm in every_arm])
    study = replace(study, features=vectors, arms=every_arm)
    if learning_rates:
        study = tuned(study, learning_rates, progress=reporter.message)
    if budget:
        study = _within_budget(study, budget, reporter)
    reporter.message(detectable_before(len(study.seeds)))
    return compare_sizes(study, train_sizes, partial(run_and_report, reporter=reporter))


def _no_features(graph: KnowledgeGraph, sources: Features) -> EntityFeatures:
    """Return features to check a study with, from the same sources as the real ones."""
    vectors = np.zeros((len(graph), 1), np.float16)
    return EntityFeatures(vectors, "", checked_sources(sources), graph.hash)


def _within_budget(study: Study, budget: Number, reporter: Reporter) -> Study:
    reporter.message("timing one run of each arm, unless one was finished before")
    planned = within_budget(study, budget, partial(run_and_report, reporter=reporter))
    reporter.message("\n".join(planned.budget))
    return planned


def run_and_report(study: Study, *, reporter: Reporter) -> ComparisonResult:
    """Run a study, and report each step and each run."""
    return run_study(
        study,
        progress=reporter.message,
        callbacks=[StepProgress(reporter.steps("training, step"))],
    )


def _seed_hint(*, on_command_line: bool) -> str:
    if on_command_line:
        return f"Run the same command with --seeds {seeds_needed()} or more."
    return f"Compare again with seeds={seeds_needed()} or more."


def find_arm(arm: str | Arm) -> Arm:
    """Return an arm by its name; an arm object is returned as it is.

    Raises:
        KGBertError: There is no arm of this name, here or in an installed package.
    """
    return arm if isinstance(arm, Arm) else lookup(ARMS, arm.strip(), "arm", ARMS_GROUP)


def run_study(
    study: Study,
    *,
    progress: Callable[[StudyProgress], None] = lambda step: None,
    callbacks: Sequence[TrainerCallback] = (),
) -> ComparisonResult:
    """Run the unfinished runs, and write ``results.json``, the report and the best model.

    Each finished run is one JSON file in ``runs``, identified by a hash of all its inputs. A stop
    loses at most the current run, and a second call repeats no finished run. Several processes,
    for example one on each GPU, can share the runs of one study. A failed run is recorded with its
    traceback and does not stop the others; the next call retries it.
    The report is ``report.html``, its tables are ``report.md`` and ``report.tex``. The saved model
    explains the test texts that the report quotes in ``explanations.html``.

    Args:
        study: The study to run.
        progress: Called after each run, and once for all earlier finished runs.
        callbacks: Trainer callbacks, called at every training step of each run.

    Raises:
        ValueError: The study cannot be judged, learnt or linked; nothing was trained.
    """
    study = replace(study, split=cache(study.split), linker=CachingLinker(study.linker))
    check_study(study)
    started = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    train = partial(run_arm, callbacks=callbacks)
    runs = _run_all(study, train, progress)
    if can_be_kept(study):
        _restore_best(study, runs, train, progress)
    elif study.keeps_model:
        logger.warning("no model of this comparison is kept: your own linker cannot be saved")
    record = replace(_study_record(study, runs, started), examples=_examples(study, runs))
    result = summarise(record, runs).with_runs(runs)
    write_atomically(study.folder / RESULTS_FILE, json.dumps(result.to_json(), indent=1))
    result.report(study.folder / REPORT_FILE)
    _write_explanations(study.folder / EXPLANATIONS_FILE, record.examples)
    write_atomically(study.folder / "report.md", result.to_markdown())
    write_atomically(study.folder / "report.tex", render_latex(result))
    return result


def check_study(study: Study) -> None:
    """Raise ValueError early for errors that would otherwise appear after hours of training."""
    check_names([arm.name for arm in study.arms])
    if not study.seeds:
        raise KGBertError(
            "there is no seed to run.", code="no-seeds", remedies=[Remedy("seeds", seeds_needed())]
        )
    check_once("seed", list(map(str, study.seeds)))
    for seed in study.seeds:
        check_split(study.split(seed), study.task)
    train = study.split(study.seeds[0]).train
    texts = [text for example in train for text in example.texts]
    check_linked(study.graph, study.linker, texts, study.grounding)
    check_arms(study)


def _run_all(
    study: Study, train: Train, progress: Callable[[StudyProgress], None]
) -> list[RunRecord]:
    """Run the missing runs, and return the records of all runs in the order of the study."""
    plan = [(study, arm, seed) for seed in study.seeds for arm in study.arms]
    found = {(arm.name, seed): finished_run(study, arm, seed) for _, arm, seed in plan}
    runs = {place: run for place, run in found.items() if run}
    if runs:
        progress(StudyProgress(len(runs), len(plan), "", 0, "finished before", 0.0))
    missing = [place for place in plan if (place[1].name, place[2]) not in runs]
    started, at_first = time.monotonic(), len(runs)
    for (_, arm, seed), run in shared_runs(missing, partial(_attempt, train=train)):
        runs[arm.name, seed] = run
        # Wall-clock time, because other processes may run some of them.
        each = (time.monotonic() - started) / (len(runs) - at_first)
        left = each * (len(plan) - len(runs))
        outcome = _outcome(study, run)
        progress(StudyProgress(len(runs), len(plan), arm.name, seed, outcome, left))
    return [runs[arm.name, seed] for _, arm, seed in plan]


def _attempt(study: Study, arm: Arm, seed: int, *, train: Train) -> RunRecord:
    if arm.name != MAIN or not can_be_kept(study):
        return attempt_run(study, arm, seed, train)
    # Read from the files: another process may have finished some runs.
    before = [run for other in study.seeds if (run := finished_run(study, arm, other))]
    return attempt_run(
        study, arm, seed, train, keep=lambda trained: keep_if_best(study, trained, before)
    )


def _finished_main_runs(runs: Iterable[RunRecord]) -> list[RunRecord]:
    return [run for run in runs if run.arm == MAIN and run.is_done]


def _restore_best(
    study: Study, runs: Sequence[RunRecord], train: Train, progress: Callable[[StudyProgress], None]
) -> None:
    """Retrain the best model if the folder has none, or one of other settings."""
    best = best_run(study, _finished_main_runs(runs))
    if best is None or is_kept(study, best):
        return
    outcome = (
        f"training it again: it is the best on validation, and not in {study.folder / MODEL_FOLDER}"
    )
    progress(StudyProgress(len(runs), len(runs), MAIN, best.seed, outcome, 0.0))
    arm = next(arm for arm in study.arms if arm.name == MAIN)
    keep_if_best(study, train(study, arm, best.seed), [])


def _examples(study: Study, runs: Sequence[RunRecord]) -> tuple[ChangedPrediction, ...]:
    """Return changed predictions, of the saved model's test texts if there is a saved model."""
    best = best_run(study, _finished_main_runs(runs))
    saved = [best.seed] if best and is_kept(study, best) else []

    def explain(seed: int, texts: Sequence[Example]) -> list[Explanation]:
        # Other seeds draw other test texts, which this model may have been trained on.
        return explain_by_saved_model(study, texts) if texts and seed in saved else []

    arms = (MAIN, BASELINE)
    seeds = [*saved, *study.seeds]
    return tuple(changed_predictions(study, runs, arms, seeds=seeds, explain=explain))


def _write_explanations(path: Path, examples: Sequence[ChangedPrediction]) -> None:
    """Write a page of explanations, or remove that of an earlier comparison."""
    explanations = [x.explanation for x in examples if x.explanation]
    if explanations:
        write_explanations(explanations, path)
    else:
        path.unlink(missing_ok=True)


def _outcome(study: Study, run: RunRecord) -> str:
    if not run.is_done:
        return f"failed: {run.error.strip().splitlines()[-1]}"
    metric = study.task.metric
    return f"{metric} {run.metrics[metric]:.3f}"


def _study_record(study: Study, runs: Sequence[RunRecord], started: str) -> StudyRecord:
    """Return the record of the study for the summary and the report."""
    task = study.task
    names = tuple(arm.name for arm in study.arms)
    return StudyRecord(
        name=study.name,
        task=task.name.replace("-", " "),
        metric=task.metric,
        main=MAIN,
        baseline=BASELINE,
        control=CONTROL if CONTROL in names else None,
        arms=names,
        seeds=tuple(study.seeds),
        descriptions={arm.name: arm.description for arm in study.arms},
        compares_labels=study.grounding is not None,
        coverage=coverage_of(study),
        manifest=manifest(study, started),
        tuning=study.tuning,
        command=dict(study.command),
        budget=tuple(study.budget),
        learning_curve=tuple(study.learning_curve),
        seed_hint=study.seed_hint,
        power_statement=detectable_before(len(study.seeds)),
        warnings=tuple(leakage_warnings(study)),
    )
