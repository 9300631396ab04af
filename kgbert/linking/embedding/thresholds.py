"""Choose the score below which an embedding linker takes a mention for no entity of the graph."""

from collections.abc import Sequence

from kgbert.data import Example
from kgbert.linking.embedding.calibration import best_threshold
from kgbert.linking.embedding.linker import EmbeddingLinker


def with_tuned_threshold(linker: EmbeddingLinker, examples: Sequence[Example]) -> EmbeddingLinker:
    """Return a linker with the NIL threshold by which whole texts are linked best (F1).

    Args:
        linker: With any threshold.
        examples: Texts in which every mention is marked; validation texts, never those of a test.
    """
    every = linker.with_settings(threshold=0.0)
    asked = every.asked([example.text for example in examples])
    meaning = every.rank(surface for of_text in asked for _, _, surface in of_text)
    scores, right, stay = [], [], []
    for example, of_text in zip(examples, asked, strict=True):
        gold = {(span.start, span.end, span.entity) for span in example.spans}
        for start, end, surface in of_text:
            for best in meaning[surface][:1]:
                scores.append(best.score)
                right.append((start, end, best.entity) in gold)
                stay.append(every.known(surface) is not None)
    wanted = sum(len(example.spans) for example in examples)
    return linker.with_settings(threshold=best_threshold(scores, right, stay, gold=wanted))
