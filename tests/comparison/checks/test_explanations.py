import logging
from dataclasses import replace

import pytest
import torch
from transformers import AutoModel

from kgbert.comparison.arms.registry import ARMS
from kgbert.comparison.checks.explanations import explain_by_saved_model
from kgbert.comparison.run import run_arm
from kgbert.training.saving import save_model
from tests.support.small_study import small_study
from tests.support.tiny import tiny_config, tiny_tokenizer


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Return a study, its test texts and a trained model, which is saved in its folder."""
    folder = tmp_path_factory.mktemp("study")
    torch.manual_seed(0)
    AutoModel.from_config(tiny_config("bert")).save_pretrained(folder / "encoder")
    tiny_tokenizer("bert").save_pretrained(folder / "encoder")
    study = small_study(folder, str(folder / "encoder"))
    trained = run_arm(study, ARMS["knowledge"], 0)
    save_model(folder / "model", trained.model, trained.processor, {}, include_graph=False)
    return study, study.split(0).test[:3], trained


def test_the_saved_model_explains_its_answers_by_what_it_reads_in_the_graph(saved):
    study, texts, trained = saved

    explanations = explain_by_saved_model(study, texts)

    assert [each.text for each in explanations] == [example.text for example in texts]
    assert all(each.is_right is not None for each in explanations)
    answers = [answer for each in explanations for answer in each.answers]
    assert {answer.answer for answer in answers} <= set(trained.model.config.labels)
    assert not any(answer.words for answer in answers)
    assert any(answer.mentions for answer in answers)


def test_a_failure_is_logged_and_explains_nothing(saved, tmp_path, caplog):
    study, texts, _ = saved

    with caplog.at_level(logging.WARNING):
        explanations = explain_by_saved_model(replace(study, folder=tmp_path), texts)

    assert explanations == []
    assert "changed predictions are not explained" in caplog.text
