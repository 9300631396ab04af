"""The folder of a trained model: everything that is needed to answer elsewhere as here."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kgbert.encoding.processor import KGBertProcessor
from kgbert.features.pretrained import load_config
from kgbert.graph.cards import is_shareable
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.models.base import KGBertPreTrainedModel
from kgbert.tasks.base import Task
from kgbert.tasks.registry import task_of_config
from kgbert.training.checks import check_fit
from kgbert.training.model_card import model_card
from kgbert.utils.atomic_write import replacing
from kgbert.utils.errors import KGBertError


def save_model(
    folder: str | Path,
    model: KGBertPreTrainedModel,
    processor: KGBertProcessor,
    about: Mapping[str, Any],
    *,
    include_graph: bool | None = None,
) -> None:
    """Write model, tokenizer, graph, features, linker settings and card, whole or not at all.

    Everything goes to a folder beside the final one, which then takes its name, so that a full
    disk or a kill leaves what stood there before.

    Args:
        folder: Where to; a model that stands there is replaced.
        model: The model.
        processor: Its processor.
        about: What the card tells beside that: scores, texts, seeds.
        include_graph: Whether the graph with its names is in the folder; None means unless a card
            says that its licence forbids passing it on.

    Raises:
        ValueError: The processor looks up entity vectors that other weights computed.
    """
    if processor.vectors is not None:
        model.check_vectors(processor.vectors)
    if include_graph is None:
        include_graph = is_shareable(processor.graph)
    with replacing(folder, "model") as fresh:
        model.save_pretrained(fresh)
        processor.save_pretrained(fresh, include_graph=include_graph)
        card = model_card(model, processor, about, include_graph=include_graph)
        (fresh / "README.md").write_text(card, encoding="utf-8")


def load_model(
    folder: str | Path, *, graph: KnowledgeGraph | None = None
) -> tuple[KGBertPreTrainedModel, KGBertProcessor, Task]:
    """Return what :func:`save_model` wrote, ready to answer.

    Args:
        folder: Where it was written.
        graph: The graph, read again, where the folder was saved without it.

    Raises:
        FileNotFoundError: The folder holds no kgbert model.
        ValueError: The graph is missing, or not the one that the model was trained with, or the
            model has no task.
    """
    processor = KGBertProcessor.from_pretrained(folder, graph=graph)
    config = load_config(folder)
    try:
        task = task_of_config(config)
    except KGBertError as error:
        raise error.at(folder) from error
    check_fit(config, processor)
    model = task.model_class.from_pretrained(folder).eval()
    if processor.vectors is not None:
        model.check_vectors(processor.vectors)
    return model, processor, task
