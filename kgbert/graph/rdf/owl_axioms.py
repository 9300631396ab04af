"""Convert OWL class expressions, which RDF writes with blank nodes, to edges."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from kgbert.graph.core.identifiers import expand, is_blank
from kgbert.graph.core.vocabulary import EQUIVALENT, RDF_TYPE, SUBCLASS

Edge = tuple[str, str, str]

_FIRST, _REST, _NIL = expand("rdf:first"), expand("rdf:rest"), expand("rdf:nil")
_INTERSECTION, _UNION = expand("owl:intersectionOf"), expand("owl:unionOf")
_ONE_OF = expand("owl:oneOf")
_PROPERTY, _INVERSE = expand("owl:onProperty"), expand("owl:inverseOf")
_FILLERS = tuple(
    expand(f"owl:{name}") for name in ("someValuesFrom", "allValuesFrom", "hasValue", "onClass")
)
#: Predicates of class expressions; other predicates of a blank node are ignored.
STRUCTURAL_PREDICATES = {
    *(_FIRST, _REST, _INTERSECTION, _UNION, _ONE_OF, _PROPERTY, _INVERSE, *_FILLERS)
}
#: The role group of SNOMED CT: its content applies to the class itself.
_GROUPING = "http://snomed.info/id/609096000"
_DISJOINT_UNION = expand("owl:disjointUnionOf")
_CLASS_AXIOMS = (SUBCLASS, EQUIVALENT, _INTERSECTION, _UNION, _DISJOINT_UNION, _ONE_OF)
#: Predicate of a list of members -> the relation of each member to the class.
_MEMBER_RELATIONS = {_UNION: SUBCLASS, _DISJOINT_UNION: SUBCLASS, _ONE_OF: RDF_TYPE}


class BlankNodes:
    """The statements about blank nodes, which become edges and never entities.

    ``X subClassOf (G and P some F)`` gives the edges ``X subClassOf G`` and ``X P F``. So does an
    equivalence. A disjoint union, or a union equivalent to X, makes each member a subclass of X; an
    enumeration makes each member an instance.
    """

    def __init__(self) -> None:
        # Real ontologies have restrictions with two fillers, although OWL allows only one.
        self.statements: defaultdict[str, dict[str, list[str]]] = defaultdict(dict)
        self.axioms: list[Edge] = []

    def add(self, blank: str, predicate: str, target: str) -> None:
        """Store a statement about a blank node if it is part of a class expression."""
        if predicate in STRUCTURAL_PREDICATES:
            self.statements[blank].setdefault(predicate, []).append(target)

    def attach(self, subject: str, predicate: str, blank: str) -> None:
        """Store a class axiom whose object is a blank node."""
        if predicate in _CLASS_AXIOMS:
            self.axioms.append((subject, predicate, blank))

    def named(self, classes: Iterable[str]) -> set[str]:
        """Return named classes, and the members of the unions and intersections among them."""
        found: set[str] = set()
        for item in classes:
            if is_blank(item):
                expression = self.statements.get(item, {})
                for operator in (_UNION, _INTERSECTION):
                    found.update(self._members(expression.get(operator, ())))
            else:
                found.add(item)
        return {item for item in found if not is_blank(item)}

    def edges(self) -> Iterator[Edge]:
        """Yield the edges between named entities that the class expressions imply."""
        for subject, predicate, blank in self.axioms:
            if predicate == _INTERSECTION:
                conjuncts = self._members([blank])
            elif predicate in _MEMBER_RELATIONS:
                conjuncts = []
                yield from self._members_below(subject, predicate, [blank])
            else:
                conjuncts = [blank]
            if predicate == EQUIVALENT:
                for operator in (_UNION, _ONE_OF):
                    lists = self.statements.get(blank, {}).get(operator, ())
                    yield from self._members_below(subject, operator, lists)
            yield from self._conjunction(subject, conjuncts)

    def _members_below(self, subject: str, predicate: str, lists: Iterable[str]) -> Iterator[Edge]:
        for member in self._members(lists):
            if not is_blank(member):
                yield member, _MEMBER_RELATIONS[predicate], subject

    def _conjunction(self, subject: str, conjuncts: list[str]) -> Iterator[Edge]:
        seen: set[str] = set()
        while conjuncts:
            part = conjuncts.pop()
            if part in seen:
                continue
            seen.add(part)
            if not is_blank(part):
                yield subject, SUBCLASS, part
                continue
            statements = self.statements.get(part, {})
            conjuncts.extend(self._members(statements.get(_INTERSECTION, ())))
            for relation in statements.get(_PROPERTY, ()):
                if relation == _GROUPING:
                    conjuncts.extend(filter(is_blank, _fillers(statements)))
                else:
                    yield from self._restriction(subject, relation, statements)

    def _restriction(
        self, subject: str, relation: str, statements: dict[str, list[str]]
    ) -> Iterator[Edge]:
        inverses = self.statements.get(relation, {}).get(_INVERSE, ())
        # A filler can be a union or an intersection of named classes.
        for filler in self.named(_fillers(statements)):
            if not is_blank(relation):
                yield subject, relation, filler
            for inverse in inverses:
                if not is_blank(inverse):
                    yield filler, inverse, subject

    def _members(self, lists: Iterable[str]) -> list[str]:
        """Return the members of RDF lists, which may be incomplete or cyclic."""
        members: list[str] = []
        pending, seen = list(lists), {_NIL}
        while pending:
            items = pending.pop()
            if items not in seen:
                seen.add(items)
                cell = self.statements.get(items, {})
                members.extend(cell.get(_FIRST, ()))
                pending.extend(cell.get(_REST, ()))
        return members


def _fillers(statements: dict[str, list[str]]) -> list[str]:
    return [filler for predicate in _FILLERS for filler in statements.get(predicate, ())]
