"""Which epochs, batch size and learning rate should a training have unless the user says so?

Every setting trains without early stopping; the scores of each epoch on texts that select and on
further texts that only score tell what each rule of stopping would have chosen. All texts are
from development data: no text that another benchmark tests on.

    python -m benchmarks.defaults.run --seeds 2

appends to benchmarks/results/defaults.json; finished runs are not repeated.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from benchmarks import RESULTS
from benchmarks.defaults.tasks import TASKS
from benchmarks.environment import environment
from kgbert.cli.core.progress import ProgressReporter
from kgbert.comparison.arms.registry import ARMS
from kgbert.data.splits import Split
from kgbert.demo.study import checked_backbone
from kgbert.encoding.processor import KGBertProcessor
from kgbert.linking.caching import CachingLinker
from kgbert.linking.factory import make_linker
from kgbert.models.base import KGBertPreTrainedModel
from kgbert.tasks.base import EncodedExample, Task
from kgbert.tasks.registry import find_task
from kgbert.training.config import TrainingConfig
from kgbert.training.evidence.grounding import ground_task
from kgbert.training.inference import predict
from kgbert.training.train import TrainingInputs, build_model, entity_features, fit_model
from kgbert.utils.atomic_write import write_atomically
from kgbert.utils.errors import DataError
from kgbert.utils.logging import silence_libraries
from kgbert.utils.paths import without_folders

RESULT = RESULTS / "defaults.json"


def _setting(epochs: int, batch_size: int, rate: float = 2e-4, **options: Any) -> TrainingConfig:
    return TrainingConfig(
        epochs=epochs, batch_size=batch_size, encoder_learning_rate=rate, options=options
    )


#: Epochs, batch size and learning rate of the encoder, which is 2e-4 unless it is named.
SETTINGS = {
    "10 epochs, batch 32": _setting(10, 32),
    "10 epochs, batch 8": _setting(10, 8),
    "10 epochs, batch 8, 1e-4": _setting(10, 8, 1e-4),
    "10 epochs, batch 8, 5e-5": _setting(10, 8, 5e-5),
    "20 epochs, batch 16": _setting(20, 16),
    "20 epochs, batch 8, 1e-4": _setting(20, 8, 1e-4),
    "10 epochs, batch 8, mean of tokens": _setting(10, 8, pooling="mean"),
}

#: Without and with the graph; "grounded" also compares the text with the entities of its labels.
MODELS = ("plain", "knowledge", "grounded")


class ScoringTexts(TrainerCallback):
    """Scores the model after each epoch on texts that do not select it."""

    def __init__(self, processor: KGBertProcessor, task: Task, texts: list[EncodedExample]) -> None:
        self.processor, self.task, self.texts = processor, task, texts
        self.scores: list[float] = []

    def on_epoch_end(
        self, *arguments: Any, model: KGBertPreTrainedModel | None = None, **more: Any
    ) -> None:
        """Add the score of this epoch."""
        assert model is not None
        was_training = model.training
        found = predict(model, self.processor, self.task, self.texts)
        model.train(was_training)
        gold = [self.task.gold(each, self.processor.graph) for each in self.texts]
        scores = self.task.score(gold, [each.answer for each in found])
        self.scores.append(scores[self.task.metric])


def main() -> None:
    """Run what is missing, and write each run as it ends."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--folder", type=Path, default=Path("kgbert-results/defaults"))
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument(
        "--settings",
        default=",".join(map(str, range(len(SETTINGS)))),
        help="numbers of the settings, of which the first is 0",
    )
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--backbone", default=str(checked_backbone()), metavar="NAME")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--out", type=Path, default=RESULT, metavar="FILE")
    arguments = parser.parse_args()
    silence_libraries()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    runs = json.loads(arguments.out.read_text())["runs"] if arguments.out.exists() else []
    manifest = {
        "question": __doc__.splitlines()[0],
        "encoder": without_folders(arguments.backbone),
        **environment("torch", "transformers"),
    }
    for seed in range(arguments.seeds):
        for name in arguments.tasks.split(","):
            for run in _missing(name, seed, runs, arguments):
                runs.append(run)
                write_atomically(
                    arguments.out, json.dumps({**manifest, "runs": runs}, indent=1) + "\n"
                )
                ProgressReporter().message(f"{name} {seed} {run['model']} {run['setting']}")


def _missing(
    name: str, seed: int, runs: list[dict[str, Any]], arguments: argparse.Namespace
) -> Iterator[dict[str, Any]]:
    done = {(run["task"], run["seed"], run["model"], run["setting"]) for run in runs}
    settings = [list(SETTINGS)[int(place)] for place in arguments.settings.split(",")]
    models = arguments.models.split(",")
    wanted = [(m, s) for s in settings for m in models if (name, seed, m, s) not in done]
    if not wanted:
        return
    chosen, reporter = TASKS[name], ProgressReporter()
    task, split = find_task(chosen.task), chosen.splits(arguments.data)(seed)
    graph = chosen.graph(arguments.data, arguments.folder)
    linker = CachingLinker(make_linker(graph, "dictionary"))
    features = entity_features(graph, arguments.backbone, linker, reporter)
    labels = chosen.label_entities() if chosen.label_entities else "labels"
    inputs = TrainingInputs(task, graph, features, linker, arguments.backbone)
    try:
        grounding = ground_task(task, split.train, graph, labels)
    except DataError:  # No label is an entity, or the task has no labels.
        grounding = None
    for model, setting in wanted:
        if model == "grounded" and grounding is None:
            continue
        own = replace(inputs, grounding=grounding if model == "grounded" else None)
        scores = _train(own, split, setting, seed, plain=model == "plain")
        yield {"task": name, "seed": seed, "model": model, "setting": setting, **scores}


def _train(
    inputs: TrainingInputs, split: Split, setting: str, seed: int, *, plain: bool
) -> dict[str, Any]:
    config = SETTINGS[setting]
    config = replace(config, patience=config.epochs)
    options = dict(ARMS["plain"].options) if plain else {}
    model, processor = build_model(inputs, split.train, config, seed=seed, options=options)
    scoring = ScoringTexts(processor, inputs.task, inputs.task.encode(split.test, processor))
    started = time.perf_counter()
    result = fit_model(
        model, processor, split, task=inputs.task, config=config, seed=seed, callbacks=[scoring]
    )
    return {
        "texts": len(split.train),
        "selection": [round(epoch["validation"], 4) for epoch in result.history],
        "score": [round(score, 4) for score in scoring.scores],
        "seconds": round(time.perf_counter() - started, 1),
    }


if __name__ == "__main__":
    main()
