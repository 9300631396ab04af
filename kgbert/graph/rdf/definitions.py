"""Choose the definition of an entity among several.

The property decides first (``vocabulary.DEFINITION_RANKS``, or the option of the user), then the
language (English and none before others), then the order of the texts.
"""

from typing import TYPE_CHECKING

from kgbert.graph.core.identifiers import compact
from kgbert.graph.storage.name_set import normalize_spaces
from kgbert.reporting.formatting import counted

if TYPE_CHECKING:
    from kgbert.graph.rdf.statements import Statements


def add_definitions(
    statements: "Statements", predicate: str, subjects: list[str], texts: list[str], language: str
) -> None:
    """Add definitions; an entity keeps the first of several in code-point order."""
    rank, is_foreign = statements.definition_ranks[predicate], language not in ("", "en")
    definitions = statements.definitions[rank, is_foreign]
    statements.definition_predicates[rank, is_foreign].add(predicate)
    unused = 0
    for subject, text in zip(subjects, normalize_spaces(texts), strict=True):
        known = definitions.get(subject, text)
        unused += known != text
        if text and text <= known:
            definitions[subject] = text
    if unused:
        statements.builder.unused_properties[compact(predicate)] += unused


def chosen_definitions(statements: "Statements", ids: dict[str, str]) -> dict[str, str]:
    """Return the definitions under the predicates that come first; note which are not used."""
    definitions: dict[str, str] = {}
    for key in sorted(statements.definitions):
        offered = statements.definitions[key]
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
        for entity, text in statements.definitions.get((-1, is_foreign), {}).items():
            if entity in ids:
                statements.builder.entities[ids[entity]] = text
