from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from kgbert.graph.storage.builder import GraphBuilder
from kgbert.linking.adapters import from_function, from_gliner, from_gold, from_spacy
from kgbert.linking.dictionary.linker import DictionaryLinker
from kgbert.linking.mention import Candidate, Mention
from kgbert.models.task_models import KGBertModel
from tests.support.errors import raises


@dataclass
class Span:
    """The documented attributes of spaCy's Span."""

    start_char: int
    end_char: int
    text: str
    kb_id_: str = ""
    ent_id_: str = ""
    kb_ents: list[tuple[str, float]] | None = None
    _: SimpleNamespace = field(init=False)

    def __post_init__(self) -> None:
        self._ = SimpleNamespace(kb_ents=self.kb_ents)

    def has_extension(self, name: str) -> bool:
        return name == "kb_ents" and self.kb_ents is not None


class Gliner:
    """Returns predictions in the format of GLiNER's README."""

    def predict_entities(self, text, labels):
        assert labels == ["disease"]
        start = text.find("fevers")
        found = {"start": start, "end": start + 6, "text": "fevers", "label": "disease"}
        return [found | {"score": 0.5}] if start >= 0 else []


@pytest.fixture
def candidates_of():
    builder = GraphBuilder()
    builder.add_name("HP:1", "fever")
    return DictionaryLinker(builder.build()).candidates


def pipeline(*spans: Span):
    return lambda text: SimpleNamespace(ents=spans)


def test_gold_spans_of_each_text_are_returned_in_reading_order():
    linker = from_gold({"pain, fever": [(6, 11, "HP:1"), (0, 4, "HP:2")]})

    assert linker(["pain, fever", ""]) == [
        [Mention(0, 4, (Candidate("HP:2", 1.0),)), Mention(6, 11, (Candidate("HP:1", 1.0),))],
        [],
    ]


@pytest.mark.parametrize("span", [(0, 9), (-1, 3), (2, 2), (4, 3)])
def test_span_outside_its_text_is_refused(span):
    linker = from_function(lambda text: [(*span, "HP:1")])

    with raises("span-outside-text"):
        linker(["fever"])


@pytest.mark.parametrize("attribute", ["kb_id_", "ent_id_"])
def test_spacy_entity_with_an_id_is_a_candidate(attribute):
    linker = from_spacy(pipeline(Span(0, 5, "fever", **{attribute: "HP:9"})))

    assert linker(["fever"]) == [[Mention(0, 5, (Candidate("HP:9", 1.0),))]]


def test_spacy_entity_without_an_id_is_looked_up_or_left_out(candidates_of):
    spans = (Span(0, 6, "fevers"), Span(7, 11, "pain"))

    assert from_spacy(pipeline(*spans))(["fevers pain"]) == [[]]
    [[mention]] = from_spacy(pipeline(*spans), candidates_of)(["fevers pain"])
    assert mention[:2] == (0, 6)
    assert mention.candidates[0].entity == "HP:1"


def test_scispacy_candidates_keep_their_scores():
    span = Span(0, 5, "fever", kb_ents=[("C0015967", 1.0000001), ("C0424755", 0.9)])

    [[mention]] = from_spacy(pipeline(span))(["fever"])

    assert mention.candidates == (Candidate("C0015967", 1.0), Candidate("C0424755", 0.9))


def test_gliner_score_and_candidate_score_multiply(candidates_of):
    [[mention], nothing] = from_gliner(Gliner(), ["disease"], candidates_of)(["no fevers", ""])

    assert mention[:2] == (3, 9)
    assert mention.candidates == (Candidate("HP:1", 0.49),)
    assert nothing == []


def test_spacy_itself_is_understood(candidates_of):
    spacy = pytest.importorskip("spacy")
    language = spacy.blank("en")
    ruler = language.add_pipe("entity_ruler")
    ruler.add_patterns(
        [
            {"label": "SIGN", "pattern": "fevers"},
            {"label": "SIGN", "pattern": "back pain", "id": "HP:2"},
        ]
    )

    [mentions] = from_spacy(language, candidates_of)(["😀 fevers, back pain"])

    assert [(m.start, m.end, m.candidates[0].entity) for m in mentions] == [
        (2, 8, "HP:1"),
        (10, 19, "HP:2"),
    ]


def test_gliner_itself_is_understood(plain_folder, candidates_of):
    gliner = pytest.importorskip("gliner")
    backbone = str(plain_folder("bert", KGBertModel))
    size = {"model_name": backbone, "hidden_size": 32, "max_width": 1}
    model = gliner.GLiNER.from_config(gliner.GLiNERConfig(**size))

    class Bold:
        """Accept every span, because random weights give low scores."""

        def predict_entities(self, text, labels):
            return model.predict_entities(text, labels, threshold=0.0, flat_ner=False)

    [mentions] = from_gliner(Bold(), ["sign"], candidates_of)(["😀 fevers, he said"])

    assert [(m.start, m.end, m.candidates[0].entity) for m in mentions] == [(2, 8, "HP:1")]
    assert 0 < mentions[0].candidates[0].score < 1
