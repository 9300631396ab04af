"""What texts under a predicate say: names, definitions, what stands for what, and of the file."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from kgbert.graph.core import vocabulary
from kgbert.graph.core.graph import SCOPES
from kgbert.graph.core.identifiers import expand
from kgbert.graph.rdf.reified_labels import SPELLED
from kgbert.graph.rdf.subset import is_spoken
from kgbert.graph.storage.name_set import one_spaced

if TYPE_CHECKING:
    from kgbert.graph.rdf.statements import Statements

#: Takes the statements, the predicate, subjects, the text that each has, and its language.
Understand = Callable[["Statements", str, list[str], list[str], str], None]


def name_things(
    statements: "Statements", predicate: str, subjects: list[str], texts: list[str], language: str
) -> None:
    """Add names, if their language is asked for."""
    if not is_spoken(language, statements.options.languages):
        statements.described.update(subjects)
        statements.builder.unspoken[language] += len(texts)
        return
    statements.builder.labelled += len(texts) if predicate == statements.label else 0
    kind = statements.names.kind(SCOPES.index(statements.scopes[predicate]), language)
    statements.names.extend(statements.builder.terms.numbers(subjects), kind, texts)


def _spell(
    statements: "Statements", predicate: str, subjects: list[str], texts: list[str], language: str
) -> None:
    for subject, text in zip(subjects, texts, strict=True):
        statements.label_nodes.spell(subject, language, text)


def _define(
    statements: "Statements", predicate: str, subjects: list[str], texts: list[str], language: str
) -> None:
    rank, is_foreign = vocabulary.DEFINITION_RANKS[predicate], language not in ("", "en")
    definitions = statements.definitions[rank, is_foreign]
    for subject, text in zip(subjects, one_spaced(texts), strict=True):
        # Of several the first in code-point order is kept.
        if text and text <= definitions.get(subject, text):
            definitions[subject] = text


def _deprecate(
    statements: "Statements", predicate: str, subjects: list[str], texts: list[str], language: str
) -> None:
    for subject, text in zip(subjects, texts, strict=True):
        if text.strip().lower() in ("true", "1"):
            statements.deprecated.add(subject)


def _give_way(
    statements: "Statements", predicate: str, subjects: list[str], texts: list[str], language: str
) -> None:
    statements.replaced.update(zip(subjects, map(expand, texts), strict=True))


def _stand_for(
    statements: "Statements", predicate: str, subjects: list[str], texts: list[str], language: str
) -> None:
    for subject, text in zip(subjects, texts, strict=True):
        statements.replaced.setdefault(expand(text), subject)


def _refer(
    statements: "Statements", predicate: str, subjects: list[str], texts: list[str], language: str
) -> None:
    statements.references.update(
        (subject, predicate, text) for subject, text in zip(subjects, texts, strict=True)
    )


def _tell(
    statements: "Statements", predicate: str, subjects: list[str], texts: list[str], language: str
) -> None:
    """Note what a file says about itself."""
    for subject, text in zip(subjects, texts, strict=True):
        statements.texts[subject][predicate] = text


#: Predicate -> a function that understands texts under it.
ON_TEXT: dict[str, Understand] = {
    **dict.fromkeys((*vocabulary.VERSIONS, *vocabulary.LICENCES), _tell),
    vocabulary.XREF: _refer,
    **dict.fromkeys(vocabulary.ALTERNATIVE_ID, _stand_for),
    **dict.fromkeys(vocabulary.REPLACED_BY, _give_way),
    **dict.fromkeys(vocabulary.DEPRECATED, _deprecate),
    **dict.fromkeys(vocabulary.DEFINITION_RANKS, _define),
    **dict.fromkeys(vocabulary.NAME_SCOPES, name_things),
    **dict.fromkeys(SPELLED, _spell),
}
