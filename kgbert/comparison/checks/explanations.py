"""Explanations of test texts by the model that a comparison has saved."""

import logging
from collections.abc import Sequence

from kgbert.comparison.study import Study
from kgbert.data import Example
from kgbert.explanation.explain import explain
from kgbert.explanation.parts import KINDS, WORDS
from kgbert.explanation.results import Explanation
from kgbert.training.pipeline import pipeline
from kgbert.utils.errors import KGBertError
from kgbert.utils.paths import MODEL_FOLDER

logger = logging.getLogger(__name__)

#: What the saved model reads in the graph; each word would cost a pass through all blocks.
EXPLAINED = tuple(kind for kind in KINDS if kind != WORDS)


def explain_by_saved_model(study: Study, texts: Sequence[Example]) -> list[Explanation]:
    """Return what the model in the study's folder reads in the graph for its answers to texts.

    A failure is logged and gives no explanations, because the results do not depend on them.
    """
    try:
        model = pipeline(study.folder / MODEL_FOLDER, graph=study.graph)
        return explain(model, texts, parts=EXPLAINED)
    except Exception as error:  # The runs have finished, and their report must be written.
        # The text of an expected error says all, such as a task without explanations.
        is_unexpected = not isinstance(error, KGBertError)
        logger.warning("changed predictions are not explained: %s", error, exc_info=is_unexpected)
        return []
