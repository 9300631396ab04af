"""A generated task whose labels are only in the graph, and a tiny encoder for it."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, pre_tokenizers
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from kgbert.comparison.arms.registry import ARMS
from kgbert.comparison.study import Study
from kgbert.data import Example
from kgbert.data.splits import Split
from kgbert.features.entity_features import EntityFeatures
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.linking.factory import make_linker
from kgbert.tasks.registry import TASKS
from kgbert.training.config import TrainingConfig

CLASSES = ("red", "green", "blue")
TEMPLATES = ("the {} is here", "a case of {}", "{} was seen", "no other than {}")
#: Training, validation and test texts, each with an entity of its own. With 240 training texts and
#: 6 epochs, a model learned labels one edge away but never two edges away.
SIZES = (600, 100, 200)
#: By the number of edges; after 12 epochs, three edges are hardly learned.
EPOCHS = {1: 12, 2: 12, 3: 30}
FEATURES = 16
LETTERS = "abcdefghiklmnoprstuvz"


@dataclass(frozen=True)
class PlantedTask:
    """Texts that mention an entity; for a share of them the graph determines the label."""

    hops: int
    """Edges between an entity and its class."""
    share: float
    """Share of the texts with that label; the labels of the others are random."""

    def study(self, folder: Path, encoder: str, *, seeds: int = 6) -> Study:
        """Return the study of plain, knowledge and shuffled on this task."""
        shape = {"feature_size": FEATURES, "knowledge_size": 32, "graph_layers": self.hops}
        return Study(
            name=f"planted knowledge {self.hops} edges away",
            folder=folder,
            graph=self.graph,
            features=EntityFeatures(self._random_features(), "random", "", self.graph.hash),
            backbone=encoder,
            linker=make_linker(self.graph, "dictionary"),
            task=TASKS["text-classification"],
            split=self.split,
            arms=[ARMS[name] for name in ("plain", "knowledge", "shuffled")],
            seeds=range(seeds),
            training_configs={
                "default": TrainingConfig(
                    1e-3,
                    5e-3,
                    epochs=EPOCHS[self.hops],
                    batch_size=16,
                    patience=EPOCHS[self.hops],
                    max_length=40,
                    options=shape,
                )
            },
            max_examples=0,
            keeps_model=False,
        )

    def split(self, seed: int) -> Split:
        """Return the texts of a seed: the same names in another order, with new random labels."""
        generator = np.random.default_rng(seed)
        examples = []
        for number in generator.permutation(sum(SIZES)).tolist():
            determined = generator.random() < self.share
            label = (
                self._classes[number] if determined else CLASSES[generator.integers(len(CLASSES))]
            )
            template = TEMPLATES[number % len(TEMPLATES)]
            examples.append(Example(template.format(self._names[number]), label))
        train, validation, _ = np.cumsum(SIZES).tolist()
        return Split(examples[:train], examples[train:validation], examples[validation:])

    @cached_property
    def graph(self) -> KnowledgeGraph:
        """A chain of ``hops`` edges from each entity to its class; only entities have names."""
        builder = GraphBuilder()
        for colour in CLASSES:
            builder.add_entity(colour)
        for number, (name, colour) in enumerate(zip(self._names, self._classes, strict=True)):
            chain = [f"E:{number}", *(f"M:{number}.{step}" for step in range(1, self.hops)), colour]
            builder.add_name(chain[0], name)
            for head, tail in pairwise(chain):
                builder.add_entity(tail)
                builder.add_edge(head, "is" if tail == colour else "leads to", tail)
        return builder.build(source="planted")

    def _random_features(self) -> NDArray[np.float16]:
        """Return a random vector per entity, zero for the unnamed intermediate entities."""
        vectors = np.random.default_rng(1).normal(size=(len(self.graph), FEATURES))
        intermediate = [entity.startswith("M:") for entity in self.graph.entity_ids]
        vectors[intermediate] = 0.0
        return vectors.astype(np.float16)

    @cached_property
    def _names(self) -> list[str]:
        """Random unique names, so that nothing learned about one transfers to another."""
        words = np.random.default_rng(0).choice(list(LETTERS), (2 * sum(SIZES), 7))
        return list(dict.fromkeys("".join(word) for word in words))[: sum(SIZES)]

    @cached_property
    def _classes(self) -> list[str]:
        drawn = np.random.default_rng(2).integers(len(CLASSES), size=sum(SIZES))
        return [CLASSES[number] for number in drawn]


def save_tiny_encoder(folder: Path) -> str:
    """Write a random two-layer BERT with a character vocabulary, and return its folder."""
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *letters, *(f"##{letter}" for letter in letters)]
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=64,
    ).save_pretrained(folder)
    torch.manual_seed(0)
    BertModel(
        BertConfig(
            vocab_size=len(pieces),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            max_position_embeddings=64,
        )
    ).save_pretrained(folder)
    return str(folder)
