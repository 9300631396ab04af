import pytest
import torch
from transformers import (
    AutoModelForMultipleChoice,
    AutoModelForNextSentencePrediction,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
)

import kgbert
from kgbert.data import Example
from kgbert.models.inject import inject_knowledge
from kgbert.models.task_models import (
    KGBertForMultipleChoice,
    KGBertForQuestionAnswering,
    KGBertForSequenceClassification,
    KGBertForTokenClassification,
    KGBertModel,
)
from kgbert.tasks.registry import TASKS
from kgbert.training.pipeline import KGBertPipeline
from tests.support.errors import raises
from tests.support.tiny import (
    BLOCKS,
    FAMILIES,
    TEXTS,
    TINY,
    ExactLinker,
    perturb,
    run,
    save_plain,
    states,
    tiny_config,
    tiny_features,
    tiny_graph,
    tiny_tokenizer,
    tokens_of,
)

OPTIONS = {name: value for name, value in TINY.items() if name != "feature_size"}


def injected(model, family, **options):
    graph = tiny_graph()
    return inject_knowledge(
        model,
        graph,
        tokenizer=tiny_tokenizer(family),
        features=tiny_features(graph),
        linker=ExactLinker(graph),
        **OPTIONS | options,
    ).eval()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_loaded_model_answers_as_before_until_it_is_trained(plain, family):
    loaded = plain(family)

    model = injected(loaded, family)

    batch = model.processor(TEXTS)
    assert type(model) is KGBertForSequenceClassification
    assert torch.equal(run(model, batch).logits, run(loaded, tokens_of(batch)).logits)
    assert not torch.equal(run(perturb(model), batch).logits, run(loaded, tokens_of(batch)).logits)


@pytest.mark.parametrize("kind", [KGBertForTokenClassification, KGBertModel])
def test_the_head_of_the_loaded_model_decides_the_fused_class(plain, kind):
    loaded = plain("bert", kind)

    model = injected(loaded, "bert")

    batch = model.processor(TEXTS)
    assert type(model) is kind
    assert torch.equal(states(run(model, batch)), states(run(loaded, tokens_of(batch))))


def test_a_fine_tuned_head_and_its_labels_are_kept(tmp_path):
    folder = save_plain(tmp_path, "bert", KGBertForSequenceClassification)
    names = {0: "well", 1: "ill", 2: "dead"}
    loaded = AutoModelForSequenceClassification.from_pretrained(folder, id2label=names).train()
    optimizer = torch.optim.SGD(loaded.parameters(), 0.1)
    loaded(input_ids=torch.tensor([[2, 7, 3]]), labels=torch.tensor([1])).loss.backward()
    optimizer.step()

    model = injected(loaded, "bert")

    batch = model.processor(TEXTS)
    expected = run(loaded.eval(), tokens_of(batch)).logits
    assert torch.equal(run(model, batch).logits, expected)
    assert model.config.id2label == names


def test_a_head_that_pools_the_mean_itself_answers_as_before(tmp_path):
    folder = save_plain(tmp_path, "modernbert", KGBertForSequenceClassification)
    loaded = AutoModelForSequenceClassification.from_pretrained(
        folder, classifier_pooling="mean"
    ).eval()

    model = injected(loaded, "modernbert")

    batch = model.processor(TEXTS)
    assert torch.equal(run(model, batch).logits, run(loaded, tokens_of(batch)).logits)
    assert loaded.config.classifier_pooling == "mean"


def test_the_loaded_model_stays_as_it_is(plain):
    loaded = plain()

    model = perturb(injected(loaded, "bert"))

    batch = tokens_of(model.processor(TEXTS))
    assert torch.equal(run(loaded, batch).logits, run(plain(), batch).logits)


def test_a_decoder_without_a_padding_token_gets_one(plain):
    loaded = plain("gpt2")
    loaded.config.pad_token_id = None

    model = injected(loaded, "gpt2")

    for text in TEXTS:
        batch = model.processor([text])
        expected = run(loaded, tokens_of(batch)).logits
        assert torch.equal(run(model, batch).logits, expected)
    assert run(model, model.processor(TEXTS)).logits.shape == (len(TEXTS), 3)


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_an_empty_text_is_a_text_to_a_tokenizer_without_special_tokens(plain, family):
    model = injected(plain(family), family)

    assert run(model, model.processor(["", "fever"])).logits.isfinite().all()
    assert run(model, model.processor([""])).logits.isfinite().all()


def test_precision_and_mode_are_kept(plain):
    model = inject_knowledge(
        plain().bfloat16().train(),
        tiny_graph(),
        tokenizer=tiny_tokenizer("bert"),
        features=tiny_features(tiny_graph()),
        **OPTIONS,
    )

    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}
    assert model.training


def test_its_processor_fits_the_model(plain):
    model = injected(plain(), "bert", graph_layers=3)

    assert model.processor.sampler.hops == 3
    assert model.processor.candidates == 0
    assert model.processor.max_length == 64
    assert injected(plain(), "bert", graph_encoder="none").processor.sampler.hops == 0


def test_another_head_is_refused_with_the_known_ones():
    with raises("unknown-head"):
        injected(AutoModelForNextSentencePrediction.from_config(tiny_config("bert")), "bert")


def test_a_fused_model_is_not_fused_again(plain):
    with raises("already-fused"):
        injected(injected(plain(), "bert"), "bert")


def test_a_model_that_names_no_checkpoint_needs_a_tokenizer_and_features():
    loaded = AutoModelForSequenceClassification.from_config(tiny_config("bert"))

    with raises("unnamed-checkpoint"):
        inject_knowledge(loaded, tiny_graph(), **OPTIONS)


def test_the_tokenizer_of_another_model_is_refused(plain):
    with raises("vocabulary-mismatch"):
        inject_knowledge(plain(), tiny_graph(), tokenizer=tiny_tokenizer("roberta"), **OPTIONS)


def test_the_checkpoint_that_the_model_names_brings_tokenizer_and_features(plain):
    model = kgbert.inject_knowledge(plain(), tiny_graph(), injected_layers=[BLOCKS])

    assert model.processor.features.vectors.shape == (len(tiny_graph()), 32)
    assert run(model, model.processor(TEXTS)).logits.shape == (len(TEXTS), 3)


@pytest.mark.parametrize("family", ["bert", "distilbert", "deberta-v2"])
def test_a_model_for_multiple_choice_scores_as_before(family):
    torch.manual_seed(0)
    loaded = AutoModelForMultipleChoice.from_config(tiny_config(family)).eval()
    question = Example("which fever?", 1, others=("a lung", "cough"))

    model = injected(loaded, family)

    task = TASKS["multiple-choice"]
    batch = task.collate(task.encode([question], model.processor)[0].units, model.processor, 0)
    plain = {name: x for name, x in tokens_of(batch).items() if name != "choice_counts"}
    rows = run(loaded, {name: tensor.unsqueeze(0) for name, tensor in plain.items()})
    assert type(model) is KGBertForMultipleChoice
    assert torch.equal(run(model, batch).logits, rows.logits)
    assert KGBertPipeline(model, model.processor, task)([question])[0].choices


def test_a_model_for_multiple_choice_with_another_head_is_refused():
    with raises("unknown-head"):
        injected(AutoModelForMultipleChoice.from_config(tiny_config("roberta")), "roberta")


@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_a_model_for_question_answering_answers_as_before(family):
    torch.manual_seed(0)
    config = tiny_config(family)
    config.num_labels = 2
    loaded = AutoModelForQuestionAnswering.from_config(config).eval()
    question = Example("fever in the lung", others=("where?",))

    model = injected(loaded, family)

    task = TASKS["question-answering"]
    batch = task.collate(task.encode([question], model.processor)[0].units, model.processor, 0)
    fused, before = run(model, batch), run(loaded, tokens_of(batch))
    assert type(model) is KGBertForQuestionAnswering
    assert torch.equal(fused.start_logits, before.start_logits)
    assert torch.equal(fused.end_logits, before.end_logits)
    assert KGBertPipeline(model, model.processor, task)([question])[0].answers
