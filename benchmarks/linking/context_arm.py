"""Linking of whole texts where a trained model chooses by the context, or refuses.

The mentions and candidates are those of the dictionary that the training split has taught;
KGBertForEntityLinking learns on the same split which of the candidates is meant, or none: what the
dictionary finds and people did not mark is NIL there. The best epoch and the threshold of NIL are
chosen on the validation split.
"""

import tempfile
from collections.abc import Iterator, Sequence

from transformers import AutoTokenizer, set_seed

from benchmarks.linking.scores import Arm
from benchmarks.linking.tasks import Document, Gold, Task, taught_linker
from kgbert.data.example import Example, Span, longest
from kgbert.encoding.processor import KGBertProcessor
from kgbert.features.entity_features import EntityFeatures
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.dictionary.linker import DictionaryLinker
from kgbert.linking.embedding.name_encoder import NameEncoder
from kgbert.linking.mention import Candidate, Linker, Mention
from kgbert.models.auto import KGBertForEntityLinking
from kgbert.tasks.base import TASKS
from kgbert.tasks.gold_links import NIL
from kgbert.training.pipeline import KGBertPipeline, context_linker
from kgbert.training.trainer import default_arguments, fine_tune


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


def chosen_by_context(task: Task, backbone: str, *, epochs: int) -> Arm:
    """Return the taught dictionary with a model trained to choose, and how its training went."""
    dictionary = taught_linker(task)
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
    answer = KGBertPipeline(model, processor, TASKS["entity-linking"])
    told = {"epochs": epochs, "nil threshold": model.config.nil_threshold}
    return Arm(
        Chosen(dictionary, context_linker(answer)), told | {"history": list(training.history)}
    )


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
