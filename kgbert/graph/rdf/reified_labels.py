"""Names and definitions that nodes of their own tell: SKOS-XL's labels, OntoLex's words, values."""

from collections import defaultdict
from collections.abc import Iterator
from typing import TypeVar

from kgbert.graph.core.identifiers import expand, is_blank
from kgbert.graph.core.vocabulary import DEFINITION_RANKS

_Held = TypeVar("_Held")

#: SKOS-XL makes of labels things of their own.
LABEL_SCOPES = {
    expand("skosxl:prefLabel"): "preferred",
    expand("skosxl:altLabel"): "exact",
    expand("skosxl:hiddenLabel"): "related",
}
#: Predicates of the text that such a node has.
LABEL_TEXT_PREDICATES = tuple(
    map(expand, ("skosxl:literalForm", "ontolex:writtenRep", "rdf:value"))
)


class ReifiedLabels:
    """What nodes tell of entities.

    An entity has a label or a definition, and that has a text. Or a word has forms, which have
    texts, and it means entities, by its senses or by itself: so is WordNet written.

    >>> nodes = ReifiedLabels()
    >>> for predicate, subject, target in (
    ...     ("canonicalForm", "word", "_:form"), ("sense", "word", "sense"),
    ...     ("isLexicalizedSenseOf", "sense", "synset"),
    ... ):
    ...     nodes.add(expand(f"ontolex:{predicate}"), [subject], [target])
    >>> nodes.add_text("_:form", "en", "dog")
    >>> list(nodes.names()), sorted(nodes.nodes())
    ([('synset', 'exact', 'en', 'dog')], ['_:form', 'sense', 'word'])
    """

    def __init__(self) -> None:
        self._texts: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
        self._told: set[tuple[str, str, str]] = set()
        self._steps: dict[str, defaultdict[str, set[str]]] = {
            step: defaultdict(set) for step in ("form", "sense", "meaning")
        }

    def add_text(self, node: str, language: str, text: str) -> None:
        """Add a text that a node has."""
        self._texts[node].add((language, text))

    def add(self, predicate: str, subjects: list[str], targets: list[str]) -> None:
        """Add statements of one of ``TELLING``."""
        step, is_turned = ONTOLEX_STEPS.get(predicate, ("", False))
        for subject, target in zip(subjects, targets, strict=True):
            if not step:
                self._told.add((subject, predicate, target))
            elif is_turned:
                self._steps[step][target].add(subject)
            else:
                self._steps[step][subject].add(target)

    def names(self) -> Iterator[tuple[str, str, str, str]]:
        """Yield entity, scope, language and text of names."""
        for entity, predicate, node in self._told:
            if scope := LABEL_SCOPES.get(predicate):
                yield from ((entity, scope, *said) for said in self._texts.get(node, ()))
        for word, forms in self._steps["form"].items():
            texts = {said for form in forms for said in self._texts.get(form, ())}
            for entity in self._meant(word):
                yield from ((entity, "exact", *said) for said in texts)

    def definitions(self) -> Iterator[tuple[str, str, str, str]]:
        """Yield entity, predicate, language and text of definitions."""
        for entity, predicate, node in self._told:
            if predicate in DEFINITION_RANKS:
                yield from ((entity, predicate, *said) for said in self._texts.get(node, ()))

    def edges(self) -> Iterator[tuple[str, str, str]]:
        """Yield what looked like a definition, but leads to a thing without a text."""
        for subject, predicate, node in self._told:
            if predicate in DEFINITION_RANKS and node not in self._texts:
                yield subject, predicate, node

    def nodes(self) -> set[str]:
        """Return what is here to tell of others, and is no entity itself."""
        nodes = {node for _, predicate, node in self._told if predicate in LABEL_SCOPES}
        nodes |= {node for _, _, node in self._told if node in self._texts}
        nodes |= self._steps["meaning"].keys()
        for step in ("form", "sense"):
            nodes |= self._steps[step].keys()
            nodes.update(*self._steps[step].values())
        return nodes

    def drop_blank_nodes(self) -> None:
        """Forget blank nodes, whose labels mean others in the next source."""
        self._told = {said for said in self._told if not is_blank(said[0]) | is_blank(said[2])}
        self._texts = _without_blanks(self._texts)
        for step, ends in self._steps.items():
            kept = _without_blanks(ends)
            for node, others in kept.items():
                kept[node] = {other for other in others if not is_blank(other)}
            self._steps[step] = kept

    def _meant(self, word: str) -> set[str]:
        meanings = self._steps["meaning"]
        means = [word, *self._steps["sense"].get(word, ())]
        return {entity for each in means for entity in meanings.get(each, ())}


def _without_blanks(nodes: defaultdict[str, _Held]) -> defaultdict[str, _Held]:
    return defaultdict(
        nodes.default_factory, {node: held for node, held in nodes.items() if not is_blank(node)}
    )


#: A predicate of OntoLex -> the step that it says, and whether it says it the other way round.
ONTOLEX_STEPS = {
    expand(f"ontolex:{name}"): said
    for name, said in {
        "canonicalForm": ("form", False),
        "otherForm": ("form", False),
        "lexicalForm": ("form", False),
        "sense": ("sense", False),
        "isSenseOf": ("sense", True),
        "evokes": ("meaning", False),
        "isEvokedBy": ("meaning", True),
        "denotes": ("meaning", False),
        "isDenotedBy": ("meaning", True),
        "reference": ("meaning", False),
        "isReferenceOf": ("meaning", True),
        "isLexicalizedSenseOf": ("meaning", False),
        "lexicalizedSense": ("meaning", True),
    }.items()
}
#: Predicates by which nodes tell something.
LABEL_NODE_PREDICATES = frozenset((*LABEL_SCOPES, *DEFINITION_RANKS, *ONTOLEX_STEPS))
