import pytest
import torch

from kgbert.data import Example
from kgbert.encoding.processor import KGBertProcessor
from kgbert.features.frozen_encoder import FrozenEncoder
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.linking.mention import Candidate, Mention
from kgbert.models.inject import inject_knowledge
from kgbert.models.task_models import KGBertForConditionalGeneration, KGBertModel
from kgbert.tasks.base import ExplainedAnswer
from kgbert.tasks.generation import (
    EncodedSource,
    Generated,
    Generation,
    contains,
    generation_scores,
    rouge_l,
)
from kgbert.tasks.registry import detect_task
from tests.support.encoder_decoders import (
    ENCODER_DECODERS,
    fused_pair,
    save_encoder_decoder,
    tokenizer_of,
)
from tests.support.errors import raises
from tests.support.tiny import (
    TEXTS,
    ExactLinker,
    perturb,
    run,
    save_plain,
    tiny_features,
    tiny_graph,
    tokens_of,
)

TASK = Generation()

#: Settings under which random weights do not repeat one token, or end at once.
FREE = {"max_new_tokens": 6, "min_new_tokens": 6, "no_repeat_ngram_size": 1}

some_families = pytest.mark.parametrize("family", ["t5", "bart", "bert"])
every_family = pytest.mark.parametrize("family", ENCODER_DECODERS)


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    from functools import cache

    folder = tmp_path_factory.mktemp("pairs")
    return cache(lambda family: fused_pair(folder, family))


@pytest.fixture
def trained(tmp_path):
    """Return a model on whose output knowledge has an effect, and a batch."""

    def make(family):
        _, model = fused_pair(tmp_path, family)
        perturb(model)
        with torch.no_grad():
            for name, parameter in model.backbone.named_parameters():
                if "decoder" in name:
                    parameter *= 3
        return model, batch_of(model, family)

    return make


def batch_of(model, family, texts=TEXTS):
    graph = tiny_graph()
    processor = KGBertProcessor.for_model(
        model,
        graph,
        tiny_features(graph),
        tokenizer=tokenizer_of(family),
        linker=ExactLinker(graph),
    )
    return processor(texts)


def next_logits(model, batch, tokens):
    """Return the logits of the token after each prefix, computed anew with the graph."""
    return run(model, batch, decoder_input_ids=tokens).logits


@every_family
def test_before_training_the_output_is_that_of_the_plain_model(family, pair):
    plain, model = pair(family)
    batch = batch_of(model, family)
    labels = torch.arange(len(TEXTS) * 4).reshape(len(TEXTS), 4) % 20 + 5

    ours = run(model, batch, labels=labels)
    theirs = run(plain, tokens_of(batch), labels=labels)

    assert torch.equal(ours.logits, theirs.logits)
    assert torch.equal(ours.loss, theirs.loss)
    generated = model.generate(**batch, **FREE)
    assert torch.equal(generated, plain.generate(**tokens_of(batch), **FREE))


@every_family
def test_greedy_generation_is_the_likeliest_token_after_each_prefix(family, trained):
    model, batch = trained(family)

    found = model.generate(**batch, max_new_tokens=5, min_new_tokens=5)

    anew = model.generate(**batch, max_new_tokens=5, min_new_tokens=5, use_cache=False)
    assert torch.equal(found, anew)
    logits = next_logits(model, batch, found[:, :-1])
    logits[..., model.backbone.generation_config.eos_token_id] = -torch.inf
    assert torch.equal(logits.argmax(-1), found[:, 1:])


@some_families
def test_the_score_of_a_beam_is_the_probability_of_its_tokens(family, trained):
    model, batch = trained(family)

    found = model.generate(
        **batch,
        max_new_tokens=5,
        min_new_tokens=5,
        num_beams=3,
        num_return_sequences=2,
        return_dict_in_generate=True,
        output_scores=True,
    )

    for row, (tokens, score) in enumerate(
        zip(found.sequences, found.sequences_scores, strict=True)
    ):
        alone = batch_of(model, family, [TEXTS[row // 2]])
        logits = next_logits(model, alone, tokens[None, :-1])[0]
        # What generate may not choose counts all the same in the probabilities.
        own = logits.log_softmax(-1).gather(-1, tokens[1:, None]).sum() / 5
        assert float(own) == pytest.approx(float(score), abs=1e-4)


@some_families
def test_sampling_draws_from_the_probabilities_with_knowledge(family, trained):
    model, batch = trained(family)
    torch.manual_seed(0)

    found = model.generate(
        **batch,
        max_new_tokens=4,
        min_new_tokens=4,
        do_sample=True,
        return_dict_in_generate=True,
        output_logits=True,
    )

    given = torch.stack(found.logits, 1)
    expected = next_logits(model, batch, found.sequences[:, :-1])
    assert torch.allclose(given, expected, atol=1e-4)


def test_knowledge_changes_what_is_generated_and_never_gets_lost(trained):
    model, batch = trained("t5")

    with model.without_knowledge():
        plain = model.generate(**tokens_of(batch), **FREE)

    assert not torch.equal(model.generate(**batch, **FREE), plain)
    with raises("batch-without-knowledge"):
        model.generate(**tokens_of(batch), **FREE)
    with raises("backbone-called-directly"):
        model.backbone.generate(**tokens_of(batch), **FREE)


def test_a_saved_model_keeps_its_generation_settings(tmp_path):
    plain, _ = fused_pair(tmp_path, "bart")
    plain.generation_config.num_beams = 3
    model = KGBertForConditionalGeneration.from_model(plain, tiny_graph(), feature_size=16)

    model.save_pretrained(tmp_path / "saved")
    loaded = KGBertForConditionalGeneration.from_pretrained(tmp_path / "saved")

    assert loaded.backbone.generation_config.num_beams == 3
    batch = batch_of(model.eval(), "bart", ["a fever"])
    assert torch.equal(loaded.eval().generate(**batch), model.generate(**batch))


def test_given_generation_settings_join_those_of_the_checkpoint(tmp_path):
    folder, graph = save_encoder_decoder(tmp_path / "plain", "bart"), tiny_graph()
    plain = KGBertForConditionalGeneration.from_backbone(folder, graph, feature_size=16)
    own = {"max_new_tokens": 3, "min_new_tokens": 3}

    model = KGBertForConditionalGeneration.from_backbone(
        folder, graph, feature_size=16, generation=own, task_settings={"max_target_length": 50}
    ).eval()

    assert model.config.generation == plain.config.generation | own
    processor = KGBertProcessor.for_model(
        model,
        graph,
        tiny_features(graph),
        tokenizer=tokenizer_of("bart"),
        linker=ExactLinker(graph),
    )
    # The first token is the one that the decoder starts with.
    outputs = TASK.compute_outputs(model, processor(["a lung", "fever"]), processor)
    assert outputs.shape == (2, 4)


def test_knowledge_is_injected_into_a_loaded_encoder_decoder(tmp_path):
    plain, _ = fused_pair(tmp_path, "t5")
    graph = tiny_graph()

    model = inject_knowledge(
        plain, graph, tokenizer=tokenizer_of("t5"), features=tiny_features(graph), knowledge_heads=2
    )

    assert isinstance(model, KGBertForConditionalGeneration)


def test_entities_are_encoded_by_the_encoder_alone(tmp_path):
    encoder = FrozenEncoder(save_encoder_decoder(tmp_path, "bart"))

    assert encoder.encode(["fever", "a lung"], max_length=16).shape == (2, 32)


def test_an_encoder_without_a_decoder_is_refused(tmp_path):
    folder = save_plain(tmp_path, "modernbert", KGBertModel)

    with raises("backbone-without-decoder"):
        KGBertForConditionalGeneration.from_backbone(folder, tiny_graph())


def test_a_number_beside_a_target_is_the_answer():
    assert detect_task([{"text": "a", "target": "b"}]).name == "generation"
    assert detect_task([{"text": "a", "target": "b", "value": 1}]).name == "regression"


def test_a_text_without_target_is_for_prediction_only():
    example = TASK.read({"text": "a fever", "target": ""})

    assert example.target is None
    with raises("missing-target"):
        TASK.check([example])


def test_the_document_groups_the_texts_of_a_split():
    assert TASK.read({"text": "a", "target": "b", "id": "1", "document": "D"}).id == "D"


@pytest.mark.parametrize(
    ("gold", "predicted", "f1"),
    [
        ("a b c d", "a b c d", 1.0),
        ("police killed the gunman", "police kill the gunman", 0.75),
        ("police killed the gunman", "the gunman kill police", 0.5),
        ("a", "b", 0.0),
        ("", "", 1.0),
        ("a", "", 0.0),
    ],
)
def test_rouge_l_is_that_of_its_paper(gold, predicted, f1):
    assert rouge_l(gold, predicted) == pytest.approx(f1)


def test_names_are_found_as_whole_words():
    assert contains("La Fièvre (aiguë)", "fièvre")
    assert not contains("fiévreux", "fièvre")
    assert not contains("a", "")


def test_scores_lie_between_nothing_and_all_right():
    gold = [Generated("the fever is very high today"), Generated("a cough", (("cough",),))]
    wrong = [Generated("zzz"), Generated("qqq")]

    assert list(generation_scores(gold, gold).values()) == pytest.approx([1.0] * 5)
    scores = generation_scores(gold, wrong)
    assert scores["chrf"] == scores["rouge_l"] == scores["term_accuracy"] == 0.0


def test_terms_are_names_of_linked_entities_that_the_source_lacks():
    builder = GraphBuilder()
    for name in ("fever", "fièvre", "febris"):
        builder.add_name("T:1", name)
    builder.add_name("T:2", "covid")
    graph = builder.build()

    def linker(texts):
        return [
            [Mention(2, 7, (Candidate("T:1", 1.0),)), Mention(8, 13, (Candidate("T:2", 1.0),))]
            for _ in texts
        ]

    processor = KGBertProcessor(
        tokenizer_of("bert"), graph, tiny_features(graph), linker=linker, max_length=40
    )
    (encoded,) = TASK.encode([Example("a fever covid", "une fièvre covid")], processor)

    assert isinstance(encoded, EncodedSource)
    assert TASK.gold(encoded, graph) == Generated("une fièvre covid", (("fièvre",),))
    tokens = processor.tokenizer("la febris")["input_ids"]
    prediction = TASK.decode([tokens], encoded, None, graph)
    assert list(prediction.lines()) == ["-> la febris", "   fever = febris (T:1)"]


def test_a_missing_sacrebleu_is_named_before_anything_is_trained(monkeypatch):
    monkeypatch.setattr("kgbert.tasks.generation.find_spec", lambda name: None)

    with raises("missing-package"):
        TASK.check([Example("fever", "fièvre")])


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (("0",), "unknown-answer"),
        (("4 mot",), "unknown-answer"),
        (("mot",), "unknown-answer"),
        (("1 mot", "2"), "no-contrast"),
    ],
)
def test_an_answer_to_explain_is_the_number_of_a_generated_word(answer, code):
    scores = [torch.tensor([[0.1, 0.2, 0.3]])]

    assert TASK.answer_scores(scores, ExplainedAnswer("2 mot"), None, None).tolist() == [
        pytest.approx(0.2)
    ]
    with raises(code):
        TASK.answer_scores(scores, ExplainedAnswer(*answer), None, None)
