"""What the explanations of many texts have in common: what helps, and what misleads."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from kgbert.explanation.results import (
    NEGLIGIBLE,
    AnswerExplanation,
    EntityContribution,
    Explanation,
    MentionContribution,
)

#: Largest number of entities, relations or branches of a list.
LONGEST = 10
#: Contributions with a smaller share of the largest one are not listed.
LEAST_SHARE = 0.02


@dataclass(frozen=True)
class PartSummary:
    """An entity, a relation or a branch, and its contributions over the texts that it is in."""

    name: str
    entity: str
    """The id of an entity; an empty string for a relation or a branch."""
    contribution: float
    """Mean over the texts: for what is right, if that is known, else for the given answer."""
    texts: int
    """Number of texts that it is in."""
    helped: tuple[int, ...]
    """The texts, from 1, in which it speaks noticeably for what is right."""
    misled: tuple[int, ...]
    """The texts in which it speaks noticeably against it."""

    @property
    def total(self) -> float:
        """Sum of the contributions over the texts."""
        return self.contribution * self.texts


@dataclass(frozen=True)
class ExplanationSummary:
    """The explanations of several texts as a whole; texts are numbered from 1."""

    texts: int
    labelled: int
    """Number of texts whose right answer is known."""
    right: int
    right_without_graph: int
    turned_right: tuple[int, ...]
    """Texts that are right with the graph only."""
    turned_wrong: tuple[int, ...]
    """Texts that are right without the graph only."""
    changed: tuple[int, ...]
    """Texts whose prediction differs without the graph."""
    entities: tuple[PartSummary, ...]
    """The largest sums of contributions first, of either sign."""
    relations: tuple[PartSummary, ...]
    branches: tuple[PartSummary, ...]

    def best(self, parts: Sequence[PartSummary]) -> list[PartSummary]:
        """Return the parts that help most."""
        return [part for part in _noticeable(parts) if part.contribution > 0][:LONGEST]

    def worst(self, parts: Sequence[PartSummary]) -> list[PartSummary]:
        """Return the parts that mislead most."""
        return [part for part in _noticeable(parts) if part.contribution < 0][:LONGEST]


def _noticeable(parts: Sequence[PartSummary]) -> list[PartSummary]:
    largest = max((abs(part.total) for part in parts), default=0.0)
    return [part for part in parts if abs(part.total) >= max(LEAST_SHARE * largest, NEGLIGIBLE)]


def summarize_explanations(explanations: Sequence[Explanation]) -> ExplanationSummary:
    """Return what explanations have in common.

    A contribution speaks for what is right if the answer is right, and against it if the answer is
    wrong. Where the right answer is unknown, it speaks for the given answer. Of several answers to
    a text, which are right or wrong together, the mean counts.
    """
    texts = list(enumerate(explanations, start=1))
    return ExplanationSummary(
        len(explanations),
        sum(each.is_right is not None for each in explanations),
        sum(bool(each.is_right) for each in explanations),
        sum(bool(each.is_right_without_graph) for each in explanations),
        tuple(i for i, x in texts if x.is_right and x.is_right_without_graph is False),
        tuple(i for i, x in texts if x.is_right_without_graph and x.is_right is False),
        tuple(i for i, x in texts if x.graph_changes_answer),
        _summaries(explanations, _entities),
        _summaries(explanations, _relations),
        _summaries(explanations, _branches),
    )


#: The name of a part, and the id of an entity.
_Key = tuple[str, str]


def _summaries(
    explanations: Sequence[Explanation],
    contributions: Callable[[AnswerExplanation], Iterable[tuple[_Key, float]]],
) -> tuple[PartSummary, ...]:
    """Return the parts of one kind, those with the largest sums of contributions first."""
    by_part: dict[_Key, dict[int, float]] = {}
    for number, each in enumerate(explanations, start=1):
        for answer in each.answers:
            sign = _sign(each)
            for key, value in contributions(answer):
                texts = by_part.setdefault(key, {})
                texts[number] = texts.get(number, 0.0) + sign * value / len(each.answers)
    largest = max((abs(x) for texts in by_part.values() for x in texts.values()), default=0.0)
    least = max(LEAST_SHARE * largest, NEGLIGIBLE)
    found = [
        PartSummary(
            *key,
            fmean(texts.values()),
            len(texts),
            tuple(number for number, value in texts.items() if value >= least),
            tuple(number for number, value in texts.items() if -value >= least),
        )
        for key, texts in by_part.items()
    ]
    return tuple(sorted(found, key=lambda part: -abs(part.total)))


def _sign(explanation: Explanation) -> float:
    """Return -1 if what speaks for the explained answers misleads, else 1.

    What speaks for an answer that the user named helps that answer.
    """
    misleads = explanation.explains_prediction and explanation.is_right is False
    return -1.0 if misleads else 1.0


def _entities(answer: AnswerExplanation) -> Iterator[tuple[_Key, float]]:
    for mention in answer.mentions:
        for entity in mention.entities:
            yield (entity.name, entity.entity), _value(entity, mention)


def _value(entity: EntityContribution, mention: MentionContribution) -> float:
    """Return the contribution of an entity; that of its mention where only these are explained."""
    if entity.value is not None:
        return entity.value
    return (mention.value or 0.0) / len(mention.entities)


def _relations(answer: AnswerExplanation) -> Iterator[tuple[_Key, float]]:
    edges = {
        (edge.head, edge.relation, edge.tail): edge
        for mention in answer.mentions
        for entity in mention.entities
        for edge in entity.edges
    }
    for edge in edges.values():
        yield (edge.relation_name, ""), edge.value


def _branches(answer: AnswerExplanation) -> Iterator[tuple[_Key, float]]:
    for mention in answer.mentions:
        for entity in mention.entities:
            for branch in entity.branches:
                yield (branch, ""), _value(entity, mention)
