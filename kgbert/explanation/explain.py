"""Explain predictions: which parts of the text and of the graph contribute to an answer."""

import logging
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from kgbert.data import Example
from kgbert.explanation.counterfactuals import counterfactual, swaps_of
from kgbert.explanation.evidence import label_parts, path_parts
from kgbert.explanation.examples import ExampleIndex
from kgbert.explanation.methods import DEFAULT_METHOD, METHODS, Attributions, Method
from kgbert.explanation.parts import (
    EDGES,
    ENTITIES,
    KINDS,
    LABELS,
    MAX_EDGES,
    MENTIONS,
    PATHS,
    WORDS,
    EdgePart,
    EntityPart,
    LabelPart,
    MentionPart,
    Part,
    PathPart,
    WordPart,
    edges_of,
    entities_of,
    words_of,
)
from kgbert.explanation.results import (
    AnswerExplanation,
    EdgeContribution,
    EntityContribution,
    Explanation,
    LabelContribution,
    MentionContribution,
    PathContribution,
    WordContribution,
)
from kgbert.explanation.scorer import (
    BATCH_SIZE,
    AnswerScorer,
    compute_scores,
    compute_without_graph,
    linked_vectors,
)
from kgbert.graph.core.branches import branches_above
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.mention import Candidate, Mention
from kgbert.tasks.answers import Row, examples_to_answer
from kgbert.tasks.base import EncodedExample, ExplainedAnswer, Prediction, ReadLabel, ReadPath
from kgbert.training.peak_memory import PeakMemory
from kgbert.training.pipeline import KGBertPipeline, pipeline
from kgbert.training.train import TrainedModel
from kgbert.utils.errors import KGBertError
from kgbert.utils.progress import StepCallback
from kgbert.utils.registry import lookup

logger = logging.getLogger(__name__)

#: Texts whose variants are computed in common batches.
TOGETHER = 8


def explain(
    model: KGBertPipeline | TrainedModel | str | Path,
    texts: Sequence[str | Row | Example],
    *,
    answer: str = "",
    contrast: str = "",
    method: str = DEFAULT_METHOD,
    parts: Collection[str] = KINDS,
    max_edges: int = MAX_EDGES,
    counterfactuals: bool = False,
    swaps: Mapping[str, str] = MappingProxyType({}),
    examples: Sequence[str | Row | Example] = (),
    batch_size: int = BATCH_SIZE,
    progress: StepCallback | None = None,
) -> list[Explanation]:
    """Return which parts of the texts and of the graph contribute to the answers to texts.

    Args:
        model: A trained model, a pipeline, or the folder of a saved model.
        texts: Texts, rows or examples, as for a pipeline.
        answer: The answer to explain, a label for example; the predicted ones if empty.
        contrast: Another answer: which parts speak for the first and against this one.
        method: A name in :data:`kgbert.explanation.methods.METHODS`. Parts of a kind that the
            method does not support are left out.
        parts: The kinds of parts to explain, names in :data:`kgbert.explanation.parts.KINDS`.
        max_edges: Largest number of edges to explain, those of the most important mentions.
        counterfactuals: Whether to search for the fewest links and edges without which an answer
            changes.
        swaps: The entity, as an id or a name, that a mention should be linked to instead, by the
            words of the mention or its characters as ``START-END``; each is tried alone.
        examples: Texts of which the most similar and influential ones are shown, those of the
            training for example.
        batch_size: Number of texts, variants of one or several ones, that are computed together.
        progress: Called after each text.

    Raises:
        KGBertError: The task has no explanations, there is no such answer, method or kind of part,
            or the texts of the model are expanded.
    """
    pipeline = pipeline_of(model)
    for kind in parts:
        lookup(dict.fromkeys(KINDS), kind, "kind of part")
    encoded = pipeline.task.encode(examples_to_answer(pipeline.task, texts), pipeline.processor)
    settings = _Settings(
        method,
        lookup(METHODS, method, "attribution method"),
        frozenset(parts),
        max_edges,
        answer,
        contrast,
        counterfactuals,
        swaps,
        batch_size,
        has_branches=len(encoded) > 1,
    )
    explanations: list[Explanation] = []
    index = None
    if examples:
        given = examples_to_answer(pipeline.task, examples)
        index = ExampleIndex(pipeline, pipeline.task.encode(given, pipeline.processor))
    for start in range(0, len(encoded), TOGETHER):
        for each in _explain_together(pipeline, encoded[start : start + TOGETHER], settings, index):
            explanations.append(each)
            if progress:
                progress(len(explanations), len(encoded))
    swapped = {swap.mention for each in explanations for swap in each.swaps}
    absent = [mention for mention in swaps if mention not in swapped]
    # Nothing is swapped in a text without an answer to explain.
    if absent and all(each.answers for each in explanations):
        logger.warning("no text has a linked mention %s", ", ".join(map(repr, absent)))
    return explanations


def _explain_together(
    pipeline: KGBertPipeline,
    encoded: Sequence[EncodedExample],
    settings: "_Settings",
    index: ExampleIndex | None,
) -> Iterator[Explanation]:
    """Yield the explanations of some texts, whose variants are computed in common batches.

    Args:
        pipeline: The model.
        encoded: The texts.
        settings: What is explained, and how.
        index: The texts that they are compared with.
    """
    started, memory = time.perf_counter(), PeakMemory()
    vectors = linked_vectors(pipeline, encoded)
    scorers = [
        AnswerScorer(
            pipeline,
            each,
            prediction,
            answers_of(pipeline, prediction, settings.answer, settings.contrast),
            vectors=vectors,
            batch_size=settings.batch_size,
        )
        for each, prediction in zip(encoded, pipeline.predict_encoded(encoded), strict=True)
    ]
    attributed = _attribute([scorer for scorer in scorers if scorer.answers], settings)
    compute_without_graph(scorers)
    # Each text has its share of the common time.
    seconds = (time.perf_counter() - started) / (sum(x.computed for x in scorers) or len(scorers))
    for scorer in scorers:
        shared, since = seconds * (scorer.computed or 1), time.perf_counter()
        explained = _explain_one(scorer, attributed.get(scorer), settings, index)
        yield replace(
            explained,
            seconds=shared + time.perf_counter() - since,
            variants=scorer.computed,
            peak_memory_mb=memory.in_mb(),
        )


def _explain_one(
    scorer: AnswerScorer,
    attributed: "_Attributed | None",
    settings: "_Settings",
    index: ExampleIndex | None,
) -> Explanation:
    """Return the explanation of one text, without its cost.

    Args:
        scorer: The scorer of the text.
        attributed: What its answers are attributed to; None without answers.
        settings: What is explained, and how.
        index: The texts that it is compared with.
    """
    pipeline, encoded, prediction = scorer.pipeline, scorer.encoded, scorer.prediction
    explained = _explain_answers(scorer, attributed, settings) if attributed else ()
    if settings.counterfactuals:
        explained = tuple(
            replace(each, counterfactual=counterfactual(scorer, place))
            for place, each in enumerate(explained)
        )
    without = scorer.prediction_without_graph()
    swaps = tuple(swaps_of(scorer, settings.swaps)) if scorer.answers else ()
    return Explanation(
        encoded.example.joined,
        tuple(prediction.lines()),
        tuple(without.lines()),
        explained,
        settings.name,
        seconds=0.0,
        nearest_labels=prediction.nearest_labels,
        paths=prediction.paths,
        swaps=swaps,
        examples=index.nearest(scorer) if index else (),
        **_judged(pipeline, encoded, prediction, without),
        explains_prediction=not settings.answer,
    )


def _judged(
    pipeline: KGBertPipeline, encoded: EncodedExample, prediction: Prediction, without: Prediction
) -> dict[str, Any]:
    """Return the gold answer, which predictions are right, and whether they differ."""
    task = pipeline.task
    judged = {"graph_changes_answer": not task.is_correct(prediction.answer, without.answer)}
    if not task.is_labelled(encoded.example):
        return judged
    gold = task.gold(encoded, pipeline.processor.graph)
    return judged | {
        "gold": task.quote(gold) or "",
        "is_right": task.is_correct(gold, prediction.answer),
        "is_right_without_graph": task.is_correct(gold, without.answer),
    }


@dataclass(frozen=True)
class _Settings:
    """What is explained, and how."""

    name: str
    method: Method
    parts: frozenset[str]
    max_edges: int
    answer: str
    contrast: str
    counterfactuals: bool
    swaps: Mapping[str, str]
    batch_size: int
    has_branches: bool
    """Whether the branches of entities are found."""

    def includes(self, kind: str) -> bool:
        """Return whether parts of a kind are explained."""
        return kind in self.parts and kind in self.method.kinds


def pipeline_of(model: KGBertPipeline | TrainedModel | str | Path) -> KGBertPipeline:
    """Return a pipeline that samples the graph, because precomputed vectors have no edges.

    Raises:
        KGBertError: The processor expands texts, so that mentions are also written in them.
    """
    if isinstance(model, str | Path):
        model = pipeline(model)
    if isinstance(model, TrainedModel):
        model = KGBertPipeline(model.model, model.processor, model.task)
    processor = copy(model.processor)
    if processor.expander is not None:
        raise KGBertError(
            f"the model reads texts with appended tokens ({processor.expander.name}), so that its "
            "mentions cannot be removed one by one. Explain a model with another fusion.",
            code="expanded-texts",
        )
    processor.use_vectors(None)
    return KGBertPipeline(model.model, processor, model.task, bf16=model.bf16)


def answers_of(
    pipeline: KGBertPipeline, prediction: Prediction, answer: str = "", contrast: str = ""
) -> list[ExplainedAnswer]:
    """Return the given answer, else the predicted ones."""
    names = pipeline.task.answers(prediction, pipeline.model.config)
    return [ExplainedAnswer(name, contrast) for name in ([answer] if answer else names)]


#: Contributions of parts by kind and part: value and standard error for each answer.
_Values = Mapping[Part, tuple[Sequence[float], Sequence[float] | None]]


class _Attributed(NamedTuple):
    """The parts of a text, and their contributions."""

    words: Sequence[WordPart]
    mentions: Sequence[MentionPart]
    entities: Sequence[EntityPart]
    paths: Mapping[PathPart, ReadPath]
    labels: Mapping[LabelPart, ReadLabel]
    edges: dict[str, list[EdgePart]]
    """By entity; added when the values of the mentions are known."""
    values: dict[Part, tuple[Sequence[float], Sequence[float] | None]]

    @property
    def kinds(self) -> list[Sequence[Part]]:
        """The parts but edges, by kind."""
        kinds = self.words, self.mentions, self.entities, list(self.paths), list(self.labels)
        return [parts for parts in kinds if parts]

    @property
    def every_edge(self) -> list[EdgePart]:
        """The edges of all entities, each once."""
        return list(dict.fromkeys(edge for found in self.edges.values() for edge in found))


def _attribute(
    scorers: Sequence[AnswerScorer], settings: _Settings
) -> dict[AnswerScorer, _Attributed]:
    """Return the contributions of the parts of each text."""
    found = {scorer: _parts(scorer, settings) for scorer in scorers}
    _add_values({scorer: each.kinds for scorer, each in found.items()}, found, settings)
    for scorer, each in found.items():
        each.edges.update(_edges(scorer, settings, each.values))
    edges = {scorer: [each.every_edge] for scorer, each in found.items() if each.every_edge}
    _add_values(edges, found, settings)
    return found


def _parts(scorer: AnswerScorer, settings: _Settings) -> _Attributed:
    mentions = [MentionPart(x.start, x.end) for x in scorer.mentions]
    return _Attributed(
        words_of(scorer.encoded) if settings.includes(WORDS) else [],
        mentions if settings.includes(MENTIONS) else [],
        entities_of(scorer.mentions) if settings.includes(ENTITIES) else [],
        path_parts(scorer) if settings.includes(PATHS) else {},
        label_parts(scorer) if settings.includes(LABELS) else {},
        {},
        {},
    )


def _add_values(
    parts: Mapping[AnswerScorer, Sequence[Sequence[Part]]],
    found: Mapping[AnswerScorer, _Attributed],
    settings: _Settings,
) -> None:
    """Add the contributions of parts to those found.

    Args:
        parts: Parts of one kind each, by text.
        found: What is known of each text.
        settings: What is explained, and how.
    """
    method = settings.method
    variants_of = method.variants or (lambda some: [])
    # All scores are compared with that of the unchanged text.
    compute_scores(
        [
            (scorer, [(), *[variant for some in kinds for variant in variants_of(some)]])
            for scorer, kinds in parts.items()
        ]
    )
    for scorer, kinds in parts.items():
        for some in kinds:
            found[scorer].values.update(_by_part(some, method.attribute(scorer, some)))


def _explain_answers(
    scorer: AnswerScorer, attributed: _Attributed, settings: _Settings
) -> tuple[AnswerExplanation, ...]:
    values = attributed.values
    graph = scorer.pipeline.processor.graph
    evidence = _Evidence(graph, attributed.edges, values, settings.has_branches)
    scores, scores_without = scorer.score(), scorer.score_without_graph()
    return tuple(
        AnswerExplanation(
            answer.name,
            answer.contrast,
            scorer.pipeline.task.score_unit,
            float(scores[place]),
            float(scores_without[place]),
            tuple(_words(scorer, attributed.words, values, place)),
            tuple(_mentions(scorer, evidence, place)),
            _paths(attributed.paths, values, place),
            _labels(attributed.labels, values, place),
        )
        for place, answer in enumerate(scorer.answers)
    )


def _by_part(parts: Sequence[Part], found: Attributions) -> _Values:
    values = found.values.T.tolist()
    errors = [None] * len(parts) if found.errors is None else found.errors.T.tolist()
    return dict(zip(parts, zip(values, errors, strict=True), strict=True))


def _edges(scorer: AnswerScorer, settings: _Settings, values: _Values) -> dict[str, list[EdgePart]]:
    """Return the edges to explain by entity, those of the most important mentions first."""
    pipeline = scorer.pipeline
    if not (settings.includes(EDGES) and scorer.reads_edges and scorer.mentions):
        return {}
    graph = pipeline.processor.graph

    def importance(mention: Mention) -> float:
        found = values.get(MentionPart(mention.start, mention.end))
        return 0.0 if found is None else float(np.abs(found[0]).max())

    ranked = [
        candidate.entity
        for mention in sorted(scorer.mentions, key=lambda x: -importance(x))
        for candidate in mention.candidates
    ]
    by_entity = edges_of([graph.index(entity) for entity in ranked], pipeline.processor)
    left, edges = settings.max_edges, dict[str, list[EdgePart]]()
    for entity in dict.fromkeys(ranked):
        edges[entity] = by_entity[graph.index(entity)][:left]
        left -= len(edges[entity])
    return edges


def _words(
    scorer: AnswerScorer, words: Sequence[WordPart], values: _Values, place: int
) -> Iterator[WordContribution]:
    joined = scorer.encoded.example.joined
    for word in words:
        value, _ = _value(values, word, place)
        yield WordContribution(word.start, word.end, joined[word.start : word.end], value or 0.0)


def _paths(
    paths: Mapping[PathPart, ReadPath], values: _Values, place: int
) -> tuple[PathContribution, ...]:
    found = [
        PathContribution(path.answer, path.steps, path.kind, value or 0.0, error)
        for part, path in paths.items()
        for value, error in (_value(values, part, place),)
    ]
    return tuple(sorted(found, key=lambda x: -abs(x.value)))


def _labels(
    labels: Mapping[LabelPart, ReadLabel], values: _Values, place: int
) -> tuple[LabelContribution, ...]:
    found = [
        LabelContribution(
            text.label,
            text.entity,
            text.kind,
            text.text,
            text.similarity,
            _value(values, part, place)[0] or 0.0,
        )
        for part, text in labels.items()
    ]
    return tuple(sorted(found, key=lambda x: -abs(x.value)))


class _Evidence(NamedTuple):
    """The parts of the graph that an answer is attributed to, and their values."""

    graph: KnowledgeGraph
    edges: Mapping[str, list[EdgePart]]
    values: _Values
    has_branches: bool


def _mentions(
    scorer: AnswerScorer, evidence: _Evidence, place: int
) -> Iterator[MentionContribution]:
    joined = scorer.encoded.example.joined
    for mention in scorer.mentions:
        entities = tuple(
            _entity(mention, candidate, evidence, place) for candidate in mention.candidates
        )
        value, error = _value(evidence.values, MentionPart(mention.start, mention.end), place)
        text = joined[mention.start : mention.end]
        yield MentionContribution(mention.start, mention.end, text, entities, value, error)


def _entity(
    mention: Mention, candidate: Candidate, evidence: _Evidence, place: int
) -> EntityContribution:
    entity, graph = candidate.entity, evidence.graph
    value, error = _value(evidence.values, EntityPart(mention.start, mention.end, entity), place)
    explained = [_edge(edge, evidence, place) for edge in evidence.edges.get(entity, ())]
    return EntityContribution(
        entity,
        graph.name(graph.index(entity)),
        float(candidate.score),
        value,
        error,
        tuple(sorted(explained, key=lambda x: -abs(x.value))),
        tuple(sorted(branches_above(graph, [entity]))) if evidence.has_branches else (),
    )


def _edge(edge: EdgePart, evidence: _Evidence, place: int) -> EdgeContribution:
    graph = evidence.graph
    value, error = _value(evidence.values, edge, place)
    return EdgeContribution(
        graph.entity_ids[edge.head],
        graph.name(edge.head),
        graph.relation_ids[edge.relation],
        graph.relation_names[edge.relation],
        graph.entity_ids[edge.tail],
        graph.name(edge.tail),
        value or 0.0,
        error,
    )


def _value(values: _Values, part: Part, place: int) -> tuple[float | None, float | None]:
    """Return the value of a part for an answer, and its standard error."""
    if part not in values:
        return None, None
    found, errors = values[part]
    return found[place], None if errors is None else errors[place]
