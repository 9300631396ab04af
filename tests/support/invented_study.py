"""An invented study and its runs, for the tests of summary, verdict and report."""

import hashlib

import numpy as np

ARMS = ("plain", "knowledge", "shuffled")
STRATA = ("linked", "unlinked", "mentions seen in training", "mentions unseen in training")


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
        "manifest": {},
        "examples": [],
        "warnings": [],
        **changes,
    }


def run(arm, seed, accuracy, **changes):
    items = 40
    correct = np.arange(items) < round(items * accuracy)
    return {
        "arm": arm,
        "seed": seed,
        "status": "done",
        "error": "",
        "metrics": {"accuracy": accuracy, "macro_f1": accuracy - 0.05, "micro_f1": accuracy},
        "validation": {"accuracy": accuracy + 0.02},
        "strata": {
            name: {
                "size": 100 + 10 * k,
                "accuracy": accuracy - 0.01 * k,
                "macro_f1": accuracy - 0.06 - 0.01 * k,
            }
            for k, name in enumerate(STRATA)
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
            {"epoch": epoch, "train_loss": 2.5 / epoch, "validation": accuracy * (1 - 0.5 / epoch)}
            for epoch in range(1, 9)
        ],
        "best_epoch": 6,
        "settings": {"encoder_learning_rate": 1e-4, "knowledge_learning_rate": 5e-4, "epochs": 8},
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
