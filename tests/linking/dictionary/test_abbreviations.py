from time import process_time

import pytest

from kgbert.graph.storage.builder import GraphBuilder
from kgbert.linking.dictionary.abbreviations import find_definitions
from kgbert.linking.dictionary.linker import DictionaryLinker


def linker_of(*names: tuple[str, str]) -> DictionaryLinker:
    builder = GraphBuilder()
    for entity, name in names:
        builder.add_name(entity, name)
    return DictionaryLinker(builder.build())


def found(linker: DictionaryLinker, text: str) -> list[tuple[str, str]]:
    return [(text[m.start : m.end], m.candidates[0].entity) for m in linker([text])[0]]


@pytest.mark.parametrize(
    ("text", "short", "long"),
    [
        ("autosomal dominant polycystic kidney disease (ADPKD)", "ADPKD", None),
        ("the heat shock transcription factor (HSF)", "HSF", "heat shock transcription factor"),
        ("we saw heart failure (HF; Table 1)", "HF", "heart failure"),
        ("NO (nitric oxide) rose", "NO", "nitric oxide"),
        ("of beta-thalassemia [BT].", "BT", "beta-thalassemia"),
    ],
)
def test_short_form_and_its_long_form_are_found(text, short, long):
    [definition] = find_definitions(text)

    assert definition.short == short
    assert text[definition.start : definition.end] == (long or text[: text.index(" (")])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no brackets",
        "it rose (see Table 1)",
        "fever (XYZ)",
        "(PKD) opens",
        "()",
        "a ( b",
        "n (5)",
    ],
)
def test_brackets_that_define_nothing_are_left_alone(text):
    assert find_definitions(text) == []


@pytest.mark.parametrize(
    ("text", "long"),
    [
        ("attenuated adenomatous polyposis coli (AAPC)", "attenuated adenomatous polyposis coli"),
        ("a long-term wide-open care unit (LTWOCU)", "long-term wide-open care unit"),
        ("adenomatous polyposis coli (APC)", "adenomatous polyposis coli"),
    ],
)
def test_words_that_begin_with_the_letters_come_first(text, long):
    [definition] = find_definitions(text)

    assert text[definition.start : definition.end] == long


def test_a_word_in_capitals_stands_for_the_mention_before_it_in_brackets():
    linker = linker_of(("E:1", "Tacrolimus"))

    text = "FK506 and tacrolimus (FK506), but not tacrolimus(K2A) or K2A."

    assert [surface for surface, _ in found(linker, text)] == [
        "FK506",
        "tacrolimus",
        "FK506",
        "tacrolimus",
    ]


@pytest.mark.parametrize("inside", ["Table 1", "n=20", "severe", "K", "see FK506"])
def test_what_else_stands_in_brackets_is_no_other_name(inside):
    linker = linker_of(("E:1", "Tacrolimus"))

    assert len(linker([f"tacrolimus ({inside})"])[0]) == 1


def test_short_form_means_its_long_form_in_all_the_text():
    linker = linker_of(("E:1", "Polycystic kidney disease"))

    text = "PKD is short. Polycystic kidney disease (PKD), as PKDs go; pkd and XPKD are not."

    assert found(linker, text) == [
        ("PKD", "E:1"),
        ("Polycystic kidney disease", "E:1"),
        ("PKD", "E:1"),
        ("PKDs", "E:1"),
    ]


def test_definition_in_the_text_overrules_the_graph():
    linker = linker_of(("E:1", "AD"), ("E:2", "Atopic dermatitis"))

    assert found(linker, "AD") == [("AD", "E:1")]
    assert found(linker, "atopic dermatitis (AD) and AD")[1:] == [("AD", "E:2"), ("AD", "E:2")]


def test_short_form_of_something_unknown_is_not_linked():
    linker = linker_of(("E:1", "AD"), ("E:2", "fever"))

    assert found(linker, "axonal damage (AD) and AD with fever") == [("fever", "E:2")]


def test_longer_name_around_a_short_form_stays():
    linker = linker_of(("E:1", "Polycystic kidney disease"), ("E:2", "PKD type 1"))

    text = "polycystic kidney disease (PKD) and PKD type 1"

    assert found(linker, text)[2:] == [("PKD type 1", "E:2")]


def test_texts_do_not_lend_each_other_their_definitions():
    linker = linker_of(("E:1", "Polycystic kidney disease"))

    assert linker(["polycystic kidney disease (PKD)", "PKD"])[1] == []


def test_a_long_form_is_sought_in_few_words_before_the_brackets():
    [near] = find_definitions("alpha x x beta (AB)")

    assert near[1:] == (0, 14)
    assert find_definitions("alpha x x x beta (AB)") == []


@pytest.mark.parametrize(
    "text", ["慢性腎臓病(CKD)のCKDは", "慢性腎臓病（CKD）のCKDは", "慢性腎臓病［CKD］、CKD"]
)
def test_short_forms_are_defined_and_found_where_no_blanks_are_written(text):
    linker = linker_of(("E:1", "慢性腎臓病"))

    assert [surface for surface, _ in found(linker, text)] == ["慢性腎臓病", "CKD", "CKD"]


@pytest.mark.parametrize("repeated", ["(AB) ", "é (AB) ", "polycystic kidney disease (PKD) "])
def test_time_grows_with_the_number_of_brackets_and_not_with_its_square(repeated):
    def seconds(count):
        start = process_time()
        find_definitions(repeated * count)
        return process_time() - start

    seconds(100)
    few = min(seconds(1_000) for _ in range(3))
    many = min(seconds(8_000) for _ in range(3))

    assert many < 8 * 4 * few
