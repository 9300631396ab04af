"""Read the RRF files of UMLS: MRCONSO, MRREL, MRSTY and MRDEF, one by one or as a folder."""

from collections.abc import Callable, Iterator
from pathlib import PurePath

from kgbert.graph.files.source import Source
from kgbert.graph.rdf.statements import Statements
from kgbert.utils.errors import GraphError

#: Language codes of UMLS -> BCP 47 tags.
_LANGUAGES = {
    "BAQ": "eu",
    "CHI": "zh",
    "CZE": "cs",
    "DAN": "da",
    "DUT": "nl",
    "ENG": "en",
    "EST": "et",
    "FIN": "fi",
    "FRE": "fr",
    "GER": "de",
    "GRE": "el",
    "HEB": "he",
    "HUN": "hu",
    "ITA": "it",
    "JPN": "ja",
    "KOR": "ko",
    "LAV": "lv",
    "NOR": "no",
    "POL": "pl",
    "POR": "pt",
    "RUS": "ru",
    "SCR": "hr",
    "SPA": "es",
    "SWE": "sv",
    "TUR": "tr",
    "UKR": "uk",
}
_BROADER = "skos:broader"


def read_rrf(source: Source, statements: Statements) -> None:
    """Add the rows of one RRF file, which is known by its name.

    Raises:
        GraphError: The file is none of these, or a row has too few columns.
    """
    name = PurePath(source.member or source.path.name).name.split(".")[0].upper()
    if name not in _FILES:
        raise GraphError(
            f"{source.name}: not one of the RRF files of names, relations, types and "
            f"definitions. Name one of these, or a folder of them: {', '.join(_FILES)} (.RRF).",
            code="unknown-rrf-file",
        )
    columns, add = _FILES[name]
    for row in _rows(source, columns):
        add(row, statements)


def _rows(source: Source, columns: int) -> Iterator[list[str]]:
    for number, line in enumerate(source.lines(), start=1):
        row = line.rstrip("\r\n").split("|")
        if len(row) < columns:
            raise GraphError(
                f"{source.name}, line {number}: {len(row)} columns, but this file has {columns}. "
                f"The file is truncated or was changed; take it from the release again.",
                code="malformed-rrf",
            )
        yield row


def _add_name(row: list[str], statements: Statements) -> None:
    """CUI LAT TS LUI STT SUI ISPREF AUI SAUI SCUI SDUI SAB TTY CODE STR SRL SUPPRESS CVF."""
    if row[16] not in ("N", ""):
        return
    preferred = (row[2], row[4], row[6]) == ("P", "PF", "Y")
    language = _LANGUAGES.get(row[1], row[1].lower())
    scope = "preferred" if preferred else "exact"
    statements.builder.add_name(row[0], row[14], scope, language)


def _add_relation(row: list[str], statements: Statements) -> None:
    """CUI1 AUI1 STYPE1 REL CUI2 AUI2 STYPE2 RELA RUI SRUI SAB SL RG DIR SUPPRESS CVF.

    The relation is that of the second concept to the first: "PAR" states that CUI2 is the parent.
    """
    first, second, relation, attribute = row[0], row[4], row[3], row[7]
    if first == second or row[14] not in ("N", ""):
        return
    builder = statements.builder
    if attribute in ("isa", "inverse_isa"):
        child, parent = (second, first) if attribute == "isa" else (first, second)
        builder.add_edge(child, "rdfs:subClassOf", parent)
    elif relation in ("PAR", "RB"):
        builder.add_edge(first, _BROADER, second)
    elif relation in ("CHD", "RN"):
        builder.add_edge(second, _BROADER, first)
    elif attribute:
        builder.add_edge(second, attribute, first)
    elif relation == "RO":
        builder.add_edge(second, "skos:related", first)


def _add_type(row: list[str], statements: Statements) -> None:
    """CUI TUI STN STY ATUI CVF."""
    statements.builder.add_entity(row[0])
    statements.builder.add_name(row[1], row[3])
    statements.builder.add_edge(row[0], "rdf:type", row[1])


def _add_definition(row: list[str], statements: Statements) -> None:
    """CUI AUI ATUI SATUI SAB DEF SUPPRESS CVF."""
    if row[6] in ("N", ""):
        statements.builder.add_entity(row[0], row[5])


#: File -> its number of columns, and the function that adds a row.
_FILES: dict[str, tuple[int, Callable[[list[str], Statements], None]]] = {
    "MRCONSO": (18, _add_name),
    "MRREL": (16, _add_relation),
    "MRSTY": (6, _add_type),
    "MRDEF": (8, _add_definition),
}
