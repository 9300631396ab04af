"""Synthetic graphs, features and linked texts of any size."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kgbert.encoding.alignment import TokenEntityLinks
from kgbert.encoding.encoded import EncodedText
from kgbert.features.entity_features import EntityFeatures
from kgbert.graph.core.columns import StringColumn
from kgbert.graph.core.graph import KnowledgeGraph

RELATIONS = 20

#: Entities written at a time.
_CHUNK = 1 << 16


def synthetic_graph(entities: int, edges: int, seed: int = 0) -> KnowledgeGraph:
    """Return a graph without names, with a skewed in-degree: few entities receive most edges."""
    generator = np.random.default_rng(seed)
    heads = np.sort(generator.integers(0, entities, edges, np.int32))
    tails = (entities * generator.random(edges, np.float32) ** 3).astype(np.int32)
    # float32 rounds up to the number of entities itself.
    np.minimum(tails, entities - 1, out=tails)
    relations = np.zeros(edges, np.int32)
    relations[:] = generator.integers(0, RELATIONS, edges, np.int8)
    no_names = StringColumn.from_strings(())
    digits = np.char.zfill(np.arange(entities).astype("S8"), 8)
    return KnowledgeGraph(
        entity_ids=StringColumn(digits.view(np.uint8).reshape(-1), 8 * np.arange(entities + 1)),
        definitions=StringColumn(np.zeros(0, np.uint8), np.zeros(entities + 1, np.int64)),
        names=no_names,
        name_entities=np.zeros(0, np.int32),
        name_scopes=np.zeros(0, np.uint8),
        name_languages=np.zeros(0, np.uint16),
        languages=(),
        heads=heads,
        relations=relations,
        tails=tails,
        relation_ids=tuple(f"r{number}" for number in range(RELATIONS)),
        relation_names=("",) * RELATIONS,
        source=f"{entities:,} synthetic entities",
    )


def synthetic_features(graph: KnowledgeGraph, size: int, path: Path) -> EntityFeatures:
    """Write one random vector per entity to a file and return it memory-mapped."""
    vectors = np.memmap(path, np.float16, "w+", shape=(len(graph), size))
    # One random block, rolled for each chunk, is random enough and fast.
    block = np.random.default_rng(0).normal(size=(_CHUNK, size)).astype(np.float16)
    for start in range(0, len(graph), _CHUNK):
        part = vectors[start : start + _CHUNK]
        part[:] = np.roll(block, start // _CHUNK, axis=1)[: len(part)]
    vectors.flush()
    return mapped_features(size, path)


def mapped_features(size: int, path: Path) -> EntityFeatures:
    """Return the memory-mapped vectors that :func:`synthetic_features` wrote."""
    vectors = np.memmap(path, np.float16, "r").reshape(-1, size)
    return EntityFeatures(np.asarray(vectors), "random", "random", "")


def synthetic_texts(
    texts: int, length: int, graph: KnowledgeGraph, *, vocabulary: int, linked: float = 0.1
) -> list[EncodedText]:
    """Return texts of random tokens; a share is linked, two candidates per two-token mention."""
    generator = np.random.default_rng(0)
    mentions = max(1, round(linked * length / 2))
    return [
        _text(
            generator.integers(1000, vocabulary, length).tolist(),
            generator.choice(length // 2 - 1, mentions, replace=False) * 2 + 1,
            generator.integers(0, len(graph), (mentions, 2)),
        )
        for _ in range(texts)
    ]


def _text(
    tokens: list[int], starts: NDArray[np.int64], candidates: NDArray[np.int64]
) -> EncodedText:
    links = sorted(
        (token, entity)
        for start, pair in zip(starts.tolist(), candidates.tolist(), strict=True)
        for token in (0, start, start + 1)
        for entity in sorted(set(pair))
    )
    places, entities = np.array(list(dict.fromkeys(links))).T
    ones: Sequence[int] = [1] * len(tokens)
    return EncodedText(
        text="",
        tokens={"input_ids": tokens, "attention_mask": list(ones)},
        offsets=[(0, 0)] * len(tokens),
        word_ids=[None] * len(tokens),
        mentions=[],
        links=TokenEntityLinks(places, entities, np.full(len(places), 0.5, np.float32)),
    )
