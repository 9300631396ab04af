"""Arms that change the feature vectors of the entities."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kgbert.comparison.arms.arm import RunInputs
from kgbert.comparison.arms.edges import remove_edges
from kgbert.comparison.arms.links import ConstantLinker, OneEntityLinker
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.utils.errors import KGBertError, Remedy


def features_of_names(inputs: RunInputs, seed: int) -> RunInputs:
    """Return the inputs with the vector of each entity's preferred name, and without edges."""
    from kgbert.features.entity_features import encode_entities

    names = encode_entities(only_names(inputs.graph), inputs.backbone)
    features = replace(names, graph_hash=inputs.graph.hash)
    grounding = inputs.grounding and replace(inputs.grounding, kinds=("name",))
    return replace(remove_edges(inputs, seed), features=features, grounding=grounding)


def features_of_words(inputs: RunInputs, seed: int) -> RunInputs:
    """Return the inputs with the vectors of the entities' descriptions alone.

    Raises:
        KGBertError: The study has no other vectors.
    """
    from kgbert.features.entity_features import encode_entities
    from kgbert.features.feature_sources import is_words_only

    if is_words_only(inputs.features):
        raise KGBertError(
            "the arm 'words-only' leaves out the vectors of a file, and none is given, so that it "
            "would be the arm 'knowledge' once more. Leave the arm out.",
            code="no-vectors-to-leave-out",
            remedies=[Remedy("features", "words,...", "with a file of vectors")],
        )
    return replace(inputs, features=encode_entities(inputs.graph, inputs.backbone))


def random_features(inputs: RunInputs, seed: int) -> RunInputs:
    """Return the inputs with a random vector for each entity, about as long as the real ones."""
    return _with_vectors(inputs, _drawn(len(inputs.graph), inputs, seed))


def constant_features(inputs: RunInputs, seed: int) -> RunInputs:
    """Return the inputs with one and the same vector for every entity, drawn at random.

    A vector of equal numbers would not work: the graph encoder's normalisation maps it to zero.
    """
    return _with_vectors(inputs, _drawn(1, inputs, seed).repeat(len(inputs.graph), 0))


def constant_mentions(inputs: RunInputs, seed: int) -> RunInputs:
    """Return the inputs with every mention linked to the same entity, and without edges.

    Where candidates are the answers, they stay, and only their vectors are the same.
    """
    same = remove_edges(constant_features(inputs, seed), seed)
    if inputs.task.model_class.scores_entities:
        return same
    return replace(same, linker=OneEntityLinker(inputs.linker, inputs.graph))


def constant_input(inputs: RunInputs, seed: int) -> RunInputs:
    """Return the inputs with every text linked as a whole to one entity, all vectors the same."""
    linker = ConstantLinker(inputs.graph.entity_ids[0])
    return replace(constant_features(inputs, seed), linker=linker)


def only_names(graph: KnowledgeGraph) -> KnowledgeGraph:
    """Return a graph of the same entities with only their preferred names."""
    builder = GraphBuilder()
    for index, entity in enumerate(graph.entity_ids):
        builder.add_name(entity, graph.name(index))
    return builder.build(source=graph.source)


def _drawn(count: int, inputs: RunInputs, seed: int) -> NDArray[np.float16]:
    generator = np.random.default_rng([seed, 0xFEA7])
    size = inputs.features.vectors.shape[1]
    return generator.standard_normal((count, size), np.float32).astype(np.float16)


def _with_vectors(inputs: RunInputs, vectors: NDArray[np.float16]) -> RunInputs:
    return replace(inputs, features=replace(inputs.features, vectors=vectors))
