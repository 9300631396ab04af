"""Save and load a trained model with everything that its predictions need."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import kgbert.models.task_models  # noqa: F401 - makes the classes known to transformers
from kgbert.data.texts_read import TextsRead
from kgbert.encoding.processor import KGBertProcessor
from kgbert.features.pretrained import DAMAGED, UNEXPECTED_VALUES, NamingDamage, load_config
from kgbert.graph.cards import is_shareable
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.core.label_hierarchy import LabelHierarchy
from kgbert.models.base import KGBertPreTrainedModel
from kgbert.tasks.base import Task
from kgbert.tasks.registry import task_of_config
from kgbert.training.checks import check_fit
from kgbert.training.model_card import model_card
from kgbert.utils.atomic_write import replacing
from kgbert.utils.checksums import verify_checksums, write_checksums
from kgbert.utils.errors import KGBertError
from kgbert.utils.hub import local_folder
from kgbert.utils.logging import without_progress_bars
from kgbert.utils.paths import CARD_FILE, GRAPH_FILE, LABEL_SETS_FILE, TEXTS_FILE

logger = logging.getLogger(__name__)


@without_progress_bars()
def save_model(
    folder: str | Path,
    model: KGBertPreTrainedModel,
    processor: KGBertProcessor,
    about: Mapping[str, Any],
    *,
    include_graph: bool | None = None,
) -> None:
    """Write model, tokenizer, graph, features, linker settings and card atomically.

    The files are written to a temporary sibling folder, which is then renamed, so that a full disk
    or a kill leaves an earlier model intact.

    Args:
        folder: The target folder; a model in it is replaced.
        model: The model.
        processor: Its processor.
        about: Further table rows of the card: scores, texts, seeds.
        include_graph: Whether to save the graph with its names; None means yes, unless a graph card
            states that the licence forbids redistribution.

    Raises:
        ValueError: The processor's precomputed entity vectors come from other weights.
    """
    if processor.vectors is not None:
        model.check_vectors(processor.vectors)
    if include_graph is None:
        include_graph = is_shareable(processor.graph)
        if not include_graph:
            logger.warning(
                "the graph and its names are not saved, because its licence (%s) does not permit "
                "to pass them on; include_graph=True saves them",
                processor.graph.licence,
            )
    with replacing(folder, "model") as fresh:
        model.save_pretrained(fresh)
        processor.save_pretrained(fresh, include_graph=include_graph)
        card = model_card(model, processor, about, include_graph=include_graph)
        (fresh / CARD_FILE).write_text(card, encoding="utf-8")
        model.texts_read.save(fresh)
        # The graph has a hash of its own, and whoever shares a model may remove the digests.
        write_checksums(fresh, without=[GRAPH_FILE, TEXTS_FILE])


@without_progress_bars()
def load_model(
    folder: str | Path, *, graph: KnowledgeGraph | None = None
) -> tuple[KGBertPreTrainedModel, KGBertProcessor, Task]:
    """Return model, processor and task from a folder of :func:`save_model`.

    Args:
        folder: The folder of the saved model, or its name ``user/model`` on the Hugging Face Hub.
        graph: The graph, if the model was saved without it.

    Raises:
        FileNotFoundError: The folder contains no kgbert model, or the hub has none of this name.
        ValueError: The graph is missing or differs from that of the training, the model has no
            task, or a file is damaged or of another model.
    """
    folder = local_folder(folder)
    verify_checksums(folder)
    with NamingDamage(folder, DAMAGED):
        processor = KGBertProcessor.from_pretrained(folder, graph=graph)
        config = load_config(folder)
        try:
            task = task_of_config(config)
        except KGBertError as error:
            raise error.at(folder) from error
    with NamingDamage(folder, UNEXPECTED_VALUES):
        check_fit(config, processor, scores_entities=task.model_class.scores_entities)
    with NamingDamage(folder, DAMAGED):
        model = task.model_class.from_pretrained(folder).eval()
        model.texts_read = TextsRead.load(folder)
    if processor.vectors is not None:
        model.check_vectors(processor.vectors)
    if model.config.label_vectors:
        if processor.label_sets is None:
            raise KGBertError(
                f"{folder} lacks the vectors of its labels ({LABEL_SETS_FILE}), with which the "
                "model compares texts. Restore the folder from its source, or train again.",
                code="missing-label-vectors",
            )
        model.use_label_sets(processor.label_sets)
        sets = processor.label_sets
        entities = dict(zip(sets.labels, sets.entities, strict=True))
        hierarchy = LabelHierarchy(processor.graph, entities)
        task = task.grounded(hierarchy, model.config.untrained_labels)
    return model, processor, task
