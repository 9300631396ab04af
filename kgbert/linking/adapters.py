"""Adapt other mention detectors to linkers: gold spans, spaCy, scispaCy, GLiNER, a function.

Each function returns a linker, a callable from texts to mentions; none imports the library that it
adapts. Spans without entity ids get candidates from ``candidates_of``, such as
``DictionaryLinker(graph).candidates``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from kgbert.linking.mention import Candidate, Linker, Mention
from kgbert.utils.errors import KGBertError

#: Returns the candidates of a surface form, best first.
CandidatesOf = Callable[[str], Sequence[Candidate]]


@runtime_checkable
class _MentionDetector(Protocol):
    """GLiNER: ``predict_entities(text, labels)`` gives dicts with start, end and score."""

    def predict_entities(self, text: str, labels: list[str]) -> Sequence[Mapping[str, Any]]: ...


def from_gold(spans: Mapping[str, Iterable[tuple[int, int, str]]]) -> Linker:
    """Return a linker of gold spans: by text, (start, end, entity id) of each span.

    >>> linker = from_gold({"no fever": [(3, 8, "HP:1")]})
    >>> linker(["no fever", "another text"])
    [[Mention(start=3, end=8, candidates=(Candidate(entity='HP:1', score=1.0),))], []]
    """
    return from_function(lambda text: spans.get(text, ()))


def from_function(find: Callable[[str], Iterable[tuple[int, int, str]]]) -> Linker:
    """Return a linker of a function from a text to (start, end, entity id).

    Several ids for one span become the candidates of one mention.

    >>> linker = from_function(lambda text: [(0, 5, "HP:1"), (0, 5, "HP:2")])
    >>> [candidate.entity for candidate in linker(["fever"])[0][0].candidates]
    ['HP:1', 'HP:2']
    """

    def link(text: str) -> list[Mention]:
        entities_by_span: dict[tuple[int, int], list[str]] = {}
        for start, end, entity in find(text):
            _check(text, start, end)
            entities_by_span.setdefault((start, end), []).append(entity)
        return [
            Mention(*span, tuple(Candidate(entity, 1.0) for entity in entities))
            for span, entities in sorted(entities_by_span.items())
        ]

    return lambda texts: list(map(link, texts))


def from_spacy(language: Callable[[str], Any], candidates_of: CandidatesOf | None = None) -> Linker:
    """Return a linker of a spaCy pipeline's entities.

    An entity's id is its ``kb_id_`` or ``ent_id_`` (entity linker, entity ruler); scispaCy's
    linker gives several, with scores, in ``_.kb_ents``. Entities with neither get their candidates
    from ``candidates_of``; without it they are ignored.
    """

    def link(text: str) -> list[Mention]:
        spans = (
            Mention(span.start_char, span.end_char, tuple(_spacy_candidates(span, candidates_of)))
            for span in language(text).ents
        )
        return [span for span in spans if span.candidates]

    return lambda texts: list(map(link, texts))


def from_gliner(
    model: _MentionDetector, labels: Sequence[str], candidates_of: CandidatesOf
) -> Linker:
    """Return a linker of a GLiNER model's spans of some labels.

    The score of a candidate is that of ``candidates_of`` times the model's score of the span.
    """

    def link(text: str) -> list[Mention]:
        mentions = []
        for prediction in model.predict_entities(text, list(labels)):
            start, end = prediction["start"], prediction["end"]
            _check(text, start, end)
            candidates = tuple(
                Candidate(entity, score * float(prediction["score"]))
                for entity, score in candidates_of(text[start:end])
            )
            mentions += [Mention(start, end, candidates)] if candidates else []
        return sorted(mentions)

    return lambda texts: list(map(link, texts))


def _spacy_candidates(span: Any, candidates_of: CandidatesOf | None) -> Iterable[Candidate]:
    if span.has_extension("kb_ents") and span._.kb_ents:
        # scispaCy's similarities may exceed one by rounding.
        return (Candidate(entity, min(1.0, float(score))) for entity, score in span._.kb_ents)
    if entity := span.kb_id_ or span.ent_id_:
        return (Candidate(entity, 1.0),)
    return candidates_of(span.text) if candidates_of else ()


def _check(text: str, start: int, end: int) -> None:
    if not 0 <= start < end <= len(text):
        raise KGBertError(
            f"a span from {start} to {end} is outside its text of {len(text)} characters "
            f"({text[:30]!r} ...); spans count characters of the given text, end exclusive, not "
            "bytes or tokens.",
            code="span-outside-text",
        )
