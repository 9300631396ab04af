"""Texts in, batches out: tokenizer, linker and neighbour sampler behind one call."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoTokenizer, BatchEncoding, PreTrainedTokenizerBase

from kgbert.data import Example
from kgbert.encoding.alignment import align
from kgbert.encoding.candidates import candidate_set, candidate_tables
from kgbert.encoding.collation import largest_table, link_arrays
from kgbert.encoding.encoded import Batch, EncodedText
from kgbert.encoding.entity_markers import MarkedText, mark
from kgbert.encoding.entity_vectors import EntityVectors, Origin
from kgbert.encoding.expansion import TextExpander, make_expander
from kgbert.encoding.neighbor_sampling import NeighborSampler
from kgbert.features.entity_features import EntityFeatures
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.serialization import load_graph, save_graph
from kgbert.linking.dictionary.linker import DictionaryLinker
from kgbert.linking.factory import linker_from_settings, linker_settings, share_features
from kgbert.linking.mention import Linker, Mention
from kgbert.utils.atomic_write import write_atomically
from kgbert.utils.paths import SETTINGS_FILE

GRAPH_FILE = "graph.safetensors"


def graph_metadata(graph: KnowledgeGraph) -> dict[str, str]:
    """Return what a folder without its graph tells of it: where it came from, none of its names."""
    return {
        "source": Path(graph.source).name,
        "version": graph.version,
        "licence": graph.licence,
        "hash": graph.hash,
    }


def resolve_graph(
    folder: Path, given: KnowledgeGraph | None, told: Mapping[str, str]
) -> KnowledgeGraph:
    """Return the graph that was given, or the one in the folder.

    Args:
        folder: Where a processor was saved.
        given: The graph, read again by the user.
        told: What :func:`graph_metadata` said when it was left out; empty where it was not.

    Raises:
        ValueError: The graph was left out and is not given, or another one is given.
    """
    if given is None and told:
        raise ValueError(
            f"{folder} was saved without its graph ({_named(told)}), so it cannot answer alone; "
            "give your copy: --graph FILE, with the options it was read with "
            "(in Python: graph=kgbert.read_graph(FILE))."
        )
    if given is None:
        return load_graph(folder / GRAPH_FILE)
    if told and given.hash != told["hash"]:
        raise ValueError(
            f"{given.source or 'the graph'} ({given.version or 'no version'}, hash "
            f"{given.hash[:12]}) is not the graph of {folder} ({_named(told)}, hash "
            f"{told['hash'][:12]}); read the same release with the same options: card, languages, "
            "relations, roots."
        )
    return given


def _named(told: Mapping[str, str]) -> str:
    return ", ".join(filter(None, (told["source"], told["version"], told["licence"])))


logger = logging.getLogger(__name__)

FEATURES_FILE = "features.safetensors"
VECTORS_FILE = "entity_vectors.safetensors"


class KGBertProcessor:
    """Tokenise, link and sample; saved and loaded like any processor.

    Args:
        tokenizer: A fast tokenizer, since links need character offsets.
        graph: The knowledge graph.
        features: One vector an entity.
        linker: Any callable from texts to mentions; the dictionary of the graph's names if None.
        fan_out: Neighbours drawn for each node.
        hops: How often; as many as the model has graph layers.
        max_length: Longest text in tokens; None means what the tokenizer says, 512 at most.
        candidates: How many candidates of each mention batches tell, as entity linking needs them;
            for all other models 0.
        expander: Appends tokens to the texts, as K-BERT appends triples; None appends nothing.
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
    ) -> None:
        if not tokenizer.is_fast:
            raise ValueError(
                f"{type(tokenizer).__name__} gives no character offsets, without which mentions "
                "cannot be placed on tokens; use a fast tokenizer (AutoTokenizer's default)."
            )
        if len(features.vectors) != len(graph):
            raise ValueError(
                f"{len(features.vectors):,} feature vectors do not fit a graph of {len(graph):,} "
                "entities; make them anew with kgbert.encode_entities(graph, backbone)."
            )
        if max_length is not None and max_length > tokenizer.model_max_length:
            raise ValueError(
                f"max_length={max_length:,} is longer than the {tokenizer.model_max_length:,} "
                "tokens that the backbone takes; choose at most that many."
            )
        self.tokenizer, self.graph, self.features = tokenizer, graph, features
        self.linker: Linker = linker if linker is not None else DictionaryLinker(graph)
        self.sampler = NeighborSampler(graph, fan_out=fan_out, hops=hops)
        self.vectors: EntityVectors | None = None
        self.max_length = min(max_length or 512, tokenizer.model_max_length)
        self.candidates, self.expander = candidates, expander

    @property
    def reads_last_token(self) -> bool:
        """Whether the backbone's family reads the last token, its tokenizer padding on the left."""
        return self.tokenizer.padding_side == "left"

    def vectors_origin(self, weights_hash: str) -> Origin:
        """Return what entity vectors of a graph encoder depend on with this processor."""
        return Origin(
            self.graph.hash, self.features.encoder_hash, self.sampler.drawing, weights_hash
        )

    def use_vectors(self, vectors: EntityVectors | None) -> None:
        """Look up what ``model.precompute(processor)`` returned; with None, sample again."""
        if vectors is not None:
            own = asdict(self.vectors_origin(vectors.origin.weights_hash))
            found = asdict(vectors.origin)
            if stale := [name for name in own if own[name] != found[name]]:
                told = ", ".join(f"{x} {found[x][:40]!r} instead of {own[x][:40]!r}" for x in stale)
                raise ValueError(
                    f"the entity vectors were made with {told}, so that they are not what the "
                    "graph encoder makes of this graph; make them anew with "
                    "model.precompute(processor)."
                )
        self.vectors = vectors

    def encode(self, texts: Sequence[str | Example]) -> list[EncodedText]:
        """Tokenise and link texts; the slow part, done once a text.

        Args:
            texts: Texts, or examples where they have the two arguments of a relation, which are
                marked for the encoder; offsets and links are those of the text without marks.

        Raises:
            ValueError: An argument of a relation is cut off.
        """
        if isinstance(texts, str):
            raise TypeError(f"a list of texts is needed, not one text: [{texts[:40]!r}]")
        if not texts:
            return []
        given = [x if isinstance(x, Example) else Example(x) for x in texts]
        marked = [mark(x.text, x.arguments) if x.arguments else MarkedText(x.text) for x in given]
        encoded = self.tokenizer(
            [x.text for x in marked],
            truncation=True,
            max_length=self.max_length,
            return_offsets_mapping=True,
        )
        self._warn_truncated(encoded)
        offsets = encoded.pop("offset_mapping")
        result = []
        for row, mentions in enumerate(self._linked([x.text for x in given])):
            marks = marked[row].opening_tokens(offsets[row])
            own = marked[row].own(offsets[row])
            read_token = len(own) - 1 if self.reads_last_token else 0
            arguments = dict(zip(marks, given[row].arguments, strict=True))
            result.append(
                EncodedText(
                    given[row].text,
                    {name: encoded[name][row] for name in encoded},
                    own,
                    encoded.word_ids(row),
                    mentions,
                    align(own, mentions, self.graph, read_token, arguments),
                    candidate_sets=tuple(
                        candidate_set(mention, own, self.graph, self.candidates)
                        for mention in (mentions if self.candidates else ())
                    ),
                    marks=marks,
                    own_length=given[row].own_length,
                )
            )
        self._warn_unknown_entities(result)
        if self.expander is None:
            return result
        return [
            self.expander.expand(text, self.graph, self.tokenizer, self.max_length)
            for text in result
        ]

    def _linked(self, texts: list[str]) -> list[list[Mention]]:
        found = self.linker(texts)
        if len(found) != len(texts):
            raise ValueError(
                f"the linker returned {len(found):,} lists of mentions for {len(texts):,} texts; "
                "it has to return one a text, empty where it finds nothing."
            )
        return found

    def _warn_truncated(self, encoded: BatchEncoding) -> None:
        """Warn once a call of texts that were cut off."""
        cut = sum(bool(encoding.overflowing) for encoding in encoded.encodings or ())
        if cut:
            logger.warning(
                "%s of %s texts are longer than %s tokens and were cut off, with what they mention "
                "further on; split them, or choose a larger max_length (typed: --max-length) "
                "if the backbone takes it.",
                f"{cut:,}",
                f"{len(encoded['input_ids']):,}",
                f"{self.max_length:,}",
            )

    def _warn_unknown_entities(self, encoded: Sequence[EncodedText]) -> None:
        """Warn once a call of mentions that lead nowhere, as those of a linker of one's own may."""
        unknown = [entity for text in encoded for entity in text.links.unknown]
        if unknown:
            logger.warning(
                "%s of %s mentions lead to no entity of the graph (the first to %r, where the "
                "graph has %r), so that nothing is read there; let the linker return the graph's "
                "own ids.",
                f"{len(unknown):,}",
                f"{sum(len(text.mentions) for text in encoded):,}",
                unknown[0],
                self.graph.entity_ids[0] if len(self.graph) else "none",
            )

    def collate(self, encoded: Sequence[EncodedText], epoch: int = 0) -> Batch:
        """Pad texts to one batch and sample the neighbourhood of what they mention.

        ``input_ids`` come first: Accelerate reads the batch size off the first tensor.

        Args:
            encoded: What :meth:`encode` returned.
            epoch: Which neighbours are drawn; always 0 in evaluation.
        """
        padded = self.tokenizer.pad([text.tokens for text in encoded], return_tensors="pt")
        width = padded["input_ids"].shape[1]
        shifts = [width - len(text.offsets) if self.reads_last_token else 0 for text in encoded]
        tokens = {name: padded[name] for name in ("input_ids", *padded)}
        links = [text.links for text in encoded]
        arrows, linked = link_arrays(links, shifts)
        batch = tokens | _tensors(arrows) | self._entity_tensors(linked, epoch)
        batch["table_size"] = largest_table(links)
        if encoded[0].marks:
            opened = zip(encoded, shifts, strict=True)
            marks = [[token + shift for token in text.marks] for text, shift in opened]
            batch["argument_tokens"] = torch.tensor(marks)
        if self.candidates:
            choices = [text.candidate_sets for text in encoded]
            batch |= candidate_tables(choices, shifts, linked, self.candidates)
        if self.expander is None:
            return batch
        return batch | self.expander.batch_tensors(encoded, width, self.max_length)

    def __call__(self, texts: Sequence[str | Example]) -> Batch:
        """Return texts as one batch that a fused model takes as keyword arguments."""
        return self.collate(self.encode(texts))

    def _entity_tensors(self, linked: NDArray[np.int64], epoch: int) -> Batch:
        """Return vectors of the linked entities, or the subgraph that they are computed from."""
        if self.vectors is not None:
            found = _tensors({"entity_vectors": self.vectors.vectors[linked]})
            told = self.vectors.origin.weights_hash
            return found | {"vectors_hash": told, "hop_sizes": [(len(linked), 0)]}
        sampled = self.sampler.sample(linked, epoch)
        arrays: dict[str, NDArray[Any]] = {
            "node_features": self.features.vectors[sampled.nodes],
            "edge_index": sampled.edge_index,
            "edge_types": sampled.edge_types,
        }
        return _tensors(arrays) | {"hop_sizes": sampled.hop_sizes}

    def save_pretrained(self, folder: str | Path, *, include_graph: bool = True) -> None:
        """Write tokenizer, graph, features and settings, enough to answer elsewhere as here.

        Args:
            folder: Where to.
            include_graph: Whether the graph with its names may be in the folder; where its licence
                forbids that, it has to be given to :meth:`from_pretrained` again.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.tokenizer.save_pretrained(folder)
        if include_graph:
            save_graph(self.graph, folder / GRAPH_FILE)
        self.features.save(folder / FEATURES_FILE)
        if self.vectors is not None:
            self.vectors.save(folder / VECTORS_FILE)
        settings = {
            "linker": linker_settings(self.linker, folder),
            "fan_out": self.sampler.fan_out,
            "hops": self.sampler.hops,
            "max_length": self.max_length,
            # The tokenizer's own file forgets it in transformers 5.17.
            "padding_side": self.tokenizer.padding_side,
        }
        if self.expander is not None:
            settings["expander"] = {
                "name": self.expander.name,
                "settings": asdict(cast(Any, self.expander)),
            }
        if self.candidates:
            settings["candidates"] = self.candidates
        if not include_graph:
            settings["graph_left_out"] = graph_metadata(self.graph)
        write_atomically(folder / SETTINGS_FILE, json.dumps(settings, indent=2))

    @classmethod
    def from_pretrained(
        cls, folder: str | Path, *, graph: KnowledgeGraph | None = None
    ) -> "KGBertProcessor":
        """Read what :meth:`save_pretrained` wrote; the graph is given if it was left out there."""
        folder = Path(folder)
        try:
            settings: dict[str, Any] = json.loads((folder / SETTINGS_FILE).read_text())
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f"{folder} holds no {SETTINGS_FILE}, so it is no kgbert model; give the folder "
                "that `kgbert train` or `kgbert demo` wrote."
            ) from error
        graph = resolve_graph(folder, graph, settings.pop("graph_left_out", {}))
        linker = linker_from_settings(graph, settings.pop("linker"), folder)
        features = EntityFeatures.load(folder / FEATURES_FILE)
        share_features(features, linker)
        tokenizer = AutoTokenizer.from_pretrained(folder, padding_side=settings.pop("padding_side"))
        if "expander" in settings:
            settings["expander"] = make_expander(**settings["expander"])
        processor = cls(tokenizer, graph, features, linker=linker, **settings)
        if (vectors := folder / VECTORS_FILE).exists():
            processor.use_vectors(EntityVectors.load(vectors))
        return processor


def _tensors(arrays: Mapping[str, NDArray[Any]]) -> Batch:
    return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}
