"""Read literals by their predicate: names, definitions, deprecation, replacement, metadata."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from kgbert.graph.core import vocabulary
from kgbert.graph.core.graph import SCOPES
from kgbert.graph.core.identifiers import expand
from kgbert.graph.rdf.definitions import add_definitions
from kgbert.graph.rdf.reified_labels import LABEL_TEXT_PREDICATES
from kgbert.graph.rdf.subset import is_selected_language

if TYPE_CHECKING:
    from kgbert.graph.rdf.statements import Statements

#: Takes the statements, the predicate, subjects, the text of each, and the language.
LiteralHandler = Callable[["Statements", str, list[str], list[str], str], None]


def add_names(
    statements: "Statements", predicate: str, subjects: list[str], texts: list[str], language: str
) -> None:
    """Add names, if their language is selected."""
    if not is_selected_language(language, statements.options.languages):
        statements.described.update(subjects)
        statements.builder.skipped_languages[language] += len(texts)
        return
    kind = statements.names.kind(SCOPES.index(statements.scopes[predicate]), language)
    is_custom = statements.custom.get(predicate) == "label"
    rank = -1 if is_custom else _RANKS.get(predicate, 0) + 1
    statements.names.extend(statements.builder.terms.numbers(subjects), kind, texts, rank)


def _add_label_text(
    statements: "Statements", predicate: str, subjects: list[str], texts: list[str], language: str
) -> None:
    for subject, text in zip(subjects, texts, strict=True):
        statements.reified_labels.add_text(subject, language, text)


def add_deprecation(
    statements: "Statements", predicate: str, subjects: list[str], texts: list[str], language: str
) -> None:
    """Mark the subjects whose text is true, yes or 1 as obsolete."""
    for subject, text in zip(subjects, texts, strict=True):
        if text.strip().lower() in ("true", "yes", "1"):
            statements.deprecated.add(subject)


def add_replacements(
    statements: "Statements", predicate: str, subjects: list[str], texts: list[str], language: str
) -> None:
    """Add the ids that replace obsolete subjects."""
    statements.replaced.update(zip(subjects, map(expand, texts), strict=True))


def _add_alternative_ids(
    statements: "Statements", predicate: str, subjects: list[str], texts: list[str], language: str
) -> None:
    for subject, text in zip(subjects, texts, strict=True):
        statements.replaced.setdefault(expand(text), subject)


def _add_references(
    statements: "Statements", predicate: str, subjects: list[str], texts: list[str], language: str
) -> None:
    statements.references.update(
        (subject, predicate, text) for subject, text in zip(subjects, texts, strict=True)
    )


def _add_metadata(
    statements: "Statements", predicate: str, subjects: list[str], texts: list[str], language: str
) -> None:
    """Add the metadata of a file."""
    for subject, text in zip(subjects, texts, strict=True):
        statements.texts[subject].setdefault(predicate, text)


#: Predicate -> priority of its preferred names; the lowest number wins.
_RANKS = {predicate: rank for rank, predicate in enumerate(vocabulary.NAME_SCOPES)}

#: Predicate -> the function that reads texts under it.
LITERAL_HANDLERS: dict[str, LiteralHandler] = {
    **dict.fromkeys((*vocabulary.VERSIONS, *vocabulary.LICENCES), _add_metadata),
    **dict.fromkeys((vocabulary.XREF, *vocabulary.MATCHES), _add_references),
    **dict.fromkeys(vocabulary.ALTERNATIVE_ID, _add_alternative_ids),
    **dict.fromkeys(vocabulary.REPLACED_BY, add_replacements),
    **dict.fromkeys(vocabulary.DEPRECATED, add_deprecation),
    **dict.fromkeys(vocabulary.DEFINITION_RANKS, add_definitions),
    **dict.fromkeys(vocabulary.NAME_SCOPES, add_names),
    **dict.fromkeys(LABEL_TEXT_PREDICATES, _add_label_text),
}
