"""The paths and the texts of labels that an answer may be attributed to."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from kgbert.data.class_names import labels_of
from kgbert.explanation.parts import LabelPart, PathPart
from kgbert.explanation.scorer import AnswerScorer
from kgbert.graph.entity_texts import KINDS
from kgbert.tasks.base import ReadLabel, ReadPath
from kgbert.training.pipeline import read_path, strongest_paths

#: Largest number of types of path of a text that are explained.
MAX_PATHS = 16
#: Largest number of texts of labels that are explained, those most similar to the text.
MAX_LABEL_TEXTS = 24


def path_parts(scorer: AnswerScorer) -> dict[PathPart, ReadPath]:
    """Return the types of path that add most to the scores of answers, each with one such path."""
    pipeline, first = scorer.pipeline, 0
    found: dict[PathPart, ReadPath] = {}
    for unit in scorer.encoded.units:
        for each in strongest_paths(pipeline.model, pipeline.processor, unit, MAX_PATHS):
            assert pipeline.processor.paths is not None
            part = PathPart(first + each.text_index, *each.target_and_type)
            path = read_path(each, pipeline.processor.paths, pipeline.model.config.labels)
            # Paths between arguments or texts add to the scores of all answers.
            leads_to_label = pipeline.model.paths_lead_to == "labels"
            found.setdefault(part, path if leads_to_label else replace(path, answer=""))
        first += len(unit)
    return dict(list(found.items())[:MAX_PATHS])


def label_parts(scorer: AnswerScorer) -> dict[LabelPart, ReadLabel]:
    """Return the texts of the explained answers' labels and of the most similar ones.

    A label with a single text is left out: without it, the label would have no entity. Empty for
    models that do not compare texts or tokens with the entities of labels.
    """
    pipeline, sets = scorer.pipeline, scorer.pipeline.processor.label_sets
    if sets is None or not pipeline.model.config.label_vectors:
        return {}
    shown, task = _shown_labels(scorer), pipeline.task
    places: dict[str, dict[tuple[int, str], list[int]]] = {}
    for place, owner in enumerate(sets.owners.tolist()):
        label = task.class_name(sets.labels[owner])
        if label in shown:
            text = int(sets.kinds[place]), sets.texts[place]
            places.setdefault(label, {}).setdefault(text, []).append(place)
    similarities = _similarities(scorer)
    parts = {
        LabelPart(tuple(own)): ReadLabel(
            label, sets.entities[sets.owners[own[0]]], KINDS[kind], text, similarities[own[0]]
        )
        for label, texts in places.items()
        for (kind, text), own in texts.items()
        if len(texts) > 1
    }
    ranked = sorted(parts, key=lambda part: -parts[part].similarity)
    return {part: parts[part] for part in ranked[:MAX_LABEL_TEXTS]}


def _shown_labels(scorer: AnswerScorer) -> set[str]:
    """Return the labels of the explained answers, and those that compete with them."""
    task = scorer.pipeline.task
    labels = {task.answer_label(answer.name) for answer in scorer.answers}
    labels |= {answer.contrast for answer in scorer.answers}
    if scorer.pipeline.model.label_queries == "text":
        return labels | {label.label for label in scorer.prediction.nearest_labels}
    classes = map(task.class_name, labels_of(scorer.pipeline.model.config))
    return labels | {label for label in classes if label is not None}


def _similarities(scorer: AnswerScorer) -> list[float]:
    """Return the similarity of the example, or of its most similar token, to each label text."""
    recorded: list[Tensor] = []

    def record(module: nn.Module, arguments: tuple[Any, ...]) -> None:
        recorded.append(arguments[0][0])

    handle = scorer.pipeline.model.label_scorer.register_forward_pre_hook(record)
    try:
        with torch.inference_mode():
            scorer.outputs([()])
    finally:
        handle.remove()
    # Of tokens, those with characters count; a batch of one text has no padding.
    rows = recorded[0].float().cpu().reshape(-1, recorded[0].shape[-1])
    if len(rows) > 1:
        rows = rows[[start < end for start, end in scorer.encoded.text.offsets]]
    similarities: list[float] = rows.max(0).values.tolist()
    return similarities
