import torch
from hypothesis import given
from hypothesis import strategies as st

from kgbert.encoding.alignment import tokens_of
from kgbert.models.layers.knowledge_attention import Links
from kgbert.models.layers.mention_spans import best_nodes, mention_spans
from tests.support.tiny import TEXTS, tiny_processor

WORDS = st.lists(st.sampled_from(["fever", "cough", "lung", "zzz"]), max_size=6).map(" - ".join)


def spans_of(batch):
    links = Links(
        *(batch[f"link_{name}"] for name in ("rows", "tokens", "positions", "nodes")),
        batch["link_scores"],
    )
    return mention_spans(links, batch["input_ids"].shape[1], 0)


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

    nodes, known = best_nodes(spans_of(batch))

    ids = processor.graph.entity_ids
    linked = sorted({entity for text in encoded for entity in text.links.entities.tolist()})
    best = [ids[linked[node]] for node in nodes.tolist()]
    assert best == [x.candidates[0].entity for text in encoded for x in text.mentions]
    assert known.all()


def test_a_span_whose_candidates_are_all_hidden_is_known_as_such():
    batch = tiny_processor()(["fever of the lung"])
    batch["link_scores"] = torch.where(batch["link_nodes"] == 0, -torch.inf, 0.0)

    nodes, known = best_nodes(spans_of(batch))

    assert [(int(node), bool(x)) for node, x in zip(nodes, known, strict=True)] != []
    assert known.tolist() == [True, True]


def test_order_of_links_and_positions_does_not_matter():
    batch = tiny_processor()(TEXTS)
    generator = torch.Generator().manual_seed(0)
    positions = torch.randperm(len(batch["link_rows"]), generator=generator)
    links = torch.randperm(len(batch["link_nodes"]), generator=generator)

    shuffled = spans_of(
        batch
        | {
            "link_rows": batch["link_rows"][positions],
            "link_tokens": batch["link_tokens"][positions],
            "link_positions": positions.argsort()[batch["link_positions"][links]],
            "link_nodes": batch["link_nodes"][links],
            "link_scores": batch["link_scores"][links],
        }
    )

    straight = spans_of(batch)
    for name in ("rows", "first", "token_rows", "tokens", "token_spans"):
        assert torch.equal(getattr(shuffled, name), getattr(straight, name))
    assert torch.equal(best_nodes(shuffled)[0], best_nodes(straight)[0])
