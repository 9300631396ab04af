"""Search for the training settings of a task until a requirement is met, and test them once."""

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, partial
from math import floor
from pathlib import Path
from statistics import fmean, median
from typing import Any, NamedTuple

from transformers import TrainerCallback

from kgbert.comparison.arms.registry import ARMS, Arm
from kgbert.comparison.arms.verdict_arms import BASELINE, MAIN
from kgbert.comparison.learning_rates import ValidationOnly
from kgbert.comparison.model_selection import can_be_kept, is_kept, keep_if_best
from kgbert.comparison.results import DONE, FAILED, RunRecord, SliceScore
from kgbert.comparison.run import RunResult, check_arms, run_arm
from kgbert.comparison.run_store import attempt_run, finished_run, read_run, shared_runs
from kgbert.comparison.study import Study
from kgbert.data import Source
from kgbert.data.splits import Split, check_split
from kgbert.features.entity_features import EntityFeatures
from kgbert.features.feature_sources import Features
from kgbert.graph.core.graph import KnowledgeGraph
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
from kgbert.training.inference import evaluate
from kgbert.training.splits import LabelledTexts, task_and_splits
from kgbert.training.train import entity_features
from kgbert.training.trainer import StepProgress
from kgbert.tuning.diagnosis import Evidence, importance, limits
from kgbert.tuning.pruning import StopHopeless, Thresholds, is_still_pruned
from kgbert.tuning.results import PRUNED, Limit, Requirement, Trial, TuneResult
from kgbert.tuning.samplers import Sampler, default_search, sampler_of
from kgbert.tuning.space import (
    KNOWLEDGE_OPTIONS,
    LINKER,
    PRETRAINED,
    Options,
    SearchSpace,
    configure,
    default_space,
    read_space,
    typed,
)
from kgbert.tuning.table import shown, trial_table
from kgbert.utils.atomic_write import write_atomically
from kgbert.utils.errors import KGBertError, Remedy
from kgbert.utils.json_records import to_json
from kgbert.utils.paths import RESULTS_FILE
from kgbert.utils.progress import LOG_REPORTER, Reporter
from kgbert.utils.registry import lookup

#: Configurations of an arm that are chosen together, so that several processes can share them.
ROUND = 4

#: Trials of an arm if neither a number nor a budget is given.
TRIALS = 20

#: Training texts that are scored for the diagnosis, and the name of their slice in a record.
_SCORED_TEXTS = 500
_TRAINING_SLICE = "training texts"


def tune(
    graph: KnowledgeGraph,
    texts: LabelledTexts,
    *,
    backbone: str,
    until: str | None = None,
    budget: Number | None = None,
    trials: int | None = None,
    space: str | Path | Mapping[str, Any] | None = None,
    search: str | None = None,
    arms: Sequence[str] = (MAIN,),
    seeds: int = 2,
    validation: Source | None = None,
    test: Source | None = None,
    task: str | Task = AUTO,
    columns: Mapping[str, str] | None = None,
    linker: str | Linker = "dictionary",
    ground: Ground = AUTO,
    paths: int | None = None,
    features: Features = None,
    config: TrainingConfig | None = None,
    output: str | Path = "kgbert-tuning",
    reporter: Reporter = LOG_REPORTER,
    command: Sequence[str] = ("kgbert", "train", "GRAPH", "--texts", "FILE", "--backbone", "NAME"),
) -> TuneResult:
    """Search for the best training settings on the validation texts, and test them once.

    The search ends when the requirement is met on the validation texts, when the trials or the
    budget are used up, or when nothing is left to try. Only then, the best configuration is trained
    once more and tested. Finished trials are files in the output folder: a second call repeats
    none, and several processes share the trials.

    Args:
        graph: The knowledge.
        texts: Labelled texts, as for :func:`kgbert.train`; every trial uses the split of seed 0.
        backbone: Hub name or folder of the encoder.
        until: The requirement, for example ``accuracy>=0.85``; None to use up the trials.
        budget: Seconds of training, over all trials of all arms.
        trials: Maximum number of trials of each arm; 20 if there is no budget either.
        space: The options with their values, or a TOML or JSON file of them; None for a space that
            suits the task. See :data:`kgbert.tuning.space.OPTIONS`.
        search: ``grid``, ``random`` or ``bayesian``; None for bayesian if optuna is installed,
            else random.
        arms: ``knowledge``, ``plain``, or both, with as many trials each.
        seeds: Number of trainings of a promising configuration, whose mean score counts.
        validation: Labelled texts that choose weights and configurations.
        test: Labelled texts for the test.
        task: Name of a task, a task of your own, or ``auto`` to infer it from the columns.
        columns: Names of the columns by what they are: ``{"text": "sentence"}``.
        linker: Name of a linker, or a linker of your own.
        ground: How the labels are entities of the graph, as for :func:`kgbert.train`.
        paths: Largest number of steps of the paths that are scored, as for :func:`kgbert.train`.
        features: Sources of the entities' vectors, as for :func:`kgbert.train`.
        config: Settings that are not searched; the defaults if None.
        output: Folder of trials, results and the best model.
        reporter: Shows the progress; the default logs it at level INFO.
        command: The command line of a training without the searched options.

    Raises:
        KGBertError: Requirement, space or texts are invalid; nothing was trained.
    """
    _check_numbers(budget, trials, seeds)
    requirement = None if until is None else Requirement.parse(until)
    given_space = None if space is None else read_space(space)
    searched_arms = [_arm(name) for name in arms]
    label_entities = read_ground(ground)
    found_task, splits = task_and_splits(
        texts,
        validation=validation,
        test=test,
        task=task,
        columns=columns,
        labels=declared_labels(label_entities),
    )
    if requirement:
        requirement.check(found_task)
    split = splits(0)
    check_split(split, found_task)
    chosen_space = given_space or default_space(found_task)
    search = search or default_search()
    grounding = ground_task(found_task, split.train, graph, label_entities, reporter)
    steps = steps_of_paths(found_task, paths, split.train, grounding)
    inputs = _Inputs(graph, backbone, linker, features, reporter)
    base = Study(
        name=Path(output).absolute().name,
        folder=Path(output),
        graph=graph,
        features=inputs.features(backbone),
        backbone=backbone,
        linker=inputs.linker(None),
        task=found_task,
        split=lambda seed: split,
        grounding=grounding,
        path_steps=steps,
        arms=searched_arms,
        seeds=range(seeds),
        training_configs={"default": config or TrainingConfig()},
    )
    texts_to_link = [text for x in split.train for text in x.texts]
    check_linked(graph, base.linker, texts_to_link, base.grounding)
    check_arms(base)
    samplers = {arm.name: sampler_of(search, _space_of(arm, chosen_space)) for arm in searched_arms}
    if trials is None and budget is None:
        trials = TRIALS
    running = _Search(base, inputs, samplers, requirement, budget, trials, search)
    try:
        stopped = running.run()
    except KeyboardInterrupt:
        reporter.message("\n".join(running.interrupted()))
        raise
    return running.finish(stopped, command)


def _check_numbers(budget: Number | None, trials: int | None, seeds: int) -> None:
    for name, number, usual in (
        ("budget", budget, 3600),
        ("trials", trials, TRIALS),
        ("seeds", seeds, 2),
    ):
        if number is not None and number <= 0:
            raise KGBertError(
                f"{name} is {number}, so that nothing can be tried.",
                code="nothing-to-try",
                remedies=[Remedy(name, usual)],
            )


def _arm(name: str) -> Arm:
    """Return an arm that a search can be for."""
    choices = {MAIN: ARMS[MAIN], BASELINE: ARMS[BASELINE]}
    return lookup(choices, name.strip(), "arm of a search")


def _space_of(arm: Arm, space: SearchSpace) -> SearchSpace:
    """Return the options that have an effect on an arm."""
    if arm.name == MAIN:
        return space
    return {name: values for name, values in space.items() if name not in KNOWLEDGE_OPTIONS}


@dataclass(frozen=True)
class _Inputs:
    """Linkers and entity features, each made once."""

    graph: KnowledgeGraph
    backbone: str
    own_linker: str | Linker
    sources: Features
    reporter: Reporter
    _linkers: dict[str | None, Linker] = field(default_factory=dict)
    _features: dict[str, EntityFeatures] = field(default_factory=dict)

    def linker(self, name: str | None) -> Linker:
        """Return a linker by name; None for the one that was given."""
        if name not in self._linkers:
            wanted = self.own_linker if name is None else name
            made = make_linker(self.graph, wanted) if isinstance(wanted, str) else wanted
            self._linkers[name] = CachingLinker(made)
        return self._linkers[name]

    def features(self, backbone: str) -> EntityFeatures:
        """Return the entity features of an encoder."""
        if backbone not in self._features:
            linker = self.linker(None)
            self._features[backbone] = entity_features(
                self.graph, backbone, linker, self.reporter, self.sources
            )
        return self._features[backbone]


class Configuration(NamedTuple):
    """The options of a trial."""

    arm: Arm
    number: int
    options: Options


#: Identifies a run: arm, number of the trial, and seed.
Key = tuple[str, int, int]


@dataclass
class _Search:
    """A running search."""

    base: Study
    inputs: _Inputs
    samplers: Mapping[str, Sampler]
    requirement: Requirement | None
    budget: Number | None
    max_trials: int | None
    search: str
    trials: list[Trial] = field(default_factory=list)
    """The trials of all finished rounds."""
    configurations: list[Configuration] = field(default_factory=list)
    """The configurations of the current round."""
    records: dict[Key, RunRecord] = field(default_factory=dict)
    """The runs so far."""

    @property
    def metric(self) -> str:
        """The metric that is searched for."""
        return self.requirement.metric if self.requirement else self.base.task.metric

    @property
    def sign(self) -> int:
        """1 if a greater score is better, else -1."""
        return 1 if self.base.task.metrics[self.metric].greater_is_better else -1

    @cached_property
    def study(self) -> Study:
        """The study of the trials, which has the validation texts as test texts."""
        return replace(
            self.base,
            folder=self.base.folder / "trials",
            split=cache(ValidationOnly(self.base.split)),
            keeps_model=False,
        )

    def run(self) -> str:
        """Run trials until the search ends, and return why it ended."""
        while True:
            size, reason = self._round_size()
            if not size:
                return reason
            asked = {name: sampler.ask(size) for name, sampler in self.samplers.items()}
            if not any(asked.values()):
                return "every combination was tried"
            found = self._run_round(asked)
            for name, sampler in self.samplers.items():
                own = [trial for trial in found if trial.arm == name]
                scores = [trial.scores[0] * self.sign if trial.scores else None for trial in own]
                sampler.tell(scores)
            self.trials += found
            if self._always_fails():
                return f"all of the first {len(self.trials)} trials failed"
            best = self.best()
            if self.requirement and best and self.requirement.is_met(fmean(best.scores)):
                return "the requirement is met on the validation texts"

    def _always_fails(self) -> bool:
        """Return whether a full round of trials was tried and none of them could be trained."""
        tried = max((trial.number for trial in self.trials), default=0)
        return tried >= ROUND and all(trial.status == FAILED for trial in self.trials)

    def best(self) -> Trial | None:
        """Return the finished trial with the best mean score; the earliest wins a tie."""
        done = [trial for trial in self.trials if trial.is_done]
        return max(done, key=lambda x: (self.sign * fmean(x.scores), -x.number), default=None)

    def interrupted(self) -> list[str]:
        """Return the trials and the best one so far, after an interruption."""
        running = [trial for each in self.configurations if (trial := self._trial(each)).scores]
        trials = [*self.trials, *running]
        scored = [trial for trial in trials if trial.scores]
        if not scored:
            return ["no training was finished"]
        best = max(scored, key=lambda x: (x.is_done, self.sign * fmean(x.scores)))
        return [
            *trial_table(trials, self.metric),
            f"best so far: trial {best.number} of {best.arm}, {self.metric} "
            f"{fmean(best.scores):.3f} on validation: {shown(best.options)}",
        ]

    def _round_size(self) -> tuple[int, str]:
        """Return how many configurations of each arm are tried next, or why none is."""
        done = max((trial.number for trial in self.trials), default=0)
        size = ROUND if self.max_trials is None else min(ROUND, self.max_trials - done)
        if size <= 0:
            return 0, f"{done} trials of each arm were tried"
        if self.budget is None:
            return size, ""
        if not self.trials:
            return 1, ""  # its time tells how many fit
        spent = sum(trial.seconds for trial in self.trials)
        fitting = floor((self.budget - spent) / (spent / done)) if spent else size
        return max(0, min(size, fitting)), f"the budget of {duration(self.budget)} is used up"

    def _run_round(self, asked: Mapping[str, Sequence[Options]]) -> list[Trial]:
        """Run the configurations of all arms with the first seed, and the better half with all."""
        done = max((trial.number for trial in self.trials), default=0)
        self.configurations = [
            Configuration(self._arm(name), done + place, options)
            for place in range(1, max(map(len, asked.values())) + 1)
            for name, points in asked.items()
            for options in points[place - 1 : place]
        ]
        thresholds = {arm.name: self._thresholds(arm) for arm in self.base.arms}
        first, *others = self.base.seeds
        self._run([(each, first) for each in self.configurations], thresholds)
        promising = [each for each in self.configurations if self._is_promising(each)]
        self._run([(each, seed) for each in promising for seed in others], thresholds)
        trials = [self._trial(each) for each in self.configurations]
        self.configurations = []
        return trials

    def _arm(self, name: str) -> Arm:
        return next(arm for arm in self.base.arms if arm.name == name)

    def _first_runs(self, arm: Arm) -> list[RunRecord]:
        """Return the finished runs of an arm with the first seed."""
        first = self.base.seeds[0]
        return [
            run
            for (name, _, seed), run in self.records.items()
            if name == arm.name and seed == first and run.is_done
        ]

    def _thresholds(self, arm: Arm) -> Thresholds:
        """Return the thresholds of an arm; none where another metric is searched for.

        The history of a run has the main metric of the task only.
        """
        task = self.base.task
        if self.metric != task.metric:
            return Thresholds()
        greater = task.metrics[task.metric].greater_is_better
        return Thresholds.of(self._first_runs(arm), greater_is_better=greater)

    def _is_promising(self, configuration: Configuration) -> bool:
        """Return whether the first score of a trial is not below the median of its arm."""
        arm, number, _ = configuration
        run = self.records[arm.name, number, self.base.seeds[0]]
        scores = [self._signed_score(x) for x in self._first_runs(arm)]
        return run.is_done and self._signed_score(run) >= median(scores)

    def _signed_score(self, run: RunRecord) -> float:
        """Return a validation score with its sign set so that greater is better."""
        return self.sign * run.validation[self.metric]

    def _run(
        self, plan: Sequence[tuple[Configuration, int]], thresholds: Mapping[str, Thresholds]
    ) -> None:
        """Record the runs of a plan; those without a record are run."""
        places = [(self._study(each), each.arm, seed) for each, seed in plan]
        keys = {
            id(place): (each.arm.name, each.number, seed)
            for place, (each, seed) in zip(places, plan, strict=True)
        }
        train = partial(_train_trial, thresholds=thresholds, callbacks=self._callbacks())
        for place, run in shared_runs(
            places,
            partial(attempt_run, train=train),
            finished=partial(_finished, thresholds=thresholds),
        ):
            key = keys[id(place)]
            self.records[key] = run
            self.inputs.reporter.message(self._progress(key, run))

    def _callbacks(self) -> list[TrainerCallback]:
        return [StepProgress(self.inputs.reporter.steps("training, step"))]

    def _progress(self, key: Key, run: RunRecord) -> str:
        arm, number, seed = key
        outcome = (
            f"{self.metric} {run.validation[self.metric]:.3f} on validation"
            if run.validation
            else f"failed: {_last_line(run.error)}"
        )
        note = ", stopped early" if run.status == PRUNED else ""
        return f"[trial {number}] {arm}, seed {seed}: {outcome}{note}"

    def _study(self, configuration: Configuration) -> Study:
        """Return the study of a trial."""
        arm, _, options = configuration
        backbone = str(options.get(PRETRAINED, self.base.backbone))
        return replace(
            self.study,
            arms=[arm],
            backbone=backbone,
            features=self.inputs.features(backbone),
            linker=self.inputs.linker(options.get(LINKER)),
            training_configs={arm.name: self._config(options)},
        )

    def _config(self, options: Options) -> TrainingConfig:
        return configure(self.base.training_configs["default"], options)

    def _trial(self, configuration: Configuration) -> Trial:
        arm, number, options = configuration
        runs = [self.records.get((arm.name, number, seed)) for seed in self.base.seeds]
        known = [run for run in runs if run]
        errors = [_last_line(run.error) for run in known if run.error]
        is_done = all(run and run.is_done for run in runs)
        return Trial(
            number,
            arm.name,
            to_json(options),
            FAILED if errors else DONE if is_done else PRUNED,
            tuple(run.validation[self.metric] for run in known if run.validation),
            sum((run.seconds for run in known), start=0.0),
            *errors[:1],
        )

    def finish(self, stopped: str, command: Sequence[str]) -> TuneResult:
        """Train the best configuration once more, test it, and write the result."""
        best = self.best()
        if best is None:
            errors = [trial.error for trial in self.trials if trial.error]
            raise KGBertError(
                f"no trial was finished ({': '.join([stopped, *errors[:1]])}); the tracebacks are "
                f"in {self.study.folder}.",
                code="no-finished-trial",
                remedies=[Remedy("space", purpose="with values that can be trained")],
            )
        arm = self._arm(best.arm)
        trial_study = self._study(Configuration(arm, best.number, best.options))
        study = replace(
            trial_study, folder=self.base.folder, split=self.base.split, keeps_model=True
        )
        self.inputs.reporter.message(f"testing trial {best.number} of {best.arm}, once")
        run = self._tested(study, arm)
        found = TuneResult(
            task=study.task.name,
            metric=self.metric,
            requirement=self.requirement,
            search=self.search,
            trials=tuple(self.trials),
            best=best,
            config=self._config(best.options),
            importance=importance([x for x in self.trials if x.arm == best.arm]),
            test_metrics=dict(run.metrics),
            test_uses=len(list((study.folder / "runs").glob("*.json"))),
            train_score=_training_score(run, self.metric),
            command=_command(command, best),
            stopped=stopped,
        )
        validation = self.records[best.arm, best.number, study.seeds[0]]
        found = replace(found, limits=self._limits(found, validation, study))
        write_atomically(study.folder / RESULTS_FILE, json.dumps(found.to_json(), indent=1))
        return found

    def _tested(self, study: Study, arm: Arm) -> RunRecord:
        """Return the record of the test; made before, it counts if its model is in the folder."""
        seed = study.seeds[0]
        keep: Callable[[RunResult], None] = lambda result: None  # noqa: E731
        if can_be_kept(study):
            keep = lambda result: keep_if_best(study, result, [])  # noqa: E731
        attempt = partial(
            attempt_run, train=partial(_train_best, callbacks=self._callbacks()), keep=keep
        )
        ((_, run),) = shared_runs([(study, arm, seed)], attempt, finished=_finished_test)
        if not run.is_done:
            raise KGBertError(
                f"the test of the best configuration failed: {_last_line(run.error)}; its "
                f"traceback is in {study.folder / 'runs'}. The same command tries again.",
                code="test-failed",
            )
        return run

    def _limits(self, found: TuneResult, validation: RunRecord, study: Study) -> tuple[Limit, ...]:
        """Return why the requirement is not met, from the best configuration's first run."""
        if found.requirement is None:
            return ()
        slices = {
            name: (part.size, part.metrics.get(self.metric))
            for name, part in validation.slices.items()
            if name in ("linked", "unlinked")
        }
        split: Split = study.split(0)
        size = len(split.validation)
        reads_entities = found.best.arm == MAIN
        evidence = Evidence(
            scores=found.best.scores,
            test_score=found.test_score,
            train_score=found.train_score,
            train_size=len(split.train),
            validation_size=size,
            linked_share=slices.get("linked", (0, None))[0] / size if reads_entities else None,
            linked_scores={name: x for name, (_, x) in slices.items() if x is not None},
        )
        return limits(found.requirement, study.task.metrics[self.metric], evidence)


def _finished(
    study: Study, arm: Arm, seed: int, *, thresholds: Mapping[str, Thresholds]
) -> RunRecord | None:
    """Return the record of a finished run, or of one that is stopped in this search as well."""
    run = read_run(study, arm, seed)
    if run is None or run.is_done:
        return run
    is_pruned = run.status == PRUNED and is_still_pruned(run, thresholds[arm.name])
    return run if is_pruned else None


def _finished_test(study: Study, arm: Arm, seed: int) -> RunRecord | None:
    """Return the record of a finished test whose model is the kept one, if models are kept."""
    run = finished_run(study, arm, seed)
    return run if run and (not can_be_kept(study) or is_kept(study, run)) else None


def _train_trial(
    study: Study,
    arm: Arm,
    seed: int,
    *,
    thresholds: Mapping[str, Thresholds],
    callbacks: Sequence[TrainerCallback],
) -> RunResult:
    stop = StopHopeless(study.task.metric, thresholds[arm.name])
    result = run_arm(study, arm, seed, callbacks=[stop, *callbacks])
    if not stop.has_stopped:
        return result
    return replace(result, record=replace(result.record, status=PRUNED))


def _train_best(
    study: Study, arm: Arm, seed: int, *, callbacks: Sequence[TrainerCallback]
) -> RunResult:
    """Train and test the best configuration, and score its training texts for the diagnosis."""
    result = run_arm(study, arm, seed, callbacks=callbacks)
    some = study.split(seed).train[:_SCORED_TEXTS]
    encoded = study.task.encode(some, result.processor)
    scores = evaluate(result.model, result.processor, study.task, encoded)
    slices = {**result.record.slices, _TRAINING_SLICE: SliceScore(len(some), scores)}
    return replace(result, record=replace(result.record, slices=slices))


def _training_score(run: RunRecord, metric: str) -> float:
    score = run.slices[_TRAINING_SLICE].metrics[metric]
    assert score is not None
    return score


def _command(command: Sequence[str], best: Trial) -> str:
    """Return the command line that trains the best configuration."""
    if best.arm != BASELINE:
        return shlex.join([*command, *typed(best.options)])
    words = [*_without_options(command, _GRAPH_OPTIONS), *typed(best.options)]
    return shlex.join([*words, "--injected-layers=none", "--ground=none", "--paths=0"])


#: Options of what the plain arm does not do.
_GRAPH_OPTIONS = ("--ground", "--label-entities", "--paths", "--injected-layers")


def _without_options(words: Sequence[str], options: Sequence[str]) -> list[str]:
    """Return the words of a command line without some options, each of which takes one value.

    >>> _without_options(["train", "--paths", "2", "--ground=none", "x"], ["--paths", "--ground"])
    ['train', 'x']
    """
    kept, skips = [], False
    for word in words:
        name, equals, _ = word.partition("=")
        if not skips and name not in options:
            kept.append(word)
        skips = not skips and name in options and not equals
    return kept


def _last_line(error: str) -> str:
    return error.strip().splitlines()[-1] if error.strip() else ""
