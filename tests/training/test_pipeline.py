import pytest
import torch

from kgbert.models.task_models import KGBertForSequenceClassification
from kgbert.training.pipeline import pipeline
from kgbert.training.saving import save_model
from tests.support.tiny import TEXTS, perturb, tiny_processor

LABELS = ["ill", "well", "dead"]


@pytest.fixture
def saved(fused, tmp_path):
    """Return the folder of a saved model with knowledge injection."""
    model = perturb(fused(labels=LABELS, pooling="mean"))
    save_model(tmp_path / "model", model, tiny_processor(linker=None), {})
    return tmp_path / "model"


def test_predictions_tell_what_was_read(saved):
    ask = pipeline(saved)

    unlinked, linked = ask(["nothing to see", "fever and cough"])

    assert unlinked.mentions == ()
    assert {linked.label, unlinked.label} <= set(LABELS)
    assert 0 < linked.probability <= 1
    assert [mention.text for mention in linked.mentions] == ["fever", "cough"]
    for mention in linked.mentions:
        shares = [candidate.attention for candidate in mention.candidates]
        assert all(share > 0 for share in shares)
        assert sum(shares) + mention.none_of_these == pytest.approx(1)
    assert len(linked.mentions[0].candidates) == 2


@pytest.mark.parametrize(
    ("device", "sees_gpu", "computes_on"),
    [(None, False, "cpu"), (None, True, "cuda"), ("cpu", True, "cpu")],
)
def test_texts_are_answered_on_the_gpu_if_there_is_one(
    saved, monkeypatch, device, sees_gpu, computes_on
):
    moved = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: sees_gpu)
    monkeypatch.setattr(KGBertForSequenceClassification, "to", lambda model, x: moved.append(x))

    pipeline(saved, device=device)

    assert moved == [computes_on]


def test_predictions_do_not_depend_on_batches(saved):
    ask = pipeline(saved)

    together, apart = ask(TEXTS), [ask([text])[0] for text in TEXTS]

    for one, other in zip(together, apart, strict=True):
        assert one.label == other.label
        assert one.probability == pytest.approx(other.probability, abs=1e-5)


def test_texts_of_one_length_are_batched_together_and_answered_in_their_own_order(saved):
    ask = pipeline(saved)
    texts = ["fever", "fever and cough and fever and cough", "cough", "fever and cough and fever"]
    widths = []
    ask.model.register_forward_pre_hook(
        lambda model, _, batch: widths.append(batch["input_ids"].shape[1]), with_kwargs=True
    )

    predictions = ask(texts, batch_size=2)

    assert [prediction.text for prediction in predictions] == texts
    lengths = [len(text.offsets) for text in ask.processor.encode(texts)]
    assert widths == [max(lengths), max(lengths[0], lengths[2])]


def test_bfloat16_is_used_and_warns_where_it_is_slow(saved, monkeypatch, caplog):
    monkeypatch.setattr("kgbert.training.pipeline.has_fast_bf16", lambda: False)
    expected = pipeline(saved)(TEXTS)
    assert not caplog.messages

    ask = pipeline(saved, bf16=True)
    kinds = set()
    linear = next(x for x in ask.model.backbone.modules() if isinstance(x, torch.nn.Linear))
    linear.register_forward_hook(lambda module, given, output: kinds.add(output.dtype))
    predictions = ask(TEXTS)

    assert "this machine is not fast in bfloat16; leave bf16" in caplog.text
    assert kinds == {torch.bfloat16}
    for own, other in zip(predictions, expected, strict=True):
        assert own.probability == pytest.approx(other.probability, abs=0.02)


@pytest.mark.parametrize("options", [{"injected_layers": []}, {"fusion": "knowbert"}])
def test_no_attention_is_returned_where_none_was_measured(fused, tmp_path, options):
    model = fused(labels=LABELS, **options)
    save_model(tmp_path / "plain", model, tiny_processor(linker=None), {})

    [prediction] = pipeline(tmp_path / "plain")(["fever"])

    (mention,) = prediction.mentions
    assert mention.none_of_these is None
    assert {candidate.attention for candidate in mention.candidates} == {None}
