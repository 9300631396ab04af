import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModelForSeq2SeqLM

from kgbert.pretraining.checkpoint import sentinels
from kgbert.pretraining.pretrain import pretrain
from kgbert.pretraining.texts.draws import TrainingDraws
from kgbert.pretraining.texts.masking import IGNORED
from kgbert.pretraining.texts.span_corruption import SpanCorruptionCollator
from tests.pretraining.test_masking import LongMentions, blocks_of
from tests.pretraining.test_pretrain import CORPUS, QUICK
from tests.support.encoder_decoders import save_encoder_decoder
from tests.support.errors import raises
from tests.support.tiny import BLOCKS, tiny_graph, tiny_tokenizer


def t5_tokenizer(count=40):
    tokenizer = tiny_tokenizer("roberta")
    tokenizer.add_special_tokens(
        {"additional_special_tokens": [f"<extra_id_{number}>" for number in range(count)]}
    )
    tokenizer.pad_token, tokenizer.eos_token = "<pad>", "</s>"
    return tokenizer


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    folder, tokenizer = tmp_path_factory.mktemp("t5") / "t5", t5_tokenizer()
    sizes = {"d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": BLOCKS, "num_heads": 4}
    config = AutoConfig.for_model(
        "t5",
        vocab_size=len(tokenizer),
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        decoder_start_token_id=tokenizer.pad_token_id,
        **sizes,
    )
    torch.manual_seed(0)
    AutoModelForSeq2SeqLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def batch_of(folder, count=100, share=0.15):
    linker = LongMentions(tiny_graph())
    _, training, _ = blocks_of(folder, "roberta", linker=linker, max_length=64)
    draws = TrainingDraws(training, count, 8, seed=0)
    draws = [draws[index] for index in range(count)]
    return draws, SpanCorruptionCollator(t5_tokenizer(), share)(draws)


def spans_of(labels):
    """Return the tokens of each span by its sentinel."""
    marks, spans = set(sentinels(t5_tokenizer())), {}
    for token in labels:
        if token in marks:
            current = spans.setdefault(token, [])
        else:
            current.append(token)
    return spans


def test_spans_and_the_rest_make_up_the_text(tmp_path):
    draws, batch = batch_of(tmp_path)
    end, marks = t5_tokenizer().eos_token_id, sentinels(t5_tokenizer())

    for row, draw in enumerate(draws):
        labels = [x for x in batch["labels"][row].tolist() if x != IGNORED]
        source = batch["input_ids"][row][batch["attention_mask"][row] == 1].tolist()
        spans = spans_of(labels[:-1])
        text = [x for token in source for x in (spans[token] if token in marks else [token])]
        used = [token for token in source if token in marks]

        assert text == draw.tokens.ids.tolist()
        assert labels[-1] == end
        assert used == marks[: len(used)]
        assert list(spans) == marks[: len(used) + 1]


def test_a_share_of_the_tokens_is_in_spans_of_three_on_average(tmp_path):
    draws, batch = batch_of(tmp_path)

    lengths = [
        len(span)
        for labels in batch["labels"].tolist()
        for span in spans_of([x for x in labels if x != IGNORED][:-1]).values()
        if span
    ]

    ordinary = sum(int((~draw.tokens.special).sum()) for draw in draws)
    assert sum(lengths) / ordinary == pytest.approx(0.15, abs=0.02)
    assert np.mean(lengths) == pytest.approx(3, abs=0.5)
    assert len(set(lengths)) > 3


def test_tokens_of_mentions_are_marked_in_the_labels(tmp_path):
    draws, batch = batch_of(tmp_path, share=0.5)

    kept = [
        x
        for x, inside in zip(batch["labels"].flatten(), batch["in_mention"].flatten(), strict=True)
        if inside
    ]

    mentions = {x for draw in draws for x in draw.tokens.ids[draw.tokens.in_mention].tolist()}
    assert {int(x) for x in kept} == mentions


def test_t5_learns_and_stays_an_ordinary_checkpoint(backbone, tmp_path):
    encoder = pretrain(CORPUS, backbone=backbone, output=tmp_path / "t5", config=QUICK)

    before, after = encoder.record.before_and_after
    _, report = AutoModelForSeq2SeqLM.from_pretrained(encoder.folder, output_loading_info=True)
    assert encoder.record.objective == "span corruption"
    assert after.metrics["loss"] < before.metrics["loss"] - 0.3
    assert not report["missing_keys"]


def test_an_encoder_decoder_without_sentinels_is_refused(tmp_path):
    with raises("unsupported-tokenizer"):
        pretrain(CORPUS, backbone=save_encoder_decoder(tmp_path, "bart"), output=tmp_path / "out")
