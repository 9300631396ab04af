"""Linking coverage of a study's texts, and examples of changed answers."""

from collections.abc import Callable, Iterable, Sequence

from kgbert.comparison.results import ChangedPrediction, Coverage, ItemScores, RunRecord
from kgbert.comparison.run import text_id
from kgbert.comparison.study import Study
from kgbert.data import Example
from kgbert.explanation.results import Explanation
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


#: Returns explanations of texts by the model of a seed; none if there is no such model.
ExplainTexts = Callable[[int, Sequence[Example]], Sequence[Explanation]]


def changed_predictions(
    study: Study,
    runs: Sequence[RunRecord],
    arms: tuple[str, str],
    *,
    seeds: Iterable[int],
    explain: ExplainTexts = lambda seed, texts: (),
) -> list[ChangedPrediction]:
    """Return some test texts that one of two arms answers correctly and the other does not.

    They come from the first seed that both arms have finished, in the order of the texts: half are
    answered correctly only by the main arm, half only by the baseline.

    Args:
        study: The study.
        runs: Its runs.
        arms: The main arm and the baseline.
        seeds: The seeds in the order in which they are tried.
        explain: Explains the texts.
    """
    done = {(run.arm, run.seed): run for run in runs if run.is_done}
    for seed in seeds:
        both = [done.get((arm, seed)) for arm in arms]
        if both[0] and both[1]:
            return _changed_predictions(study, both[0], both[1], explain)
    return []


def _changed_predictions(
    study: Study, main: RunRecord, baseline: RunRecord, explain: ExplainTexts
) -> list[ChangedPrediction]:
    if not (main.items and baseline.items and main.items.answers):
        return []
    test = study.split(main.seed).test
    assert list(main.items.ids) == [text_id(example.joined) for example in test]
    chosen = _chosen_positions(main.items, baseline.items, study.max_examples)
    texts = [test[position] for position in chosen]
    mentions = link_examples(study.linker, texts)
    explanations: Sequence[Explanation | None] = explain(main.seed, texts) or [None] * len(texts)
    return [
        ChangedPrediction(
            text=test[position].joined,
            gold=main.items.gold[position],
            predictions={
                baseline.arm: baseline.items.answers[position],
                main.arm: main.items.answers[position],
            },
            entities=tuple(_entity_names(study.graph, found)),
            explanation=explanation,
        )
        for position, found, explanation in zip(chosen, mentions, explanations, strict=True)
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
