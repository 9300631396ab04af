from dataclasses import replace

import pytest

from kgbert.comparison.arms.pretrained import UseEncoder
from kgbert.comparison.checks.leakage import FEWEST_UNNAMED, leakage_warnings
from kgbert.data import Example, Span
from kgbert.data.splits import Split
from kgbert.data.texts_read import TextsRead, text_digest
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.linking.adapters import from_gold
from kgbert.linking.factory import make_linker
from kgbert.linking.grounding import ground
from kgbert.tasks.registry import TASKS
from tests.support.small_study import small_study, split_of, tagged


def study_of(tmp_path, train, test, **changes):
    return small_study(tmp_path, split=lambda seed: Split(train, train, test), seeds=[0], **changes)


def illness_graph():
    """Return a graph like K-BERT's medical one: symptoms, each with an entity of its class."""
    builder = GraphBuilder()
    builder.add_name("D", "disease")
    builder.add_name("D", "illness", "exact")
    builder.add_name("S:1", "measles")
    builder.add_name("S:2", "broken leg")
    builder.add_edge("S:1", "is_a", "D")
    return builder.build()


def test_clean_texts_give_no_warning(tmp_path):
    assert leakage_warnings(small_study(tmp_path)) == []


def test_copy_of_a_training_text_is_found_in_spite_of_case_and_blanks(tmp_path):
    train = [Example("High  fever", "ill"), Example("No fever", "well")]
    study = study_of(tmp_path, train, [Example("high fever", "ill"), Example("cough", "ill")])

    assert leakage_warnings(study) == ["Test texts that also occur in training: 1 of 2 (seed 0)."]


def test_label_that_is_a_name_in_the_graph_is_found_whatever_its_case(tmp_path):
    train = [Example("a", "Fever"), Example("b", "well")]

    (warning,) = leakage_warnings(study_of(tmp_path, train, [Example("c", "well")]))

    assert warning.startswith("Labels that are names of entities in the graph: Fever.")


def test_label_of_spans_is_looked_for_as_well(tmp_path):
    study = small_study(tmp_path, split=split_of(tagged), task=TASKS["token-classification"])
    graph = study.graph
    (label,) = {span.label for example in study.split(0).train for span in example.spans}

    assert leakage_warnings(study) == []
    assert label.casefold() not in {name.casefold() for name in graph.names}


@pytest.mark.parametrize("label", ["illness", "Illness", "_ILLNESS_"])
def test_label_that_is_a_synonym_in_the_graph_is_found_however_it_is_written(tmp_path, label):
    graph = illness_graph()
    train = [Example("a", label), Example("b", "well")]

    (warning,) = leakage_warnings(study_of(tmp_path, train, [Example("c", "well")], graph=graph))

    assert f"{label} (a synonym of disease)" in warning


def test_linked_texts_whose_label_names_a_direct_neighbour_are_counted(tmp_path):
    graph = illness_graph()
    texts = [Example("measles", "disease"), Example("broken leg", "disease"), Example("a", "well")]
    study = study_of(tmp_path, texts, texts, graph=graph, linker=make_linker(graph, "dictionary"))

    warning = " ".join(leakage_warnings(study))

    assert "For 1 of the 2 test texts with a mention (seed 0)" in warning


def test_grounded_labels_are_no_leakage_unless_a_mention_states_the_answer(tmp_path):
    graph = illness_graph()
    texts = [Example("measles", "disease"), Example("a", "well")]
    study = study_of(
        tmp_path,
        texts,
        texts,
        graph=graph,
        linker=make_linker(graph, "dictionary"),
        grounding=ground(["disease", "well"], graph),
    )

    warning, control = (x for x in leakage_warnings(study) if "training" not in x)

    assert "The arm label-names shows" in control
    assert "For 1 of the 1 test texts with a mention (seed 0)" in warning
    assert "that a mention states the answer is not" in warning


class TestLinksWithoutMatchingNames:
    def texts(self, words, count=FEWEST_UNNAMED):
        spans = (Span(0, len(words), "Sign", "S:1"),)
        return [Example(f"{words} {i}", spans=spans) for i in range(count)]

    def warnings(self, tmp_path, texts, linker=None):
        gold = {x.text: [(s.start, s.end, s.entity) for s in x.spans] for x in texts}
        graph = illness_graph()
        study = study_of(
            tmp_path,
            texts,
            texts,
            graph=graph,
            linker=linker or from_gold(gold),
            task=TASKS["entity-linking"],
        )
        return [
            warning for warning in leakage_warnings(study) if "use the gold annotations" in warning
        ]

    def test_a_linker_with_the_gold_answers_is_reported(self, tmp_path):
        (warning,) = self.warnings(tmp_path, self.texts("red spots"))

        assert f"{FEWEST_UNNAMED} of them with words that are not a name" in warning

    def test_are_none_where_the_words_are_names(self, tmp_path):
        assert self.warnings(tmp_path, self.texts("measles")) == []

    def test_are_none_where_few_are_found(self, tmp_path):
        assert self.warnings(tmp_path, self.texts("red spots", FEWEST_UNNAMED - 1)) == []

    def test_are_none_for_a_linker_that_reads_the_words(self, tmp_path):
        linker = make_linker(illness_graph(), "dictionary")

        assert self.warnings(tmp_path, self.texts("red spots"), linker) == []


def test_test_text_that_an_encoder_has_read_before_is_found(tmp_path):
    folder = tmp_path / "start-1a2b"
    folder.mkdir()
    read = TextsRead().with_unlabelled(map(text_digest, ["A fever", "more"]))
    read.with_labelled([Example("Cough", "well"), Example("rash", "ill")]).save(folder)
    train, test = [Example("b", "ill")], [Example("a  FEVER", "ill"), Example("cough", "ill")]
    further = {"old.csv": [Example("RASH", "ill"), Example("cough", "ill"), Example("c", "ill")]}
    study = study_of(tmp_path, train, test, also_test=further)
    use = UseEncoder(str(folder), "domain", None)
    arm = replace(study.arms[0], name="plain-domain", transform=use)

    assert leakage_warnings(replace(study, arms=[arm])) == [
        "Test texts that domain has read before, without labels: 1 of 2 (seed 0).",
        "Test texts that domain was trained on before, with labels: 1 of 2 (seed 0), 2 of 3 in "
        "old.csv.",
    ]
    assert leakage_warnings(study) == []
