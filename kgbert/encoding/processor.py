"""The processor: tokenizer, linker and neighbour sampler in one call."""

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from kgbert.data import Example
from kgbert.encoding.candidates import candidate_tables
from kgbert.encoding.collation import (
    largest_table,
    link_arrays,
    subgraph_arrays,
    text_number_arrays,
    to_tensors,
)
from kgbert.encoding.encoded import Batch, EncodedText
from kgbert.encoding.expansion import TextExpander, make_expander
from kgbert.encoding.neighbor_sampling import NeighborSampler
from kgbert.encoding.paths.features import PathFeatures
from kgbert.encoding.paths.kinds import from_settings
from kgbert.encoding.precomputed_vectors import EntityVectors, Origin
from kgbert.encoding.sampling_map import SamplingMap
from kgbert.encoding.saved_graph import graph_metadata, resolve_graph
from kgbert.encoding.text_encoder import TextEncoder
from kgbert.features.backbones import encoder_config_of, family_of, longest_text
from kgbert.features.entity_features import EntityFeatures, encode_entities
from kgbert.features.label_sets import LabelSets, LexicalIndex
from kgbert.features.pretrained import (
    check_tokenizer,
    check_vocabulary,
    load_tokenizer,
)
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.serialization import save_graph
from kgbert.linking.dictionary.linker import DictionaryLinker
from kgbert.linking.factory import linker_from_settings, linker_settings, share_features
from kgbert.linking.mention import Linker
from kgbert.utils.atomic_write import write_atomically
from kgbert.utils.errors import KGBertError, MissingFileError, Remedy
from kgbert.utils.paths import (
    FEATURES_FILE,
    GRAPH_FILE,
    LABEL_SETS_FILE,
    SAMPLING_FILE,
    SETTINGS_FILE,
    VECTORS_FILE,
)

logger = logging.getLogger(__name__)


#: Default maximum number of tokens of a text.
MAX_LENGTH = 512

#: Number of candidates of each mention in the batches of an entity linking model.
CANDIDATES = 8

#: Names of the settings of a saved processor.
_SETTINGS = {
    "linker",
    "fan_out",
    "hops",
    "max_length",
    "padding_side",
    "reads_last_token",
    "expander",
    "candidates",
    "paths",
    "graph_left_out",
}
_REQUIRED_SETTINGS = {"linker", "fan_out", "hops", "max_length", "padding_side"}


class KGBertProcessor:
    """Tokenises and links texts and samples neighbours; saved and loaded like any processor.

    Args:
        tokenizer: A fast tokenizer, because links need character offsets.
        graph: The knowledge graph.
        features: One vector an entity.
        linker: Any callable from texts to mentions; None means a dictionary linker.
        fan_out: Maximum number of sampled neighbours of a node.
        hops: Number of hops, equal to the number of graph layers of the model.
        max_length: Maximum number of tokens of a text; None means the limit of the tokenizer, at
            most 512.
        candidates: Number of candidates of each mention in a batch. Entity linking models need
            them; for all other models it is 0.
        expander: Appends tokens to the texts, as K-BERT appends triples; None appends nothing.
        reads_last_token: Whether the sequence head of the backbone reads the last token instead of
            the first, which then gets the text-level links. None means that it does if the
            tokenizer pads on the left or has no classification token. :meth:`for_model` sets it
            by the backbone.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        graph: KnowledgeGraph,
        features: EntityFeatures,
        *,
        linker: Linker | None = None,
        fan_out: int = 8,
        hops: int = 2,
        max_length: int | None = None,
        candidates: int = 0,
        expander: TextExpander | None = None,
        reads_last_token: bool | None = None,
    ) -> None:
        _check_tokenizer(tokenizer, max_length)
        if len(features.vectors) != len(graph):
            raise KGBertError(
                f"{len(features.vectors):,} feature vectors do not fit a graph of {len(graph):,} "
                "entities. Make them again with kgbert.encode_entities(graph, backbone).",
                code="features-of-another-graph",
            )
        if tokenizer.pad_token is None:
            # Decoder-only checkpoints have none; the heads of transformers skip padding at the end.
            tokenizer.pad_token = tokenizer.eos_token
        self.tokenizer, self.graph, self.features = tokenizer, graph, features
        self.linker: Linker = linker if linker is not None else DictionaryLinker(graph)
        self.sampler = NeighborSampler(graph, fan_out=fan_out, hops=hops)
        self.vectors: EntityVectors | None = None
        self.label_sets: LabelSets | None = None
        self._lexical_index: LexicalIndex | None = None
        self.paths: PathFeatures | None = None
        self.max_length = min(max_length or MAX_LENGTH, tokenizer.model_max_length)
        self.candidates, self.expander = candidates, expander
        if reads_last_token is None:
            reads_last_token = self.pads_left or tokenizer.cls_token is None
        self.reads_last_token = reads_last_token

    @classmethod
    def for_model(
        cls,
        model: PreTrainedModel,
        graph: KnowledgeGraph,
        features: EntityFeatures | None = None,
        *,
        tokenizer: PreTrainedTokenizerBase | None = None,
        linker: Linker | None = None,
        fan_out: int = 8,
    ) -> "KGBertProcessor":
        """Return the processor that fits a fused model: its hops, length and candidates.

        Args:
            model: A fused model.
            graph: The graph of the model.
            features: One vector an entity; encoded by the backbone's checkpoint if None.
            tokenizer: The tokenizer of the backbone; loaded from its checkpoint if None.
            linker: Any callable from texts to mentions; None means a dictionary linker.
            fan_out: Maximum number of sampled neighbours of a node.

        Raises:
            KGBertError: Tokenizer, graph or features do not belong to the model.
        """
        config: Any = model.config
        backbone = config.backbone
        if config.graph_hash != graph.hash:
            raise KGBertError(
                f"the model was made for the graph {config.graph_hash[:12]}, but this graph is "
                f"{graph.hash[:12]} ({graph.source}): its relations need not mean the same. Make "
                "the model for this graph.",
                code="other-graph",
            )
        checkpoint = backbone.name_or_path
        if not checkpoint and (tokenizer is None or features is None):
            raise KGBertError(
                "the model does not name the checkpoint that it came from, so that its tokenizer "
                "and the features of the entities cannot be loaded.",
                code="unnamed-checkpoint",
                remedies=[Remedy("tokenizer"), Remedy("features", purpose="as well")],
            )
        tokenizer = load_tokenizer(checkpoint) if tokenizer is None else tokenizer
        check_tokenizer(tokenizer, encoder_config_of(backbone))
        family, scores_entities = family_of(backbone), bool(getattr(model, "scores_entities", 0))
        longest = longest_text(backbone)
        return cls(
            tokenizer,
            graph,
            encode_entities(graph, checkpoint) if features is None else features,
            linker=linker,
            fan_out=fan_out,
            hops=config.graph_layers if config.reads_edges else 0,
            max_length=min(MAX_LENGTH, tokenizer.model_max_length, longest or MAX_LENGTH),
            candidates=CANDIDATES if scores_entities else 0,
            reads_last_token=not family.reads_first_token,
        )

    @property
    def pads_left(self) -> bool:
        """Whether padding comes before the tokens of a text."""
        return bool(self.tokenizer.padding_side == "left")

    @property
    def text_encoder(self) -> TextEncoder:
        """The part of the processor that tokenises and links."""
        return TextEncoder(
            self.tokenizer,
            self.graph,
            self.linker,
            self.max_length,
            self.candidates,
            self.reads_last_token,
            self.paths,
        )

    def vectors_origin(self, weights_hash: str) -> Origin:
        """Return the origin of entity vectors that are computed with this processor."""
        return Origin(
            self.graph.hash, self.features.encoder_hash, self.sampler.drawing, weights_hash
        )

    def use_vectors(self, vectors: EntityVectors | None) -> None:
        """Use the vectors of ``model.precompute(processor)``; None samples the graph again."""
        if vectors is not None:
            own = asdict(self.vectors_origin(vectors.origin.weights_hash))
            given = asdict(vectors.origin)
            if stale := [name for name in own if own[name] != given[name]]:
                shown = ", ".join(
                    f"{x} {given[x][:40]!r} instead of {own[x][:40]!r}" for x in stale
                )
                raise KGBertError(
                    f"the entity vectors were made with {shown}, so that they are not those of "
                    "this graph and graph encoder. Make them again with "
                    "model.precompute(processor).",
                    code="stale-vectors",
                )
        self.vectors = vectors

    def with_graph(
        self,
        graph: KnowledgeGraph,
        features: EntityFeatures,
        linker: Linker,
        mapping: SamplingMap | None,
    ) -> "KGBertProcessor":
        """Return a processor with the same settings for another graph, without label sets.

        Args:
            graph: The graph.
            features: One vector an entity.
            linker: Links texts to the graph.
            mapping: The random keys of its entities, and the model's relations; None if both are
                those of the model's graph.
        """
        processor = KGBertProcessor(
            self.tokenizer,
            graph,
            features,
            linker=linker,
            fan_out=self.sampler.fan_out,
            hops=self.sampler.hops,
            max_length=self.max_length,
            candidates=self.candidates,
            expander=self.expander,
            reads_last_token=self.reads_last_token,
        )
        processor.use_sampling_map(mapping)
        return processor

    def use_sampling_map(self, mapping: SamplingMap | None) -> None:
        """Sample the graph for a model that was trained on another one."""
        fan_out, hops, seed = self.sampler.fan_out, self.sampler.hops, self.sampler.seed
        self.sampler = NeighborSampler(
            self.graph, fan_out=fan_out, hops=hops, seed=seed, mapping=mapping
        )

    def use_label_sets(self, sets: LabelSets | None) -> None:
        """Add the similarity in spelling of texts and labels to batches; None adds none.

        Args:
            sets: The label sets of the model, which :meth:`save_pretrained` saves as well.
        """
        self.label_sets = sets
        self._lexical_index = None if sets is None else LexicalIndex(sets)

    def spelling_without(self, text: str, hidden: Sequence[int]) -> torch.Tensor:
        """Return the similarity in spelling to each label without some texts of the labels.

        Args:
            text: The text.
            hidden: Positions among the texts of the label sets.
        """
        assert self._lexical_index is not None
        return torch.from_numpy(self._lexical_index.without(text, hidden))

    def use_paths(self, paths: PathFeatures | None) -> None:
        """Count the paths of texts that are encoded from now on; None counts none."""
        self.paths = paths

    def encode(self, texts: Sequence[str | Example]) -> list[EncodedText]:
        """Tokenise and link texts; this is the slow part, needed once a text.

        Args:
            texts: Texts, or examples: of a pair of texts, or with the two arguments of a relation,
                which get markers. Offsets refer to :attr:`Example.joined`, without markers.

        Raises:
            KGBertError: An argument of a relation is cut off, or most tokens are unknown.
        """
        return self._expanded(self.text_encoder.encode(texts))

    def encode_windows(
        self, examples: Sequence[Example], *, stride: int
    ) -> list[tuple[EncodedText, ...]]:
        """Tokenise and link texts, each as overlapping windows of the text.

        Args:
            examples: Texts; a second text is a question, with which every window begins.
            stride: Number of tokens that consecutive windows share.
        """
        encoded = self.text_encoder.encode_windows(examples, stride=stride)
        return [tuple(self._expanded(windows)) for windows in encoded]

    def _expanded(self, texts: list[EncodedText]) -> list[EncodedText]:
        """Return the texts with the tokens that the expander appends."""
        if self.expander is None:
            return texts
        return [
            self.expander.expand(text, self.graph, self.tokenizer, self.max_length)
            for text in texts
        ]

    def collate(self, encoded: Sequence[EncodedText], epoch: int = 0) -> Batch:
        """Pad texts to one batch and sample the neighbourhood of their entities.

        ``input_ids`` is the first tensor, because Accelerate reads the batch size from it.

        Args:
            encoded: The output of :meth:`encode`.
            epoch: Part of the seed of the neighbour sampling; always 0 in evaluation.
        """
        padded = self.tokenizer.pad([text.tokens for text in encoded], return_tensors="pt")
        width = padded["input_ids"].shape[1]
        shifts = [width - len(text.offsets) if self.pads_left else 0 for text in encoded]
        tokens = {name: padded[name] for name in ("input_ids", *padded)}
        links = [text.links for text in encoded]
        arrays, linked = link_arrays(links, shifts)
        batch = tokens | to_tensors(arrays) | self._entity_tensors(linked, epoch)
        batch["table_size"] = largest_table(links)
        batch |= to_tensors(text_number_arrays(encoded, width, shifts))
        if encoded[0].marks:
            shifted = zip(encoded, shifts, strict=True)
            marks = [[token + shift for token in text.marks] for text, shift in shifted]
            batch["argument_tokens"] = torch.tensor(marks)
        if self.candidates:
            candidate_sets = [text.candidate_sets for text in encoded]
            batch |= to_tensors(candidate_tables(candidate_sets, shifts, linked, self.candidates))
        if self._lexical_index is not None:
            lexical = self._lexical_index([text.text for text in encoded])
            batch |= to_tensors({"label_lexical": lexical})
        if self.paths is not None:
            batch |= to_tensors(self.paths.arrays(encoded, width, shifts))
        if self.expander is None:
            return batch
        return batch | self.expander.batch_tensors(encoded, width, self.max_length)

    def __call__(self, texts: Sequence[str | Example]) -> Batch:
        """Return the texts as one batch of keyword arguments of a fused model."""
        return self.collate(self.encode(texts))

    def _entity_tensors(self, linked: NDArray[np.int64], epoch: int) -> Batch:
        """Return precomputed vectors of the linked entities, or their sampled subgraph."""
        if self.vectors is not None:
            vectors = to_tensors({"entity_vectors": self.vectors.vectors[linked]})
            weights_hash = self.vectors.origin.weights_hash
            return vectors | {"vectors_hash": weights_hash, "hop_sizes": [(len(linked), 0)]}
        sampled = self.sampler.sample(linked, epoch)
        arrays = subgraph_arrays(sampled, self.features)
        return to_tensors(arrays) | {"hop_sizes": sampled.hop_sizes}

    def save_pretrained(self, folder: str | Path, *, include_graph: bool = True) -> None:
        """Write tokenizer, graph, features and settings; the loaded processor is equivalent.

        Args:
            folder: The folder to write to.
            include_graph: Whether to save the graph with its names. Without it, for example
                because of its licence, :meth:`from_pretrained` needs the graph as an argument.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.tokenizer.save_pretrained(folder)
        if include_graph:
            save_graph(self.graph, folder / GRAPH_FILE)
        self.features.save(folder / FEATURES_FILE)
        if self.sampler.mapping is not None:
            self.sampler.mapping.save(folder / SAMPLING_FILE)
        if self.vectors is not None:
            self.vectors.save(folder / VECTORS_FILE)
        if self.label_sets is not None:
            sets = self.label_sets
            sets = sets if include_graph else sets.without_graph_texts(self.graph)
            sets.save(folder / LABEL_SETS_FILE)
        settings = self._settings(folder)
        if not include_graph:
            settings["graph_left_out"] = graph_metadata(self.graph)
        write_atomically(folder / SETTINGS_FILE, json.dumps(settings, indent=2))

    def _settings(self, folder: Path) -> dict[str, Any]:
        """Return the settings of the processor, and save the files of its linker."""
        settings: dict[str, Any] = {
            "linker": linker_settings(self.linker, folder),
            "fan_out": self.sampler.fan_out,
            "hops": self.sampler.hops,
            "max_length": self.max_length,
            # transformers 5.17 does not save it with the tokenizer.
            "padding_side": self.tokenizer.padding_side,
            "reads_last_token": self.reads_last_token,
        }
        if self.expander is not None:
            settings["expander"] = {
                "name": self.expander.name,
                "settings": asdict(cast(Any, self.expander)),
            }
        if self.candidates:
            settings["candidates"] = self.candidates
        if self.paths is not None:
            settings["paths"] = self.paths.settings
        return settings

    @classmethod
    def from_pretrained(
        cls, folder: str | Path, *, graph: KnowledgeGraph | None = None
    ) -> "KGBertProcessor":
        """Load a saved processor; ``graph`` is needed if the folder does not include it.

        Raises:
            KGBertError: Files are missing, damaged, or from a newer kgbert.
        """
        folder = Path(folder)
        settings = _read_settings(folder)
        graph = resolve_graph(folder, graph, settings.pop("graph_left_out", {}))
        linker = linker_from_settings(graph, settings.pop("linker"), folder)
        features = EntityFeatures.load(folder / FEATURES_FILE)
        share_features(features, linker)
        tokenizer = load_tokenizer(folder, padding_side=settings.pop("padding_side"))
        if "expander" in settings:
            settings["expander"] = make_expander(**settings["expander"])
        paths = settings.pop("paths", None)
        processor = cls(tokenizer, graph, features, linker=linker, **settings)
        if (mapping := folder / SAMPLING_FILE).exists():
            processor.use_sampling_map(SamplingMap.load(mapping, graph))
        if paths is not None:
            processor.use_paths(from_settings(graph, paths))
        if (vectors := folder / VECTORS_FILE).exists():
            processor.use_vectors(EntityVectors.load(vectors))
        if (label_sets := folder / LABEL_SETS_FILE).exists():
            processor.use_label_sets(LabelSets.load(label_sets).with_graph_texts(graph))
        return processor


def _check_tokenizer(tokenizer: PreTrainedTokenizerBase, max_length: int | None) -> None:
    if not tokenizer.is_fast:
        raise KGBertError(
            f"{type(tokenizer).__name__} gives no character offsets, without which mentions "
            "cannot be mapped to tokens. Use a fast tokenizer (AutoTokenizer's default).",
            code="slow-tokenizer",
        )
    check_vocabulary(tokenizer)
    if max_length is not None and max_length > tokenizer.model_max_length:
        raise KGBertError(
            f"max_length={max_length:,} is longer than the {tokenizer.model_max_length:,} tokens "
            "that the backbone takes.",
            code="max-length-too-long",
            remedies=[Remedy("max_length", tokenizer.model_max_length)],
        )


def _read_settings(folder: Path) -> dict[str, Any]:
    path = folder / SETTINGS_FILE
    try:
        settings: Any = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MissingFileError(
            f"{folder} contains no {SETTINGS_FILE}, so it is no kgbert model. Give the folder that "
            "`kgbert train` or `kgbert demo` wrote.",
            code="no-saved-model",
        ) from error
    except ValueError as error:
        raise KGBertError(
            f"{path} is damaged ({error}). Restore the folder from its source, or train again.",
            code="damaged-settings",
        ) from error
    names = set(settings) if isinstance(settings, dict) else set()
    if missing := sorted(_REQUIRED_SETTINGS - names):
        raise KGBertError(
            f"{path} is damaged: it lacks {', '.join(missing)}. Restore the folder from its "
            "source, or train again.",
            code="damaged-settings",
        )
    if unknown := sorted(names - _SETTINGS):
        raise KGBertError(
            f"{path} has the settings {', '.join(unknown)}, which this version of kgbert does not "
            "know. Update kgbert to the version that saved the folder.",
            code="newer-settings",
        )
    return cast(dict[str, Any], settings)
