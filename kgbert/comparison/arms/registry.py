"""The built-in arms of a comparison: baseline, knowledge, controls, rivals, measures, ceiling."""

from collections.abc import Mapping
from typing import Any

from kgbert.comparison.arms.arm import Arm, Transform, unchanged
from kgbert.comparison.arms.descriptions import DESCRIPTIONS, MEASURES
from kgbert.comparison.arms.edges import remove_edges, rewire_edges, shuffle_relations
from kgbert.comparison.arms.features import (
    constant_input,
    constant_mentions,
    features_of_names,
    features_of_words,
    random_features,
)
from kgbert.comparison.arms.labels import (
    check_grounded,
    use_label_definitions,
    use_label_names,
)
from kgbert.comparison.arms.links import add_noise, shuffle_entities, use_gold_links
from kgbert.comparison.arms.paths import check_counted, check_lengths, check_tags
from kgbert.comparison.arms.rivals import check_linear, fuse_pooled, grow_triples, use_transe
from kgbert.comparison.arms.texts import append_context, append_definitions, mark_types
from kgbert.encoding.paths.features import COUNTS

__all__ = ["ARMS", "Arm"]

#: Model options without knowledge injection.
_PLAIN: dict[str, Any] = {"injected_layers": [], "label_vectors": False, "path_steps": 0}

#: Model options that compare the text with the labels, without knowledge injection.
_LABELS_ONLY: dict[str, Any] = {"injected_layers": [], "path_steps": 0}

#: Model options that score paths, without knowledge injection.
_PATHS_ONLY: dict[str, Any] = {"injected_layers": [], "label_vectors": False}

#: Model options of rivals, which do not know the labels' entities.
_NO_LABELS: dict[str, Any] = {"label_vectors": False, "path_steps": 0}

#: Model options with entity features but without graph edges.
_NO_EDGES = {"graph_encoder": "none"}


def _arm(
    name: str, options: Mapping[str, Any] | None = None, transform: Transform = unchanged
) -> Arm:
    return Arm(name, DESCRIPTIONS[name], options or {}, transform)


#: The arms by name. To add one, write what it changes, a line here, and a line in descriptions.py.
ARMS = {
    arm.name: arm
    for arm in (
        _arm("plain", _PLAIN),
        _arm("knowledge"),
        _arm("shuffled", transform=shuffle_entities),
        _arm("rewired-edges", transform=rewire_edges),
        _arm("shuffled-relations", transform=shuffle_relations),
        _arm("no-edges", _NO_EDGES, remove_edges),
        _arm("names-only", _NO_EDGES, features_of_names),
        _arm("words-only", transform=features_of_words),
        _arm("random-features", transform=random_features),
        _arm("mention-only", _NO_EDGES, constant_mentions),
        _arm("dummy", transform=constant_input),
        _arm("noisy-links", transform=add_noise),
        Arm("tf-idf", DESCRIPTIONS["tf-idf"], _PLAIN, check_linear, learner="linear"),
        Arm("dictionary", DESCRIPTIONS["dictionary"], _PATHS_ONLY, check_tags, learner="evidence"),
        _arm("verbalized-context", _PLAIN, append_context),
        _arm("appended-definitions", _PLAIN, append_definitions),
        _arm("typed-markers", _PLAIN, mark_types),
        _arm("k-bert", _PLAIN, grow_triples),
        _arm("ernie", _NO_LABELS | {"fusion": "ernie", "graph_layers": 0}, use_transe),
        _arm("knowbert", _NO_LABELS | {"fusion": "knowbert", "graph_layers": 0}),
        _arm("on2vec", _NO_LABELS | {"fusion": "pooled"}, fuse_pooled),
        _arm("label-names", _LABELS_ONLY, use_label_names),
        _arm("label-definitions", _LABELS_ONLY, use_label_definitions),
        _arm("label-vectors", _LABELS_ONLY, check_grounded),
        _arm("paths", _PATHS_ONLY, check_counted),
        _arm("path-counts", _PATHS_ONLY | {"path_types": list(COUNTS)}, check_lengths),
        *(
            Arm(name, DESCRIPTIONS[name], training={name.replace("-", "_"): value})
            for name, value in MEASURES.items()
        ),
        _arm("oracle-links", transform=use_gold_links),
    )
}
