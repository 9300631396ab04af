"""Data whose answers only the graph knows: what an entity is, its features say and its name not."""

import numpy as np

from kgbert.features.entity_features import EntityFeatures
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.storage.builder import GraphBuilder
from tests.support.tiny import FEATURES

#: Number of entities. Each is in one text, so that nothing of another can be learnt by heart.
SIZE = 80

_GENERATOR = np.random.default_rng(0)
#: A meaningless name for each entity.
NAMES = ["".join(_GENERATOR.choice(list("abcdefghiklmnoprstuvz"), 6)) for _ in range(SIZE)]
#: What each entity is, drawn at random.
KINDS = [("sign", "place")[kind] for kind in _GENERATOR.integers(2, size=SIZE)]


def planted_graph() -> KnowledgeGraph:
    """Return a graph in which every name has an entity of each kind, ``S:7`` and ``P:7``."""
    builder = GraphBuilder()
    for number, name in enumerate(NAMES):
        builder.add_name(f"S:{number}", name)
        builder.add_name(f"P:{number}", name)
    return builder.build(source="planted")


def entity_of(number: int) -> str:
    return f"{KINDS[number][0].upper()}:{number}"


def planted_features(graph: KnowledgeGraph) -> EntityFeatures:
    """Return features whose direction says what an entity is."""
    vectors = np.random.default_rng(1).normal(size=(len(graph), FEATURES), scale=0.3)
    axis = np.resize([1.0, -1.0], FEATURES)
    for index, entity in enumerate(graph.entity_ids):
        vectors[index] += axis if entity.startswith("S") else -axis
    return EntityFeatures(vectors.astype(np.float16), "planted", "", graph.hash)


def planted_row(number: int, **fields: object) -> dict[str, object]:
    """Return a row with the name of an entity, which stands from character 4 on."""
    return {"id": str(number), "text": f"the {NAMES[number]} again"} | fields


def planted_span(number: int, **fields: object) -> dict[str, object]:
    """Return the span of the name in a row."""
    return {"start": 4, "end": 4 + len(NAMES[number]), **fields}
