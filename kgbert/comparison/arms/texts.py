"""Arms in which a plain model reads of the entities in the text itself."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from kgbert.comparison.arms.arm import RunInputs
from kgbert.data import Example, Span
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.core.hierarchy import parents
from kgbert.graph.verbalize import verbalize
from kgbert.linking.mention import Linker, Mention

#: Says in words what a graph knows of an entity index.
Tell = Callable[[KnowledgeGraph, int], str]

#: The type that typed markers give an entity which nothing stands above.
NO_TYPE = "entity"


def append_told(inputs: RunInputs, seed: int) -> RunInputs:
    """Return the inputs with names, what they are, and relations appended to the texts."""
    return inputs.rewritten(lambda part: append_entities(inputs.linker, inputs.graph, part))


def append_defined(inputs: RunInputs, seed: int) -> RunInputs:
    """Return the inputs with names, types and definitions appended to the texts."""
    return inputs.rewritten(lambda part: append_entities(inputs.linker, inputs.graph, part, define))


def mark_types(inputs: RunInputs, seed: int) -> RunInputs:
    """Return the inputs with every mention marked by its type, as ``@ * type * mention @``.

    The "typed entity marker (punct)" of Zhou & Chen 2022 (arXiv:2102.01373). Kept: the marker in
    words that the encoder knows, and that all parameters are its own. Left out: the second kind of
    marker for a relation's other argument, since every linked mention is marked; the type, there
    that of a named-entity recogniser, is the name of what stands right above the best candidate.

    Raises:
        ValueError: Words are tagged, and those of a marker have no tag.
    """
    if inputs.task.tags_words:
        raise ValueError(
            "the arm 'typed-markers' writes words into the text, which in token classification "
            "would be tagged as well; leave the arm out, or name 'verbalized-context' instead."
        )
    return inputs.rewritten(lambda part: mark_mentions(inputs.linker, inputs.graph, part))


def append_entities(
    linker: Linker,
    graph: KnowledgeGraph,
    examples: Sequence[Example],
    tell: Tell | None = None,
) -> list[Example]:
    """Return texts that end in words with what the graph says of their entities.

    Where words are tagged, these are not: neither are they learnt, nor do they count.
    Each mention's best candidate is told once, as "X is PARENT, PARENT, GRANDPARENT; ...": all
    that the features are made from would cost six times the plain model instead of three.
    """
    texts = [example.text for example in examples]
    return [
        _followed_by(_told(mentions, graph, tell or place), example)
        for example, mentions in zip(examples, linker(texts), strict=True)
    ]


def _followed_by(told: Sequence[str], example: Example) -> Example:
    if not told:
        return example
    return replace(example, text=". ".join([example.text, *told]), own_length=len(example.text))


def place(graph: KnowledgeGraph, index: int) -> str:
    """Return an entity's name, what stands above it, and some of its relations."""
    return verbalize(graph, index, synonyms=0, ancestry=4, facts=2, definition=0)


def define(graph: KnowledgeGraph, index: int) -> str:
    """Return an entity's name, its type, and its definition."""
    return verbalize(graph, index, synonyms=0, ancestry=1, facts=0)


def mark_mentions(
    linker: Linker, graph: KnowledgeGraph, examples: Sequence[Example]
) -> list[Example]:
    """Return texts whose linked mentions are marked by type; spans move with their words.

    Of mentions that overlap the longer one is marked.
    """
    texts = [example.text for example in examples]
    return [
        _marked(example, [x for x in mentions if _best(x, graph) is not None], graph)
        for example, mentions in zip(examples, linker(texts), strict=True)
    ]


def type_of(graph: KnowledgeGraph, index: int) -> str:
    """Return the name of what stands right above an entity."""
    above = parents(graph, index)
    return graph.name(above[0]) if above else NO_TYPE


def _told(mentions: Sequence[Mention], graph: KnowledgeGraph, tell: Tell) -> list[str]:
    best = dict.fromkeys(_best(mention, graph) for mention in mentions)
    return [tell(graph, index) for index in best if index is not None]


def _best(mention: Mention, graph: KnowledgeGraph) -> int | None:
    return graph.entity_ids.find(mention.candidates[0].entity) if mention.candidates else None


def _marked(example: Example, mentions: Sequence[Mention], graph: KnowledgeGraph) -> Example:
    insertions: list[tuple[int, str]] = []
    for mention in _apart(mentions):
        index = _best(mention, graph)
        kind = NO_TYPE if index is None else type_of(graph, index)
        insertions += [(mention.start, f"@ * {kind} * "), (mention.end, " @")]
    pieces, last = [], 0
    for position, words in insertions:
        pieces += [example.text[last:position], words]
        last = position
    text = "".join([*pieces, example.text[last:]])
    spans, arguments = (
        tuple(_moved(x, insertions) for x in some) for some in (example.spans, example.arguments)
    )
    return replace(example, text=text, spans=spans, arguments=arguments)


def _apart(mentions: Sequence[Mention]) -> list[Mention]:
    """Return the mentions that overlap no longer one, in reading order."""
    kept: list[Mention] = []
    for mention in sorted(mentions, key=lambda x: (x.start - x.end, x.start)):
        if all(mention.end <= other.start or other.end <= mention.start for other in kept):
            kept.append(mention)
    return sorted(kept)


def _moved(span: Span, insertions: Sequence[tuple[int, str]]) -> Span:
    before = sum(len(words) for position, words in insertions if position <= span.start)
    within = sum(len(words) for position, words in insertions if span.start < position < span.end)
    return replace(span, start=span.start + before, end=span.end + before + within)
