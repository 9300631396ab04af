"""Arms that leave out one source of a merged graph."""

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from kgbert.comparison.arms.arm import Arm, RunInputs
from kgbert.features.entity_features import EntityFeatures
from kgbert.features.feature_sources import update_features
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.core.sources import select_sources, sources_of
from kgbert.linking.caching import CachingLinker
from kgbert.linking.grounding import GroundedLabel, Grounding
from kgbert.linking.mention import Linker
from kgbert.training.graph_transfer import linker_for, transferable_settings
from kgbert.utils.progress import Reporter

#: Begins the names of these arms.
PREFIX = "without-source-"


@dataclass(frozen=True)
class WithoutSource:
    """Replaces the graph by one without a source, and what depends on it."""

    graph: KnowledgeGraph
    features: EntityFeatures

    def __call__(self, inputs: RunInputs, seed: int) -> RunInputs:
        """Return the inputs with the reduced graph."""
        return replace(
            inputs,
            graph=self.graph,
            features=self.features,
            linker=_linker_for(self.graph, inputs.linker),
            grounding=inputs.grounding and _within(inputs.grounding, self.graph),
        )


def source_arms(
    graph: KnowledgeGraph, features: EntityFeatures, linker: Linker, reporter: Reporter
) -> list[Arm]:
    """Return an arm without each source of a merged graph, named after the source.

    Args:
        graph: A graph of several sources.
        features: Its features; entities that the sources left out described are encoded anew.
        linker: Its linker, of which each reduced graph gets one with the same settings.
        reporter: Shows the progress.

    Raises:
        KGBertError: The graph has one source, or the linker cannot be made again.
    """
    transferable_settings(linker)
    arms = []
    for source in sources_of(graph):
        rest = select_sources(graph, [x for x in sources_of(graph) if x != source])
        reporter.message(f"without {source}: {rest!r}")
        steps = reporter.steps("encoding entities")
        reduced, _ = update_features(rest, graph, features, progress=steps)
        arms.append(
            Arm(
                PREFIX + re.sub(r"[^\w.]+", "-", source).strip("-"),
                f"reads the graph without the source {source}",
                transform=WithoutSource(rest, reduced),
            )
        )
    return arms


@lru_cache(maxsize=16)
def _linker_for(graph: KnowledgeGraph, linker: Linker) -> Linker:
    """Return a linker for a reduced graph, which all runs share."""
    return CachingLinker(linker_for(graph, linker))


def _within(grounding: Grounding, graph: KnowledgeGraph) -> Grounding:
    """Return the labels without entities that a graph does not have."""
    return replace(
        grounding,
        labels=tuple(
            x if x.entity is None or x.entity in graph else GroundedLabel(x.label, None, "missing")
            for x in grounding.labels
        ),
    )
