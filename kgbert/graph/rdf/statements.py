"""Sort RDF statements into names, definitions, edges and metadata."""

from collections import defaultdict

from kgbert.graph.core import vocabulary
from kgbert.graph.core.graph import SCOPES
from kgbert.graph.core.identifiers import compact, expand, spellings, to_iri
from kgbert.graph.core.options import ReadOptions
from kgbert.graph.core.vocabulary import by_local_name
from kgbert.graph.rdf.datatypes import matches_datatype
from kgbert.graph.rdf.definitions import Definitions, add_definitions
from kgbert.graph.rdf.literals import (
    LITERAL_HANDLERS,
    add_deprecation,
    add_names,
    add_replacements,
)
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

#: Predicates that matter on a blank node; its other statements only annotate statements.
ON_BLANKS = frozenset((*STRUCTURAL_PREDICATES, *LABEL_TEXT_PREDICATES, *ONTOLEX_STEPS))

#: Subjects, and the text or resource of each.
Pairs = tuple[list[str], list[str]]
#: Statements of one predicate that are read at a time.
_BATCH_SIZE = 1 << 16


class Statements:
    """Statements of one or several sources, in any order; ``finalize`` builds a graph from them.

    A term is an IRI, or ``_:`` and the label of a blank node. Every reader of triples uses this
    class, so that a statement has the same meaning in every format. Readers of formats with
    entities instead of statements fill ``builder``.

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
        # Whether some are rows of a table, in which columns stand for properties.
        self.has_tables = False
        # File -> the lines of a list, which are names unless other files have them as ids.
        self.name_lists: dict[str, list[str]] = {}
        # Entity -> the number by which other files of its set call it.
        self.entity_numbers: dict[str, str] = {}
        self._selected = selected_relations(options)
        self.imports: set[str] = set()
        self.domains: defaultdict[str, set[str]] = defaultdict(set)
        self.ranges: defaultdict[str, set[str]] = defaultdict(set)
        self.scopes = dict(vocabulary.NAME_SCOPES)
        self._literal_handlers = dict(LITERAL_HANDLERS)
        self.definition_ranks = dict(vocabulary.DEFINITION_RANKS)
        self._iri_or_text = set(vocabulary.IRI_OR_TEXT_PREDICATES)
        self.text_predicates = {*vocabulary.TEXT_PREDICATES, *self.scopes}
        self.custom = self._add_custom_properties()
        self.described: set[str] = set()
        self.properties: set[str] = set()
        self.annotations: set[str] = set()
        self.metadata_nodes: set[str] = set()
        self.ontologies: set[str] = set()
        self.deprecated: set[str] = set()
        self.replaced: dict[str, str] = {}
        # Names and edges share the terms of the builder, because they are moved to it at the end.
        self.names = NameSet(self.builder.terms)
        # (rank of the predicate, whether it is not English) -> definitions; the lowest key wins.
        self.definitions: defaultdict[tuple[int, bool], Definitions] = defaultdict(dict)
        # The same key -> the predicates of these definitions.
        self.definition_predicates: defaultdict[tuple[int, bool], set[str]] = defaultdict(set)
        self.edges = TripleSet(terms=self.builder.terms)
        self.references: set[tuple[str, str, str]] = set()
        self.reified_labels = ReifiedLabels()
        self.mistyped_literals: list[str] = []
        self.unknown = UnknownPredicates(
            texts=vocabulary.TEXT_SUPERPROPERTIES,
            relations={*self._selected, *map(to_iri, self._selected)},
        )
        self.blanks = BlankNodes()
        self._blank_ends: list[tuple[defaultdict[str, set[str]], str, str]] = []
        self.texts: defaultdict[str, dict[str, str]] = defaultdict(dict)
        # Class -> the set of its instances, which are not entities.
        self._excluded_by_type = {
            **dict.fromkeys(vocabulary.PROPERTY_TYPES, self.properties),
            vocabulary.ANNOTATION_PROPERTY: self.annotations,
            **dict.fromkeys(vocabulary.DEPRECATED_TYPES, self.deprecated),
            **dict.fromkeys(vocabulary.METADATA_TYPES, self.metadata_nodes),
        }
        # The statements since the last flush by predicate; texts also by language.
        self.pending_texts: defaultdict[str, defaultdict[str, Pairs]] = defaultdict(_by_language)
        self.pending_resources: defaultdict[str, Pairs] = defaultdict(_no_pairs)

    def _add_custom_properties(self) -> dict[str, str]:
        """Register the properties that the options set; return the option of each spelling."""
        custom = {}
        for option, handler in _OPTION_HANDLERS.items():
            for predicate in spellings(getattr(self.options, option)):
                custom[predicate] = option
                self._literal_handlers[predicate] = handler
                if option in _OPTION_SCOPES:
                    self.scopes[predicate] = _OPTION_SCOPES[option]
                elif option == "definition":
                    self.definition_ranks[predicate] = -1
                elif option == "replacement":
                    self._iri_or_text.add(predicate)
        self.text_predicates |= custom.keys()
        return custom

    def option_of(self, name: str) -> str:
        """Return the option that names a property, tag, attribute or key; empty if none does."""
        return self.custom.get(name) or self.custom.get(expand(name), "") if self.custom else ""

    def is_text_predicate(self, predicate: str) -> bool:
        """Return whether the object of a predicate is text, for formats without literals."""
        return predicate in self.text_predicates

    def add_literal(self, subject: str, predicate: str, text: str, language: str = "") -> None:
        """Add a statement whose object is text."""
        if subject[:2] == "_:" and predicate not in LABEL_TEXT_PREDICATES:
            return
        subjects, texts = self.pending_texts[predicate][language]
        subjects.append(subject)
        texts.append(text)
        if len(texts) == _BATCH_SIZE:
            self.flush()

    def check_datatype(self, text: str, datatype: str) -> None:
        """Record a literal that does not fit its datatype; its text is kept unchanged."""
        if not matches_datatype(text, datatype):
            self.mistyped_literals.append(f"{text[:60]!r} as {datatype}")

    def add_resource(self, subject: str, predicate: str, target: str) -> None:
        """Add a statement whose object is an IRI or a blank node."""
        subjects, targets = self.pending_resources[predicate]
        subjects.append(subject)
        targets.append(target)
        if len(targets) == _BATCH_SIZE:
            self.flush()

    def flush(self) -> None:
        """Read the pending statements in batches of one predicate, which is faster."""
        for predicate, by_language in self.pending_texts.items():
            for language, (subjects, texts) in by_language.items():
                batch = StatementBatch(predicate, language, subjects, texts)
                if predicate in self._literal_handlers:
                    self._read(batch)
                elif resolved := self.unknown.add(batch):
                    self._read(resolved)
        self.pending_texts.clear()
        self._flush_resources()

    def _flush_resources(self) -> None:
        for predicate, (subjects, targets) in self.pending_resources.items():
            if predicate == vocabulary.RDF_TYPE:
                self._add_types(subjects, targets)
            elif predicate in vocabulary.SCHEMA_PREDICATES:
                self._add_schema(predicate, subjects, targets)
            elif predicate in LABEL_NODE_PREDICATES:
                self.described.update(subject for subject in subjects if subject[:2] != "_:")
                self.reified_labels.add(predicate, subjects, targets)
            else:
                self._add_connections(
                    predicate, *self._without_blanks(predicate, subjects, targets)
                )
        self.pending_resources.clear()

    def end_source(self) -> None:
        """Read the blank nodes of a source, because the next source reuses their labels."""
        self.flush()
        self.edges.update(self.blanks.edges())
        for ends, relation, blank in self._blank_ends:
            ends[relation] |= self.blanks.named([blank])
        self.read_reified_labels()
        self.reified_labels.drop_blank_nodes()
        self.blanks = BlankNodes()
        self._blank_ends.clear()

    def resolve_unknown(self) -> int:
        """Read statements under unknown predicates that turned out to be known ones.

        Returns the number of names and definitions whose predicate is a sub-property.
        """
        texts = 0
        for batch in self.unknown.resolved():
            self._read(batch)
            texts += len(batch.objects) if batch.language is not None else 0
        return texts - self.unknown.by_local_name.total()

    def _read(self, batch: StatementBatch) -> None:
        predicate, language, subjects, objects = batch
        if option := self.custom.get(predicate):
            self.builder.option_counts[option] += len(subjects)
        if language is not None:
            self._literal_handlers[predicate](self, predicate, subjects, objects, language.lower())
        else:
            self.builder.skipped_relations[compact(predicate)] -= len(subjects)
            self._append_edges(predicate, subjects, objects)

    def read_reified_labels(self) -> None:
        """Read the names and definitions of label and definition nodes."""
        for entity, scope, language, text in self.reified_labels.names():
            if entity[:2] != "_:":
                self.names.add(entity, SCOPES.index(scope), language, text)
        for entity, predicate, language, text in self.reified_labels.definitions():
            if entity[:2] != "_:":
                self._literal_handlers[predicate](self, predicate, [entity], [text], language)

    def _without_blanks(self, predicate: str, subjects: list[str], targets: list[str]) -> Pairs:
        """Return the statements without blank nodes, and store the others."""
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

    def _add_connections(self, predicate: str, subjects: list[str], targets: list[str]) -> None:
        if predicate == vocabulary.SUBCLASS:
            subjects, targets = self._without_deprecated(subjects, targets)
        if predicate in self._iri_or_text:
            self._read(StatementBatch(predicate, "", subjects, targets))
        elif by_local_name(predicate) in vocabulary.REPLACED_BY:
            self._literal_handlers[vocabulary.REPLACED_BY[0]](
                self, predicate, subjects, targets, ""
            )
        elif _is_metadata(predicate):
            example = f"{subjects[0]} {targets[0]}" if subjects else ""
            reason = f"{compact(predicate)} is metadata"
            self.builder.drop_edges(reason, len(subjects), example)
        else:
            self.add_edges(subjects, predicate, targets)

    def _without_deprecated(self, subjects: list[str], targets: list[str]) -> Pairs:
        """Return the superclasses without those of obsolete classes, which are marked as such."""
        if vocabulary.DEPRECATED_TYPES.isdisjoint(targets):
            return subjects, targets
        kept: Pairs = [], []
        for subject, target in zip(subjects, targets, strict=True):
            if target in vocabulary.DEPRECATED_TYPES:
                self.deprecated.add(subject)
            else:
                kept[0].append(subject)
                kept[1].append(target)
        return kept

    def add_edges(self, heads: list[str], relation: str, tails: list[str]) -> None:
        """Add edges of a relation, if it is selected."""
        if not is_selected_relation(relation, self._selected):
            self.described.update(heads)
            self.builder.skipped_relations[compact(relation)] += len(heads)
            if resolved := self.unknown.add(StatementBatch(relation, None, heads, tails)):
                self._read(resolved)
            return
        self._append_edges(relation, heads, tails)

    def _append_edges(self, relation: str, heads: list[str], tails: list[str]) -> None:
        numbers = self.builder.terms.numbers
        self.edges.extend(numbers(heads), relation, numbers(tails))

    def _add_schema(self, predicate: str, subjects: list[str], targets: list[str]) -> None:
        """Add imports, sub-properties, or the domains and ranges of relations."""
        if predicate == vocabulary.IMPORTS:
            self.imports.update(targets)
        elif predicate == vocabulary.SUBPROPERTY:
            self.unknown.add_superproperties(subjects, targets)
        else:
            ends = self.domains if predicate in vocabulary.DOMAINS else self.ranges
            for subject, target in zip(subjects, targets, strict=True):
                if target[:2] == "_:":
                    self._blank_ends.append((ends, subject, target))
                else:
                    ends[subject].add(target)

    def _add_types(self, subjects: list[str], targets: list[str]) -> None:
        by_class: defaultdict[str, list[str]] = defaultdict(list)
        for subject, target in zip(subjects, targets, strict=True):
            by_class[target].append(subject)
        for target, members in by_class.items():
            if (excluded := self._excluded_by_type.get(target)) is not None:
                excluded.update(members)
                if target == vocabulary.ONTOLOGY:
                    self.ontologies.update(members)
            else:
                self._add_instances(target, [each for each in members if each[:2] != "_:"])

    def _add_instances(self, target: str, members: list[str]) -> None:
        self.described.update(members)
        if target.startswith(_NO_CLASSES):
            return
        self.add_edges(members, vocabulary.RDF_TYPE, [target] * len(members))


def _is_metadata(predicate: str) -> bool:
    return predicate in vocabulary.METADATA_PREDICATES or predicate.startswith(
        vocabulary.METADATA_NAMESPACES
    )


def _by_language() -> defaultdict[str, Pairs]:
    return defaultdict(_no_pairs)


def _no_pairs() -> Pairs:
    return [], []


def _has_blank(terms: list[str]) -> bool:
    """Return whether terms contain a blank node; one search of the joined text is faster."""
    return "\n_:" in "\n".join(("", *terms))


#: Options that name a property -> the function that reads texts under it.
_OPTION_HANDLERS = {
    "label": add_names,
    "synonym": add_names,
    "definition": add_definitions,
    "deprecation": add_deprecation,
    "replacement": add_replacements,
}
#: Options that name a property of names -> their scope.
_OPTION_SCOPES = {"label": "preferred", "synonym": "exact"}
#: Prefixes of terms that are not classes of the graph.
_NO_CLASSES = ("_:", *vocabulary.META_NAMESPACES)
