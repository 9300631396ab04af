"""How well does kgbert find the subjects of documents, compared with the tools of practice?

Protocol, written before any of these test scores was seen:

- Documents are abstracts of three corpora, their labels the set of annotated entities, as far as
  the graph has them: BC5CDR with MeSH (diseases and chemicals), NCBI Disease with the Disease
  Ontology (MeSH and OMIM ids that exactly one term refers to), GSC+ with the Human Phenotype
  Ontology.
- All named entities of the graph are declared labels of every system, so that most labels have no
  training text, nor have a quarter to a third of the gold labels of test texts.
- Each seed draws training and validation texts from the official training and validation parts; the
  test texts are the same for all seeds, the official ones or a sample of them. Sizes are those of
  ``CORPORA``.
- Settings of all systems, and the threshold of each, are those with the best micro-F1 on the
  validation texts. The test texts are scored once, with these. Scores: micro-F1 and nDCG at 10.
- Rivals: TF-IDF with nearest neighbours, and with a logistic regression for each label; the names
  that kgbert's dictionary linker finds; MLLM, Omikuji and their weighted mean, from Annif; a
  bi-encoder of the text and the name of the label, frozen, and with a learned map of the texts.
- kgbert compares texts with the entities of labels, or reads mentions of labels (paths of at most
  one step), or both. It injects nothing. Two epochs of batches of 8, and 128 tokens of a text
  (mentions are read from the whole text), to save time; everything else is the default. No setting
  is searched. The main arm has both.
- p is that of a permutation test over the test texts, which exchanges the answers of two systems to
  a text, all seeds together.

What shaped the protocol: on validation texts, weights of mentions by label, which this benchmark
made us add, were worth several points of micro-F1, and the number and the place of mentions
nothing. This first look, at a regression over mentions alone, also printed scores on test texts,
which agreed and were not used to choose.

    python -m benchmarks.grounding.subject_indexing --annif /path/to/annif

writes benchmarks/results/subject_indexing.json after each run; what it has is not repeated. Without
--annif, its three rivals are left out. Half an hour of one core for two seeds.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch

from benchmarks import RESULTS
from benchmarks.environment import environment
from benchmarks.grounding.annif import Annif, associative, ensemble, lexical
from benchmarks.grounding.subject_rivals import (
    MAX_LENGTH,
    Attempt,
    Inputs,
    System,
    dictionary,
    frozen_bi_encoder,
    linear,
    neighbours,
    trained_bi_encoder,
)
from benchmarks.grounding.subject_scores import Ranking, choose_threshold, count, measure
from benchmarks.grounding.subjects import CORPORA, Corpus
from kgbert.cli.core.progress import ProgressReporter
from kgbert.demo.study import checked_backbone
from kgbert.features.entity_features import unread_features
from kgbert.linking.grounding import ground
from kgbert.tasks.registry import TASKS
from kgbert.tasks.whole_texts.multi_label_classification import LabelsPrediction
from kgbert.training.config import TrainingConfig
from kgbert.training.pipeline import KGBertPipeline
from kgbert.training.train import TrainingInputs, build_model, fit_model
from kgbert.utils.atomic_write import write_atomically
from kgbert.utils.logging import silence_libraries

RESULT = RESULTS / "subject_indexing.json"

SEEDS = 6

#: The arms of kgbert: most steps of a path, and options of the model.
ARMS: dict[str, tuple[int, dict[str, Any]]] = {
    "kgbert": (1, {}),
    "kgbert, mentions only": (1, {"label_vectors": False}),
    "kgbert, label vectors only": (0, {}),
}


def main() -> None:
    """Run what is missing, and write the results after each run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--annif", help="the command of Annif")
    parser.add_argument("--folder", type=Path, default=Path("kgbert-results/subject-indexing"))
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--corpora", nargs="+", choices=CORPORA, default=list(CORPORA))
    parser.add_argument("--systems", nargs="+", help="run these only")
    parser.add_argument("--out", type=Path, default=RESULT, metavar="FILE")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    silence_libraries()
    reporter = ProgressReporter()
    stored = json.loads(arguments.out.read_text("utf-8")) if arguments.out.exists() else {}
    runs, annif_version = stored.get("runs", []), stored.get("annif", "")
    done = {(run["corpus"], run["seed"], run["system"]) for run in runs}
    corpora = {name: Inputs(Corpus(name, arguments.data)) for name in arguments.corpora}
    systems = {name: _systems() for name in corpora}
    if arguments.annif:
        for name, inputs in corpora.items():
            annif = Annif(arguments.annif, arguments.folder.absolute() / name)
            annif_version = annif.version()
            annif.load(inputs.corpus)
            systems[name] = _annif_systems(annif) | systems[name]
    wanted = [
        (seed, name, system)
        for seed in range(arguments.seeds)
        for name in corpora
        for system in systems[name]
        if not arguments.systems or system in arguments.systems
    ]
    for seed, name, system in wanted:
        if (name, seed, system) in done:
            continue
        inputs = corpora[name]
        inputs.split = inputs.corpus.split(seed)
        found = _run(inputs, systems[name][system](inputs, seed))
        runs.append({"corpus": name, "seed": seed, "system": system} | found)
        result = _manifest() | {"annif": annif_version, "runs": runs}
        write_atomically(arguments.out, json.dumps(result) + "\n")
        score = found["validation"]["micro_f1"]
        reporter.message(f"{name}, seed {seed}, {system}: {score:.3f} on validation")


def _systems() -> dict[str, System]:
    rivals: dict[str, System] = {
        "TF-IDF neighbours": neighbours,
        "TF-IDF linear": linear,
        "dictionary": dictionary,
        "bi-encoder, frozen": frozen_bi_encoder,
        "bi-encoder, trained map": trained_bi_encoder,
    }
    return rivals | {
        name: partial(_kgbert, steps=steps, options=options)
        for name, (steps, options) in ARMS.items()
    }


def _annif_systems(annif: Annif) -> dict[str, System]:
    found: dict[tuple[int, str], Attempt] = {}

    def kept(name: str, system: Callable[[Annif, Inputs], Iterator[Attempt]]) -> System:
        def run(inputs: Inputs, seed: int) -> Iterator[Attempt]:
            if (seed, name) not in found:
                found[seed, name] = next(system(annif, inputs))
            yield found[seed, name]

        return run

    systems = {"Annif MLLM": kept("lexical", lexical), "Annif Omikuji": kept("words", associative)}

    def both(inputs: Inputs, seed: int) -> Iterator[Attempt]:
        return ensemble([next(system(inputs, seed)) for system in systems.values()])

    return systems | {"Annif, both": both}


def _kgbert(
    inputs: Inputs, seed: int, *, steps: int, options: Mapping[str, Any]
) -> Iterator[Attempt]:
    """Yield the labels by a model of kgbert."""
    graph, labels = inputs.corpus.graph, inputs.corpus.labels
    backbone = str(checked_backbone())
    task = TASKS["multi-label-classification"].declaring(labels)
    training_inputs = TrainingInputs(
        task,
        graph,
        unread_features(graph, backbone),
        inputs.linker,
        backbone,
        grounding=ground(labels, graph),
        path_steps=steps,
    )
    config = TrainingConfig(
        epochs=2, batch_size=8, max_length=MAX_LENGTH, options={"injected_layers": [], **options}
    )
    model, processor = build_model(training_inputs, inputs.split.train, config, seed=seed)
    fit_model(model, processor, inputs.split, task=task, config=config, seed=seed)
    pipeline = KGBertPipeline(model, processor, task)
    rankings: list[list[Ranking]] = [
        [
            {x.label: x.probability for x in cast(LabelsPrediction, prediction).ranking}
            for prediction in pipeline(part)
        ]
        for part in inputs.split.parts()[1:]
    ]
    yield Attempt("", *rankings)


def _run(inputs: Inputs, attempts: Iterator[Attempt]) -> dict[str, Any]:
    """Return the scores of the attempt that is best on the validation texts."""
    started = time.perf_counter()
    train, *held_out = inputs.split.parts()
    gold = [[frozenset(x.target) for x in part] for part in held_out]
    trained = frozenset[str]().union(*(x.target for x in train))
    tried = []
    for attempt in attempts:
        threshold = choose_threshold(attempt.validation, gold[0])
        scores = measure(attempt.validation, gold[0], threshold, trained)
        tried.append((attempt, threshold, scores))
    attempt, threshold, scores = max(tried, key=lambda each: each[2]["micro_f1"])
    return {
        "setting": attempt.setting,
        "threshold": threshold,
        "validation": scores,
        "test": measure(attempt.test, gold[1], threshold, trained),
        "counts": count(attempt.test, gold[1], threshold),
        "seconds": round(time.perf_counter() - started, 1),
    }


def _manifest() -> dict[str, Any]:
    return {
        "question": (__doc__ or "").splitlines()[0],
        "texts": {name: sizes for name, (_, sizes) in CORPORA.items()},
        "encoder": "/".join(checked_backbone().parts[-2:]),
        **environment("kgbert", "torch", "transformers", "scikit-learn"),
    }


if __name__ == "__main__":
    main()
