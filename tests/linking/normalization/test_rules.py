import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgbert.graph.storage.builder import GraphBuilder
from kgbert.linking.dictionary.linker import DictionaryLinker
from kgbert.linking.normalization.normalizer import required_rules
from kgbert.linking.normalization.rules import RULES
from kgbert.linking.normalization.spelling import _BRITISH, american
from kgbert.linking.normalization.words import split_words

#: By rule: names of real ontologies and what texts write for them.
SAME = {
    "line-breaks": [
        ("IL-6", "IL-\n6"),
        ("Hypertension", "hyper-\ntension"),
        ("X-linked inheritance", "X-\n  linked inheritance"),
        ("Polycystic kidney disease", "polycystic kid-\r\nney disease"),
    ],
    "dots": [
        ("E. coli", "E coli"),
        ("E coli", "E. coli"),
        ("St. John's wort", "St Johns wort"),
        ("U.S. Army", "US Army"),
        ("Dr. Who", "Dr Who"),
        ("Ph.D.", "PhD"),
        ("Ph.D.", "Ph.D"),
        ("Ph.D", "PhD"),
        ("U.S. Army", "U.S Army"),
    ],
    "alphanumeric": [
        ("Vitamin B12", "vitamin B-12"),
        ("Vitamin B-12", "vitamin B12"),
        ("IL-6", "IL6"),
        ("COVID19", "COVID 19"),
        ("5-HT receptor", "5HT receptor"),
        ("5HT receptor", "5-HT receptor"),
    ],
    "units": [("Aspirin 500 mg", "aspirin 500mg"), ("Aspirin 500mg", "aspirin 500 mg")],
    "greek-compounds": [
        ("TNF-alpha", "TNFα"),
        ("IFN-γ", "IFNγ"),
        ("IFN-γ", "IFNgamma"),
        ("TGF-β1", "TGF-beta 1"),
        ("NF-κB", "NF-kappaB"),
        ("NF-κB", "NF-kappa B"),
        ("PPARγ", "PPAR-gamma"),
        ("IL-1 beta", "IL-1β"),
    ],
    "elision": [
        ("Syndrome apnée", "syndrome d'apnée"),
        ("Dissezione aorta", "dissezione dell’aorta"),
        ("Cap edifici", "cap l'edifici"),
        ("Signe œdème", "signe quelqu’œdème"),
        ("Dolore arteria", "dolore mezz'arteria"),
    ],
    "suffixes": [("Ankara kalesi", "Ankara'nın kalesi"), ("İzmir limanı", "İzmir’de limanı")],
    "particles": [("발열 치료", "발열이 치료"), ("병원 진료", "병원에서 진료")],
    "hyphens": [
        ("X-linked inheritance", "x linked inheritance"),
        ("Micro-cephaly", "microcephaly"),
        ("Beta cell", "beta-cell"),
        ("Open angle glaucoma", "open\u2010angle glaucoma"),
    ],
    "possessive": [
        ("Crohn's disease", "Crohn disease"),
        ("Meckel diverticulum", "Meckel’s diverticulum"),
    ],
    "accents": [("Sjögren syndrome", "Sjogren syndrome"), ("Meniere disease", "Ménière disease")],
    "greek": [("alpha-fetoprotein", "α-fetoprotein"), ("TGF beta2", "TGF β2")],
    "roman": [("Type II diabetes mellitus", "type 2 diabetes mellitus")],
    "spelling": [
        ("Gastrointestinal hemorrhage", "gastrointestinal haemorrhage"),
        ("Oesophageal atresia", "esophageal atresia"),
        ("Generalized edema", "generalised oedema"),
        ("Brain tumor", "brain tumour"),
        ("Sulfasalazine", "sulphasalazine"),
    ],
    "adjectives": [
        ("Hypertension", "hypertensive"),
        ("Diabetes", "diabetic"),
        ("G6PD deficiency", "G6PD deficient"),
        ("Exencephaly", "exencephalic"),
    ],
    "organs": [("Renal failure", "kidney failure"), ("Hepatic fibrosis", "liver fibrosis")],
    "tumours": [("Neoplasm of the skin", "tumor of the skin"), ("Lung neoplasm", "lung cancer")],
    "disorders": [("Abnormality of vision", "disorder of vision")],
    "plural": [
        ("Fracture", "fractures"),
        ("Kidney stones", "kidney stone"),
        ("Liver biopsy", "liver biopsies"),
        ("Vertebra fusion", "vertebrae fusion"),
    ],
    "articles": [("Neoplasm of the skin", "neoplasm of skin")],
    "inversion": [
        ("Neoplasms, Skin", "skin neoplasms"),
        ("Lymphoma, B-Cell, Marginal Zone", "marginal zone B-cell lymphoma"),
        ("Diabetes mellitus, type 2", "diabetes mellitus type 2"),
    ],
    "unspecified": [("Anemia, NOS", "anemia")],
    "diseases": [
        ("Alagille syndrome disease", "Alagille syndrome"),
        ("Bipolar disorder", "bipolar disease"),
        ("Neurotoxicity Syndromes", "neurotoxicity"),
        ("Osteoporosis (disorder)", "osteoporosis"),
    ],
    "genitive": [
        ("Stone of kidney", "kidney stone"),
        ("Kidney stone", "stone of kidney"),
        ("Carcinoma of the breast", "breast carcinoma"),
    ],
}

#: By rule: what it must not make one.
DIFFERENT = {
    "line-breaks": [("Hypertension", "hyper -\ntension"), ("Hypertension", "hyper-\n\ntension")],
    "dots": [("Heart failure", "heart. Failure"), ("Version 2.5", "version 25")],
    "alphanumeric": [
        ("B12", "B1 2"),
        ("Vitamin 12", "vitaminB12"),
        ("Type", "type2"),
        ("2-nd", "2nd"),
    ],
    "units": [("500 mg", "500 mgs"), ("Gram", "500gram"), ("mg", "500mg")],
    "greek-compounds": [
        ("TNF", "TNFα"),
        ("Microgram", "μg"),
        ("Alpha", "TNFα"),
        ("IL-1", "IL-1β"),
        ("Dia", "diabeta"),
    ],
    "elision": [("Brien", "O'Brien"), ("s", "d's"), ("Asthme", "elasthme")],
    "suffixes": [("Don", "don't"), ("Anka", "ankara")],
    "particles": [("발", "발이"), ("발열", "발열기")],
    "hyphens": [("Re-entry", "re - entry"), ("Fever cough", "fever — cough")],
    "possessive": [("Crohn", "crohn't"), ("its", "it's so")],
    "accents": [("Sinus", "Sinuş x"), ("ไข", "ไข้")],
    "greek": [("mug", "μg"), ("alphalphaphialpha", "αλφα")],
    "roman": [("Trisomy 10", "trisomy X"), ("Vitamin 1", "vitamin ii")],
    "spelling": [("Dose", "does"), ("Shes", "shoes"), ("Aerobe", "erobe")],
    "adjectives": [("Narcosis", "narcotic"), ("Chronia", "chronic")],
    "organs": [("Heart failure", "cardio failure")],
    "tumours": [("Skin neoplasm", "skin carcinoma")],
    "disorders": [("Disease", "defects"), ("Hip disease", "hip fracture")],
    "plural": [("Pu", "pus"), ("Plexu", "plexus"), ("Stenosi", "stenosis"), ("Process", "proces")],
    "articles": [("Vitamin A", "vitamin"), ("Hepatitis A", "hepatitis")],
    "inversion": [("Cough, fever and pain", "fever and pain cough")],
    "unspecified": [("Unspecified", ""), ("NOS", "nos x")],
    "diseases": [
        ("Kidney disease", "kidney"),
        ("Heart valve disorder", "heart valve"),
        ("Nephrotic syndrome", "nephrotic"),
        ("Fever disorders", "fever"),
    ],
    "genitive": [
        ("Pain in absence of fever", "fever pain in absence"),
        ("Renal cyst", "renal of cyst"),
    ],
    "acronyms": [("AIDS", "aids"), ("COX-2", "cox-2")],
    "abbreviations": [("Polycystic kidney disease", "PKD")],
}


def whole(name: str, text: str, rules: list[str]) -> bool:
    """Return whether a linker with these rules links the whole text to the name."""
    builder = GraphBuilder()
    builder.add_name("E:1", name)
    builder.add_name("E:2", "some quite different name")
    [mentions] = DictionaryLinker(builder.build(), rules=rules, domain_words="medicine")([text])
    return [(mention.start, mention.end) for mention in mentions] == [(0, len(text))]


@pytest.mark.parametrize(
    ("rule", "name", "text"),
    [(rule, *pair) for rule, pairs in SAME.items() for pair in pairs],
)
def test_name_is_found_with_all_rules_and_not_without_this_one(rule, name, text):
    assert whole(name, text, list(RULES))
    assert not whole(name, text, [other for other in RULES if other != rule])


@pytest.mark.parametrize(
    ("rule", "name", "text"),
    [(rule, *pair) for rule, pairs in DIFFERENT.items() for pair in pairs],
)
def test_rule_does_not_make_one_of_what_differs(rule, name, text):
    assert not whole(name, text, [rule])
    assert not whole(name, text, list(RULES))


#: For each British spelling that the rule knows, a word that contains it.
_BRITISH_WORDS = """
anaemia oedema diarrhoea oesophagus oestrogen foetal coeliac anaesthetic aetiology paediatric
gynaecology faeces caecum caesarean naevus taenia leucocyte sulphate tumour behaviour centre
localised analysed mould grey aluminium manoeuvre
"""


@pytest.mark.parametrize(
    ("word", "spelling"), list(zip(_BRITISH_WORDS.split(), _BRITISH, strict=True))
)
def test_british_word_is_written_as_in_american(word, spelling):
    pattern, _ = spelling

    assert re.search(pattern, word)
    assert american(word) != word


def test_every_rule_has_cases():
    assert set(DIFFERENT) == set(RULES)
    assert set(SAME) == set(RULES) - {"acronyms", "abbreviations"}


@pytest.mark.parametrize(
    "rule", [rule for rule in SAME if RULES[rule].word or RULES[rule].variants]
)
def test_the_required_rule_is_reported(rule):
    name, text = (split_words(side.lower()) for side in SAME[rule][0])

    needed = required_rules(tuple(name), tuple(text), RULES)

    assert rule in needed


#: By compound: the ways to write it, each of which may be the name.
GREEK_COMPOUNDS = {
    "PPARγ": "PPARγ PPAR-γ PPAR_γ PPARgamma PPAR-gamma PPAR_gamma",
    "ERα": "ERα ER-α ER_α ERalpha ER-alpha ER_alpha",
    "IL-1β": "IL-1β IL1β IL_1β IL-1-β IL-1_β IL1_β IL-1beta IL1beta IL-1_beta IL-1-beta IL1_beta",
    "interleukin-1β": "interleukin-1β interleukin-1_β interleukin_1_beta interleukin-1-beta",
    "HIF-1α": "HIF-1α HIF1α HIF-1_alpha HIF1-alpha HIF-1alpha HIF1alpha",
    "TGF-β1": "TGF-β1 TGFβ1 TGF_β_1 TGF-beta1 TGF-beta-1 TGFbeta1 TGF_beta_1",
    "NF-κB": "NF-κB NFκB NF_κB NF-kappa_B NF-kappaB NF_kappa-B NFkappaB",
    "Δ9-THC": "Δ9-THC Δ-9-THC delta-9-THC delta9-THC delta_9_THC",
    "β2 microglobulin": "β2-microglobulin β2_microglobulin beta-2_microglobulin",
}


@pytest.mark.parametrize("written", GREEK_COMPOUNDS.values(), ids=GREEK_COMPOUNDS)
def test_a_greek_compound_is_found_however_name_and_text_write_it(written):
    spellings = [each.replace("_", " ") for each in written.split()]

    for name in spellings:
        assert [text for text in spellings if not whole(name, text, list(RULES))] == [], name


@pytest.mark.parametrize("name", [f"O{mark}Neill{mark}s sign" for mark in "'’‘ʼ´′"])
@pytest.mark.parametrize("mark", "'’‘‛ʼʻ´′＇")
def test_an_apostrophe_may_be_written_in_any_way_without_a_rule(name, mark):
    assert whole(name, f"o{mark}neill{mark}s sign", [])


def test_a_word_in_single_quotation_marks_is_found():
    builder = GraphBuilder()
    builder.add_name("E:1", "Fever")

    [[mention]] = DictionaryLinker(builder.build())(["the ‘fever’ of"])

    assert (mention.start, mention.end) == (5, 10)


def test_no_rule_is_needed_for_the_same_words():
    assert required_rules(("skin", "neoplasms"), ("skin", "neoplasms"), RULES) == ()


@pytest.mark.parametrize("rule", [rule for rule in RULES.values() if rule.skips_plain_words])
@given(word=st.from_regex("[a-z0-9]+", fullmatch=True))
def test_rules_that_skip_plain_words_change_none(rule, word):
    assert rule.word is not None
    assert rule.word(word) == word
