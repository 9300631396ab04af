"""Linking coverage of a study's texts, and examples of changed answers."""

from collections.abc import Sequence

from kgbert.comparison.results import ChangedPrediction, Coverage, ItemScores, RunRecord
from kgbert.comparison.run import text_id
from kgbert.comparison.study import Study
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.examples import link_examples
from kgbert.linking.mention import Mention


def coverage_of(study: Study) -> Coverage:
    """Return the linker's coverage of the first seed's test texts."""
    test = study.split(study.seeds[0]).test
    found = link_examples(study.linker, test)
    return Coverage(
        texts_with_mention=sum(map(bool, found)) / len(found),
        mentions_per_text=sum(map(len, found)) / len(found),
    )


def changed_predictions(
    study: Study, runs: Sequence[RunRecord], main: str, baseline: str
) -> list[ChangedPrediction]:
    """Return some test texts that one of two arms answers correctly and the other does not.

    They come from the first seed that both arms have finished, in the order of the texts: half are
    answered correctly only by the main arm, half only by the baseline.
    """
    done = {(run.arm, run.seed): run for run in runs if run.is_done}
    for seed in study.seeds:
        if (main, seed) in done and (baseline, seed) in done:
            return _changed_predictions(study, seed, done[main, seed], done[baseline, seed])
    return []


def _changed_predictions(
    study: Study, seed: int, main: RunRecord, baseline: RunRecord
) -> list[ChangedPrediction]:
    if not (main.items and baseline.items and main.items.answers):
        return []
    test = study.split(seed).test
    assert list(main.items.ids) == [text_id(example.joined) for example in test]
    chosen = _chosen_positions(main.items, baseline.items, study.max_examples)
    mentions = link_examples(study.linker, [test[position] for position in chosen])
    return [
        ChangedPrediction(
            text=test[position].joined,
            gold=main.items.gold[position],
            predictions={
                baseline.arm: baseline.items.answers[position],
                main.arm: main.items.answers[position],
            },
            entities=tuple(_entity_names(study.graph, found)),
        )
        for position, found in zip(chosen, mentions, strict=True)
    ]


def _chosen_positions(main: ItemScores, baseline: ItemScores, count: int) -> list[int]:
    pairs = list(zip(main.correct, baseline.correct, strict=True))
    corrected = [position for position, pair in enumerate(pairs) if pair == (1, 0)]
    spoilt = [position for position, pair in enumerate(pairs) if pair == (0, 1)]
    half = count // 2
    return [*corrected[:half], *spoilt[: count - half]]


def _entity_names(graph: KnowledgeGraph, mentions: Sequence[Mention]) -> list[str]:
    best = dict.fromkeys(mention.candidates[0].entity for mention in mentions if mention.candidates)
    return [graph.name(graph.index(entity)) for entity in best if entity in graph]
