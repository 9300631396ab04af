"""Annif, the tool of libraries for subject indexing, as a rival in an environment of its own.

Its lexical backend MLLM finds names of the vocabulary in a text and learns which of them are
subjects; its associative backend Omikuji learns from words alone. Only the commands of Annif are
used. It splits sentences with a Punkt model, which NLTK looks for in the folder NLTK_DATA; for the
stored results, NLTK trained one on the training texts of BC5CDR.
"""

import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.grounding.subject_rivals import Attempt, Inputs
from benchmarks.grounding.subject_scores import Ranking
from benchmarks.grounding.subjects import Corpus
from kgbert.data import Example
from kgbert.graph.core.hierarchy import is_hierarchical

#: Weights of MLLM in the mean of both that are tried; validation texts choose.
WEIGHTS = (0.5, 0.7, 0.8, 0.9)

_PROJECT = """[{name}]
name={name}
language=en
backend={name}
vocab=labels
analyzer=snowball(english)
limit=100

"""


@dataclass(frozen=True)
class Annif:
    """Runs Annif in a folder; one object for each corpus."""

    command: str
    folder: Path

    def version(self) -> str:
        """Return the version of Annif."""
        return self._run("--version").strip()

    def load(self, corpus: Corpus) -> None:
        """Load the labels of a corpus with names and hierarchy, unless that was done before."""
        if (self.folder / "projects.cfg").exists():
            return
        self.folder.mkdir(parents=True)
        (self.folder / "vocabulary.ttl").write_text(_vocabulary(corpus), encoding="utf-8")
        projects = "".join(_PROJECT.format(name=name) for name in ("mllm", "omikuji"))
        (self.folder / "projects.cfg").write_text(projects, encoding="utf-8")
        self._run("load-vocab", "labels", "vocabulary.ttl")

    def rankings(self, backend: str, inputs: Inputs) -> list[list[Ranking]]:
        """Train a backend, and return what it suggests for validation and test texts."""
        lines = [f"{_line(x)}\t{' '.join(map(_iri, x.target))}\n" for x in inputs.split.train]
        (self.folder / "train.tsv").write_text("".join(lines), encoding="utf-8")
        parallel = ["-j", "1"] if backend == "mllm" else []
        self._run("train", *parallel, backend, "train.tsv")
        labels = {_iri(label): label for label in inputs.corpus.labels}
        return [self._suggested(backend, part, labels) for part in inputs.split.parts()[1:]]

    def _suggested(
        self, backend: str, texts: Sequence[Example], labels: dict[str, str]
    ) -> list[Ranking]:
        names = [f"{place}.txt" for place in range(len(texts))]
        for name, text in zip(names, texts, strict=True):
            (self.folder / name).write_text(_line(text), encoding="utf-8")
        output = self._run("suggest", backend, "--limit", "100", *names)
        parts = re.split(r"^Suggestions for \d+\.txt$", output, flags=re.MULTILINE)[1:]
        rows = [[line.split("\t") for line in part.strip().splitlines()] for part in parts]
        return [{labels[row[0]]: float(row[-1]) for row in some} for some in rows]

    def _run(self, *arguments: str) -> str:
        folder = self.folder if self.folder.exists() else None
        done = subprocess.run(
            [self.command, *arguments], cwd=folder, capture_output=True, text=True, check=True
        )
        return done.stdout


def lexical(annif: Annif, inputs: Inputs) -> Iterator[Attempt]:
    """Yield what MLLM suggests."""
    yield Attempt("", *annif.rankings("mllm", inputs))


def associative(annif: Annif, inputs: Inputs) -> Iterator[Attempt]:
    """Yield what Omikuji suggests."""
    yield Attempt("", *annif.rankings("omikuji", inputs))


def ensemble(found: Sequence[Attempt]) -> Iterator[Attempt]:
    """Yield the weighted means of the scores of two attempts, as Annif's ensemble does."""
    first, second = found
    for weight in WEIGHTS:
        means = [
            [_mean(weight, *pair) for pair in zip(*parts, strict=True)]
            for parts in ((first.validation, second.validation), (first.test, second.test))
        ]
        yield Attempt(f"{weight:g} of MLLM", *means)


def _mean(weight: float, first: Ranking, second: Ranking) -> Ranking:
    labels = first.keys() | second.keys()
    return {x: weight * first.get(x, 0.0) + (1 - weight) * second.get(x, 0.0) for x in labels}


def _vocabulary(corpus: Corpus) -> str:
    """Return the labels with their names, and those above them, as SKOS."""
    graph = corpus.graph
    climbs = is_hierarchical(graph) & (graph.heads != graph.tails)
    ids, lines = list(graph.entity_ids), ["@prefix skos: <http://www.w3.org/2004/02/skos/core#> ."]
    for label in corpus.labels:
        first, *others = (name.text for name in graph.names_of(graph.index(label)))
        facts = [f"skos:prefLabel {json.dumps(first)}@en"]
        facts += [f"skos:altLabel {json.dumps(name)}@en" for name in others]
        lines.append(f"{_iri(label)} a skos:Concept ; {' ; '.join(facts)} .")
    edges = np.column_stack([graph.heads[climbs], graph.tails[climbs]]).tolist()
    lines += [f"{_iri(ids[head])} skos:broader {_iri(ids[tail])} ." for head, tail in edges]
    return "\n".join(lines) + "\n"


def _iri(label: str) -> str:
    iri = label if label.startswith("http") else f"http://example.org/{label.replace(':', '_')}"
    return f"<{iri}>"


def _line(text: Example) -> str:
    return " ".join(text.text.split())
