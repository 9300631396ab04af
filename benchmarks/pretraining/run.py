"""Does pretraining help on a task, alone or with injection, and more than a control of equal cost?

Encoders are pretrained with the same number of steps, each in one of these ways (``--encoders``):

    tapt              the task's own training texts, without labels
    tapt-graph        the same, with the task's graph read
    domain            texts of the task's domain
    domain-graph      the same, with the task's graph read
    other-text        control: texts of another domain
    ontology          the task's graph in words
    other-ontology    control: another graph in words
    identity          control: the strings of the task's graph, paired with themselves
    graph-encoder     only the graph encoder, by link prediction on the task's graph

Each of them, and the backbone, is fine-tuned with and without injection on the paired seeds of the
verdict benchmark, with equal learning rates.

    python -m benchmarks.pretraining.run gsc_hpo --encoders tapt,domain,ontology
    python -m benchmarks.pretraining.run gsc_hpo --steps 5000 --backbone bert-base-uncased
    python -m benchmarks.pretraining.run gsc_hpo --smoke     # smallest run, writes no result

The results are written to benchmarks/results/pretraining/gsc_hpo.json, and with another backbone to
gsc_hpo-NAME.json. Pretrained encoders and finished runs are kept in --folder, and the same command
resumes there.

With MiniLM on one core a step takes about 1 s on texts, 3.5 s on a graph in words and 0.1 s for the
graph encoder, and a run of fine-tuning about a minute: the first command takes about two hours, and
all encoders about five. The second command, with BERT base, takes about two hours of one current
GPU, which is an estimate.
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch

from benchmarks import RESULTS
from benchmarks.stored_results import write_result
from benchmarks.verdict.run import SEEDS, build_study, parse_integers
from benchmarks.verdict.tasks import TASKS, SampledSplits
from kgbert.cli.core.progress import ProgressReporter
from kgbert.comparison.arms.pretrained import pretrained_arms
from kgbert.comparison.compare import run_study
from kgbert.comparison.report.tables import render_table
from kgbert.comparison.study import Study
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.pretraining.config import EDGE_CONFIG, GRAPH_CONFIG, PretrainingConfig
from kgbert.pretraining.link_prediction import pretrain_graph_encoder
from kgbert.pretraining.ontology import pretrain_on_graph
from kgbert.pretraining.pairs import DEFAULT_PAIRS
from kgbert.pretraining.pretrain import pretrain
from kgbert.utils.logging import silence_libraries
from kgbert.utils.registry import lookup

#: The corpus of each domain.
CORPORA = {"medicine": "medicine_medquad.jsonl.gz", "finance": "finance_reuters.jsonl.gz"}


class Domain(NamedTuple):
    """The domain of a task, and another one for the controls."""

    own: str
    other: str
    other_task: str
    """The task whose graph is the control of the task's graph."""


#: The domains by task.
DOMAINS = {
    "gsc_hpo": Domain("medicine", "finance", "bc5cdr"),
    "bc5cdr": Domain("medicine", "finance", "gsc_hpo"),
    "ncbi_disease": Domain("medicine", "finance", "bc5cdr"),
    "chemprot": Domain("medicine", "finance", "gsc_hpo"),
    "phrasebank": Domain("finance", "medicine", "gsc_hpo"),
    "finer_ord": Domain("finance", "medicine", "gsc_hpo"),
}


def main() -> None:
    """Pretrain the missing encoders, run the missing runs, and write the results of a task."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=DOMAINS)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--folder", type=Path, default=Path("kgbert-results/pretraining"))
    parser.add_argument("--backbone", help="name or folder (MiniLM)")
    parser.add_argument(
        "--encoders",
        type=partial(str.split, sep=","),
        help=f"some of {','.join(WAYS)} (all)",
    )
    parser.add_argument("--steps", type=int, default=400, help="steps of each pretraining (400)")
    parser.add_argument("--seeds", type=parse_integers, default=SEEDS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--smoke", action="store_true", help="few texts and steps, random features, no result"
    )
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.steps, arguments.seeds = 2, arguments.seeds[:1]
    arguments.encoders = arguments.encoders or (SMOKE if arguments.smoke else tuple(WAYS))
    for name in arguments.encoders:
        lookup(WAYS, name, "encoder")
    torch.set_num_threads(arguments.threads)
    silence_libraries()
    arguments.arms, arguments.all_seeds = ("plain", "knowledge"), arguments.seeds
    study = build_study(arguments, arguments.backbone)
    reporter = ProgressReporter()
    folders = pretrained_folders(arguments, study, reporter)
    features = study.features if arguments.smoke else None
    added = pretrained_arms(folders, study.graph, reporter, features)
    study = replace(study, arms=[*study.arms, *added])
    results = run_study(study, progress=reporter.message)
    print(render_table(results))
    if not arguments.smoke:
        write_result(results, RESULTS / "pretraining" / f"{_name(arguments)}.json")


def pretrained_folders(
    arguments: argparse.Namespace, study: Study, reporter: ProgressReporter
) -> list[Path]:
    """Return the folders of the pretrained encoders, after pretraining those that are missing."""
    sources = Sources(arguments, study, reporter)
    prefix = "smoke-" if arguments.smoke else ""
    folders = []
    for name in arguments.encoders:
        folder = arguments.folder / f"{prefix}{_name(arguments)}-encoders" / name
        if not (folder / "config.json").exists():
            reporter.message(f"pretraining {name}")
            WAYS[name](sources, folder)
        folders.append(folder)
    return folders


class Sources:
    """The texts and graphs of a task and of its controls, and how to pretrain on them."""

    def __init__(
        self, arguments: argparse.Namespace, study: Study, reporter: ProgressReporter
    ) -> None:
        self.arguments, self.study, self.reporter = arguments, study, reporter
        self.domain = DOMAINS[arguments.task]
        own = TASKS[arguments.task].splits(arguments.data)
        assert isinstance(own, SampledSplits)
        self.training_texts = own.folder / "train.jsonl"
        self.limits: dict[str, Any] = {
            "max_steps": arguments.steps,
            "epochs": 1_000,
            "evaluations": 10,
            "patience": 10,
        }
        if arguments.smoke:
            self.limits |= {"evaluations": 1, "held_out": 0.001}

    def corpus(self, domain: str) -> Path:
        """Return the texts of a domain."""
        path: Path = self.arguments.data / "corpora" / CORPORA[domain]
        return path

    def other_graph(self) -> KnowledgeGraph:
        """Return the graph of the control."""
        task = TASKS[self.domain.other_task]
        return task.graph(self.arguments.data, self.arguments.folder)

    def on_texts(self, corpus: Path, output: Path, *, reads_graph: bool = False) -> None:
        """Pretrain on texts; the graph always tells which words are masked together."""
        options: dict[str, Any] = {} if reads_graph else {"injected_layers": []}
        pretrain(
            corpus,
            backbone=self.study.backbone,
            output=output,
            graph=self.study.graph,
            features=self.study.features,
            config=PretrainingConfig(batch_size=16, options=options, **self.limits),
            reporter=self.reporter,
        )

    def on_graph(self, graph: KnowledgeGraph, output: Path, *pairs: str) -> None:
        """Pretrain on a graph in words."""
        pretrain_on_graph(
            graph,
            backbone=self.study.backbone,
            output=output,
            pairs=pairs or DEFAULT_PAIRS,
            config=replace(GRAPH_CONFIG, **self.limits),
            reporter=self.reporter,
        )

    def graph_encoder(self, output: Path) -> None:
        """Pretrain only the graph encoder."""
        pretrain_graph_encoder(
            self.study.graph,
            backbone=self.study.backbone,
            output=output,
            features=self.study.features,
            config=replace(EDGE_CONFIG, **self.limits),
            reporter=self.reporter,
        )


def _name(arguments: argparse.Namespace) -> str:
    """Return the name of the result."""
    backbone = f"-{Path(arguments.backbone).name}" if arguments.backbone else ""
    return f"{arguments.task}{backbone}"


#: The ways of pretraining by name.
WAYS: dict[str, Callable[[Sources, Path], None]] = {
    "tapt": lambda x, output: x.on_texts(x.training_texts, output),
    "tapt-graph": lambda x, output: x.on_texts(x.training_texts, output, reads_graph=True),
    "domain": lambda x, output: x.on_texts(x.corpus(x.domain.own), output),
    "domain-graph": lambda x, output: x.on_texts(x.corpus(x.domain.own), output, reads_graph=True),
    "other-text": lambda x, output: x.on_texts(x.corpus(x.domain.other), output),
    "ontology": lambda x, output: x.on_graph(x.study.graph, output),
    "other-ontology": lambda x, output: x.on_graph(x.other_graph(), output),
    "identity": lambda x, output: x.on_graph(x.study.graph, output, "identity"),
    "graph-encoder": lambda x, output: x.graph_encoder(output),
}

#: The ways of the smallest run: one of each kind.
SMOKE = ("tapt-graph", "ontology", "graph-encoder")


if __name__ == "__main__":
    main()
