"""Read mapping tables in SSSOM, the Simple Standard for Sharing Ontology Mappings."""

import csv
import re
from collections.abc import Iterator, Mapping
from itertools import dropwhile
from pathlib import Path

from kgbert.graph.core.identifiers import compact, expand
from kgbert.graph.core.options import Limits
from kgbert.graph.files.source import Source
from kgbert.utils.errors import GraphError

COLUMNS = ("subject_id", "predicate_id", "object_id")

_PREFIX = re.compile(r"[#\s]+([\w.-]+):\s*[\"']?(\S+?)[\"']?\s*$")


def read_mappings(path: Path, limits: Limits | None = None) -> list[tuple[str, str, str]]:
    """Return the (subject, predicate, object) rows of a mapping table with compact ids.

    A YAML header in lines that start with ``#`` can precede the table; its ``curie_map`` defines
    the prefixes. Rows that negate a mapping are skipped.

    Raises:
        GraphError: The file is missing or is not an SSSOM table.
    """
    if not path.is_file():
        raise GraphError(
            f"{path}: no such mapping table. Check the path (it was looked for from {Path.cwd()}).",
            code="missing-mapping-table",
        )
    source = Source(path, limits=limits or Limits())
    lines = list(source.lines())
    table = list(dropwhile(lambda line: line.startswith("#"), lines))
    header = lines[: len(lines) - len(table)]
    prefixes = dict(_curie_map(header))
    delimiter = "\t" if table and "\t" in table[0] else ","
    rows = csv.DictReader(table, delimiter=delimiter)
    missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
    if missing:
        found = ", ".join(rows.fieldnames or ()) or "none"
        raise GraphError(
            f"{path}: no column {' and no '.join(missing)} (columns: {found[:200]}), so this is no "
            f"SSSOM table. Its first line, below any that begin with #, names the columns: "
            f"{', '.join(COLUMNS)}, with tabs between them.",
            code="not-sssom",
        )
    return list(_mappings(rows, prefixes, path, len(header)))


def _mappings(
    rows: "csv.DictReader[str]", prefixes: Mapping[str, str], path: Path, skipped: int
) -> Iterator[tuple[str, str, str]]:
    try:
        for row in rows:
            cells = [(row[name] or "").strip() for name in COLUMNS]
            if not all(cells):
                raise GraphError(
                    f"{path}, line {skipped + rows.line_num}: a mapping without its "
                    f"{COLUMNS[cells.index('')]}. Complete the row or remove it.",
                    code="incomplete-mapping",
                )
            if row.get("predicate_modifier") != "Not":
                subject, predicate, target = (_identifier(cell, prefixes) for cell in cells)
                yield subject, predicate, target
    except csv.Error as error:
        raise GraphError(
            f"{path}, line {skipped + rows.line_num}: not a readable table ({error}). Mend the "
            f"quotes there.",
            code="malformed-table",
        ) from None


def _curie_map(header: list[str]) -> Iterator[tuple[str, str]]:
    """Yield (prefix, IRI) from the indented lines below ``curie_map:`` in a YAML header."""
    inside = False
    for line in header:
        text = line.lstrip("#").rstrip()
        if text.strip() == "curie_map:":
            inside = True
        elif inside and (found := _PREFIX.match(line)) and text.strip() != text:
            yield found[1], found[2]
        elif text.strip():
            inside = False


def _identifier(curie: str, prefixes: Mapping[str, str]) -> str:
    prefix, colon, local = curie.partition(":")
    iri = prefixes[prefix] + local if colon and prefix in prefixes else expand(curie)
    return compact(iri)
