"""Choose the definition of an entity among several.

The property decides first (``vocabulary.DEFINITION_RANKS``, or the option of the user), then the
language (none and English before others), then the order in the sources.
"""

from typing import TYPE_CHECKING, TypeAlias

from kgbert.graph.core.identifiers import compact
from kgbert.graph.storage.name_set import english_first, normalize_spaces
from kgbert.reporting.formatting import counted

if TYPE_CHECKING:
    from kgbert.graph.rdf.statements import Statements

#: Order of the language of a definition, order of its predicate, and the id of its predicate.
Priority: TypeAlias = tuple[tuple[bool, bool, str], int, str]
#: Entity -> the definition that comes first so far.
Definitions: TypeAlias = dict[str, tuple[Priority, str]]


def add_definitions(
    statements: "Statements", predicate: str, subjects: list[str], texts: list[str], language: str
) -> None:
    """Add definitions; of several with one predicate and language an entity keeps the first."""
    rank, is_foreign = statements.definition_ranks[predicate], language not in ("", "en")
    definitions = statements.definitions[rank, is_foreign]
    statements.definition_predicates[rank, is_foreign].add(predicate)
    # Statements arrive in batches of a predicate and language, so these decide before the order.
    position = list(statements.definition_ranks).index(predicate)
    priority = english_first(language), position, compact(predicate)
    for subject, text in zip(subjects, normalize_spaces(texts), strict=True):
        if not text:
            continue
        known = definitions.setdefault(subject, candidate := (priority, text))
        if known[1] != text:
            first, other = (candidate, known) if priority < known[0] else (known, candidate)
            definitions[subject] = first
            statements.builder.unused_properties[other[0][-1]] += 1


def chosen_definitions(statements: "Statements", ids: dict[str, str]) -> dict[str, str]:
    """Return the definitions under the predicates that come first; note which are not used."""
    definitions: dict[str, str] = {}
    for key in sorted(statements.definitions):
        offered = {subject: text for subject, (_, text) in statements.definitions[key].items()}
        unused = sum(
            subject in ids and definitions.get(subject, text) != text
            for subject, text in offered.items()
        )
        definitions = offered | definitions
        if unused:
            predicates = sorted(map(compact, statements.definition_predicates[key]))
            statements.builder.note(
                f"{counted(unused, 'text')} under {', '.join(predicates)} not used: their entities "
                f"have another definition"
            )
    return definitions


def prefer_custom_definitions(statements: "Statements", ids: dict[str, str]) -> None:
    """Replace the definitions that a reader has given the builder by those of the option."""
    for is_foreign in (True, False):
        for entity, (_, text) in statements.definitions.get((-1, is_foreign), {}).items():
            if entity in ids:
                statements.builder.entities[ids[entity]] = text
