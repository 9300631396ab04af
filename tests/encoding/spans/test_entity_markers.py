import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kgbert.data import Example, Span
from kgbert.encoding.spans.entity_markers import MARKS, mark
from kgbert.models.task_models import KGBertForRelationClassification
from tests.support.errors import raises
from tests.support.tiny import FAMILIES, pair_of, tiny_processor


@st.composite
def texts_with_arguments(draw):
    text = draw(st.text(st.sampled_from("ab .@#é\u0301😀"), min_size=1, max_size=12))
    starts = [draw(st.integers(0, len(text) - 1)) for _ in range(2)]
    ends = [draw(st.integers(start + 1, len(text))) for start in starts]
    return text, [Span(*ends, "x") for ends in zip(starts, ends, strict=True)]


@given(texts_with_arguments())
def test_marks_only_add_and_every_character_knows_where_it_stood(given_text):
    text, arguments = given_text

    marked = mark(text, arguments)

    # Without what was added, each character stands where it stood.
    ends = [*range(len(marked.text)), len(marked.text)]
    assert [marked.origins[i] for i in ends] == sorted(marked.origins)
    kept = [
        character
        for i, character in enumerate(marked.text)
        if marked.origins[i] < marked.origins[i + 1]
    ]
    assert "".join(kept) == text
    assert len(marked.text) == len(text) + 2 * len(" @") * len(MARKS)


@given(texts_with_arguments())
def test_each_argument_stands_behind_its_own_mark(given_text):
    text, arguments = given_text

    marked = mark(text, arguments)

    for sign, opening, span in zip(MARKS, marked.openings, arguments, strict=True):
        assert marked.text[opening : opening + 2] == f"{sign} "
        assert marked.origins[opening] == span.start
        assert text.startswith(text[span.start : span.end], marked.origins[opening])


def test_an_argument_inside_another_is_marked_inside():
    marked = mark("lung cancer", [Span(0, 11, "head"), Span(0, 4, "tail")])

    assert marked.text == "@ # lung # cancer @"


@pytest.mark.parametrize("family", FAMILIES)
def test_offsets_and_mentions_are_those_of_the_text_without_marks(family):
    processor = tiny_processor(family)
    text = "fever, cough"

    (marked,) = processor.encode([pair_of(text)])
    (bare,) = processor.encode([text])

    assert marked.text == text
    assert marked.mentions == bare.mentions
    words = [{text[slice(*x.offsets[i])].strip() for i in x.links.tokens} for x in (marked, bare)]
    assert words[0] - {""} == words[1] - {""}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_mark_is_linked_to_what_its_argument_mentions_and_to_nothing_else(family):
    processor = tiny_processor(family)
    text = "pneumonia and lung"

    (encoded,) = processor.encode([pair_of(text)])

    linked = [
        {processor.graph.name(entity) for token, entity in pairs(encoded) if token == mark}
        for mark in encoded.marks
    ]
    assert linked in ([{"pneumonia"}, {"lung"}], [{"pneumonia", "lung"}, {"lung"}])
    # XLNet's heads read the last token, all others the first; neither is a mark.
    assert linked == [{"pneumonia"}, {"lung"}]


def pairs(encoded):
    return zip(encoded.links.tokens.tolist(), encoded.links.entities.tolist(), strict=True)


def test_the_batch_has_the_marker_tokens_for_either_padding_side():
    for family in ("bert", "xlnet"):
        processor = tiny_processor(family)
        encoded = processor.encode([pair_of("fever and cough"), pair_of("a lung")])

        batch = processor.collate(encoded)

        for row, text in enumerate(encoded):
            found = batch["input_ids"][row, batch["argument_tokens"][row]].tolist()
            assert found == [text.tokens["input_ids"][token] for token in text.marks]


def test_an_argument_that_is_cut_off_is_refused():
    processor = tiny_processor(max_length=8)

    with raises("argument-cut-off"):
        processor.encode([pair_of("fever fever fever fever fever fever cough")])


def test_a_relation_model_receives_the_marker_tokens(fused):
    model = fused(kind=KGBertForRelationClassification)

    with raises("batch-without-arguments"):
        model(**tiny_processor()(["fever and cough"]))


def test_which_argument_is_the_head_makes_a_difference(fused):
    model = fused(kind=KGBertForRelationClassification)
    text, (head, tail) = "fever and cough", (Span(0, 5, "head"), Span(10, 15, "tail"))
    both = [Example(text, arguments=(head, tail)), Example(text, arguments=(tail, head))]

    with torch.no_grad():
        one, other = model(**tiny_processor()(both)).logits

    assert not torch.allclose(one, other, atol=1e-4)
