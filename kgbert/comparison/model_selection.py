"""Keep the model that is best on validation, wherever a comparison was stopped and taken up."""

import json
from collections.abc import Sequence
from pathlib import Path

from kgbert.comparison.run import Trained
from kgbert.comparison.run_store import Run, locked
from kgbert.comparison.study import Study
from kgbert.linking.factory import linker_settings
from kgbert.training.saving import save_model
from kgbert.utils.atomic_write import write_atomically


def best_of(study: Study, runs: Sequence[Run]) -> Run | None:
    """Return the run with the best validation score, of equals the one with the lowest seed."""
    metric = study.task.metric
    sign = 1 if study.task.metrics[metric].greater_is_better else -1
    return max(runs, key=lambda run: (sign * run["validation"][metric], -run["seed"]), default=None)


def keep_if_best(study: Study, trained: Trained, others: Sequence[Run]) -> None:
    """Save a model in the study's folder if none of the other runs is better on validation.

    Args:
        study: Says where to.
        trained: The run that has just been done.
        others: The runs of the same arm that were finished before.
    """
    # Several processes may work on the study: what one of them has kept, others may not know of.
    with locked(study.folder / "model.lock"):
        if best_of(study, [*others, *_kept(study), trained.record]) is trained.record:
            _keep(study, trained)


def _keep(study: Study, trained: Trained) -> None:
    record, metric = trained.record, study.task.metric
    about = {
        "Study": study.name,
        "Seed": record["seed"],
        f"Validation {metric}": f"{record['validation'][metric]:.3f}",
        f"Test {metric}": f"{record['metrics'][metric]:.3f}",
    }
    save_model(
        study.folder / "model",
        trained.model,
        trained.processor,
        about,
        include_graph=study.includes_graph,
    )
    kept = {name: record[name] for name in ("seed", "fingerprint")}
    write_atomically(_file(study), json.dumps(kept | {"validation": record["validation"][metric]}))


def is_kept(study: Study, run: Run) -> bool:
    """Return whether the model in the study's folder is that of this run."""
    return bool(_told(study).get("fingerprint") == run["fingerprint"])


def can_be_kept(study: Study) -> bool:
    """Return whether models of the study are saved; a linker of the user's own cannot be."""
    if not study.keeps_model:
        return False
    try:
        linker_settings(study.linker)
    except ValueError:
        return False
    return True


def _kept(study: Study) -> list[Run]:
    """Return the run whose model is in the folder, if it is one of this study."""
    told = _told(study)
    # Of that seed alone: a fingerprint draws the seed's texts.
    if told.get("seed") not in study.seeds:
        return []
    if told["fingerprint"] not in [study.fingerprint(arm, told["seed"]) for arm in study.arms]:
        return []
    return [{"seed": told["seed"], "validation": {study.task.metric: told["validation"]}}]


def _told(study: Study) -> Run:
    """Return what is known of the model in the folder; nothing where there is none."""
    try:
        told: Run = json.loads(_file(study).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return told


def _file(study: Study) -> Path:
    return study.folder / "model" / "best.json"
