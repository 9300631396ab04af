"""Arms that add entity descriptions to the text of a model without injections."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from kgbert.comparison.arms.arm import RunInputs
from kgbert.data import Example, Span
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.core.hierarchy import parents
from kgbert.graph.verbalize import verbalize
from kgbert.linking.examples import link_examples
from kgbert.linking.mention import Linker, Mention
from kgbert.utils.errors import KGBertError

#: Returns a description of an entity, given the graph and its index.
Describe = Callable[[KnowledgeGraph, int], str]

#: The type in a typed marker of an entity without parents.
NO_TYPE = "entity"


def append_context(inputs: RunInputs, seed: int) -> RunInputs:
    """Return the inputs with names, ancestors and relations appended to the texts."""
    return inputs.rewritten(lambda part: append_entities(inputs.linker, inputs.graph, part))


def append_definitions(inputs: RunInputs, seed: int) -> RunInputs:
    """Return the inputs with names, types and definitions appended to the texts."""
    return inputs.rewritten(
        lambda part: append_entities(inputs.linker, inputs.graph, part, verbalize_definition)
    )


def mark_types(inputs: RunInputs, seed: int) -> RunInputs:
    """Return the inputs with every mention marked by its type, as ``@ * type * mention @``.

    The "typed entity marker (punct)" of Zhou & Chen 2022 (arXiv:2102.01373). Kept: the marker in
    words that the encoder knows, and that all parameters are its own. Left out: the second kind of
    marker for a relation's other argument, since every linked mention is marked; the type, there
    that of a named-entity recogniser, is the name of the top candidate's first parent.

    Raises:
        KGBertError: The answers of the task are words of the text, which a marker must not be.
    """
    if inputs.task.tags_words:
        raise KGBertError(
            "the arm 'typed-markers' writes words into the text, and the answers of "
            f"{inputs.task.name} are words of the text; leave the arm out, or name "
            "'verbalized-context' instead.",
            code="arm-needs-other-task",
        )
    return inputs.rewritten(lambda part: mark_mentions(inputs.linker, inputs.graph, part))


def append_entities(
    linker: Linker,
    graph: KnowledgeGraph,
    examples: Sequence[Example],
    describe: Describe | None = None,
) -> list[Example]:
    """Return texts with descriptions of their entities appended.

    Appended words have no tags; they affect neither the loss nor the scores. Each top candidate is
    described once, as "X is PARENT, PARENT, GRANDPARENT; ...": the full text of the features
    would cost six times the plain model instead of three.
    """
    return [
        _with_appended(_verbalized(mentions, graph, describe or verbalize_context), example)
        for example, mentions in zip(examples, link_examples(linker, examples), strict=True)
    ]


def _with_appended(descriptions: Sequence[str], example: Example) -> Example:
    if not descriptions:
        return example
    text = ". ".join([example.text, *descriptions])
    return replace(example, text=text, annotated_length=len(example.text))


def verbalize_context(graph: KnowledgeGraph, index: int) -> str:
    """Return an entity's name, its ancestors, and some of its relations."""
    return verbalize(graph, index, synonyms=0, ancestry=4, facts=2, definition=0)


def verbalize_definition(graph: KnowledgeGraph, index: int) -> str:
    """Return an entity's name, its type, and its definition."""
    return verbalize(graph, index, synonyms=0, ancestry=1, facts=0)


def mark_mentions(
    linker: Linker, graph: KnowledgeGraph, examples: Sequence[Example]
) -> list[Example]:
    """Return texts whose linked mentions are marked by type; spans move with their words.

    Of overlapping mentions the longest one is marked.
    """
    others = [Example(text) for example in examples for text in example.others]
    marked = iter(_with_marked_texts(linker, graph, others) if others else ())
    return [
        replace(example, others=tuple(next(marked).text for _ in example.others))
        for example in _with_marked_texts(linker, graph, examples)
    ]


def _with_marked_texts(
    linker: Linker, graph: KnowledgeGraph, examples: Sequence[Example]
) -> list[Example]:
    """Return examples whose first text is marked."""
    return [
        _with_markers(example, [x for x in mentions if _top_entity(x, graph) is not None], graph)
        for example, mentions in zip(examples, linker([x.text for x in examples]), strict=True)
    ]


def type_of(graph: KnowledgeGraph, index: int) -> str:
    """Return the name of an entity's first parent."""
    above = parents(graph, index)
    return graph.name(above[0]) if above else NO_TYPE


def _verbalized(
    mentions: Sequence[Mention], graph: KnowledgeGraph, describe: Describe
) -> list[str]:
    entities = dict.fromkeys(_top_entity(mention, graph) for mention in mentions)
    return [describe(graph, index) for index in entities if index is not None]


def _top_entity(mention: Mention, graph: KnowledgeGraph) -> int | None:
    return graph.entity_ids.find(mention.candidates[0].entity) if mention.candidates else None


def _with_markers(example: Example, mentions: Sequence[Mention], graph: KnowledgeGraph) -> Example:
    insertions: list[tuple[int, str]] = []
    for mention in _without_overlaps(mentions):
        index = _top_entity(mention, graph)
        kind = NO_TYPE if index is None else type_of(graph, index)
        insertions += [(mention.start, f"@ * {kind} * "), (mention.end, " @")]
    pieces, last = [], 0
    for position, words in insertions:
        pieces += [example.text[last:position], words]
        last = position
    text = "".join([*pieces, example.text[last:]])
    spans, arguments = (
        tuple(_shifted(x, insertions) for x in some) for some in (example.spans, example.arguments)
    )
    return replace(example, text=text, spans=spans, arguments=arguments)


def _without_overlaps(mentions: Sequence[Mention]) -> list[Mention]:
    """Return the mentions without those that overlap a longer one, in reading order."""
    kept: list[Mention] = []
    for mention in sorted(mentions, key=lambda x: (x.start - x.end, x.start)):
        if all(mention.end <= other.start or other.end <= mention.start for other in kept):
            kept.append(mention)
    return sorted(kept)


def _shifted(span: Span, insertions: Sequence[tuple[int, str]]) -> Span:
    before = sum(len(words) for position, words in insertions if position <= span.start)
    within = sum(len(words) for position, words in insertions if span.start < position < span.end)
    return replace(span, start=span.start + before, end=span.end + before + within)
