"""What the texts of a study say beside its scores: coverage, leakage, flipped answers."""

from collections.abc import Sequence
from typing import Any

from kgbert.comparing.run import text_id
from kgbert.comparing.study import Study
from kgbert.graph.graph import KnowledgeGraph


def coverage_of(study: Study) -> dict[str, float]:
    """Return how much of the first seed's test texts the linker reaches."""
    test = study.split(study.seeds[0]).test
    found = study.linker([example.text for example in test])
    return {
        "texts_with_mention": sum(map(bool, found)) / len(found),
        "mentions_per_text": sum(map(len, found)) / len(found),
    }


def findings(study: Study) -> list[str]:
    """Return a sentence for every sign of leakage between texts, labels and graph."""
    told = []
    shared = {}
    for seed in study.seeds:
        split = study.split(seed)
        train = {" ".join(example.text.lower().split()) for example in split.train}
        count = sum(" ".join(example.text.lower().split()) in train for example in split.test)
        if count:
            shared[seed] = f"{count:,} of {len(split.test):,} (seed {seed})"
    if shared:
        told.append(f"Test texts that are training texts as well: {', '.join(shared.values())}.")
    labels = {example.label for example in study.split(study.seeds[0]).train if example.label}
    if named := sorted(labels & _names(study.graph)):
        told.append(
            f"Labels that are names of entities in the graph: {', '.join(named[:8])}. The graph may "
            "tell the answer by itself; compare with a dictionary."
        )
    return told


def _names(graph: KnowledgeGraph) -> set[str]:
    return set(graph.names) | {name.lower() for name in graph.names}


def flipped(
    study: Study, runs: Sequence[dict[str, Any]], main: str, baseline: str
) -> list[dict[str, Any]]:
    """Return some test texts that one of two arms answers rightly and the other does not.

    They are taken in the order of the texts from the first seed that both have finished, those
    that knowledge mends and those that it spoils in turn.
    """
    done = {(run["arm"], run["seed"]): run for run in runs if run["status"] == "done"}
    for seed in study.seeds:
        if (main, seed) in done and (baseline, seed) in done:
            return _flipped(study, seed, done[main, seed], done[baseline, seed])
    return []


def _flipped(
    study: Study, seed: int, main: dict[str, Any], baseline: dict[str, Any]
) -> list[dict[str, Any]]:
    if not main["items"]["answers"]:
        return []
    test = study.split(seed).test
    assert main["items"]["ids"] == [text_id(example) for example in test]
    pairs = list(zip(main["items"]["correct"], baseline["items"]["correct"], strict=True))
    mended = [position for position, pair in enumerate(pairs) if pair == (1, 0)]
    spoilt = [position for position, pair in enumerate(pairs) if pair == (0, 1)]
    half = study.quotes // 2
    chosen = [*mended[:half], *spoilt[: study.quotes - half]]
    mentions = study.linker([test[position].text for position in chosen])
    return [
        {
            "text": test[position].text,
            "label": test[position].label,
            baseline["arm"]: baseline["items"]["answers"][position],
            main["arm"]: main["items"]["answers"][position],
            "entities": _entity_names(study.graph, found),
        }
        for position, found in zip(chosen, mentions, strict=True)
    ]


def _entity_names(graph: KnowledgeGraph, mentions: Sequence[Any]) -> list[str]:
    best = dict.fromkeys(mention.candidates[0].entity for mention in mentions if mention.candidates)
    return [graph.name(graph.index(entity)) for entity in best if entity in graph]
