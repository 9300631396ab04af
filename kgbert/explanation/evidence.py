"""The paths and the texts of labels that an answer may be attributed to."""

from dataclasses import replace

import torch

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
            # Paths between arguments add to the scores of all relations.
            leads_to_label = pipeline.model.path_ends == "labels"
            found.setdefault(part, path if leads_to_label else replace(path, answer=""))
        first += len(unit)
    return dict(list(found.items())[:MAX_PATHS])


def label_parts(scorer: AnswerScorer) -> dict[LabelPart, ReadLabel]:
    """Return the texts of the explained answers' labels and of the most similar ones.

    A label with a single text is left out: without it, the label would have no entity. Empty for
    models that do not compare whole texts with the entities of labels.
    """
    pipeline, sets = scorer.pipeline, scorer.pipeline.processor.label_sets
    if sets is None or pipeline.model.label_queries != "text":
        return {}
    similarities = _similarities(scorer)
    names = {name for answer in scorer.answers for name in (answer.name, answer.contrast)}
    names |= {label.label for label in scorer.prediction.nearest_labels}
    places = [
        place
        for position, label in enumerate(sets.labels)
        if label in names and sets.offsets[position + 1] - sets.offsets[position] > 1
        for place in range(sets.offsets[position], sets.offsets[position + 1])
    ]
    places.sort(key=lambda place: -similarities[place])
    return {
        LabelPart(place): ReadLabel(
            sets.labels[sets.owners[place]],
            sets.entities[sets.owners[place]],
            KINDS[sets.kinds[place]],
            sets.texts[place],
            similarities[place],
        )
        for place in places[:MAX_LABEL_TEXTS]
    }


def _similarities(scorer: AnswerScorer) -> list[float]:
    """Return the similarity of the example to each text of the labels."""
    with torch.inference_mode(), scorer.pipeline.model.record_label_similarities() as recorded:
        scorer.outputs([()])
    similarities: list[float] = recorded[0][0].float().cpu().tolist()
    return similarities
