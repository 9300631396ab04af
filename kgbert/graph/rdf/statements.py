"""Understand RDF statements: which are names, definitions, edges, or none of a graph's business."""

from collections import defaultdict

from kgbert.graph.core import vocabulary
from kgbert.graph.core.graph import SCOPES
from kgbert.graph.core.identifiers import compact, expand, to_iri
from kgbert.graph.core.options import ReadOptions
from kgbert.graph.rdf.datatypes import matches_datatype
from kgbert.graph.rdf.literals import LITERAL_HANDLERS, add_names
from kgbert.graph.rdf.owl_axioms import STRUCTURAL_PREDICATES, BlankNodes
from kgbert.graph.rdf.reified_labels import (
    LABEL_NODE_PREDICATES,
    LABEL_TEXT_PREDICATES,
    ONTOLEX_STEPS,
    ReifiedLabels,
)
from kgbert.graph.rdf.subproperties import StatementBatch, UnknownPredicates
from kgbert.graph.rdf.subset import is_selected_relation, selected_relations
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.graph.storage.name_set import NameSet
from kgbert.graph.storage.triple_set import TripleSet

#: What matters on a blank node; most statements about them only annotate others.
ON_BLANKS = frozenset((*STRUCTURAL_PREDICATES, *LABEL_TEXT_PREDICATES, *ONTOLEX_STEPS))

#: Subjects, and the text or resource that each is said to have.
Pairs = tuple[list[str], list[str]]
#: Statements of one predicate that are understood together.
_TOGETHER = 1 << 16


class Statements:
    """Statements of one or several sources, in any order; ``finish`` makes a graph of them.

    A term is an IRI, or ``_:`` and a label for a blank node. Every reader of triples uses this
    class, so that a statement means the same in every format; readers of formats that speak of
    entities rather than of statements fill ``builder``.

    >>> statements = Statements(ReadOptions())
    >>> statements.add_literal("http://a.org/b", vocabulary.expand("rdfs:label"), "Beta", "en")
    >>> statements.flush()
    >>> list(statements.names)
    [('http://a.org/b', 0, 'en', 'Beta')]
    """

    def __init__(self, options: ReadOptions) -> None:
        self.options = options
        self.builder = GraphBuilder()
        self.ids_are_names = False
        self._asked = selected_relations(options)
        self.imports: set[str] = set()
        self.domains: defaultdict[str, set[str]] = defaultdict(set)
        self.ranges: defaultdict[str, set[str]] = defaultdict(set)
        self.scopes = dict(vocabulary.NAME_SCOPES)
        self._on_text = dict(LITERAL_HANDLERS)
        self.label = expand(options.label)
        if self.label:
            self.scopes[self.label] = "preferred"
            self._on_text[self.label] = add_names
        self.described: set[str] = set()
        self.properties: set[str] = set()
        self.annotations: set[str] = set()
        self.metadata_nodes: set[str] = set()
        self.ontologies: set[str] = set()
        self.deprecated: set[str] = set()
        self.replaced: dict[str, str] = {}
        # What is moved to the builder in the end has its terms, so that no string is held twice.
        self.names = NameSet(self.builder.terms)
        # By how much each is one: the least pair of rank and "is foreign" wins.
        self.definitions: defaultdict[tuple[int, bool], dict[str, str]] = defaultdict(dict)
        self.edges = TripleSet(terms=self.builder.terms)
        self.references: set[tuple[str, str, str]] = set()
        self.reified_labels = ReifiedLabels()
        self.mistyped_literals: list[str] = []
        self.own = UnknownPredicates(
            texts=vocabulary.TEXT_SUPERPROPERTIES,
            relations={*self._asked, *map(to_iri, self._asked)},
        )
        self.blanks = BlankNodes()
        self._blank_ends: list[tuple[defaultdict[str, set[str]], str, str]] = []
        self.texts: defaultdict[str, dict[str, str]] = defaultdict(dict)
        # Things that are no entities, by their class.
        self._kinds = {
            **dict.fromkeys(vocabulary.PROPERTY_TYPES, self.properties),
            vocabulary.ANNOTATION_PROPERTY: self.annotations,
            **dict.fromkeys(vocabulary.METADATA_TYPES, self.metadata_nodes),
        }
        # What was added last, by predicate: texts by their language, and resources.
        self.told: defaultdict[str, defaultdict[str, Pairs]] = defaultdict(_by_language)
        self.said: defaultdict[str, Pairs] = defaultdict(_no_pairs)

    def is_text_predicate(self, predicate: str) -> bool:
        """Whether the object of a predicate is text, for formats that do not tell."""
        return predicate in self.scopes or predicate in vocabulary.TEXT_PREDICATES

    def add_literal(self, subject: str, predicate: str, text: str, language: str = "") -> None:
        """Add a statement whose object is text."""
        if subject[:2] == "_:" and predicate not in LABEL_TEXT_PREDICATES:
            return
        subjects, texts = self.told[predicate][language]
        subjects.append(subject)
        texts.append(text)
        if len(texts) == _TOGETHER:
            self.flush()

    def check_datatype(self, text: str, datatype: str) -> None:
        """Note a literal that does not fit its datatype; it is kept as it is written."""
        if not matches_datatype(text, datatype):
            self.mistyped_literals.append(f"{text[:60]!r} as {datatype}")

    def add_resource(self, subject: str, predicate: str, target: str) -> None:
        """Add a statement whose object is an IRI or a blank node."""
        subjects, targets = self.said[predicate]
        subjects.append(subject)
        targets.append(target)
        if len(targets) == _TOGETHER:
            self.flush()

    def flush(self) -> None:
        """Understand what was added, predicate by predicate, which is faster than one by one."""
        for predicate, by_language in self.told.items():
            for language, (subjects, texts) in by_language.items():
                said = StatementBatch(predicate, language, subjects, texts)
                if predicate in self._on_text:
                    self._take(said)
                elif known := self.own.add(said):
                    self._take(known)
        self.told.clear()
        self._settle_resources()

    def _settle_resources(self) -> None:
        for predicate, (subjects, targets) in self.said.items():
            if predicate == vocabulary.RDF_TYPE:
                self._type(subjects, targets)
            elif predicate in vocabulary.SCHEMA_PREDICATES:
                self._constrain(predicate, subjects, targets)
            elif predicate in LABEL_NODE_PREDICATES:
                self.described.update(subject for subject in subjects if subject[:2] != "_:")
                self.reified_labels.add(predicate, subjects, targets)
            else:
                self._connect(predicate, *self._named(predicate, subjects, targets))
        self.said.clear()

    def end_source(self) -> None:
        """Understand what blank nodes say: their labels mean nothing in the next source."""
        self.flush()
        self.edges.update(self.blanks.edges())
        for ends, relation, blank in self._blank_ends:
            ends[relation] |= self.blanks.named([blank])
        self.read_label_nodes()
        self.reified_labels.drop_blank_nodes()
        self.blanks = BlankNodes()
        self._blank_ends.clear()

    def resolve_unknown(self) -> int:
        """Read what is said under kinds of names, definitions and relations that are asked for.

        Returns how many names and definitions it is.
        """
        texts = 0
        for said in self.own.resolved():
            self._take(said)
            texts += len(said.objects) if said.language is not None else 0
        return texts

    def _take(self, said: StatementBatch) -> None:
        predicate, language, subjects, objects = said
        if language is not None:
            self._on_text[predicate](self, predicate, subjects, objects, language.lower())
        else:
            self.builder.skipped_relations[compact(predicate)] -= len(subjects)
            self._join(predicate, subjects, objects)

    def read_label_nodes(self) -> None:
        """Read the names and definitions that nodes of their own tell."""
        for entity, scope, language, text in self.reified_labels.names():
            if entity[:2] != "_:":
                self.names.add(entity, SCOPES.index(scope), language, text)
        for entity, predicate, language, text in self.reified_labels.definitions():
            if entity[:2] != "_:":
                self._on_text[predicate](self, predicate, [entity], [text], language)

    def _named(self, predicate: str, subjects: list[str], targets: list[str]) -> Pairs:
        """Return the statements between named things, and note those about blank nodes."""
        if not _has_blank(subjects) and not _has_blank(targets):
            return subjects, targets
        heads, tails = [], []
        for subject, target in zip(subjects, targets, strict=True):
            if subject[:2] == "_:":
                self.blanks.add(subject, predicate, target)
            elif target[:2] == "_:":
                self.blanks.attach(subject, predicate, target)
                self.described.add(subject)
            else:
                heads.append(subject)
                tails.append(target)
        return heads, tails

    def _connect(self, predicate: str, subjects: list[str], targets: list[str]) -> None:
        if predicate in vocabulary.IRI_OR_TEXT_PREDICATES:
            self._on_text[predicate](self, predicate, subjects, targets, "")
        elif predicate in vocabulary.INVERSES:
            self.described.update(subjects)
            self.relate(targets, vocabulary.INVERSES[predicate], subjects)
        elif predicate not in vocabulary.METADATA_PREDICATES:
            self.relate(subjects, predicate, targets)

    def relate(self, heads: list[str], relation: str, tails: list[str]) -> None:
        """Add edges of a relation, if that is asked for."""
        if not is_selected_relation(relation, self._asked):
            self.described.update(heads)
            self.builder.skipped_relations[compact(relation)] += len(heads)
            if known := self.own.add(StatementBatch(relation, None, heads, tails)):
                self._take(known)
            return
        self._join(relation, heads, tails)

    def _join(self, relation: str, heads: list[str], tails: list[str]) -> None:
        numbers = self.builder.terms.numbers
        self.edges.extend(numbers(heads), relation, numbers(tails))

    def _constrain(self, predicate: str, subjects: list[str], targets: list[str]) -> None:
        """Note what a relation connects, or which ontologies belong together."""
        if predicate == vocabulary.IMPORTS:
            self.imports.update(targets)
        elif predicate == vocabulary.SUBPROPERTY:
            self.own.place(subjects, targets)
        else:
            ends = self.domains if predicate in vocabulary.DOMAINS else self.ranges
            for subject, target in zip(subjects, targets, strict=True):
                if target[:2] == "_:":
                    self._blank_ends.append((ends, subject, target))
                else:
                    ends[subject].add(target)

    def _type(self, subjects: list[str], targets: list[str]) -> None:
        by_class: defaultdict[str, list[str]] = defaultdict(list)
        for subject, target in zip(subjects, targets, strict=True):
            by_class[target].append(subject)
        for target, members in by_class.items():
            if (alike := self._kinds.get(target)) is not None:
                alike.update(members)
                if target == vocabulary.ONTOLOGY:
                    self.ontologies.update(members)
            else:
                named = [member for member in members if member[:2] != "_:"]
                self.described.update(named)
                if not target.startswith(_NO_CLASSES):
                    self.relate(named, vocabulary.RDF_TYPE, [target] * len(named))


def _by_language() -> defaultdict[str, Pairs]:
    return defaultdict(_no_pairs)


def _no_pairs() -> Pairs:
    return [], []


def _has_blank(terms: list[str]) -> bool:
    """Whether a blank node may be among some terms; this asks all of them at once."""
    return "\n_:" in "\n".join(("", *terms))


#: What is no class of the graph's own.
_NO_CLASSES = ("_:", *vocabulary.META_NAMESPACES)
