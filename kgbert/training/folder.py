"""The folder of a trained model: everything that is needed to answer elsewhere as here."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import AutoConfig

from kgbert.batching.processor import KGBertProcessor
from kgbert.modeling.models import KGBertPreTrainedModel
from kgbert.training.card import model_card
from kgbert.training.tasks import TASKS, Task


def save_model(
    folder: str | Path,
    model: KGBertPreTrainedModel,
    processor: KGBertProcessor,
    about: Mapping[str, Any],
) -> None:
    """Write model, tokenizer, graph, features, linker settings and card, whole or not at all.

    Everything goes to a folder beside the final one, which then takes its name, so that a full
    disk or a kill leaves what stood there before.

    Args:
        folder: Where to; a model that stands there is replaced.
        model: The model.
        processor: Its processor.
        about: What the card tells beside that: scores, texts, seeds.
    """
    folder = Path(folder).absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".tmp", dir=folder.parent))
    try:
        model.save_pretrained(fresh)
        processor.save_pretrained(fresh)
        (fresh / "README.md").write_text(model_card(model, processor, about), encoding="utf-8")
        fresh.chmod(0o755)
        if folder.exists():
            old = fresh.with_suffix(".old")
            folder.rename(old)
            fresh.rename(folder)
            shutil.rmtree(old)
        else:
            fresh.rename(folder)
    except OSError as error:
        raise OSError(
            error.errno,
            f"could not write the model to {folder} ({error.strerror}); nothing was changed. Free "
            "some space or choose another folder, then run the same command again",
        ) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def load_model(folder: str | Path) -> tuple[KGBertPreTrainedModel, KGBertProcessor, Task]:
    """Return what :func:`save_model` wrote, ready to answer.

    Raises:
        FileNotFoundError: The folder holds no kgbert model.
        ValueError: The graph in the folder is not the one that the model was trained with.
    """
    processor = KGBertProcessor.from_pretrained(folder)
    config = AutoConfig.from_pretrained(folder)
    task = next(task for task in TASKS.values() if task.model.__name__ in config.architectures)
    check_graph(config.graph_hash, processor, folder)
    return task.model.from_pretrained(folder).eval(), processor, task


def check_graph(graph_hash: str, processor: KGBertProcessor, folder: str | Path) -> None:
    """Raise ValueError where a model was trained with another graph than the processor's."""
    if graph_hash != processor.graph.hash:
        raise ValueError(
            f"{folder} was trained with the graph {graph_hash[:12]}, but the graph beside it is "
            f"{processor.graph.hash[:12]} ({processor.graph.source}): its relations need not mean "
            "the same. Restore the folder's graph.safetensors, or train anew with this graph."
        )
