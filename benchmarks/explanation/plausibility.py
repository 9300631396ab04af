"""Do explanations find what annotators marked? Contributions beside the spans of gold relations.

A model that reads MeSH learns whether a sentence of BC5CDR names a chemical together with a disease
that it induces according to the abstract's gold relations; the other sentences name chemicals and
diseases without such a pair. The rationale of a sentence is the spans of its pairs. The sentences
are test sentences with a pair that the model classifies correctly. For each method, the area under
the precision-recall curve (average precision) says how high the words, or the linked mentions, of
the rationale are ranked, beside random orders of the same words or mentions, with 95 % bootstrap
intervals over sentences.

A method can be faithful without being plausible: the model may look at other words, "induced" for
example. Plausibility is therefore no reason to believe a method.

    python -m benchmarks.explanation.plausibility --data DATA

writes benchmarks/results/explanation_plausibility.json. DATA contains tasks/bc5cdr and
graphs/mesh/mesh_diseases_chemicals.skos.ttl.
"""

import argparse
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

import kgbert
from benchmarks import RESULTS
from benchmarks.environment import environment
from benchmarks.verdict.sentences import sentences_of
from kgbert.data import Example, Span, read_texts
from kgbert.demo.study import checked_backbone
from kgbert.explanation.methods import METHODS
from kgbert.explanation.parts import MENTIONS, WORDS
from kgbert.explanation.results import AnswerExplanation
from kgbert.training.pipeline import KGBertPipeline
from kgbert.utils.atomic_write import write_atomically
from kgbert.utils.logging import silence_libraries

RESULT = RESULTS / "explanation_plausibility.json"

#: The labels of sentences with a pair of a relation, and of the others.
INDUCES, OTHER = LABELS = "induces", "other"
#: Random orders of the parts of a sentence.
RANDOM_ORDERS = 100
#: Resampled sets of sentences for an interval.
RESAMPLES = 2000
#: Random numbers stand for no method: random orders are the baseline of all.
COMPARED = [name for name in METHODS if name != "random"]


def main() -> None:
    """Train the model, explain sentences by each method, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--train", type=int, default=400, help="training sentences, half with pair")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--explained", type=int, default=60, help="explained sentences, at most")
    parser.add_argument("--out", type=Path, default=RESULT, metavar="FILE")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    silence_libraries()
    parts = read_parts(arguments.data / "tasks" / "bc5cdr", arguments.train)
    trained = train(arguments.data, parts, arguments.epochs)
    model = KGBertPipeline(trained.model, trained.processor, trained.task)
    chosen = rightly_classified(model, parts["test"])[: arguments.explained]
    result = {
        "question": __doc__.splitlines()[0],
        **environment("kgbert", "torch", "transformers"),
        "training_sentences": len(parts["train"]),
        "test_sentences": len(parts["test"]),
        "epochs": arguments.epochs,
        "accuracy": round(float(trained.test_metrics["accuracy"]), 4),
        "sentences": len(chosen),
        "rows": [row for name in COMPARED for row in measured(model, chosen, name)],
    }
    print(json.dumps(result, indent=1))
    write_atomically(arguments.out, json.dumps(result, indent=1) + "\n")


def read_parts(folder: Path, train_size: int) -> dict[str, list[Example]]:
    """Return as many sentences with a pair as without, for training, validation and test."""
    sizes = {"train": train_size, "validation": train_size // 4, "test": 400}
    return {
        name: balanced(list(labelled_sentences(folder / f"{name}.jsonl")), size)
        for name, size in sizes.items()
    }


def labelled_sentences(path: Path) -> Iterator[Example]:
    """Yield the sentences with chemicals and diseases; their spans are those of gold pairs."""
    records = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    pairs = {
        record["id"]: [(chemical, disease) for chemical, _, disease in record["relations"]]
        for record in records
    }
    for text in read_texts(path, overlaps="longest"):
        for sentence in sentences_of(text):
            if {span.label for span in sentence.spans} == {"Chemical", "Disease"}:
                spans = spans_of_pairs(sentence.spans, pairs[text.id])
                yield replace(sentence, target=INDUCES if spans else OTHER, spans=spans)


def spans_of_pairs(spans: Sequence[Span], pairs: Sequence[tuple[str, str]]) -> tuple[Span, ...]:
    """Return the spans of the pairs whose entities both have a span."""
    ids = [set(re.split(r"[|+;]", span.entity)) for span in spans]
    named = set[str]().union(*ids)
    both = {entity for pair in pairs if set(pair) <= named for entity in pair}
    return tuple(span for span, own in zip(spans, ids, strict=True) if own & both)


def balanced(sentences: Sequence[Example], size: int) -> list[Example]:
    """Return a random sample in which both labels are as frequent."""
    order = np.random.default_rng(0).permutation(len(sentences)).tolist()
    by_label = {label: [x for x in order if sentences[x].target == label] for label in LABELS}
    return [sentences[x] for label in LABELS for x in by_label[label][: size // 2]]


def train(data: Path, parts: Mapping[str, Sequence[Example]], epochs: int) -> kgbert.TrainedModel:
    """Return a model that has learnt to classify the sentences."""
    graph = kgbert.read_graph(data / "graphs" / "mesh" / "mesh_diseases_chemicals.skos.ttl")
    return kgbert.train(
        replace(graph, domain="medicine"),
        # The spans are the rationale, which the model does not see.
        {name: [replace(x, spans=()) for x in some] for name, some in parts.items()},
        backbone=str(checked_backbone()),
        task="text-classification",
        config=kgbert.TrainingConfig(epochs=epochs, batch_size=16, max_length=160),
    )


def rightly_classified(model: KGBertPipeline, sentences: Sequence[Example]) -> list[Example]:
    """Return the sentences with a pair that the model finds."""
    positive = [x for x in sentences if x.target == INDUCES]
    predictions = model([x.text for x in positive])
    return [x for x, found in zip(positive, predictions, strict=True) if found.answer == INDUCES]


@dataclass(frozen=True)
class Ranking:
    """The average precision of the rationale of a sentence, and of random orders."""

    precision: float
    random: float
    share: float
    """Share of the parts that belong to the rationale."""


def measured(
    model: KGBertPipeline, sentences: Sequence[Example], method: str
) -> Iterator[dict[str, Any]]:
    """Yield the measurements of a method for words and for mentions."""
    found = kgbert.explain(
        model, [x.text for x in sentences], method=method, parts=[WORDS, MENTIONS]
    )
    answers = [each.answers[0] for each in found]
    for kind in (WORDS, MENTIONS):
        if kind not in METHODS[method].kinds:
            continue
        rankings = [
            ranking
            for answer, sentence in zip(answers, sentences, strict=True)
            if (ranking := ranked(parts_of(answer, kind), sentence.spans))
        ]
        precision = np.array([x.precision for x in rankings])
        random = np.array([x.random for x in rankings])
        yield {
            "kind": kind,
            "method": method,
            "sentences": len(rankings),
            "gold_share": round(float(np.mean([x.share for x in rankings])), 4),
            "average_precision": estimate(precision),
            "random": round(float(random.mean()), 4),
            "over_random": estimate(precision - random),
        }


#: A part of a sentence: its characters, and its contribution.
Part = tuple[int, int, float]


def parts_of(answer: AnswerExplanation, kind: str) -> list[Part]:
    """Return the words or the mentions of an explained sentence."""
    parts = answer.words if kind == WORDS else answer.mentions
    return [(part.start, part.end, part.value or 0.0) for part in parts]


def ranked(parts: Sequence[Part], rationale: Sequence[Span]) -> Ranking | None:
    """Return how high a rationale is ranked; None where all parts or none belong to it."""
    is_gold = np.array(
        [any(s.start < end and start < s.end for s in rationale) for start, end, _ in parts]
    )
    if len(is_gold) == 0 or is_gold.all() or not is_gold.any():
        return None
    generator = np.random.default_rng(len(parts))
    values = np.array([value for _, _, value in parts])
    # Parts with equal contributions are in a random order.
    order = np.lexsort([generator.random(len(parts)), -values])
    random = [average_precision(generator.permutation(is_gold)) for _ in range(RANDOM_ORDERS)]
    return Ranking(average_precision(is_gold[order]), float(np.mean(random)), is_gold.mean())


def average_precision(ranked: np.ndarray[Any, np.dtype[np.bool_]]) -> float:
    """Return the mean precision at each relevant item of a ranking.

    >>> average_precision(np.array([True, False, True]))
    0.8333333333333333
    """
    places = np.flatnonzero(ranked)
    return float(np.mean(np.arange(1, len(places) + 1) / (places + 1)))


def estimate(values: np.ndarray[Any, np.dtype[np.float64]]) -> dict[str, float]:
    """Return the mean with its 95 % bootstrap interval."""
    drawn = np.random.default_rng(0).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.quantile(values[drawn].mean(1), [0.025, 0.975])
    bounds = {"mean": values.mean(), "low": low, "high": high}
    return {name: round(float(value), 4) for name, value in bounds.items()}


if __name__ == "__main__":
    main()
