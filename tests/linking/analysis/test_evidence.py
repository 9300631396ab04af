import pytest

from kgbert.graph.storage.builder import GraphBuilder
from kgbert.linking.analysis.evidence import EXACT, UNKNOWN_MATCH, count_rules, match_evidence
from kgbert.linking.caching import CachingLinker
from kgbert.linking.dictionary.linker import DictionaryLinker
from kgbert.linking.factory import LINKERS, make_linker
from kgbert.linking.mention import Candidate, Mention
from tests.support.tiny import tiny_graph

TEXTS = ["fever and coughs", "pneumonias", "lung", "the fevers of a lung"]


def linker_of(*names: str) -> DictionaryLinker:
    builder = GraphBuilder()
    for number, name in enumerate(names):
        builder.add_name(f"E:{number}", name)
    return DictionaryLinker(builder.build())


@pytest.mark.parametrize("name", [*LINKERS, "dictionary+char-ngram"])
def test_the_built_in_linkers_explain_every_candidate(name, complete_name):
    linker = make_linker(tiny_graph(), complete_name(name) if name in LINKERS else name)

    found = [
        one
        for text, mentions in zip(TEXTS, linker(TEXTS), strict=True)
        for mention in mentions
        for one in match_evidence(linker, text, mention)
    ]

    assert found
    assert all(one.name in list(tiny_graph().names) for one in found)
    assert all(one.how != UNKNOWN_MATCH for one in found)


def test_short_form_is_accounted_for_by_the_text_that_defines_it():
    linker = linker_of("Polycystic kidney diseases", "PKD")
    defined, bare = "polycystic kidney disease (PKD)", "a PKD"

    [[_, short], [alone]] = linker([defined, bare])

    [by_text] = match_evidence(linker, defined, short)
    assert by_text == ("Polycystic kidney diseases", ("abbreviations", "plural"))
    assert match_evidence(linker, bare, alone) == (("PKD", ()),)


def test_custom_linker_reports_no_evidence():
    mention = Mention(0, 5, (Candidate("E:0", 1.0), Candidate("E:1", 0.5)))

    found = match_evidence(lambda texts: [[mention]], "fever", mention)

    assert [one.how for one in found] == [UNKNOWN_MATCH, UNKNOWN_MATCH]


def test_caching_linker_reports_the_evidence_of_its_linker():
    linker = linker_of("Fever")
    [[mention]] = linker(["fevers"])

    remembered = match_evidence(CachingLinker(linker), "fevers", mention)

    assert remembered == match_evidence(linker, "fevers", mention)


def test_rules_are_counted_for_the_chosen_candidate_of_every_mention():
    linker = linker_of("Fever", "Neoplasms, Skin")
    texts = ["fever, fever", "fevers", "skin neoplasm", "nothing"]

    counts = count_rules(linker, texts, linker(texts))

    assert counts == {EXACT: 2, "plural": 2, "inversion": 1}
