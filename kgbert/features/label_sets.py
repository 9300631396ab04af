"""What a graph states about the entities of labels: sets of vectors from which a text chooses.

One vector averaged over neighbours loses what the neighbours say. A set keeps it: the name of a
class, its synonyms, its definition and the names of its descendants are separate vectors, and a
text is compared with each of them.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kgbert.features.cache import load_cached, save_cached
from kgbert.features.unknown_tokens import check_graph_is_known
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.entity_texts import KINDS, MAX_TEXTS, EntityTexts, readable
from kgbert.utils.errors import KGBertError
from kgbert.utils.paths import LABEL_CACHE
from kgbert.utils.progress import StepCallback
from kgbert.utils.safetensors_io import open_matrices, save_matrices

#: Separates the strings of a list in the metadata of a file.
_SEPARATOR = "\x1f"
#: Maximum number of similarities that a lexical index keeps, in texts times labels.
_KEPT = 1 << 26


@dataclass(frozen=True, eq=False)
class LabelSets:
    """One vector for each text that the graph has for each label."""

    vectors: NDArray[np.float16]
    """Shape (texts, features), sorted by label; memory-mapped after loading."""
    offsets: NDArray[np.int64]
    """Shape (labels + 1); ``offsets[i : i + 2]`` are the first and last text of label ``i``."""
    kinds: NDArray[np.int64]
    """Shape (texts); the index of the kind of each text in KINDS."""
    labels: tuple[str, ...]
    entities: tuple[str, ...]
    """The entity id of each label; an empty string if only its own words are used."""
    texts: tuple[str, ...]
    encoder: str
    """Name or folder of the frozen encoder."""
    encoder_hash: str
    """SHA-256 of its weights."""

    @cached_property
    def owners(self) -> NDArray[np.int64]:
        """The index of the label of each text, shape (texts)."""
        return np.repeat(np.arange(len(self.labels)), np.diff(self.offsets))

    def spread(self, classes: Mapping[str, str | None]) -> "LabelSets":
        """Return the sets of labels that stand for the labels of these sets.

        Args:
            classes: The label of these sets that each new label stands for, for example ``Disease``
                for ``B-Disease``; None for a label without vectors.
        """
        places = {label: place for place, label in enumerate(self.labels)}
        ranges = [
            np.arange(*self.offsets[places[name] : places[name] + 2]) if name else np.zeros(0)
            for name in classes.values()
        ]
        rows = np.concatenate(ranges).astype(np.int64)
        return LabelSets(
            self.vectors[rows],
            np.cumsum([0, *map(len, ranges)]).astype(np.int64),
            self.kinds[rows],
            tuple(classes),
            tuple(self.entities[places[name]] if name else "" for name in classes.values()),
            tuple(self.texts[row] for row in rows),
            self.encoder,
            self.encoder_hash,
        )

    def without_graph_texts(self, graph: KnowledgeGraph) -> "LabelSets":
        """Return the sets with an empty string for each text that the graph has."""
        texts = list(self.texts)
        for rows, found in self._graph_texts(graph):
            if texts[rows] == found:
                texts[rows] = [""] * len(found)
        return replace(self, texts=tuple(texts))

    def with_graph_texts(self, graph: KnowledgeGraph) -> "LabelSets":
        """Return the sets of :meth:`without_graph_texts` with the texts of the same graph."""
        if all(self.texts):
            return self
        texts = list(self.texts)
        for rows, found in self._graph_texts(graph):
            if not any(texts[rows]):
                texts[rows] = found
        return replace(self, texts=tuple(texts))

    def _graph_texts(self, graph: KnowledgeGraph) -> Iterator[tuple[slice, list[str]]]:
        """Yield the rows of each label with an entity, and as many texts of its entity."""
        entity_texts = EntityTexts(graph)
        kinds = [KINDS[kind] for kind in sorted(set(self.kinds.tolist()))]
        for place, entity in enumerate(self.entities):
            rows = slice(*self.offsets[place : place + 2].tolist())
            if entity in graph and rows.stop > rows.start:
                pairs = entity_texts.of_entity(graph.index(entity), kinds)
                if len(pairs) == rows.stop - rows.start:
                    yield rows, [text for _, text in pairs]

    @property
    def typical_similarity(self) -> float:
        """The mean cosine similarity between texts of different labels, on at most 256 texts."""
        rows = np.linspace(0, len(self.texts) - 1, min(256, len(self.texts))).astype(np.int64)
        sample = self.vectors[rows].astype(np.float32)
        sample /= np.linalg.norm(sample, axis=1, keepdims=True)
        differ = self.owners[rows][:, None] != self.owners[rows]
        return float((sample @ sample.T)[differ].mean()) if differ.any() else 0.0

    def save(self, path: Path) -> None:
        """Write the sets atomically to a safetensors file."""
        metadata = {
            "labels": _SEPARATOR.join(self.labels),
            "entities": _SEPARATOR.join(self.entities),
            "texts": _SEPARATOR.join(self.texts),
            "encoder": self.encoder,
            "encoder_hash": self.encoder_hash,
        }
        matrices: dict[str, NDArray[Any]] = {
            "vectors": self.vectors,
            "offsets": self.offsets,
            "kinds": self.kinds,
        }
        save_matrices(path, matrices, metadata)

    @classmethod
    def load(cls, path: Path) -> "LabelSets":
        """Return the sets in a file of :meth:`save`.

        Raises:
            KGBertError: The file is damaged or has other contents.
        """
        try:
            matrices, metadata = open_matrices(path)
            parts: dict[str, Any] = {**matrices, **metadata}
            for name in ("labels", "entities", "texts"):
                parts[name] = tuple(metadata[name].split(_SEPARATOR))
            sets = cls(**parts)
            complete = len(sets.texts) == len(sets.vectors) == sets.offsets[-1]
        except (KeyError, TypeError, ValueError) as error:
            raise _damaged(path) from error
        if not complete or not np.isfinite(sets.vectors).all():
            raise _damaged(path)
        return sets


def _damaged(path: Path) -> KGBertError:
    return KGBertError(
        f"{path} contains no label vectors of this version of kgbert. Restore the folder from its "
        "source, or train again.",
        code="damaged-label-vectors",
    )


def encode_label_sets(
    graph: KnowledgeGraph,
    labels: Mapping[str, str | None],
    name_or_path: str,
    *,
    kinds: Sequence[str] | None = None,
    max_texts: int = MAX_TEXTS,
    max_length: int = 48,
    progress: StepCallback | None = None,
    cache: str | Path | None = LABEL_CACHE,
) -> LabelSets:
    """Return the vectors of the texts that a graph has for each label's entity.

    A label without an entity has one vector, that of its own words.

    Args:
        graph: The graph.
        labels: The entity id of each label in the order of the logits, or None, as in
            :attr:`kgbert.linking.grounding.Grounding.entities`.
        name_or_path: The frozen encoder, usually the backbone before fine-tuning.
        kinds: A subset of KINDS; None means all.
        max_texts: Maximum number of texts of a label.
        max_length: Maximum number of tokens of a text; longer ones are truncated.
        progress: Called after each batch of texts.
        cache: Folder of vectors cached by texts and encoder; None disables the cache.
    """
    entity_texts = EntityTexts(graph)
    gathered = [
        (entity_texts.of_entity(graph.index(entity), kinds, most=max_texts) if entity else [])
        or [(KINDS[0], readable(label))]
        for label, entity in labels.items()
    ]
    texts = [text for texts in gathered for _, text in texts]
    # Imported late, because an exported model reads label sets without torch.
    from kgbert.features.frozen_encoder import FrozenEncoder

    encoder = FrozenEncoder(name_or_path)
    check_graph_is_known(encoder.tokenizer, texts, max_length)
    sizes = list(map(len, gathered))
    path = None
    if cache is not None:
        key = _SEPARATOR.join((encoder.hash, str(max_length), *labels, *texts, *map(str, sizes)))
        name = f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.safetensors"
        path = Path(cache).expanduser() / name
        if (cached := load_cached(path, LabelSets.load)) is not None:
            entities = tuple(entity or "" for entity in labels.values())
            return replace(cached, entities=entities, encoder=name_or_path)
    distinct = list(dict.fromkeys(texts))
    places = {text: place for place, text in enumerate(distinct)}
    vectors = encoder.encode(distinct, max_length=max_length, progress=progress)
    sets = LabelSets(
        vectors=vectors[[places[text] for text in texts]],
        offsets=np.cumsum([0, *sizes]).astype(np.int64),
        kinds=np.array([KINDS.index(kind) for texts in gathered for kind, _ in texts], np.int64),
        labels=tuple(labels),
        entities=tuple(entity or "" for entity in labels.values()),
        texts=tuple(texts),
        encoder=name_or_path,
        encoder_hash=encoder.hash,
    )
    if path is not None:
        save_cached(sets.save, path)
    return sets


def encode_comparable(
    former: LabelSets, graph: KnowledgeGraph, labels: Mapping[str, str | None]
) -> LabelSets:
    """Return the label sets of other labels from the encoder of former ones.

    Raises:
        KGBertError: The encoder's weights have changed since.
    """
    sets = encode_label_sets(graph, labels, former.encoder)
    if sets.encoder_hash != former.encoder_hash:
        raise KGBertError(
            f"{former.encoder} is not the encoder that the label vectors of this model come from, "
            "so that new labels cannot be compared with the others. Restore that checkpoint.",
            code="other-encoder",
        )
    return sets


class LexicalIndex:
    """Similarity of the spelling of texts and labels, by TF-IDF of character trigrams.

    The similarity of a text and a label is the highest cosine similarity to a text of the label.
    It finds rare words that an encoder splits into meaningless pieces.
    """

    def __init__(self, sets: LabelSets) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        self._vectorizer = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(3, 3), sublinear_tf=True
        )
        self._texts = self._vectorizer.fit_transform(sets.texts).T.tocsr()
        self._sets = sets
        self._described = np.flatnonzero(np.diff(sets.offsets))
        self._starts, self._count = sets.offsets[self._described], len(sets.labels)
        # Training reads every text in every epoch.
        kept = max(1, _KEPT // max(1, len(sets.labels)))
        self.similarities = lru_cache(maxsize=kept)(self._similarities)

    def __reduce__(self) -> tuple[type["LexicalIndex"], tuple[LabelSets]]:
        # A cache cannot be pickled; a loader process starts with an empty one.
        return LexicalIndex, (self._sets,)

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the similarity of each text to each label, 0 to 1, shape (texts, labels)."""
        return np.stack([self.similarities(text) for text in texts]).astype(np.float32)

    def without(self, text: str, hidden: Sequence[int]) -> NDArray[np.float16]:
        """Return the similarity of a text to each label without some texts of the labels.

        Args:
            text: The text.
            hidden: Positions among the texts of the label sets.
        """
        return self._similarities(text, hidden)

    def _similarities(self, text: str, hidden: Sequence[int] = ()) -> NDArray[np.float16]:
        row = (self._vectorizer.transform([text]) @ self._texts).toarray()[0]
        row[list(hidden)] = 0
        highest = np.zeros(self._count, np.float16)
        highest[self._described] = np.maximum.reduceat(row, self._starts)
        return highest
