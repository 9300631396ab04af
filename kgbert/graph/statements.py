"""Understand RDF statements: which are names, definitions, edges, or none of a graph's business."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import islice

from kgbert.graph import vocabulary
from kgbert.graph.axioms import STRUCTURAL, BlankNodes
from kgbert.graph.builder import MOST_REFERENCES, GraphBuilder
from kgbert.graph.datatypes import fits
from kgbert.graph.identifiers import compact, expand, readable
from kgbert.graph.options import ReadOptions
from kgbert.graph.triples import Triples

#: What matters on a blank node; most statements about them only annotate others.
ON_BLANKS = frozenset((*STRUCTURAL, vocabulary.LITERAL_FORM))


class Statements:
    """Statements of one or several sources, in any order, until :meth:`finish` is called.

    A term is an IRI, or ``_:`` and a label for a blank node. Every reader of triples uses this
    class, so that a statement means the same in every format; readers of formats that speak of
    entities rather than of statements fill ``builder``.

    >>> statements = Statements(ReadOptions())
    >>> statements.add_literal("http://a.org/b", vocabulary.expand("rdfs:label"), "Beta", "en")
    >>> statements.finish().build().name(0)
    'Beta'
    """

    def __init__(self, options: ReadOptions) -> None:
        self.options = options
        self.builder = GraphBuilder()
        self.ids_are_names = False
        self.imports: set[str] = set()
        self.domains: defaultdict[str, set[str]] = defaultdict(set)
        self.ranges: defaultdict[str, set[str]] = defaultdict(set)
        self.scopes = dict(vocabulary.NAME_SCOPES)
        if options.label:
            self.scopes[expand(options.label)] = "preferred"
        self.described: set[str] = set()
        self.properties: set[str] = set()
        self.annotations: set[str] = set()
        self.bookkeeping: set[str] = set()
        self.ontologies: set[str] = set()
        self.deprecated: set[str] = set()
        self.replaced: dict[str, str] = {}
        self.names: set[tuple[str, str, str, str]] = set()
        self.definitions: dict[str, tuple[int, bool, str]] = {}
        self.edges = Triples()
        self.references: set[tuple[str, str, str]] = set()
        self.labels: set[tuple[str, str, str]] = set()
        self.forms: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
        self.ill_typed: list[str] = []
        self.blanks = BlankNodes()
        self.texts: defaultdict[str, dict[str, str]] = defaultdict(dict)

    def takes_text(self, predicate: str) -> bool:
        """Whether the object of a predicate is text, for formats that do not tell."""
        return predicate in self.scopes or predicate in vocabulary.TEXT_PREDICATES

    def add_literal(self, subject: str, predicate: str, text: str, language: str = "") -> None:
        """Add a statement whose object is text."""
        if predicate == vocabulary.LITERAL_FORM:
            self.forms[subject].add((language.lower(), text))
        if subject.startswith("_:"):
            return
        if scope := self.scopes.get(predicate):
            self.names.add((subject, scope, language.lower(), text))
        elif (rank := vocabulary.DEFINITION_RANKS.get(predicate)) is not None:
            self._define(subject, rank, text, language.lower())
        elif predicate in vocabulary.DEPRECATED:
            if text.strip().lower() in ("true", "1"):
                self.deprecated.add(subject)
        else:
            self._succeed(subject, predicate, text)

    def check_type(self, text: str, datatype: str) -> None:
        """Note a literal that does not fit its datatype; it is kept as it is written."""
        if not fits(text, datatype):
            self.ill_typed.append(f"{text[:60]!r} as {datatype}")

    def _succeed(self, subject: str, predicate: str, text: str) -> bool:
        """Note what stands for what, here or elsewhere, and what a file says about itself."""
        if predicate in vocabulary.REPLACED_BY:
            self.replaced[subject] = expand(text)
        elif predicate in vocabulary.ALTERNATIVE_ID:
            self.replaced.setdefault(expand(text), subject)
        elif predicate == vocabulary.XREF:
            self.references.add((subject, predicate, text))
        elif predicate in vocabulary.VERSIONS or predicate in vocabulary.LICENCES:
            self.texts[subject][predicate] = text
        else:
            return False
        return True

    def add_resource(self, subject: str, predicate: str, target: str) -> None:
        """Add a statement whose object is an IRI or a blank node."""
        if predicate == vocabulary.RDF_TYPE and not target.startswith("_:"):
            self._type(subject, target)
        elif predicate in vocabulary.SCHEMATIC:
            self._constrain(subject, predicate, target)
        elif subject.startswith("_:"):
            self.blanks.add(subject, predicate, target)
        elif target.startswith("_:"):
            self.blanks.attach(subject, predicate, target)
            self.described.add(subject)
        elif self._succeed(subject, predicate, target):
            return
        elif predicate in vocabulary.INVERSES:
            self.described.add(subject)
            self.edges.add(target, vocabulary.INVERSES[predicate], subject)
        elif predicate not in vocabulary.BOOKKEEPING:
            self.edges.add(subject, predicate, target)

    def _define(self, subject: str, rank: int, text: str, language: str) -> None:
        candidate = (rank, language not in ("", "en"), " ".join(text.split()))
        if candidate[2]:
            self.definitions[subject] = min(self.definitions.get(subject, candidate), candidate)

    def _constrain(self, subject: str, predicate: str, target: str) -> None:
        """Note what a relation connects, where a name is, or which ontologies belong together."""
        if predicate == vocabulary.IMPORTS:
            self.imports.add(target)
        elif predicate in vocabulary.LABEL_SCOPES:
            self.labels.add((subject, vocabulary.LABEL_SCOPES[predicate], target))
        else:
            ends = self.domains if predicate in vocabulary.DOMAINS else self.ranges
            ends[subject].add(target)

    def _type(self, subject: str, target: str) -> None:
        if target in vocabulary.PROPERTY_TYPES:
            self.properties.add(subject)
        elif target == vocabulary.ANNOTATION_PROPERTY:
            self.annotations.add(subject)
        elif target in vocabulary.BOOKKEEPING_TYPES:
            self.bookkeeping.add(subject)
            if target == vocabulary.ONTOLOGY:
                self.ontologies.add(subject)
        elif subject.startswith("_:"):
            return
        else:
            self.described.add(subject)
            if not target.startswith(vocabulary.META_NAMESPACES):
                self.edges.add(subject, vocabulary.RDF_TYPE, target)

    def finish(self) -> GraphBuilder:
        """Return the builder with everything in it, ids written as in the graph.

        Names and edges move there: they are not held twice.
        """
        builder = self.builder
        self.edges.update(self.blanks.edges())
        self.edges.update(self._schema())
        self.edges.keep_relations(
            self.edges.relations() - self.annotations - vocabulary.BOOKKEEPING
        )
        outside = self.properties | self.annotations | self.bookkeeping | self.deprecated
        outside |= self._unfold_labels()
        ids = {entity: compact(entity) for entity in self._entities(outside)}
        for entity, written in ids.items():
            builder.add_entity(written, self.definitions.get(entity, _UNDEFINED)[2])
        self._name(ids)
        self._relate(ids, outside)
        for obsolete in self.deprecated | self.replaced.keys():
            if obsolete not in ids:
                builder.replaced[compact(obsolete)] = compact(self.replaced.get(obsolete, ""))
        self._introduce(builder)
        return builder

    def _unfold_labels(self) -> set[str]:
        """Name entities by the labels of SKOS-XL, and return these, which are no entities."""
        for subject, scope, label in self.labels:
            if not subject.startswith("_:"):
                self.described.add(subject)
                for language, text in self.forms.get(label, ()):
                    self.names.add((subject, scope, language, text))
        return {label for _, _, label in self.labels}

    def _relate(self, ids: dict[str, str], outside: set[str]) -> None:
        known = ids.keys() | outside
        relations = self.edges.relations()
        written = {relation: compact(relation) for relation in relations}
        described = len(self.edges)
        leading_out = islice(self.edges.beyond(known), MOST_REFERENCES)
        self.builder.references.update(
            (ids[head], compact(relation), compact(tail))
            for head, relation, tail in (*leading_out, *self.references)
            if head in ids
        )
        self.edges.keep_between(known)
        if dangling := described - len(self.edges):
            self.builder.note(f"{dangling:,} edges dropped: an end of theirs is not described")
        self.builder.edges.absorb(self.edges.renamed(ids, written))
        self.edges = Triples()

    def _schema(self) -> Iterator[tuple[str, str, str]]:
        """Yield an edge from each class that a relation starts at to each that it ends at."""
        for relation, domain in self.domains.items() if self.options.domain_and_range else ():
            heads = self.blanks.named(domain)
            tails = self.blanks.named(self.ranges.get(relation, set()))
            yield from ((head, relation, tail) for head in heads for tail in tails)

    def _introduce(self, builder: GraphBuilder) -> None:
        """Tell the builder the version and licence, if the statements are about one ontology."""
        if self.ill_typed:
            builder.note(
                f"{len(self.ill_typed):,} literals do not fit their datatype, and are kept as they "
                f"are written (such as {min(self.ill_typed)})"
            )
        if len(self.ontologies) == 1:
            texts = self.texts[next(iter(self.ontologies))]
            version = next((texts[key] for key in vocabulary.VERSIONS if key in texts), "")
            licence = next((texts[key] for key in vocabulary.LICENCES if key in texts), "")
            builder.version, builder.licence = (
                version or builder.version,
                licence or builder.licence,
            )

    def _entities(self, outside: set[str]) -> set[str]:
        """Return what is described, and what is only pointed at if its IRI says what it is."""
        entities = self.described | {name[0] for name in self.names}
        entities |= self.edges.heads()
        pointed_at = self.edges.tails() - entities
        entities.update(tail for tail in pointed_at if readable(tail))
        return {
            entity
            for entity in entities - outside
            if not entity.startswith(vocabulary.META_NAMESPACES)
        }

    def _name(self, ids: dict[str, str]) -> None:
        relations: dict[str, tuple[bool, str]] = {}
        while self.names:
            subject, scope, language, text = self.names.pop()
            if subject in ids:
                self.builder.add_name(ids[subject], text, scope, language)
            elif subject in self.properties and scope == "preferred":
                candidate = (language not in ("", "en"), " ".join(text.split()))
                relations[subject] = min(relations.get(subject, candidate), candidate)
        for relation in self.edges.relations():
            # What RDFS and SKOS call their own relations ("subClassOf") is not for sentences.
            is_meta = relation.startswith(vocabulary.META_NAMESPACES)
            name = "" if is_meta else relations.get(relation, (False, ""))[1]
            if name or compact(relation) not in self.builder.relations:
                self.builder.add_relation(compact(relation), name)


_UNDEFINED = (0, False, "")
