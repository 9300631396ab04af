"""Arms that change the feature vectors of the entities."""

from dataclasses import replace

import numpy as np

from kgbert.comparing.arms.arm import Material
from kgbert.comparing.arms.links import ConstantLinker
from kgbert.graph.builder import GraphBuilder
from kgbert.graph.graph import KnowledgeGraph


def features_of_names(material: Material, seed: int) -> Material:
    """Return the material with the vector of each entity's best name as its features."""
    from kgbert.modeling.features import encode_entities

    names = encode_entities(only_names(material.graph), material.backbone)
    return replace(material, features=replace(names, graph_hash=material.graph.hash))


def random_features(material: Material, seed: int) -> Material:
    """Return the material with a random vector for each entity, about as long as the real ones."""
    generator = np.random.default_rng([seed, 0xFEA7])
    drawn = generator.standard_normal(material.features.vectors.shape, np.float32)
    return _with_vectors(material, drawn.astype(np.float16))


def constant_features(material: Material, seed: int) -> Material:
    """Return the material with one and the same vector for every entity."""
    return _with_vectors(material, np.ones_like(material.features.vectors))


def constant_input(material: Material, seed: int) -> Material:
    """Return the material with every text linked as a whole to one entity, all vectors the same."""
    linker = ConstantLinker(material.graph.entity_ids[0])
    return replace(constant_features(material, seed), linker=linker)


def only_names(graph: KnowledgeGraph) -> KnowledgeGraph:
    """Return a graph of the same entities of which nothing is known but their best names."""
    builder = GraphBuilder()
    for index, entity in enumerate(graph.entity_ids):
        builder.add_name(entity, graph.name(index))
    return builder.build(source=graph.source)


def _with_vectors(
    material: Material, vectors: "np.ndarray[tuple[int, ...], np.dtype[np.float16]]"
) -> Material:
    return replace(material, features=replace(material.features, vectors=vectors))
