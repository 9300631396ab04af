"""Counterfactuals: changes of links and edges that change an answer, without any training."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from math import comb

from kgbert.encoding.candidates import candidate_set
from kgbert.encoding.processor import KGBertProcessor
from kgbert.explanation.parts import MAX_EDGES, EdgePart, EntityPart, Part, edges_of, entities_of
from kgbert.explanation.results import Change, Counterfactual, Swap
from kgbert.explanation.scorer import AnswerScorer
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.mention import Candidate, Mention
from kgbert.tasks.base import EncodedExample
from kgbert.utils.errors import KGBertError

#: Largest number of sets of several parts that are tried to find a smaller one.
MAX_CHECKS = 256


def counterfactual(scorer: AnswerScorer, place: int) -> Counterfactual:
    """Return a smallest set of removed links and edges that changes whether an answer is given.

    Each part is removed alone. If none changes the answer, parts are removed in the order of their
    contributions until it changes, and then the smaller sets are tried, those with the largest
    contributions first, up to :data:`MAX_CHECKS` sets. The set is known to be a smallest one if
    every smaller set was tried.

    Args:
        scorer: The scorer of the text.
        place: The position of the answer among those of the scorer.
    """
    search = _Search(scorer, place)
    found, is_smallest = search.first_of([[part] for part in search.parts]), True
    if not found:
        prefixes = [search.parts[:count] for count in range(2, len(search.parts) + 1)]
        found = search.first_of(prefixes)
        found, is_smallest = search.smaller_than(found) if found else (found, False)
    (prediction,) = scorer.predictions([found])
    graph = scorer.pipeline.processor.graph
    return Counterfactual(
        tuple(_change(part, scorer, graph) for part in found),
        tuple(prediction.lines()),
        float(scorer.scores([found])[place, 0]),
        is_smallest,
        len(search.tried),
    )


class _Search:
    """The search for a set of parts without which an answer changes."""

    def __init__(self, scorer: AnswerScorer, place: int) -> None:
        self.scorer, self.answer = scorer, scorer.answers[place].name
        self.is_given = self._gives_answer(scorer, [()])[0]
        parts = _removable(scorer)
        values = scorer.scores([(), *[(part,) for part in parts]])[place]
        # Without what speaks for a given answer, or against one that is not given.
        falls = (values[0] - values[1:]) * (1 if self.is_given else -1)
        self.value = dict(zip(parts, falls.tolist(), strict=True))
        self.parts = sorted(parts, key=lambda part: -self.value[part])
        self.tried: set[frozenset[Part]] = set()

    def first_of(self, sets: Sequence[list[Part]]) -> list[Part]:
        """Return the first set whose removal changes the answer; empty if none does."""
        return next((x for x, changed in self._changes(sets) if changed), [])

    def smaller_than(self, found: list[Part]) -> tuple[list[Part], bool]:
        """Return a smaller set of several parts if there is one, and whether it is a smallest."""
        left = MAX_CHECKS
        for size in range(2, len(found)):
            sets = list(self._sets(size, left))
            left -= len(sets)
            if smaller := self.first_of(sets):
                return smaller, True
            if len(sets) < comb(len(self.parts), size):
                return self._without_idle(found), False
        return found, True

    def _sets(self, size: int, most: int) -> list[list[Part]]:
        """Return sets of parts, those with the largest contributions first."""
        if comb(len(self.parts), size) <= most:
            sets = [list(each) for each in combinations(self.parts, size)]
            return sorted(sets, key=lambda each: -sum(self.value[part] for part in each))
        # The fewest parts that have enough sets.
        count = size
        while comb(count, size) < most:
            count += 1
        first = [list(each) for each in combinations(self.parts[:count], size)]
        first.sort(key=lambda each: -sum(self.value[part] for part in each))
        return first[: max(0, most)]

    def _without_idle(self, found: list[Part]) -> list[Part]:
        """Return a set without the parts that are not needed, the least important first."""
        for part in reversed(found):
            shorter = [each for each in found if each != part]
            if self.first_of([shorter]):
                found = shorter
        return found

    def _changes(self, sets: Sequence[list[Part]]) -> Iterator[tuple[list[Part], bool]]:
        """Yield each set with whether the answer changes without it, batch by batch."""
        step = self.scorer.batch_size
        for start in range(0, len(sets), step):
            batch = sets[start : start + step]
            self.tried.update(map(frozenset, batch))
            given = self._gives_answer(self.scorer, batch)
            yield from zip(batch, [each != self.is_given for each in given], strict=True)

    def _gives_answer(self, scorer: AnswerScorer, removals: Sequence[Sequence[Part]]) -> list[bool]:
        task, config = scorer.pipeline.task, scorer.pipeline.model.config
        predictions = scorer.predictions(removals)
        return [self.answer in task.answers(each, config) for each in predictions]


def _removable(scorer: AnswerScorer) -> list[Part]:
    """Return the links and the edges of an example."""
    entities: list[EntityPart] = entities_of(scorer.mentions)
    if not scorer.reads_edges or not entities:
        return [*entities]
    processor = scorer.pipeline.processor
    linked = [processor.graph.index(part.entity) for part in entities]
    by_entity = edges_of(linked, processor)
    edges = dict.fromkeys(edge for entity in linked for edge in by_entity[entity])
    return [*entities, *list(edges)[:MAX_EDGES]]


def _change(part: Part, scorer: AnswerScorer, graph: KnowledgeGraph) -> Change:
    if isinstance(part, EdgePart):
        relation = graph.relation_names[part.relation]
        return Change("edge", f"{graph.name(part.head)} → {relation} → {graph.name(part.tail)}")
    assert isinstance(part, EntityPart)
    text = scorer.encoded.example.joined[part.start : part.end]
    return Change("link", f"{text} → {graph.name(graph.index(part.entity))} ({part.entity})")


def swaps_of(scorer: AnswerScorer, swaps: Mapping[str, str]) -> Iterator[Swap]:
    """Yield the predictions if mentions were linked to other entities, one swap at a time.

    Args:
        scorer: The scorer of the text.
        swaps: The other entity, as an id or a name, by the mention: its words, or its characters
            as ``START-END``. Mentions that the text does not have are left out.

    Raises:
        KGBertError: The graph has no such entity.
    """
    pipeline, encoded = scorer.pipeline, scorer.encoded
    graph = pipeline.processor.graph
    for mention_name, entity_name in swaps.items():
        entity = _entity(entity_name, graph)
        chosen = [x for x in scorer.mentions if mention_name in _names(x, encoded)]
        if not chosen:
            continue
        changed = _swapped(encoded, chosen, entity, pipeline.processor)
        (prediction,) = pipeline.predict_encoded([changed])
        other = AnswerScorer(pipeline, changed, scorer.prediction, scorer.answers)
        yield Swap(
            mention_name,
            chosen[0].candidates[0].entity,
            entity,
            graph.name(graph.index(entity)),
            tuple(prediction.lines()),
            tuple(other.score().tolist()),
        )


def _names(mention: Mention, encoded: EncodedExample) -> tuple[str, str]:
    words = encoded.example.joined[mention.start : mention.end]
    return words, f"{mention.start}-{mention.end}"


def _entity(name: str, graph: KnowledgeGraph) -> str:
    """Return the id of an entity that is given by its id or its name."""
    if graph.entity_ids.find(name) is not None:
        return name
    named = [index for index in range(len(graph)) if graph.name(index) == name]
    if len(named) == 1:
        return graph.entity_ids[named[0]]
    found = "several entities" if named else "no entity"
    raise KGBertError(
        f"the graph has {found} with the id or name {name!r}; give the id of one"
        + (f": {', '.join(graph.entity_ids[x] for x in named[:5])}." if named else "."),
        code="swap-entity",
    )


def _swapped(
    encoded: EncodedExample, mentions: Sequence[Mention], entity: str, processor: KGBertProcessor
) -> EncodedExample:
    """Return an example in which some mentions are linked to another entity only."""
    places = {mention[:2] for mention in mentions}
    units = []
    for unit in encoded.units:
        texts = []
        for text in unit:
            changed = [
                x._replace(candidates=(Candidate(entity, x.candidates[0].score),))
                if x[:2] in places
                else x
                for x in text.mentions
            ]
            arguments = encoded.example.arguments
            relinked = processor.text_encoder.with_mentions(text, changed, arguments)
            if text.candidate_sets:
                most = processor.candidates
                sets = (candidate_set(x, text.offsets, processor.graph, most) for x in changed)
                relinked = replace(relinked, candidate_sets=tuple(sets))
            texts.append(relinked)
        units.append(tuple(texts))
    return replace(encoded, units=tuple(units))
