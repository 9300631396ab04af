"""Keep the model with the best validation score, also across stops and resumes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kgbert.comparison.results import RunRecord
from kgbert.comparison.run import RunResult
from kgbert.comparison.run_store import locked
from kgbert.comparison.study import Study
from kgbert.linking.factory import linker_settings
from kgbert.training.saving import save_model
from kgbert.utils.atomic_write import write_atomically
from kgbert.utils.json_records import from_json, to_json
from kgbert.utils.paths import MODEL_FOLDER


@dataclass(frozen=True)
class KeptModel:
    """The run that trained the model in the study's folder."""

    seed: int
    fingerprint: str
    validation: float


def best_run(study: Study, runs: Sequence[RunRecord]) -> RunRecord | None:
    """Return the run with the best validation score; the lowest seed wins a tie."""
    metric = study.task.metric
    return max(
        runs,
        key=lambda run: (_signed_score(study, run.validation[metric]), -run.seed),
        default=None,
    )


def keep_if_best(study: Study, result: RunResult, others: Sequence[RunRecord]) -> None:
    """Save a model in the study's folder if no other run has a better validation score.

    Args:
        study: The study, which has the folder.
        result: The new run and its model.
        others: The earlier finished runs of the same arm.
    """
    metric = study.task.metric
    # Several processes may run the study, and each sees only its own runs.
    with locked(study.folder / "model.lock"):
        rivals = [(_signed_score(study, run.validation[metric]), -run.seed) for run in others]
        if kept := _kept_model(study):
            rivals.append((_signed_score(study, kept.validation), -kept.seed))
        record = result.record
        own = (_signed_score(study, record.validation[metric]), -record.seed)
        if all(own >= rival for rival in rivals):
            _save(study, result)


def _signed_score(study: Study, score: float) -> float:
    """Return the score with its sign set so that greater is better."""
    return score if study.task.metrics[study.task.metric].greater_is_better else -score


def _save(study: Study, result: RunResult) -> None:
    record, metric = result.record, study.task.metric
    description = {
        "Study": study.name,
        "Seed": record.seed,
        "Texts": study.split(record.seed).sizes,
        f"Validation {metric}": f"{record.validation[metric]:.3f}",
        f"Test {metric}": f"{record.metrics[metric]:.3f}",
    }
    save_model(
        study.folder / MODEL_FOLDER,
        result.model,
        result.processor,
        description,
        include_graph=study.includes_graph,
    )
    kept = KeptModel(record.seed, record.fingerprint, record.validation[metric])
    write_atomically(_file(study), json.dumps(to_json(kept)))


def is_kept(study: Study, run: RunRecord) -> bool:
    """Return whether this run trained the model in the study's folder."""
    kept = _read_kept(study)
    return kept is not None and kept.fingerprint == run.fingerprint


def can_be_kept(study: Study) -> bool:
    """Return whether models of the study are saved; a linker of the user's own cannot be."""
    if not study.keeps_model:
        return False
    try:
        linker_settings(study.linker)
    except ValueError:
        return False
    return True


def _kept_model(study: Study) -> KeptModel | None:
    """Return the record of the model in the folder if it belongs to this study, else None."""
    kept = _read_kept(study)
    # The fingerprint of that seed alone: each one draws the seed's texts.
    if kept is None or kept.seed not in study.seeds:
        return None
    is_ours = kept.fingerprint in [study.fingerprint(arm, kept.seed) for arm in study.arms]
    return kept if is_ours else None


def _read_kept(study: Study) -> KeptModel | None:
    try:
        value = json.loads(_file(study).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return from_json(KeptModel, value, source=str(_file(study)))


def _file(study: Study) -> Path:
    return study.folder / MODEL_FOLDER / "best.json"
