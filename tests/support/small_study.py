"""A study that is quick to run: tiny backbone, few texts, and runs that can be invented."""

import time
from functools import cache

from kgbert.comparison import compare
from kgbert.comparison import model_selection as best
from kgbert.comparison.arms.registry import ARMS
from kgbert.comparison.results import RunRecord
from kgbert.comparison.run import RunResult, text_id
from kgbert.comparison.study import Study
from kgbert.data import Example, Span
from kgbert.data.splits import Split
from kgbert.explanation.results import AnswerExplanation, Explanation
from kgbert.linking.factory import make_linker
from kgbert.models.config import KGBertConfig
from kgbert.models.task_models import KGBertForSequenceClassification
from kgbert.tasks.registry import TASKS
from kgbert.training.config import TrainingConfig
from tests.support import invented_study
from tests.support.tiny import TINY, tiny_config, tiny_features, tiny_graph, tiny_processor

#: Options of a tiny model that all arms share.
SHARED = {name: value for name, value in TINY.items() if name != "injected_layers"}

RECIPE = TrainingConfig(epochs=2, batch_size=8, max_length=40, options=SHARED)

_WORDS = ("fever", "cough", "lung", "nothing", "pneumonia", "organ", "alone", "zzz")


def texts(count=24, start=0):
    """Return labelled texts, half of which mention an entity."""
    return [
        Example(f"{_WORDS[i % 8]} {i}", target=("well", "ill", "dead")[i % 3], id=str(i))
        for i in range(start, start + count)
    ]


def tagged(count=16, start=0):
    """Return texts whose first word is a labelled span, where it is an entity."""
    return [
        Example(f"{_WORDS[i % 8]} {i}", spans=(Span(0, len(_WORDS[i % 8]), "Sign"),) * (i % 8 != 3))
        for i in range(start, start + count)
    ]


def split_of(make=texts, sizes=(24, 6, 8)):
    """Return a split of a seed: texts that no other seed has."""

    def split(seed):
        start, parts = 100 * seed, []
        for size in sizes:
            parts.append(make(size, start))
            start += size
        return Split(*parts)

    return split


def small_study(folder, backbone="no backbone", **changes):
    graph = tiny_graph()
    return Study(
        **{
            "name": "small",
            "folder": folder,
            "graph": graph,
            "features": tiny_features(graph),
            "backbone": backbone,
            "linker": make_linker(graph, "dictionary"),
            "task": TASKS["text-classification"],
            "split": split_of(),
            "arms": [ARMS[name] for name in ("plain", "knowledge", "shuffled")],
            "seeds": range(2),
            "training_configs": {"default": RECIPE},
            **changes,
        }
    )


#: The runs of a small study, in the order in which they are done.
EVERY_RUN = [(arm, seed) for seed in range(2) for arm in ("plain", "knowledge", "shuffled")]


def run_files(study):
    return sorted(path.name for path in (study.folder / "runs").iterdir())


class InventedRuns:
    """Stands in for training: scores by arm and seed, and the runs that were asked for."""

    def __init__(self, monkeypatch, validation=None):
        self.done, self.saved, self.graphs, self.failing = [], [], [], {}
        self.explained, self.explains = [], True
        self.validation, self.seconds = validation or {}, 0.0
        monkeypatch.setattr(compare, "run_arm", self.run)
        monkeypatch.setattr(best, "save_model", self.save)
        monkeypatch.setattr(compare, "explain_by_saved_model", self.explain)

    def run(self, study, arm, seed, **options):
        self.done.append((arm.name, seed))
        time.sleep(self.seconds)
        if (arm.name, seed) in self.failing:
            raise self.failing[arm.name, seed]
        accuracy = 0.5 + 0.01 * seed + 0.1 * (arm.name == "knowledge")
        test = study.split(seed).test
        items = {
            "ids": [text_id(example.text) for example in test],
            "correct": [int(arm.name == "knowledge")] * len(test),
            "gold": [str(example.target) for example in test],
            "answers": ["ill"] * len(test),
        }
        record = invented_study.run(arm.name, seed, accuracy, items=items)
        record["validation"] = {"accuracy": self.validation.get(seed, 0.5)}
        record["fingerprint"] = study.fingerprint(arm, seed)
        return RunResult(RunRecord.from_json(record), *_trained())

    def explain(self, study, examples):
        self.explained.append([example.text for example in examples])
        answer = AnswerExplanation("ill", "", "log-odds", 1.5, 0.25, (), ())
        return [
            Explanation(example.text, ("ill",), ("well",), (answer,), "removal", 0.1)
            for example in examples
            if self.explains
        ]

    def save(self, folder, model, processor, about, include_graph):
        self.saved.append(about["Seed"])
        self.graphs.append(include_graph)


@cache
def _trained():
    config = KGBertConfig(tiny_config("bert"), **TINY)
    return KGBertForSequenceClassification(config), tiny_processor()
