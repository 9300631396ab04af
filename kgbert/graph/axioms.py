"""OWL's class expressions, which RDF spells with blank nodes, as edges between named entities."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from kgbert.graph.identifiers import expand
from kgbert.graph.vocabulary import EQUIVALENT, SUBCLASS

Edge = tuple[str, str, str]

_FIRST, _REST, _NIL = expand("rdf:first"), expand("rdf:rest"), expand("rdf:nil")
_INTERSECTION, _UNION = expand("owl:intersectionOf"), expand("owl:unionOf")
_PROPERTY, _INVERSE = expand("owl:onProperty"), expand("owl:inverseOf")
_FILLERS = tuple(
    expand(f"owl:{name}") for name in ("someValuesFrom", "allValuesFrom", "hasValue", "onClass")
)
#: Predicates that class expressions are made of; nothing else matters on a blank node.
STRUCTURAL = {_FIRST, _REST, _INTERSECTION, _UNION, _PROPERTY, _INVERSE, *_FILLERS}
_CLASS_AXIOMS = (SUBCLASS, EQUIVALENT, _INTERSECTION, _UNION)


class BlankNodes:
    """Blank nodes and what hangs on them; they become edges, never entities.

    ``X subClassOf (G and P some F)`` says X is a G, and X P F. So does an equivalence; a union
    that X is equivalent to says that each of its members is an X.
    """

    def __init__(self) -> None:
        self.statements: defaultdict[str, dict[str, str]] = defaultdict(dict)
        self.axioms: list[Edge] = []

    def add(self, blank: str, predicate: str, target: str) -> None:
        """Remember a statement about a blank node if class expressions are made of it."""
        if predicate in STRUCTURAL:
            self.statements[blank][predicate] = target

    def attach(self, subject: str, predicate: str, blank: str) -> None:
        """Remember that a named thing is described by a blank node."""
        if predicate in _CLASS_AXIOMS:
            self.axioms.append((subject, predicate, blank))

    def named(self, classes: Iterable[str]) -> set[str]:
        """Return named classes, and the members of the unions and intersections among them."""
        found: set[str] = set()
        for item in classes:
            if item.startswith("_:"):
                said = self.statements.get(item, {})
                for operator in (_UNION, _INTERSECTION):
                    found.update(self._members(said.get(operator, _NIL)))
            else:
                found.add(item)
        return {item for item in found if not item.startswith("_:")}

    def edges(self) -> Iterator[Edge]:
        """Yield what the class expressions say about named entities."""
        for subject, predicate, blank in self.axioms:
            if predicate == _INTERSECTION:
                conjuncts = self._members(blank)
            elif predicate == _UNION:
                conjuncts = []
                yield from self._members_below(subject, blank)
            else:
                conjuncts = [blank]
            if predicate == EQUIVALENT and _UNION in self.statements.get(blank, ()):
                yield from self._members_below(subject, self.statements[blank][_UNION])
            yield from self._conjunction(subject, conjuncts)

    def _members_below(self, subject: str, items: str) -> Iterator[Edge]:
        for member in self._members(items):
            if not member.startswith("_:"):
                yield member, SUBCLASS, subject

    def _conjunction(self, subject: str, conjuncts: list[str]) -> Iterator[Edge]:
        seen: set[str] = set()
        while conjuncts:
            part = conjuncts.pop()
            if part in seen:
                continue
            seen.add(part)
            if not part.startswith("_:"):
                yield subject, SUBCLASS, part
                continue
            statements = self.statements.get(part, {})
            conjuncts.extend(self._members(statements.get(_INTERSECTION, _NIL)))
            if _PROPERTY in statements:
                yield from self._restriction(subject, statements)

    def _restriction(self, subject: str, statements: dict[str, str]) -> Iterator[Edge]:
        relation = statements[_PROPERTY]
        inverse = self.statements.get(relation, {}).get(_INVERSE, "")
        for filler in self._fillers(statements):
            if inverse and not inverse.startswith("_:"):
                yield filler, inverse, subject
            elif not relation.startswith("_:"):
                yield subject, relation, filler

    def _fillers(self, statements: dict[str, str]) -> Iterator[str]:
        """Yield the named entities of a restriction, also of a union or intersection of them."""
        for predicate in _FILLERS:
            filler = statements.get(predicate, "")
            if filler:
                yield from sorted(self.named([filler]))

    def _members(self, items: str) -> list[str]:
        """Return the members of an RDF list, which may be broken or bite its own tail."""
        members, seen = [], set()
        while items != _NIL and items not in seen:
            seen.add(items)
            cell = self.statements.get(items, {})
            if _FIRST in cell:
                members.append(cell[_FIRST])
            items = cell.get(_REST, _NIL)
        return members
