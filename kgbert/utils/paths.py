"""Names of cache folders and of the files of saved models, and paths as messages show them."""

from difflib import get_close_matches
from pathlib import Path

#: File that identifies the folder of a saved model: the settings of its processor.
SETTINGS_FILE = "kgbert_processor.json"
#: File that identifies the folder of an exported model.
RUNTIME_FILE = "kgbert_runtime.json"

#: Further files in the folder of a saved model.
GRAPH_FILE = "graph.safetensors"
FEATURES_FILE = "features.safetensors"
VECTORS_FILE = "entity_vectors.safetensors"
LABEL_SETS_FILE = "label_sets.safetensors"
SAMPLING_FILE = "sampling_map.safetensors"
#: File of the digests of the texts that an encoder or a model has read.
TEXTS_FILE = "kgbert_texts.safetensors"
#: File of the card of a saved model or encoder.
CARD_FILE = "README.md"
#: File of the injection weights in the folder of a pretrained encoder.
KNOWLEDGE_FILE = "kgbert_knowledge.safetensors"
#: File that identifies the folder of a saved embedding linker, and the vectors of its names.
LINKER_FILE = "kgbert_linker.json"
NAMES_FILE = "names.safetensors"

#: Files and folders that a comparison writes into its folder.
RESULTS_FILE = "results.json"
REPORT_FILE = "report.html"
EXPLANATIONS_FILE = "explanations.html"
MODEL_FOLDER = "model"

#: Folders of the caches, below the home folder: graphs that were read, entity features, label
#: entities, and the rows of graphs for neighbour sampling.
GRAPH_CACHE = "~/.cache/kgbert/graphs"
FEATURE_CACHE = "~/.cache/kgbert/features"
LABEL_CACHE = "~/.cache/kgbert/labels"
ROW_CACHE = "~/.cache/kgbert/rows"


def without_place(name: str) -> str:
    """Return ``./name`` for an existing path, which is no name on a hub; others unchanged."""
    path = Path(name)
    return f"./{path.name}" if name and path.exists() else name


def without_folders(name: str) -> str:
    """Return the last two parts of an existing path; any other string unchanged."""
    path = Path(name)
    return "/".join(path.parts[-2:]) if path.parts[1:] and path.exists() else name


def similar_file(path: Path) -> Path | None:
    """Return the file of the same folder with the most similar name; None if none is similar."""
    if not path.parent.is_dir():
        return None
    close = get_close_matches(path.name, (file.name for file in path.parent.iterdir()), n=1)
    return path.parent / close[0] if close else None
