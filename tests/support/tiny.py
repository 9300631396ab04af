"""Tiny random backbones, tokenizers and a graph for the tests of the fused models."""

import re
from functools import cache
from itertools import product
from pathlib import Path
from string import ascii_lowercase

import numpy as np
import pytest
import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers.processors import TemplateProcessing
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForTokenClassification,
    PreTrainedConfig,
    PreTrainedTokenizerFast,
)

from kgbert.data import Example, Span
from kgbert.encoding.processor import KGBertProcessor
from kgbert.features.entity_features import EntityFeatures
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.linking.mention import Candidate, Mention
from kgbert.models.base import KGBertPreTrainedModel
from kgbert.models.inputs import BatchKnowledge
from kgbert.models.layers.knowledge_attention import GATE_LR_MULTIPLIER
from kgbert.models.task_models import (
    KGBertForConditionalGeneration,
    KGBertForEventExtraction,
    KGBertForMaskedLM,
    KGBertForMultipleChoice,
    KGBertForQuestionAnswering,
    KGBertForRelationClassification,
    KGBertForRelationExtraction,
)

BLOCKS = 3
LONGEST = 64
FEATURES = 16

#: Options that make a fused model tiny; the first and the last block are injected.
TINY = {
    "injected_layers": [1, BLOCKS],
    "knowledge_size": 16,
    "knowledge_heads": 2,
    "feature_size": FEATURES,
}

#: Texts with several links, with one link, without links, and with repeated mentions.
TEXTS = [
    "fever and cough in pneumonia",
    "a lung",
    "nothing to see",
    "cough, cough",
    "symptom: fever of the lung",
]


@cache
def tiny_graph() -> KnowledgeGraph:
    """Return a graph with two hops, a cycle, a loop, an ambiguous name and an isolated entity."""
    builder = GraphBuilder()
    names = ["pneumonia", "fever", "cough", "symptom", "lung", "organ", "loop", "alone", "fever"]
    for number, name in enumerate(names):
        builder.add_name(f"EX:{number}", name)
    for head, relation, tail in (
        (0, "has", 1),
        (0, "has", 2),
        (0, "in", 4),
        (1, "is", 3),
        (2, "is", 3),
        (4, "is", 5),
        (5, "is", 4),
        (6, "is", 6),
        (8, "in", 6),
    ):
        builder.add_edge(f"EX:{head}", relation, f"EX:{tail}")
    return builder.build(source="tiny")


def tiny_features(graph: KnowledgeGraph, seed: int = 0) -> EntityFeatures:
    """Return random feature vectors, one an entity."""
    vectors = np.random.default_rng(seed).normal(size=(len(graph), FEATURES)).astype(np.float16)
    return EntityFeatures(vectors, "random", f"seed {seed}", graph.hash)


def config_with(labels) -> PreTrainedConfig:
    """Return a configuration that knows these labels and no more."""
    return PreTrainedConfig(id2label=dict(enumerate(labels)))


class ExactLinker:
    """Links every word of a text that is a name in a graph."""

    def __init__(self, graph: KnowledgeGraph) -> None:
        self.candidates: dict[str, list[Candidate]] = {}
        for index in range(len(graph)):
            found = self.candidates.setdefault(graph.name(index), [])
            found.append(Candidate(graph.entity_ids[index], 1 / (1 + len(found))))

    def __call__(self, texts):
        return [
            [
                Mention(*match.span(), tuple(self.candidates[match[0]]))
                for match in re.finditer(r"\w+", text)
                if match[0] in self.candidates
            ]
            for text in texts
        ]


def tiny_processor(family: str = "bert", **options) -> KGBertProcessor:
    """Return the processor of the tiny models of a family."""
    graph = tiny_graph()
    options = {"linker": ExactLinker(graph), "max_length": LONGEST - 2, **options}
    return KGBertProcessor(tiny_tokenizer(family), graph, tiny_features(graph), **options)


def inputs_for(kind: type[KGBertPreTrainedModel], texts=TEXTS):
    """Return the inputs of a model class; relation examples have the first and last words."""
    return list(map(pair_of, texts)) if kind is KGBertForRelationClassification else texts


def pair_of(text: str, label: str = "") -> Example:
    """Return an example with the first and the last word of a text as arguments."""
    first, *_, last = re.finditer(r"\w+", text)
    arguments = Span(*first.span(), "head"), Span(*last.span(), "tail")
    return Example(text, label, arguments=arguments)


def tiny_tokenizer(family: str) -> PreTrainedTokenizerFast:
    """Return a fast tokenizer of a family; its vocabulary has letters and a few words."""
    kind, _ = FAMILIES[family]
    return kind()


def word_piece() -> PreTrainedTokenizerFast:
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *ascii_lowercase, *"0123456789.,:é"]
    pieces += [f"##{piece}" for piece in (*ascii_lowercase, "é")]
    pieces += ["fever", "lung", "pneu", "##mon"]
    tokenizer = Tokenizer(
        models.WordPiece(dict(zip(pieces, range(len(pieces)), strict=True)), unk_token="[UNK]")
    )
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    return _wrapped(
        tokenizer, "[CLS] $A [SEP]", "$B:1 [SEP]:1", ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    )


def byte_level() -> PreTrainedTokenizerFast:
    pieces = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    pieces += sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = dict(zip(pieces, range(len(pieces)), strict=True))
    tokenizer = Tokenizer(models.BPE(vocabulary, [], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return _wrapped(
        tokenizer, "<s> $A </s>", "</s> $B </s>", ("<pad>", "<unk>", "<s>", "</s>", "<mask>")
    )


def unigram() -> PreTrainedTokenizerFast:
    tokenizer = _unigram(["<s>", "<pad>", "</s>", "<unk>", "<mask>"], unknown=3)
    return _wrapped(
        tokenizer, "<s> $A </s>", "</s> $B </s>", ("<pad>", "<unk>", "<s>", "</s>", "<mask>")
    )


def byte_level_without_ends() -> PreTrainedTokenizerFast:
    """Return a tokenizer like those of decoders: no padding token, no others around a text."""
    pieces = ["<|endoftext|>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    vocabulary = dict(zip(pieces, range(len(pieces)), strict=True))
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|endoftext|>",
        eos_token="<|endoftext|>",
        unk_token="<|endoftext|>",
        model_input_names=["input_ids", "attention_mask"],
    )


def unigram_read_last() -> PreTrainedTokenizerFast:
    tokenizer = _unigram(["<unk>", "<pad>", "<cls>", "<sep>", "<mask>"], unknown=0)
    specials = ("<pad>", "<unk>", "<cls>", "<sep>", "<mask>")
    wrapped = _wrapped(tokenizer, "$A <sep>", "$B <sep>", specials, end=" <cls>")
    wrapped.padding_side = "left"
    return wrapped


def _unigram(specials: list[str], *, unknown: int) -> Tokenizer:
    pieces = [(piece, 0.0) for piece in specials]
    pieces += [(piece, -4.0) for piece in (*ascii_lowercase, "▁", *".,:é")]
    pieces += [("▁fever", -2.0), ("▁lung", -2.0), ("mon", -3.0)]
    tokenizer = Tokenizer(models.Unigram(pieces, unknown))
    tokenizer.normalizer = normalizers.Replace(Regex(" {2,}"), " ")
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    return tokenizer


def _wrapped(
    tokenizer: Tokenizer, text: str, pair: str, specials: tuple[str, ...], *, end: str = ""
) -> PreTrainedTokenizerFast:
    """Return a tokenizer with its templates.

    Args:
        tokenizer: The tokenizer.
        text: The template of a text.
        pair: What the template of a pair adds to it.
        specials: The tokens of padding, unknown characters, beginning, end and mask.
        end: The end of both templates.
    """
    ends = [(token, tokenizer.token_to_id(token)) for token in specials[2:4]]
    tokenizer.post_processor = TemplateProcessing(
        single=text + end, pair=f"{text} {pair}{end}", special_tokens=ends
    )
    names = ("pad", "unk", "cls", "sep", "mask")
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        **{f"{name}_token": token for name, token in zip(names, specials, strict=True)},
    )


_SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": BLOCKS,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": LONGEST,
}
_XLNET_SIZES = {"d_model": 32, "n_layer": BLOCKS, "n_head": 4, "d_inner": 48}
_DISTILBERT_SIZES = {"dim": 32, "n_layers": BLOCKS, "n_heads": 4, "hidden_dim": 48}

#: Every supported family: its kind of tokenizer, and the sizes of a tiny model.
FAMILIES = {
    "bert": (word_piece, _SIZES),
    "roberta": (byte_level, _SIZES),
    "distilbert": (word_piece, _DISTILBERT_SIZES | {"max_position_embeddings": LONGEST}),
    "deberta-v2": (
        unigram,
        _SIZES
        | {
            "relative_attention": True,
            "pos_att_type": ["p2c", "c2p"],
            "position_biased_input": False,
        },
    ),
    "electra": (word_piece, _SIZES | {"embedding_size": 24}),
    "modernbert": (byte_level, _SIZES | {"local_attention": 16}),
    "xlm-roberta": (unigram, _SIZES),
    "mpnet": (word_piece, _SIZES),
    "camembert": (unigram, _SIZES),
    "xlnet": (unigram_read_last, _XLNET_SIZES),
    "albert": (unigram, _SIZES | {"embedding_size": 24}),
    "gpt2": (
        byte_level_without_ends,
        {"n_embd": 32, "n_layer": BLOCKS, "n_head": 4, "n_positions": LONGEST},
    ),
    "llama": (byte_level_without_ends, _SIZES | {"num_key_value_heads": 2}),
    "qwen2": (byte_level_without_ends, _SIZES | {"num_key_value_heads": 2}),
}


def tiny_config(family: str) -> PreTrainedConfig:
    """Return the configuration of a tiny model of a family."""
    tokenizer = tiny_tokenizer(family)
    return AutoConfig.for_model(
        family,
        vocab_size=len(tokenizer),
        pad_token_id=first_known(tokenizer.pad_token_id, tokenizer.eos_token_id),
        cls_token_id=tokenizer.cls_token_id,
        bos_token_id=first_known(tokenizer.cls_token_id, tokenizer.bos_token_id),
        sep_token_id=tokenizer.sep_token_id,
        eos_token_id=first_known(tokenizer.sep_token_id, tokenizer.eos_token_id),
        num_labels=3,
        **FAMILIES[family][1],
    )


def first_known(*numbers: int | None) -> int | None:
    return next((number for number in numbers if number is not None), None)


def save_plain(folder: Path, family: str, kind: type[KGBertPreTrainedModel]) -> str:
    """Save a plain tiny checkpoint with its tokenizer and return its folder."""
    place = folder / f"{family}-{kind.__name__}"
    torch.manual_seed(0)
    kind.auto_class.from_config(tiny_config(family)).save_pretrained(place)
    tiny_tokenizer(family).save_pretrained(place)
    return str(place)


def perturb(model: KGBertPreTrainedModel, seed: int = 1) -> KGBertPreTrainedModel:
    """Perturb every new weight, so that knowledge has an effect as after training."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if not name.startswith("backbone."):
                scale = GATE_LR_MULTIPLIER if name.endswith((".gate", ".layer_scale")) else 1
                parameter += 0.3 / scale * torch.randn(parameter.shape, generator=generator)
    return model.eval()


def trained(
    model: KGBertPreTrainedModel, family: str = "bert", steps: int = 3
) -> KGBertPreTrainedModel:
    """Train a model for a few large steps on one batch."""
    batch = tiny_processor(family)(inputs_for(type(model)))
    optimiser = torch.optim.AdamW(model.parameters(), 0.01)
    model.train()
    for _ in range(steps):
        optimiser.zero_grad()
        loss_of(model, batch).backward()
        optimiser.step()
    model.zero_grad()
    return model.eval()


def loss_of(model: KGBertPreTrainedModel, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Return a loss that depends on every state that the head of the model reads."""
    rows, width = batch["input_ids"].shape
    labels = torch.arange(rows * width).reshape(rows, width) % 3
    if model.auto_class is AutoModel:
        return model(**batch).last_hidden_state[..., :5].pow(2).mean()
    tags = model.auto_class is AutoModelForTokenClassification
    return model(**batch, labels=labels if tags else labels[:, 0]).loss


def states(output) -> torch.Tensor:
    """Return the logits, or the last hidden states of an encoder without a head."""
    return output["logits"] if "logits" in output else output["last_hidden_state"]


#: All fused models, so that a new one is tested automatically.
CLASSES = KGBertPreTrainedModel.__subclasses__()

#: Classes that are tested with their task, on a few families.
TESTED_WITH_TASK = (
    KGBertForConditionalGeneration,
    KGBertForMaskedLM,
    KGBertForMultipleChoice,
    KGBertForQuestionAnswering,
    KGBertForRelationExtraction,
    KGBertForEventExtraction,
)

#: One case for each family and each other class with a plain counterpart.
EVERY_MODEL = [
    pytest.param(family, kind, id=f"{family}-{kind.__name__}")
    for family, kind in product(FAMILIES, CLASSES)
    if not kind.scores_entities and kind not in TESTED_WITH_TASK
]


def run(model, batch, **options):
    """Return the output of a model, computed without gradients."""
    with torch.no_grad():
        return model(**batch, **options)


WITHOUT_A_PLAIN_MODEL = {*BatchKnowledge._fields, "pooling_mask"}


def tokens_of(batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the part of a batch that a plain model takes."""
    return {name: tensor for name, tensor in batch.items() if name not in WITHOUT_A_PLAIN_MODEL}
