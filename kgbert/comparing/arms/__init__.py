"""The arms of a comparison: plain, knowledge, controls, rivals, ceiling, on one code path."""

from kgbert.comparing.arms.arm import Arm
from kgbert.comparing.arms.edges import rewire_edges, shuffle_relations
from kgbert.comparing.arms.links import add_noise, shuffle_entities, use_gold_links
from kgbert.comparing.arms.rivals import fuse_pooled, grow_triples, use_transe
from kgbert.comparing.arms.texts import append_defined, append_told, mark_types
from kgbert.comparing.arms.vectors import (
    constant_features,
    constant_input,
    features_of_names,
    random_features,
)

__all__ = ["ARMS", "Arm"]

#: What makes a model plain.
_PLAIN: dict[str, list[int]] = {"injected_layers": []}

#: The arms by name. To add one, write what it changes and a line here.
ARMS = {
    arm.name: arm
    for arm in (
        Arm("plain", "the same model without the injection", _PLAIN),
        Arm("knowledge", "reads the graph"),
        Arm(
            "shuffled",
            "reads the same graph with the entities permuted: right amount, wrong knowledge",
            change=shuffle_entities,
        ),
        Arm(
            "edges rewired",
            "reads the graph with its edges exchanged, every degree kept; the features still say "
            "in words what stood around an entity",
            change=rewire_edges,
        ),
        Arm(
            "relations shuffled",
            "reads the graph with the relations exchanged among its edges",
            change=shuffle_relations,
        ),
        Arm(
            "no edges",
            "reads each entity's features, not its neighbours",
            {"graph_encoder": "none"},
        ),
        Arm(
            "names only",
            "reads the vector of each entity's name, no neighbours: what a dictionary with "
            "embeddings knows",
            {"graph_encoder": "none"},
            features_of_names,
        ),
        Arm(
            "features random",
            "reads the graph with a vector drawn at random for each entity",
            change=random_features,
        ),
        Arm(
            "dictionary only",
            "is told where mentions are, and how sure, by one learnt vector for any entity",
            {"graph_encoder": "none"},
            constant_features,
        ),
        Arm(
            "dummy",
            "as large as the arm that reads the graph, fed with constants, no mentions",
            change=constant_input,
        ),
        Arm(
            "noisy links",
            "reads the graph with 30 % of the mentions linked to entities drawn at random",
            change=add_noise,
        ),
        Arm(
            "appended text",
            "the plain model, with what the graph says of each mention appended to the text",
            _PLAIN,
            append_told,
        ),
        Arm(
            "appended definitions",
            "the plain model, with name, type and definition of each mention appended to the text",
            _PLAIN,
            append_defined,
        ),
        Arm(
            "typed markers",
            "the plain model, with each mention marked by its type in the text",
            _PLAIN,
            mark_types,
        ),
        Arm(
            "K-BERT",
            "the plain model reads triples behind the mentions, by soft positions and a visible "
            "matrix",
            _PLAIN,
            grow_triples,
        ),
        Arm(
            "ERNIE",
            "TransE vectors are fused into the feed-forward parts of the mentions' first tokens",
            {"fusion": "ernie", "graph_layers": 0},
            use_transe,
        ),
        Arm(
            "KnowBert",
            "after one block all words read the mentions, which a linker trained along resolves",
            {"fusion": "knowbert", "graph_layers": 0},
        ),
        Arm(
            "on2vec",
            "the mean of the entities' vectors joins the text's vector after pooling",
            {"fusion": "pooled"},
            fuse_pooled,
        ),
        Arm(
            "oracle links",
            "reads the graph with the mentions and entities that the texts are labelled with: a "
            "ceiling, no rival",
            change=use_gold_links,
        ),
    )
}
