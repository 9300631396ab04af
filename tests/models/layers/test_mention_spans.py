import torch
from hypothesis import given
from hypothesis import strategies as st

from kgbert.encoding.alignment import tokens_of
from kgbert.models.layers.knowledge_attention import Links
from kgbert.models.layers.mention_spans import mention_spans, top_nodes
from tests.support.tiny import TEXTS, tiny_processor

WORDS = st.lists(st.sampled_from(["fever", "cough", "lung", "zzz"]), max_size=6).map(" - ".join)


def spans_of(batch):
    links = Links(
        batch["link_batch_index"],
        batch["link_token_index"],
        batch["link_query_index"],
        batch["link_node_index"],
        batch["link_scores"],
    )
    texts, width = batch["input_ids"].shape
    return mention_spans(links, width, torch.zeros(texts, dtype=torch.int64))


@given(texts=st.lists(WORDS, min_size=1, max_size=4))
def test_spans_are_the_mentions_in_reading_order(texts):
    processor = tiny_processor()
    encoded = processor.encode(texts)

    spans = spans_of(processor.collate(encoded))

    expected = [
        (row, tokens_of(mention, text.offsets))
        for row, text in enumerate(encoded)
        for mention in text.mentions
    ]
    found = [
        (int(spans.rows[span]), spans.tokens[spans.token_spans == span].tolist())
        for span in range(len(spans.rows))
    ]
    assert found == expected
    assert spans.first.tolist() == [tokens[0] for _, tokens in expected]


def test_a_spans_best_node_is_that_of_its_first_candidate():
    processor = tiny_processor()
    encoded = processor.encode(TEXTS)
    batch = processor.collate(encoded)

    nodes, known = top_nodes(spans_of(batch))

    ids = processor.graph.entity_ids
    linked = sorted({entity for text in encoded for entity in text.links.entities.tolist()})
    best = [ids[linked[node]] for node in nodes.tolist()]
    assert best == [x.candidates[0].entity for text in encoded for x in text.mentions]
    assert known.all()


def test_a_span_whose_candidates_are_all_hidden_is_known_as_such():
    batch = tiny_processor()(["fever of the lung"])
    batch["link_scores"] = torch.where(batch["link_node_index"] == 0, -torch.inf, 0.0)

    nodes, known = top_nodes(spans_of(batch))

    assert [(int(node), bool(x)) for node, x in zip(nodes, known, strict=True)] != []
    assert known.tolist() == [True, True]


def test_order_of_links_and_positions_does_not_matter():
    batch = tiny_processor()(TEXTS)
    generator = torch.Generator().manual_seed(0)
    positions = torch.randperm(len(batch["link_batch_index"]), generator=generator)
    links = torch.randperm(len(batch["link_node_index"]), generator=generator)

    shuffled = spans_of(
        batch
        | {
            "link_batch_index": batch["link_batch_index"][positions],
            "link_token_index": batch["link_token_index"][positions],
            "link_query_index": positions.argsort()[batch["link_query_index"][links]],
            "link_node_index": batch["link_node_index"][links],
            "link_scores": batch["link_scores"][links],
        }
    )

    straight = spans_of(batch)
    for name in ("rows", "first", "token_rows", "tokens", "token_spans"):
        assert torch.equal(getattr(shuffled, name), getattr(straight, name))
    assert torch.equal(top_nodes(shuffled)[0], top_nodes(straight)[0])
