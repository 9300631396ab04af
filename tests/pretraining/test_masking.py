from itertools import groupby

import numpy as np
import pytest
import torch

from kgbert.pretraining.config import MaskingConfig
from kgbert.pretraining.texts.corpus import measure, open_corpus
from kgbert.pretraining.texts.draws import HeldOutDraws, TrainingDraws
from kgbert.pretraining.texts.masking import (
    IGNORED,
    CausalLMCollator,
    MaskedLMCollator,
)
from kgbert.pretraining.texts.token_blocks import (
    RowLayout,
    TextTokenizer,
    TokenBlocks,
    write_blocks,
)
from tests.support.tiny import FAMILIES, ExactLinker, tiny_graph, tiny_tokenizer

WITH_MASK = [family for family in FAMILIES if tiny_tokenizer(family).mask_token]

TEXTS = [f"{word} of the lungs, see pneumonia {n}" for n in range(40) for word in ("fever", "loop")]


class LongMentions(ExactLinker):
    """Links 'of the lungs' as one mention."""

    def __call__(self, texts):
        mention = super().__call__(["fever"])[0][0]
        return [
            [mention._replace(start=at, end=at + 12)]
            if (at := text.find("of the lungs")) >= 0
            else []
            for text in texts
        ]


def blocks_of(folder, family="bert", *, texts=TEXTS, linker=None, whole_mentions=True, **layout):
    """Return the rows for training and the held-out rows of a corpus."""
    tokenizer = tiny_tokenizer(family)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    corpus = open_corpus(texts)
    shape = RowLayout.of(tokenizer, **{"max_length": 32, "packed": True, **layout})
    tokenize = TextTokenizer(tokenizer, linker, tiny_graph(), whole_mentions)
    write_blocks(corpus, measure(corpus, 0.05), tokenize, shape, folder, progress=print)
    return tokenizer, TokenBlocks(folder / "training"), TokenBlocks(folder / "held_out")


def batch_of(tokenizer, blocks, count=64, **masking):
    draws = TrainingDraws(blocks, count, 8, seed=0)
    collate = MaskedLMCollator(tokenizer, MaskingConfig(**masking))
    return collate([draws[index] for index in range(count)]), [draws[i] for i in range(count)]


@pytest.mark.parametrize("family", WITH_MASK)
@pytest.mark.parametrize("packed", [True, False])
def test_rows_hold_every_token_of_every_text_once(tmp_path, family, packed):
    tokenizer, *parts = blocks_of(tmp_path, family, packed=packed)

    ids = [
        token
        for part in parts
        for row in range(len(part))
        for token, special in zip(part[row].ids, part[row].special, strict=True)
        if not special
    ]

    expected = [x for text in TEXTS for x in tokenizer(text, add_special_tokens=False)["input_ids"]]
    assert sorted(ids) == sorted(expected)


def test_packed_rows_are_full_and_separate_documents(tmp_path):
    tokenizer, training, _ = blocks_of(tmp_path)

    rows = [training[number] for number in range(len(training))]

    assert {len(row.ids) for row in rows[:-1]} == {32}
    assert all(row.ids[0] == tokenizer.cls_token_id for row in rows)
    assert all(row.ids[-1] == tokenizer.sep_token_id for row in rows)
    separators = sum(int((row.ids == tokenizer.sep_token_id).sum()) - 1 for row in rows)
    assert separators >= len(TEXTS) - len(rows) - 10


def test_line_by_line_a_row_begins_with_a_text(tmp_path):
    tokenizer, training, _ = blocks_of(tmp_path, packed=False, max_length=64)

    decoded = {
        tokenizer.decode(training[row].ids.tolist(), skip_special_tokens=True).split()[0]
        for row in range(len(training))
    }

    assert decoded == {"fever", "loop"}


@pytest.mark.parametrize("whole_words", [True, False])
def test_about_the_given_share_of_tokens_is_masked(tmp_path, whole_words):
    tokenizer, training, _ = blocks_of(tmp_path)

    batch, draws = batch_of(tokenizer, training, 400, whole_words=whole_words, probability=0.2)

    ordinary = sum(int((~draw.tokens.special).sum()) for draw in draws)
    assert (batch["labels"] != IGNORED).sum() / ordinary == pytest.approx(0.2, abs=0.02)
    masked = batch["input_ids"][batch["labels"] != IGNORED] == tokenizer.mask_token_id
    assert masked.float().mean() == pytest.approx(1.0 if whole_words else 0.8, abs=0.03)


@pytest.mark.parametrize("family", WITH_MASK)
def test_whole_words_are_masked_together(tmp_path, family):
    tokenizer, training, _ = blocks_of(tmp_path, family)

    batch, draws = batch_of(tokenizer, training)

    for labels, draw in zip(batch["labels"], draws, strict=True):
        units = np.cumsum(draw.tokens.starts_unit)
        masked = (labels != IGNORED).tolist()[: len(units)]
        for _, group in groupby(zip(units, masked, strict=True), key=lambda pair: pair[0]):
            assert len({is_masked for _, is_masked in group}) == 1
    assert (batch["labels"] != IGNORED).any()


def test_special_tokens_and_padding_are_never_masked(tmp_path):
    tokenizer, training, _ = blocks_of(tmp_path, packed=False)

    batch, draws = batch_of(tokenizer, training, probability=0.9)

    for labels, draw in zip(batch["labels"], draws, strict=True):
        special = torch.from_numpy(draw.tokens.special)
        assert (labels[: len(special)][special] == IGNORED).all()
        assert (labels[len(special) :] == IGNORED).all()


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta"])
@pytest.mark.parametrize("whole_mentions", [True, False])
def test_whole_mentions_are_masked_together_if_asked_for(tmp_path, family, whole_mentions):
    linker = LongMentions(tiny_graph())
    tokenizer, training, _ = blocks_of(
        tmp_path, family, linker=linker, whole_mentions=whole_mentions, packed=False, max_length=64
    )

    batch, _ = batch_of(tokenizer, training, 200)

    masked = batch["labels"] != IGNORED
    partly = [
        row
        for row, inside in zip(masked, batch["in_mention"], strict=True)
        if row[inside].any() and not row[inside].all()
    ]
    assert batch["in_mention"].any(1).all()
    assert bool(partly) != whole_mentions


def test_only_tokens_of_mentions_are_marked(tmp_path):
    linker = LongMentions(tiny_graph())
    tokenizer, training, _ = blocks_of(tmp_path, linker=linker, packed=False, max_length=64)

    row = training[0]

    assert (
        tokenizer.decode(row.ids[row.in_mention].tolist()).replace("##", "").replace(" ", "")
        == "ofthelungs"
    )
    assert 0 < training.share_in_mentions() < 1


def test_masks_depend_on_seed_and_position_and_change_every_epoch(tmp_path):
    tokenizer, training, _ = blocks_of(tmp_path)
    count = 2 * len(training)
    collate = MaskedLMCollator(tokenizer, MaskingConfig())
    first, again = (TrainingDraws(training, count, 8, seed=0) for _ in range(2))

    same = [collate([draws[3]])["labels"] for draws in (first, again)]
    torch.rand(1)
    epochs = [
        [first[i].tokens.ids.tobytes() for i in range(count)][part]
        for part in (slice(0, len(training)), slice(len(training), None))
    ]
    seeds = {first[index].seed for index in range(count)}

    assert torch.equal(*same)
    assert sorted(epochs[0]) == sorted(epochs[1])
    assert epochs[0] != epochs[1]
    assert len(seeds) == count


def test_masking_leaves_the_random_numbers_of_the_training_alone(tmp_path):
    tokenizer, training, _ = blocks_of(tmp_path)
    torch.manual_seed(0)
    expected = torch.rand(1)

    torch.manual_seed(0)
    batch_of(tokenizer, training)

    assert torch.rand(1) == expected


def test_held_out_rows_are_evenly_spaced_with_fixed_masks(tmp_path):
    _, _, held_out = blocks_of(tmp_path)

    some, again = HeldOutDraws(held_out, 3), HeldOutDraws(held_out, 3)

    assert len(some) == min(3, len(held_out))
    assert [some[i].seed for i in range(len(some))] == [again[i].seed for i in range(len(some))]


def test_the_label_of_a_token_is_the_next_one_for_a_decoder(tmp_path):
    tokenizer, training, _ = blocks_of(tmp_path, "gpt2", packed=False)
    draws = TrainingDraws(training, 4, 4, seed=0)

    batch = CausalLMCollator(tokenizer)([draws[index] for index in range(4)])

    for row in range(4):
        length = len(draws[row].tokens.ids)
        ids, labels = batch["input_ids"][row], batch["labels"][row]
        assert labels[: length - 1].tolist() == ids[1:length].tolist()
        assert (labels[length - 1 :] == IGNORED).all()
