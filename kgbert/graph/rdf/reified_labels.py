"""Names and definitions in nodes of their own: SKOS-XL labels, OntoLex words, ``rdf:value``."""

from collections import defaultdict
from collections.abc import Iterator
from typing import TypeVar

from kgbert.graph.core.identifiers import expand, is_blank
from kgbert.graph.core.vocabulary import DEFINITION_RANKS

_Value = TypeVar("_Value")

#: SKOS-XL property -> the scope of the names in its label nodes.
LABEL_SCOPES = {
    expand("skosxl:prefLabel"): "preferred",
    expand("skosxl:altLabel"): "exact",
    expand("skosxl:hiddenLabel"): "related",
}
#: Predicates from a label node to its text.
LABEL_TEXT_PREDICATES = tuple(
    map(expand, ("skosxl:literalForm", "ontolex:writtenRep", "rdf:value"))
)


class ReifiedLabels:
    """Label and definition nodes of entities, and OntoLex words.

    An entity has label or definition nodes, which have texts. In OntoLex, for example in WordNet,
    a word has forms, which have texts, and it means entities, directly or through its senses.

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
        # Dictionaries keep the order of the sources, which decides between texts of one kind.
        self._texts: defaultdict[str, dict[tuple[str, str], None]] = defaultdict(dict)
        self._label_statements: dict[tuple[str, str, str], None] = {}
        self._steps: dict[str, defaultdict[str, set[str]]] = {
            step: defaultdict(set) for step in ("form", "sense", "meaning")
        }

    def add_text(self, node: str, language: str, text: str) -> None:
        """Add a text of a node."""
        self._texts[node][language, text] = None

    def add(self, predicate: str, subjects: list[str], targets: list[str]) -> None:
        """Add statements of one of ``LABEL_NODE_PREDICATES``."""
        step, is_inverse = ONTOLEX_STEPS.get(predicate, ("", False))
        for subject, target in zip(subjects, targets, strict=True):
            if not step:
                self._label_statements[subject, predicate, target] = None
            elif is_inverse:
                self._steps[step][target].add(subject)
            else:
                self._steps[step][subject].add(target)

    def names(self) -> Iterator[tuple[str, str, str, str]]:
        """Yield entity, scope, language and text of names."""
        for entity, predicate, node in self._label_statements:
            if scope := LABEL_SCOPES.get(predicate):
                yield from ((entity, scope, *text) for text in self._texts.get(node, ()))
        for word, forms in self._steps["form"].items():
            texts = {text for form in forms for text in self._texts.get(form, ())}
            for entity in self._meanings(word):
                yield from ((entity, "exact", *text) for text in texts)

    def definitions(self) -> Iterator[tuple[str, str, str, str]]:
        """Yield entity, predicate, language and text of definitions."""
        for entity, predicate, node in self._label_statements:
            if predicate in DEFINITION_RANKS:
                yield from ((entity, predicate, *text) for text in self._texts.get(node, ()))

    def edges(self) -> Iterator[tuple[str, str, str]]:
        """Yield the statements of definition predicates whose object has no text."""
        for subject, predicate, node in self._label_statements:
            if predicate in DEFINITION_RANKS and node not in self._texts:
                yield subject, predicate, node

    def nodes(self) -> set[str]:
        """Return the nodes that only describe entities and are not entities themselves."""
        nodes = {node for _, predicate, node in self._label_statements if predicate in LABEL_SCOPES}
        nodes |= {node for _, _, node in self._label_statements if node in self._texts}
        nodes |= self._steps["meaning"].keys()
        for step in ("form", "sense"):
            nodes |= self._steps[step].keys()
            nodes.update(*self._steps[step].values())
        return nodes

    def drop_blank_nodes(self) -> None:
        """Remove blank nodes, because the next source reuses their labels for other nodes."""
        self._label_statements = {
            statement: None
            for statement in self._label_statements
            if not is_blank(statement[0]) | is_blank(statement[2])
        }
        self._texts = _without_blanks(self._texts)
        for step, ends in self._steps.items():
            kept = _without_blanks(ends)
            for node, others in kept.items():
                kept[node] = {other for other in others if not is_blank(other)}
            self._steps[step] = kept

    def _meanings(self, word: str) -> set[str]:
        meanings = self._steps["meaning"]
        sources = [word, *self._steps["sense"].get(word, ())]
        return {entity for source in sources for entity in meanings.get(source, ())}


def _without_blanks(nodes: defaultdict[str, _Value]) -> defaultdict[str, _Value]:
    return defaultdict(
        nodes.default_factory, {node: value for node, value in nodes.items() if not is_blank(node)}
    )


#: OntoLex predicate -> the step that it states, and whether it is the inverse of the step.
ONTOLEX_STEPS = {
    expand(f"ontolex:{name}"): step
    for name, step in {
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
#: Predicates of label nodes, definition nodes and OntoLex words.
LABEL_NODE_PREDICATES = frozenset((*LABEL_SCOPES, *DEFINITION_RANKS, *ONTOLEX_STEPS))
