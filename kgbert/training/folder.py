"""The folder of a trained model: everything that is needed to answer elsewhere as here."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from transformers import AutoConfig

from kgbert.batching.processor import KGBertProcessor
from kgbert.modeling.models import KGBertPreTrainedModel
from kgbert.training.card import model_card
from kgbert.training.fitting import check_fit
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

    Raises:
        ValueError: The processor looks up entity vectors that another graph encoder computed.
    """
    if processor.vectors is not None:
        model.check_vectors(processor.vectors)
    folder = Path(folder).absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".tmp", dir=folder.parent))
    try:
        model.save_pretrained(fresh)
        processor.save_pretrained(fresh)
        (fresh / "README.md").write_text(model_card(model, processor, about), encoding="utf-8")
        fresh.chmod(0o755)
        _take_place(fresh, folder)
    except (OSError, SafetensorError) as error:
        raise OSError(
            error.errno if isinstance(error, OSError) else None,
            f"could not write the model to {folder} ({error}); nothing was changed. Free "
            "some space or choose another folder, then run the same command again",
        ) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _take_place(fresh: Path, folder: Path) -> None:
    """Rename ``fresh`` to ``folder``, which goes only once the new one stands in its place."""
    if not folder.exists():
        fresh.rename(folder)
        return
    old = fresh.with_suffix(".old")
    folder.rename(old)
    try:
        fresh.rename(folder)
    except BaseException:
        old.rename(folder)
        raise
    shutil.rmtree(old)


def load_model(folder: str | Path) -> tuple[KGBertPreTrainedModel, KGBertProcessor, Task]:
    """Return what :func:`save_model` wrote, ready to answer.

    Raises:
        FileNotFoundError: The folder holds no kgbert model.
        ValueError: The graph in the folder is not the one that the model was trained with, or the
            model has no task.
    """
    processor = KGBertProcessor.from_pretrained(folder)
    config = AutoConfig.from_pretrained(folder)
    made = config.architectures or ["none"]
    task = next((task for task in TASKS.values() if task.model.__name__ in made), None)
    if task is None:
        raise ValueError(
            f"{folder} holds a {made[0]}, which answers no task; fine-tune one of "
            f"{', '.join(task.model.__name__ for task in TASKS.values())} and save that."
        )
    check_fit(config, processor)
    model = task.model.from_pretrained(folder).eval()
    if processor.vectors is not None:
        model.check_vectors(processor.vectors)
    return model, processor, task
