import numpy as np
import pytest

from kgbert.explanation.explain import answers_of, pipeline_of
from kgbert.explanation.scorer import AnswerScorer
from kgbert.tasks.answers import examples_to_answer
from kgbert.tasks.registry import TASKS
from kgbert.training.pipeline import KGBertPipeline
from tests.explanation.planted import planted_model
from tests.support.tiny import perturb, tiny_processor

#: Three mentions, of which one is ambiguous.
TEXT = "fever and cough in pneumonia"


@pytest.fixture(scope="session")
def learnt(tmp_path_factory):
    return planted_model(tmp_path_factory.mktemp("planted"), edges=True)


@pytest.fixture(scope="module")
def planted(learnt):
    """Return a plan in which one edge decides each text, and a pipeline that has learnt it.

    A module draws the same texts whichever tests ran before it.
    """
    plan, pipeline = learnt
    plan.random = np.random.default_rng(3)
    return plan, pipeline


@pytest.fixture
def model(fused):
    """Return a pipeline of a tiny model in which the graph has an effect."""
    fitted = perturb(fused(labels=["ill", "well", "dead"]))
    return KGBertPipeline(fitted, tiny_processor(), TASKS["text-classification"])


@pytest.fixture
def scorer_of(model):
    def make(text=TEXT, pipeline=model, **options):
        asked = pipeline_of(pipeline)
        (encoded,) = asked.task.encode(examples_to_answer(asked.task, [text]), asked.processor)
        prediction = asked.predict_encoded([encoded])[0]
        answers = answers_of(asked, prediction)
        return AnswerScorer(asked, encoded, prediction, answers, **options)

    return make
