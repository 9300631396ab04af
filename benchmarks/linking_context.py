"""How much better is the linking of whole texts where a trained model chooses by the context?

    python benchmarks/linking_context.py DATA --backbone NAME [--task ncbi_disease] [--epochs 2]

DATA is as for linking.py. The mentions and candidates are those of the dictionary that the training
split has taught; KGBertForEntityLinking learns on the same split which of the candidates is meant,
or none: what the dictionary finds and people did not mark is NIL there. The best epoch and the
threshold of NIL are chosen on the validation split. The result is added to linking.json as the
arm "and context" of the task.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import linking
import linking_tasks
from linking_tasks import Document, Gold, read_task, taught_linker
from transformers import AutoTokenizer, set_seed

from kgbert.batching.features import EntityFeatures
from kgbert.batching.processor import KGBertProcessor
from kgbert.graph.graph import KnowledgeGraph
from kgbert.linking.dictionary import DictionaryLinker
from kgbert.linking.mention import Candidate, Linker, Mention
from kgbert.modeling.models import KGBertForEntityLinking
from kgbert.modeling.name_encoder import NameEncoder
from kgbert.texts.example import Example, Span, longest
from kgbert.training.fine_tune import default_arguments, fine_tune
from kgbert.training.gold_links import NIL
from kgbert.training.pipeline import KGBertPipeline, context_linker
from kgbert.training.tasks import TASKS

ARM = "and context"


class Chosen:
    """The dictionary, with what a model made of its mentions."""

    def __init__(self, dictionary: DictionaryLinker, link: Linker) -> None:
        self._dictionary, self._link = dictionary, link

    def __call__(self, texts: Sequence[str]) -> list[list[Mention]]:
        """Return the mentions that the model believes, each with the entity it chose."""
        return self._link(texts)

    def candidates(self, surface: str) -> tuple[Candidate, ...]:
        """Return what the dictionary says of a piece of text without its context."""
        return self._dictionary.candidates(surface)


def main() -> None:
    """Train the model of one task, measure it once on the test split, and add the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--backbone", required=True)
    parser.add_argument("--task", choices=list(linking_tasks.TASKS), default="ncbi_disease")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/linking.json"))
    arguments = parser.parse_args()
    task = read_task(arguments.data, arguments.task)
    dictionary = taught_linker(task)
    answer = _trained(arguments, dictionary, _examples(task.train, dictionary), task.validation)
    linker = Chosen(dictionary, context_linker(answer))
    result = {"task": task.name, "arm": ARM} | linking.measure(linker, task)
    print(json.dumps(result), flush=True)
    linking.add_arm(arguments.out, result | {"epochs": arguments.epochs})


def _trained(
    arguments: argparse.Namespace,
    dictionary: DictionaryLinker,
    train: Sequence[Example],
    validation: Sequence[Document],
) -> KGBertPipeline:
    graph = dictionary.graph
    set_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(arguments.backbone, model_max_length=512)
    processor = KGBertProcessor(
        tokenizer, graph, _features(graph, arguments.backbone), linker=dictionary, candidates=4
    )
    model = KGBertForEntityLinking.from_backbone(
        arguments.backbone, graph, feature_size=processor.features.vectors.shape[1]
    )
    with tempfile.TemporaryDirectory() as folder:
        training = fine_tune(
            model,
            processor,
            train,
            _examples(validation, dictionary),
            arguments=default_arguments(
                folder,
                num_train_epochs=arguments.epochs,
                per_device_train_batch_size=8,
                learning_rate=1e-4,
                save_only_model=True,
            ),
        )
    print(json.dumps(training.history), model.config.nil_threshold, flush=True)
    return KGBertPipeline(model, processor, TASKS["entity-linking"])


def _features(graph: KnowledgeGraph, backbone: str) -> EntityFeatures:
    """Return the vectors of the entities' best names."""
    encoder = NameEncoder.from_pretrained(backbone)
    names = [graph.name(index) for index in range(len(graph))]
    return EntityFeatures(encoder.encode_all(names), backbone, encoder.hash, graph.hash)


def _examples(documents: Sequence[Document], dictionary: DictionaryLinker) -> list[Example]:
    """Return the documents with their gold spans, and as NIL what else the dictionary finds."""
    linked = dictionary([text for text, _ in documents])
    return [
        Example(text, spans=tuple(_spans(dictionary.graph, golds, mentions)))
        for (text, golds), mentions in zip(documents, linked, strict=True)
    ]


def _spans(
    graph: KnowledgeGraph, golds: Sequence[Gold], mentions: Sequence[Mention]
) -> Iterator[Span]:
    gold = longest(Span(x.start, x.end, "", _meant(x, graph)) for x in golds)
    yield from gold
    for start, end, *_ in mentions:
        if not any(span.start < end and start < span.end for span in gold):
            yield Span(start, end, "", NIL)


def _meant(gold: Gold, graph: KnowledgeGraph) -> str:
    return min((entity for entity in gold.entities if entity in graph), default=NIL)


if __name__ == "__main__":
    main()
