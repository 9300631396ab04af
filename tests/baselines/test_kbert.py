import pytest
import torch

from kgbert.baselines.kbert import SentenceTreeExpander
from kgbert.comparison.arms.registry import ARMS
from kgbert.data import Example, Span
from kgbert.encoding.processor import KGBertProcessor
from kgbert.features.backbones import blocks_of
from kgbert.linking.factory import make_linker
from kgbert.models.task_models import KGBertForSequenceClassification, KGBertForTokenClassification
from kgbert.tasks.token_classification import word_tags
from tests.comparison.arms.test_arms import inputs
from tests.support.tiny import LONGEST, TEXTS, run, tiny_graph, tiny_processor, tokens_of

FAMILIES = ("bert", "distilbert", "electra", "roberta", "xlm-roberta", "camembert")


def grown(family="bert", plain_folder=None, **options):
    """Return a processor whose texts grow triples, as the arm makes it for a backbone."""
    expander = SentenceTreeExpander()
    if plain_folder is not None:
        folder = plain_folder(family, KGBertForSequenceClassification)
        expander = ARMS["k-bert"].transform(inputs(backbone=folder), 0).expander
    return tiny_processor(family, expander=expander, **options)


def tree_of(text):
    processor = grown()
    (encoded,) = processor.encode([text])
    return processor, encoded, processor.collate([encoded])


def words(processor, encoded, start, end):
    pieces = processor.tokenizer.decode(encoded.tokens["input_ids"][start:end])
    return pieces.replace(" ##", "")


def test_triples_stand_behind_the_text_in_words():
    processor, encoded, _ = tree_of("pneumonia of the lung")

    triples = [words(processor, encoded, start, end) for _, start, end in encoded.expansion]

    assert triples == ["has fever", "has cough", "is organ"]
    assert len(encoded.offsets) == len(encoded.word_ids) == len(encoded.tokens["input_ids"])
    assert len(encoded.tokens["attention_mask"]) == len(encoded.offsets)


def test_a_triple_is_seen_by_its_mention_alone_and_sees_nothing_else():
    _, encoded, batch = tree_of("pneumonia of the lung")
    seen = batch["attention_mask"][0, 0] == 0
    trunk = encoded.expansion[0].start

    assert seen[:trunk, :trunk].all()
    for stem, start, end in encoded.expansion:
        allowed = {*stem, *range(start, end)}
        for token in range(len(seen)):
            inside = set(seen[token, start:end].tolist())
            assert inside == {token in allowed}
        for token in range(start, end):
            assert set(seen[token].nonzero().flatten().tolist()) == allowed


def test_positions_of_a_triple_go_on_from_its_mention():
    _, encoded, batch = tree_of("a lung now")
    (branch,) = encoded.expansion
    positions = batch["position_ids"][0]

    assert positions[: branch.start].tolist() == list(range(branch.start))
    after = branch.stem[-1] + 1
    length = branch.end - branch.start
    assert positions[branch.start : branch.end].tolist() == list(range(after, after + length))


@pytest.mark.parametrize("family", FAMILIES)
def test_texts_without_triples_are_read_as_the_plain_model_reads_them(
    plain, plain_folder, fused, family
):
    processor = grown(family, plain_folder)
    texts = ["nothing to see", "nor here, not at all"]
    batch, bare = processor(texts), tiny_processor(family)(texts)

    ours = run(fused(family, injected_layers=[]), batch).logits

    assert torch.allclose(ours, run(plain(family), tokens_of(bare)).logits, atol=1e-5)


@pytest.mark.parametrize("pooling", ["head", "mean"])
@pytest.mark.parametrize("family", FAMILIES)
def test_triples_reach_the_logits_and_depend_on_no_batch_mate(plain_folder, fused, family, pooling):
    model = loud(fused(family, injected_layers=[], pooling=pooling))
    with_triples, without = grown(family, plain_folder), tiny_processor(family)

    together = run(model, with_triples(TEXTS)).logits

    changed = (together - run(model, without(TEXTS)).logits).abs().amax(1) > 1e-5
    unlinked = TEXTS.index("nothing to see")
    assert changed.tolist() == [row != unlinked for row in range(len(TEXTS))]
    for row, text in enumerate(TEXTS):
        assert torch.allclose(together[row], run(model, with_triples([text])).logits[0], atol=1e-5)


def loud(model):
    """Enlarge the weights, which are too small at first for one block to hear another."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter *= 6
    return model


def test_the_first_block_changes_of_the_text_the_mentions_alone(fused):
    model = fused(injected_layers=[])
    _, encoded, batch = tree_of("a lung now")
    states = []
    blocks_of(model.backbone)[0].module.register_forward_hook(
        lambda *call: states.append(call[2][0])
    )

    run(model, batch)
    run(model, tiny_processor()(["a lung now"]))

    with_triple, plain = states
    (branch,) = encoded.expansion
    changed = (with_triple[: len(plain)] - plain).abs().amax(1) > 1e-5
    assert tuple(changed.nonzero().flatten().tolist()) == branch.stem


def test_triples_give_way_where_there_is_no_room_and_texts_never():
    processor = grown(max_length=16)
    text = "pneumonia and a lung " * 2

    (encoded,) = processor.encode([text])

    (plain,) = tiny_processor(max_length=16).encode([text])
    assert len(encoded.offsets) <= 16
    trunk = len(encoded.offsets) - sum(end - start for _, start, end in encoded.expansion)
    assert encoded.tokens["input_ids"][:trunk] == plain.tokens["input_ids"]


def test_no_position_lies_beyond_the_backbones(plain_folder):
    for family in FAMILIES:
        batch = grown(family, plain_folder)(["lung " * LONGEST, "x " * 50 + "lung"])

        assert batch["position_ids"].max() < LONGEST


def test_tokens_of_triples_have_no_tag():
    example = Example("a lung now", spans=(Span(2, 6, "Organ"),))
    _, encoded, _ = tree_of(example.text)

    assert word_tags(example, encoded) == ["O", "B-Organ", "O"]


def test_triples_reach_the_tags_of_their_mention(fused):
    model = fused(kind=KGBertForTokenClassification, injected_layers=[])

    with_triple = run(model, grown()(["a lung now"])).logits[0]
    plain = run(model, tiny_processor()(["a lung now"])).logits[0]

    assert not torch.allclose(with_triple[: len(plain)], plain, atol=1e-5)


def test_it_computes_in_bfloat16(fused):
    model, batch = fused(injected_layers=[], pooling="mean"), grown()(TEXTS)

    with torch.autocast("cpu", torch.bfloat16):
        cast = run(model, batch).logits

    assert torch.allclose(cast.float(), run(model, batch).logits, atol=0.1)


def test_a_saved_processor_grows_the_same_triples(tmp_path):
    graph = tiny_graph()
    processor = grown(linker=make_linker(graph, "dictionary"))
    processor.save_pretrained(tmp_path)

    again = KGBertProcessor.from_pretrained(tmp_path)

    batch, expected = again(TEXTS), processor(TEXTS)
    assert torch.equal(batch["position_ids"], expected["position_ids"])
    assert torch.equal(batch["attention_mask"], expected["attention_mask"])
