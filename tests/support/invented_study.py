"""An invented study and its runs as JSON, for the tests of summary, verdict and report."""

import hashlib
import json

import numpy as np

from kgbert.comparison.results import SCHEMA_VERSION, ComparisonResult, RunRecord, StudyRecord
from kgbert.comparison.statistics.summary import summarise
from kgbert.utils.json_records import from_json

ARMS = ("plain", "knowledge", "shuffled")
SLICES = ("linked", "unlinked", "mentions seen in training", "mentions unseen in training")


def study(seeds=6, arms=ARMS, **changes):
    return {
        "name": "invented",
        "task": "text classification",
        "metric": "accuracy",
        "main": "knowledge",
        "baseline": "plain",
        "control": "shuffled",
        "arms": list(arms),
        "seeds": list(range(seeds)),
        "coverage": {"texts_with_mention": 0.63},
        **changes,
    }


def run(arm, seed, accuracy, **changes):
    items = 40
    correct = np.arange(items) < round(items * accuracy)
    return {
        "schema_version": SCHEMA_VERSION,
        "arm": arm,
        "seed": seed,
        "status": "done",
        "error": "",
        "metrics": {"accuracy": accuracy, "macro_f1": accuracy - 0.05, "micro_f1": accuracy},
        "validation": {"accuracy": accuracy + 0.02},
        "slices": {
            name: slice_score(
                100 + 10 * k,
                accuracy=accuracy - 0.01 * k,
                macro_f1=accuracy - 0.06 - 0.01 * k,
            )
            for k, name in enumerate(SLICES)
        },
        "items": {
            "ids": [hashlib.sha1(f"{seed} {k}".encode()).hexdigest()[:12] for k in range(items)],
            "correct": [int(x) for x in correct],
        },
        "cost": {
            "train_seconds": 30.0 + seed,
            "predict_seconds": 2.0,
            "peak_memory_mb": 900,
            "parameters": 22_700_000 + 800_000 * (arm != "plain"),
            "added_parameters": 800_000 * (arm != "plain"),
        },
        "history": [
            {
                "epoch": epoch,
                "train_loss": 2.5 / epoch,
                "validation": accuracy * (1 - 0.5 / min(epoch, 6)),
            }
            for epoch in range(1, 9)
        ],
        "best_epoch": 6,
        "training_config": {"encoder_learning_rate": 1e-4, "head_learning_rate": 5e-4, "epochs": 8},
        **changes,
    }


def runs(gain=0.03, seeds=6, over_shuffled=None, spread=0.004, arms=ARMS):
    """Return runs whose paired differences lie within ``spread`` of the gains."""
    over_shuffled = gain if over_shuffled is None else over_shuffled
    wobble = np.random.default_rng(1).uniform(-spread, spread, (len(arms), seeds))
    offsets = {"plain": -gain, "shuffled": -over_shuffled, "knowledge": 0.0}
    return [
        run(arm, seed, 0.6 + 0.01 * seed + offsets.get(arm, 0.01) + wobble[row, seed])
        for row, arm in enumerate(arms)
        for seed in range(seeds)
    ]


def slice_score(size, **metrics):
    return {"size": size, "metrics": metrics}


def summarised(study, runs) -> ComparisonResult:
    """Return the result of a study and runs that are given as JSON."""
    record = from_json(StudyRecord, _as_read(study), source="study")
    return summarise(record, records(runs))


def records(runs):
    return [RunRecord.from_json(_as_read(run)) for run in runs]


def _as_read(value):
    return json.loads(json.dumps(value))
