"""The records of a comparison: its runs, their summary, and how they were produced.

All of them are frozen dataclasses that JSON represents without loss. ``results.json`` is a
:class:`ComparisonResult`, and each file of ``runs`` is a :class:`RunRecord`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kgbert.comparison.statistics.alternative_tests import Interval, StochasticOrder
from kgbert.comparison.statistics.sign_flip import PairedSummary
from kgbert.comparison.statistics.verdict import Verdict
from kgbert.explanation.results import Explanation
from kgbert.reporting.svg import Number
from kgbert.training.config import TrainingConfig
from kgbert.utils.errors import KGBertError
from kgbert.utils.json_records import from_json, to_json

#: Incremented whenever files of an older version can no longer be read.
SCHEMA_VERSION = 1

DONE, FAILED, NOT_RUN = "done", "failed", "not run"


#: The beginning of the name of the scores on further texts, which are no slice of the test set.
ALSO_TESTED = "also tested: "


@dataclass(frozen=True)
class SliceScore:
    """The scores of one run on a slice of its test texts."""

    size: int
    """Number of texts with something to score."""
    metrics: Mapping[str, float | None]


@dataclass(frozen=True)
class Cost:
    """Time, memory and size of a run; None where they were not measured."""

    pretrain_seconds: Number | None = None
    """Time of the pretraining of the encoder, if kgbert pretrained it."""
    train_seconds: Number | None = None
    predict_seconds: Number | None = None
    peak_memory_mb: Number | None = None
    parameters: Number | None = None
    added_parameters: Number | None = None


@dataclass(frozen=True)
class EpochRecord:
    """Training loss and validation score after an epoch."""

    epoch: Number
    train_loss: float | None
    validation: float


@dataclass(frozen=True)
class ItemScores:
    """Which test items a run answered correctly, under ids that do not reveal the texts."""

    ids: tuple[str, ...]
    correct: tuple[int, ...]
    documents: tuple[str, ...] = ()
    """The document of each item; empty where every item is a document of its own."""
    gold: tuple[str, ...] = ()
    """The right answers in words; empty like ``answers``."""
    answers: tuple[str, ...] = ()
    """The answers in words; empty where a task's answers are no single words."""

    @property
    def clusters(self) -> tuple[str, ...]:
        """The document of each item."""
        return self.documents or self.ids


@dataclass(frozen=True)
class RunRecord:
    """One arm trained and tested with one seed."""

    arm: str
    seed: int
    status: str
    """``done`` or ``failed``."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Scores on all test texts."""
    slices: Mapping[str, SliceScore] = field(default_factory=dict)
    validation: Mapping[str, float] = field(default_factory=dict)
    """Scores on the validation texts, of the epoch that was kept."""
    cost: Cost = Cost()
    items: ItemScores | None = None
    history: tuple[EpochRecord, ...] = ()
    best_epoch: Number | None = None
    training_config: TrainingConfig | None = None
    """Training settings with the options of the arm."""
    fingerprint: str = ""
    seconds: float = 0.0
    """Wall-clock time of the whole run, including steps shared by all arms."""
    error: str = ""
    """Traceback of a failed run."""

    @property
    def is_done(self) -> bool:
        """Whether the run finished."""
        return self.status == DONE

    def to_json(self) -> dict[str, Any]:
        """Return the record as JSON values."""
        return {"schema_version": SCHEMA_VERSION, **to_json(self)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any], *, source: str = "run") -> "RunRecord":
        """Return the record that :meth:`to_json` wrote.

        Raises:
            KGBertError: The value is no record, or has another schema version.
        """
        return from_json(cls, _unversioned(value, source), source=source)


@dataclass(frozen=True)
class Coverage:
    """Linking coverage of the test texts."""

    texts_with_mention: float
    mentions_per_text: float = 0.0


@dataclass(frozen=True)
class Hardware:
    """The machine."""

    processor: str
    threads: int
    accelerator: str


@dataclass(frozen=True)
class GraphInfo:
    """The graph of a comparison."""

    source: str = ""
    version: str = ""
    licence: str = ""
    entities: int = 0
    edges: int = 0
    hash: str = ""


@dataclass(frozen=True)
class BackboneInfo:
    """The encoder that was fine-tuned, and the one that computed the entity features."""

    name: str
    features_hash: str = ""


@dataclass(frozen=True)
class SplitInfo:
    """Sizes of the parts of a split, and a hash of its texts and labels."""

    train: int
    validation: int
    test: int
    hash: str = ""


@dataclass(frozen=True)
class Manifest:
    """Everything that is needed to reproduce a comparison."""

    versions: Mapping[str, str] = field(default_factory=dict)
    """Versions of Python and of the packages that may change a result."""
    hardware: Hardware | None = None
    graph: GraphInfo = GraphInfo()
    backbone: BackboneInfo | None = None
    linker: Mapping[str, Any] | str | None = None
    """Settings of each part of the linker by its name, or the name of a linker of the user's
    own; None in results of older versions."""
    splits: Mapping[str, SplitInfo] = field(default_factory=dict)
    """By seed."""
    training_configs: Mapping[str, TrainingConfig] = field(default_factory=dict)
    """By arm."""
    started: str = ""
    finished: str = ""

    @property
    def train_size(self) -> int:
        """Number of training texts of the first seed."""
        return next(iter(self.splits.values())).train

    def sizes(self, part: str) -> str:
        """Return the number of texts of a part of the split, as a range if the seeds differ.

        Args:
            part: ``train``, ``validation`` or ``test``.

        >>> Manifest(splits={"0": SplitInfo(60, 20, 18), "1": SplitInfo(58, 20, 20)}).sizes("test")
        '18 to 20'
        """
        numbers = sorted({getattr(split, part) for split in self.splits.values()})
        return " to ".join(f"{number:,}" for number in dict.fromkeys([*numbers[:1], *numbers[-1:]]))


@dataclass(frozen=True)
class TuningTrial:
    """The validation scores of an arm with one learning rate, by seed; None for a failed run."""

    arm: str
    rate: float
    validation: tuple[float | None, ...]


@dataclass(frozen=True)
class TuningResult:
    """The learning rates tried for each arm, and the chosen one."""

    metric: str
    rates: tuple[float, ...]
    seeds: tuple[int, ...]
    trials: tuple[TuningTrial, ...]
    chosen: Mapping[str, float]


@dataclass(frozen=True)
class LearningCurvePoint:
    """The results of a comparison with one training set size."""

    size: int
    means: Mapping[str, float | None]
    """Mean test score by arm."""
    differences: Mapping[str, PairedSummary | None]
    """Main arm minus baseline and minus control, by the arm subtracted."""
    outcome: str


@dataclass(frozen=True)
class ChangedPrediction:
    """A test text that one of two arms answers correctly and the other does not."""

    text: str
    gold: str
    predictions: Mapping[str, str]
    """By arm."""
    entities: tuple[str, ...]
    """Names of the entities that the text mentions."""
    explanation: Explanation | None = None
    """Why the saved model answers as it does; None if it was trained with another seed, or cannot
    be explained."""


@dataclass(frozen=True)
class StudyRecord:
    """What was compared and how, as recorded in the results and the report."""

    name: str
    task: str
    metric: str
    main: str
    """The arm that is judged."""
    baseline: str
    """The arm without knowledge."""
    control: str | None
    """The arm with wrong knowledge; None if none was run."""
    arms: tuple[str, ...]
    seeds: tuple[int, ...]
    descriptions: Mapping[str, str] = field(default_factory=dict)
    """One sentence by arm."""
    compares_labels: bool = False
    """Whether texts are compared with the entities of their labels."""
    coverage: Coverage | None = None
    manifest: Manifest = Manifest()
    tuning: TuningResult | None = None
    command: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of the command that started the study."""
    budget: tuple[str, ...] = ()
    """The plan for the time budget, and what was left out."""
    learning_curve: tuple[LearningCurvePoint, ...] = ()
    """Results with fewer training texts."""
    seed_hint: str = ""
    """What to do where the seeds are too few for a verdict."""
    power_statement: str = ""
    """The detectable effect, as stated before the first run."""
    examples: tuple[ChangedPrediction, ...] = ()
    warnings: tuple[str, ...] = ()
    """Signs of leakage."""
    provenance: str = ""
    """Where the runs come from, if not all from one call."""
    amendment: str = ""
    """Later reruns and additions."""

    @property
    def judged_arms(self) -> tuple[str, ...]:
        """The arms of the verdict: main, baseline and, if it was run, control."""
        has_control = self.control is not None and self.control in self.arms
        return (self.main, self.baseline, *((self.control or "",) if has_control else ()))


@dataclass(frozen=True)
class TrainingCurve:
    """The epochs of one run."""

    seed: int
    best_epoch: Number | None
    history: tuple[EpochRecord, ...]


@dataclass(frozen=True)
class ArmSummary:
    """The runs of one arm."""

    name: str
    seeds: tuple[int, ...]
    """Its finished seeds."""
    scores: tuple[float, ...]
    """Test score in the metric of the study, by these seeds."""
    mean: float | None
    sd: float | None
    failed: tuple[int, ...]
    metrics: Mapping[str, float]
    """Means of all test metrics."""
    validation: Mapping[str, float]
    cost: Cost
    """Medians."""
    cost_ratio: Cost
    """Medians in relation to those of the baseline."""
    training_config: TrainingConfig | None
    curves: tuple[TrainingCurve, ...]


@dataclass(frozen=True)
class ItemLevelTest:
    """Two arms compared item by item, where all seeds share one test set."""

    items: int
    summary: PairedSummary
    """Of the differences, those of one document flipped together."""


@dataclass(frozen=True)
class AlternativeTests:
    """Results of further tests that do not affect the verdict."""

    stochastic_order: StochasticOrder
    bca_interval: Interval
    bca_coverage: float
    """Share of simulated comparisons in which such an interval contains the true mean."""
    mcnemar: tuple[float, ...]
    """The p by seed; empty where items are not independent or accuracy is not the metric."""


@dataclass(frozen=True)
class PairedDifference:
    """One arm minus another over the complete seeds."""

    first: str
    second: str
    seeds: tuple[int, ...]
    differences: tuple[float, ...]
    summary: PairedSummary | None
    """None without a seed."""
    detectable: float | None
    """The true difference that these seeds detect with 80 % power, given their spread."""
    item_level: ItemLevelTest | None
    alternative_tests: AlternativeTests | None


@dataclass(frozen=True)
class SliceResult:
    """Main arm minus baseline on a slice of the test texts."""

    name: str
    size: Number
    """Mean number of texts over the seeds."""
    means: Mapping[str, float | None]
    """Mean score by judged arm."""
    differences: tuple[float, ...]
    summary: PairedSummary


@dataclass(frozen=True)
class KnowledgeCeiling:
    """Upper bound of the gain, since knowledge only acts on linked texts."""

    linked_share: float
    largest_gain: float


@dataclass(frozen=True)
class MissingRun:
    """A requested run without a finished record."""

    arm: str
    seed: int
    reason: str
    error: str = ""


@dataclass(frozen=True)
class ComparisonResult:
    """A finished comparison: verdict, numbers, and the runs they come from."""

    study: StudyRecord
    verdict: Verdict
    remarks: tuple[str, ...]
    """Sentences that qualify the verdict."""
    warnings: tuple[str, ...]
    """Signs of leakage and of unequal conditions."""
    complete_seeds: tuple[int, ...]
    """Seeds finished in all judged arms."""
    missing: tuple[MissingRun, ...]
    arms: tuple[ArmSummary, ...]
    comparisons: tuple[PairedDifference, ...]
    slices: tuple[SliceResult, ...]
    ceiling: KnowledgeCeiling | None
    runs: tuple[RunRecord, ...] = ()

    def arm(self, name: str) -> ArmSummary:
        """Return the summary of an arm."""
        return next(arm for arm in self.arms if arm.name == name)

    def with_runs(self, runs: Sequence[RunRecord]) -> "ComparisonResult":
        """Return the result with the records of its runs."""
        return replace(self, runs=tuple(runs))

    def table(self) -> str:
        """Return the tables and the verdict as aligned text."""
        from kgbert.comparison.report.tables import render_table

        return render_table(self)

    def to_markdown(self) -> str:
        """Return the verdict and the tables as Markdown."""
        from kgbert.comparison.report.tables import render_markdown

        return render_markdown(self)

    def report(self, path: str | Path) -> Path:
        """Write the report as one self-contained HTML file, and return its path."""
        from kgbert.comparison.report.html import write_report

        return write_report(self, path)

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {"schema_version": SCHEMA_VERSION, **to_json(self)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any], *, source: str = "results") -> "ComparisonResult":
        """Return the result that :meth:`to_json` wrote.

        Raises:
            KGBertError: The value is no result, or has another schema version.
        """
        return from_json(cls, _unversioned(value, source), source=source)

    @classmethod
    def load(cls, path: str | Path) -> "ComparisonResult":
        """Return the result in a ``results.json``.

        Raises:
            KGBertError: The file does not exist, or contains no result.
        """
        try:
            value = json.loads(Path(path).read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise KGBertError(
                f"{path}: the file does not exist.", code="missing-results"
            ) from error
        except ValueError as error:
            raise KGBertError(f"{path} is not JSON ({error}).", code="invalid-results") from error
        return cls.from_json(value, source=str(path))


def _unversioned(value: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Return the fields of a record after checking its schema version."""
    version = value.get("schema_version") if isinstance(value, Mapping) else None
    if version != SCHEMA_VERSION:
        found = "no schema version" if version is None else f"schema version {version}"
        raise KGBertError(
            f"{source} has {found}, and this version of kgbert reads version {SCHEMA_VERSION}; run "
            "the comparison again.",
            code="schema-version",
        )
    return {name: entry for name, entry in value.items() if name != "schema_version"}
