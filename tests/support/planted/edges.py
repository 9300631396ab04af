"""Graphs in which an edge of an entity, and so its description, decides the label of a text."""

import numpy as np
import torch

from kgbert.encoding.processor import KGBertProcessor
from kgbert.features.entity_features import encode_entities
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.linking.factory import make_linker
from kgbert.models.task_models import KGBertForSequenceClassification
from kgbert.tasks.registry import TASKS
from kgbert.training.pipeline import KGBertPipeline
from tests.support.tiny import FAMILIES, LONGEST, TINY, tiny_tokenizer

#: The class of an entity, whose name the tokenizer knows, by label.
CLASSES = {"ill": "fever fever fever", "well": "lung lung lung"}
SIZE = 40


def names(seed: int, count: int = SIZE) -> list[str]:
    """Return meaningless names."""
    letters = list("abcdehikmnoprstuvz")
    random = np.random.default_rng(seed)
    return list(dict.fromkeys("".join(random.choice(letters, 4)) for _ in range(2 * count)))[:count]


def label_of(number: int) -> str:
    return ("ill", "well")[number * number % 7 % 2]


def kinds_graph(
    prefix: str = "A", seed: int = 0, relation: str = "rdfs:subClassOf", *, flipped: bool = False
) -> KnowledgeGraph:
    """Return a graph whose entities are each a kind of one of two classes."""
    builder = GraphBuilder()
    for label, name in CLASSES.items():
        builder.add_name(f"{prefix}:{label}", name)
    for number, name in enumerate(names(seed)):
        entity, label = f"{prefix}:{number:03}", label_of(number + flipped)
        builder.add_name(entity, name)
        builder.add_edge(entity, relation, f"{prefix}:{label}")
    return builder.build(source=f"kinds {prefix}")


def text_of(name: str) -> str:
    return f"the {name} again"


def learnt_pipeline(backbone: str, steps: int = 40) -> KGBertPipeline:
    """Return a pipeline that has learnt the kinds of half of the entities of a graph."""
    graph, labels = kinds_graph(), list(CLASSES)
    torch.manual_seed(0)
    options = {"knowledge_dropout": 0.0, "link_dropout": 0.0, "pooling": "mean"}
    features = encode_entities(graph, backbone, cache=None)
    model = KGBertForSequenceClassification.from_backbone(
        backbone,
        graph,
        labels=labels,
        task="text-classification",
        **{**TINY, **options, "feature_size": FAMILIES["bert"][1]["hidden_size"]},
    )
    linker = make_linker(graph, "dictionary")
    processor = KGBertProcessor(
        tiny_tokenizer("bert"), graph, features, linker=linker, max_length=LONGEST - 2
    )
    optimiser = torch.optim.AdamW(model.parameters(), 3e-3)
    random, trained = np.random.default_rng(0), range(SIZE // 2)
    model.train()
    for _ in range(steps):
        numbers = random.choice(trained, 16)
        batch = processor([text_of(names(0)[number]) for number in numbers])
        targets = torch.tensor([labels.index(label_of(int(number))) for number in numbers])
        optimiser.zero_grad()
        model(**batch, labels=targets).loss.backward()
        optimiser.step()
    return KGBertPipeline(model, processor, TASKS["text-classification"])
