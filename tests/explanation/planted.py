"""Planted graphs, in which it is known which mention or which edge decides the label of a text."""

from dataclasses import dataclass, field
from functools import cache
from string import ascii_lowercase

import numpy as np
import torch

from kgbert.encoding.processor import KGBertProcessor
from kgbert.features.entity_features import EntityFeatures
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.models.task_models import KGBertForSequenceClassification
from kgbert.tasks.registry import TASKS
from kgbert.training.pipeline import KGBertPipeline
from tests.support.tiny import (
    FEATURES,
    TINY,
    ExactLinker,
    save_plain,
    tiny_processor,
    tiny_tokenizer,
)

#: The last label is that of texts without a deciding entity, so that the others need evidence.
LABELS = ("well", "ill", "neither")
NEITHER = LABELS.index("neither")
#: Entities that decide a label, each; half of them occur in training texts only.
DECIDING = 20
NEUTRAL = 30
MENTIONS = 3


@dataclass
class Plan:
    """Entities with their vectors, and texts with what decides them."""

    edges: bool
    """Whether an edge to a neighbour decides, instead of the entity of a mention."""
    seed: int = 0
    names: list[str] = field(default_factory=list)
    vectors: list[np.ndarray] = field(default_factory=list)
    links: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self):
        self.random = np.random.default_rng(self.seed)
        self.classes = self.random.normal(size=(2, FEATURES))
        self.neutral = self.random.normal(size=FEATURES)
        self.deciding = [[self._deciding(label) for _ in range(DECIDING)] for label in range(2)]
        self.others = [self._other() for _ in range(NEUTRAL)]

    def _entity(self, vector) -> int:
        name = "".join(self.random.choice(list(ascii_lowercase), 3))
        self.names.append(name if name not in self.names else f"{name}x")
        self.vectors.append(vector + 0.3 * self.random.normal(size=FEATURES))
        return len(self.names) - 1

    def _deciding(self, label) -> int:
        if not self.edges:
            return self._entity(self.classes[label])
        entity = self._other()
        self.links.append((entity, self._entity(self.classes[label])))
        return entity

    def _other(self) -> int:
        entity = self._entity(self.neutral)
        if self.edges:
            self.links += [(entity, self._entity(self.neutral)) for _ in range(2)]
        return entity

    def graph(self) -> KnowledgeGraph:
        builder = GraphBuilder()
        for number, name in enumerate(self.names):
            builder.add_name(f"EX:{number:04}", name)
        for number, (head, tail) in enumerate(self.links):
            builder.add_edge(f"EX:{head:04}", ("has", "in")[number % 2], f"EX:{tail:04}")
        return builder.build(source="planted")

    def decisive_edge(self, entity: int) -> tuple[int, int]:
        """Return the edge that decides the label of the texts that mention an entity."""
        return [link for link in self.links if link[0] == entity][-1]

    def text(
        self, label: int, *, held_out: bool, number: int | None = None
    ) -> tuple[str, int | None]:
        """Return a text, and the entity that decides its label; None if there is none.

        Args:
            label: The label of the text.
            held_out: Whether the entity that decides is not in training texts.
            number: Texts with the same number and label are equal; None draws anew each time.
        """
        random = self.random if number is None else np.random.default_rng([number, label])
        if label == NEITHER:
            return self._mentioning(random.choice(self.others, MENTIONS, replace=False)), None
        half = self.deciding[label][DECIDING // 2 :] if held_out else self.deciding[label]
        half = half if held_out else half[: DECIDING // 2]
        entity = int(random.choice(half))
        mentioned = [int(x) for x in random.choice(self.others, MENTIONS - 1, replace=False)]
        mentioned.insert(random.integers(MENTIONS), entity)
        return self._mentioning(mentioned), entity

    def _mentioning(self, entities) -> str:
        return " ".join(self.names[int(entity)] for entity in entities)


@cache
def planted_model(folder, *, edges: bool, seed: int = 0):
    """Return a plan, and a pipeline with a model that has learnt it."""
    plan = Plan(edges, seed)
    graph = plan.graph()
    vectors = np.array(plan.vectors, np.float16)
    features = EntityFeatures(vectors, "planted", f"seed {seed}", graph.hash)
    torch.manual_seed(seed)
    backbone = save_plain(folder, "bert", KGBertForSequenceClassification)
    options = TINY | {"knowledge_dropout": 0.0, "link_dropout": 0.0}
    model = KGBertForSequenceClassification.from_backbone(
        backbone, graph, labels=list(LABELS), **options
    )
    processor = KGBertProcessor(
        tiny_tokenizer("bert"), graph, features, linker=ExactLinker(graph), max_length=62
    )
    fit(model, plan, processor)
    return plan, KGBertPipeline(model, processor, TASKS["text-classification"])


def fit(model, plan: Plan, processor, steps: int = 120) -> None:
    """Train a model on texts with the entities that are for training."""
    optimiser = torch.optim.AdamW(model.parameters(), 3e-3)
    model.train()
    for step in range(steps):
        labels = [step % 3, *plan.random.integers(3, size=15)]
        batch = processor([plan.text(int(label), held_out=False)[0] for label in labels])
        optimiser.zero_grad()
        model(**batch, labels=torch.tensor(labels)).loss.backward()
        optimiser.step()
    model.eval()


def word_model(folder, seed: int = 0):
    """Return a pipeline that labels a text by one word, fever or lung; without it, by neither."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    processor = tiny_processor("bert", linker=lambda texts: [[] for _ in texts])
    model = KGBertForSequenceClassification.from_backbone(
        save_plain(folder, "bert", KGBertForSequenceClassification),
        processor.graph,
        labels=list(LABELS),
        pooling="mean",
        **TINY,
    )
    optimiser = torch.optim.AdamW(model.parameters(), 3e-3)
    model.train()
    losses = [1.0]
    # Some starts take longer.
    while np.mean(losses[-5:]) > 0.02:
        labels = random.integers(3, size=16)
        batch = processor([word_text(int(label), random) for label in labels])
        optimiser.zero_grad()
        loss = model(**batch, labels=torch.from_numpy(labels)).loss
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    return KGBertPipeline(model.eval(), processor, TASKS["text-classification"])


def word_text(label: int, random) -> str:
    """Return a text of letters, among them the word that decides its label."""
    words = random.choice(list(ascii_lowercase), 4).tolist()
    if label != NEITHER:
        words.insert(random.integers(5), ("lung", "fever")[label])
    return " ".join(words)
