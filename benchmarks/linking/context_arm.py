"""Linking of whole texts in which a trained model disambiguates by context, or predicts NIL.

Mentions and candidates come from the dictionary with the gold names of the training split.
KGBertForEntityLinking is trained on the same split to choose a candidate or NIL; dictionary matches
that annotators did not mark are NIL. The best epoch and the NIL threshold are chosen on the
validation split.
"""

import tempfile
from collections.abc import Iterator, Sequence

from transformers import AutoTokenizer, set_seed

from benchmarks.linking.scores import Arm
from benchmarks.linking.tasks import Document, Gold, Task, linker_with_gold_names
from kgbert.data.example import Example, Span, longest
from kgbert.encoding.processor import KGBertProcessor
from kgbert.features.entity_features import EntityFeatures
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.dictionary.linker import DictionaryLinker
from kgbert.linking.embedding.name_encoder import NameEncoder
from kgbert.linking.mention import Candidate, Linker, Mention
from kgbert.models.task_models import KGBertForEntityLinking
from kgbert.tasks.metrics import NIL
from kgbert.tasks.registry import TASKS
from kgbert.training.pipeline import KGBertPipeline, context_linker
from kgbert.training.trainer import default_arguments, fine_tune


class ContextLinker:
    """A dictionary whose mentions a trained model disambiguates."""

    def __init__(self, dictionary: DictionaryLinker, link: Linker) -> None:
        self._dictionary, self._link = dictionary, link

    def __call__(self, texts: Sequence[str]) -> list[list[Mention]]:
        """Return the mentions that the model accepts, each with its chosen entity."""
        return self._link(texts)

    def candidates(self, surface: str) -> tuple[Candidate, ...]:
        """Return the dictionary's candidates of a surface form, without context."""
        return self._dictionary.candidates(surface)


def context_arm(task: Task, backbone: str, *, epochs: int) -> Arm:
    """Return the dictionary with a trained context model, and its training history."""
    dictionary = linker_with_gold_names(task)
    graph = dictionary.graph
    set_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(backbone, model_max_length=512)
    processor = KGBertProcessor(
        tokenizer, graph, _features(graph, backbone), linker=dictionary, candidates=4
    )
    model = KGBertForEntityLinking.from_backbone(
        backbone, graph, feature_size=processor.features.vectors.shape[1]
    )
    with tempfile.TemporaryDirectory() as folder:
        training = fine_tune(
            model,
            processor,
            _examples(task.train, dictionary),
            _examples(task.validation, dictionary),
            arguments=default_arguments(
                folder,
                num_train_epochs=epochs,
                per_device_train_batch_size=8,
                learning_rate=1e-4,
                save_only_model=True,
            ),
        )
    pipeline = KGBertPipeline(model, processor, TASKS["entity-linking"])
    details = {"epochs": epochs, "nil threshold": model.config.nil_threshold}
    return Arm(
        ContextLinker(dictionary, context_linker(pipeline)),
        details | {"history": list(training.history)},
    )


def _features(graph: KnowledgeGraph, backbone: str) -> EntityFeatures:
    """Return the vectors of the entities' preferred names."""
    encoder = NameEncoder.from_pretrained(backbone)
    names = [graph.name(index) for index in range(len(graph))]
    return EntityFeatures(encoder.encode_all(names), backbone, encoder.hash, graph.hash)


def _examples(documents: Sequence[Document], dictionary: DictionaryLinker) -> list[Example]:
    """Return the documents with their gold spans; other dictionary matches are NIL."""
    linked = dictionary([text for text, _ in documents])
    return [
        Example(text, spans=tuple(_spans(dictionary.graph, golds, mentions)))
        for (text, golds), mentions in zip(documents, linked, strict=True)
    ]


def _spans(
    graph: KnowledgeGraph, golds: Sequence[Gold], mentions: Sequence[Mention]
) -> Iterator[Span]:
    gold = longest(Span(x.start, x.end, "", _gold_entity(x, graph)) for x in golds)
    yield from gold
    for start, end, *_ in mentions:
        if not any(span.start < end and start < span.end for span in gold):
            yield Span(start, end, "", NIL)


def _gold_entity(gold: Gold, graph: KnowledgeGraph) -> str:
    return min((entity for entity in gold.entities if entity in graph), default=NIL)
