"""Make the features of paths by what the answers of a model are."""

from collections.abc import Mapping, Sequence
from typing import Any

from kgbert.encoding.paths.features import PathFeatures
from kgbert.encoding.paths.finder import PathFinder
from kgbert.encoding.paths.mentions import MentionFeatures
from kgbert.graph.core.graph import KnowledgeGraph


def path_features(
    finder: PathFinder, ends: str, types: Sequence[str], labels: Sequence[str] = ()
) -> PathFeatures:
    """Return the features of a model.

    Args:
        finder: Finds the paths of a graph.
        ends: Where the paths lead: a name in :data:`kgbert.encoding.paths.features.ENDS`, or
            ``words`` for the words of mentions, from which they start.
        types: The types that have a weight.
        labels: The entity id of each label, if the paths lead to labels.
    """
    kind = MentionFeatures if ends == "words" else PathFeatures
    return kind(finder, ends, tuple(types), tuple(labels))


def from_settings(graph: KnowledgeGraph, settings: Mapping[str, Any]) -> PathFeatures:
    """Return the features of some :attr:`PathFeatures.settings`."""
    options = {name: settings[name] for name in ("steps", "max_fan_out", "relation_names")}
    finder = PathFinder(graph, **options)
    return path_features(finder, settings["ends"], settings["types"], settings["labels"])
