"""Tune the NIL threshold of an embedding linker on validation texts."""

from collections.abc import Sequence

from kgbert.data import Example
from kgbert.linking.embedding.calibration import best_threshold
from kgbert.linking.embedding.linker import EmbeddingLinker


def with_tuned_threshold(linker: EmbeddingLinker, examples: Sequence[Example]) -> EmbeddingLinker:
    """Return a linker with the NIL threshold that gives the best F1 on validation texts.

    Args:
        linker: A linker with any threshold.
        examples: Validation texts in which every mention is annotated; never test texts.
    """
    unfiltered = linker.with_settings(threshold=0.0)
    queries = unfiltered.queries([example.text for example in examples])
    candidates = unfiltered.rank(surface for spans in queries for _, _, surface in spans)
    scores, correct, always_kept = [], [], []
    for example, spans in zip(examples, queries, strict=True):
        gold = {(span.start, span.end, span.entity) for span in example.spans}
        for start, end, surface in spans:
            for best in candidates[surface][:1]:
                scores.append(best.score)
                correct.append((start, end, best.entity) in gold)
                always_kept.append(unfiltered.certain_candidate(surface) is not None)
    count = sum(len(example.spans) for example in examples)
    return linker.with_settings(threshold=best_threshold(scores, correct, always_kept, gold=count))
