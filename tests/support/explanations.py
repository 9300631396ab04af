"""All numbers of an explanation."""

from collections.abc import Iterator

from kgbert.explanation.results import AnswerExplanation, Explanation


def values_of(explanation: Explanation) -> list[float]:
    """Return the scores and contributions of all answers, in the order of the text."""
    return [value for answer in explanation.answers for value in _values(answer)]


def _values(answer: AnswerExplanation) -> Iterator[float]:
    yield from (answer.score, answer.score_without_graph)
    yield from (word.value for word in answer.words)
    for mention in answer.mentions:
        yield mention.value
        for entity in mention.entities:
            yield entity.value
            edges = sorted(entity.edges, key=lambda edge: edge.description)
            yield from (edge.value for edge in edges)
    yield from (path.value for path in sorted(answer.paths, key=lambda path: path.kind))
    yield from (text.value for text in sorted(answer.labels, key=lambda text: text.text))
