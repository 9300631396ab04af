import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import tiny_graph

from kgbert.comparing.arms import ARMS, ShuffledLinker, append_entities
from kgbert.graph.verbalise import verbalise
from kgbert.linking.linkers import make_linker
from kgbert.linking.mention import Candidate, Mention
from kgbert.texts import Example, Span

TEXTS = ["fever of the lung", "no mention", "cough and pneumonia, then fever"]


def linker():
    return make_linker(tiny_graph(), "dictionary")


def entities(found):
    return [[c.entity for m in mentions for c in m.candidates] for mentions in found]


@given(seed=st.integers(0, 2**32))
def test_shuffling_keeps_places_counts_and_scores(seed):
    real, shuffled = linker()(TEXTS), ShuffledLinker(linker(), tiny_graph(), seed)(TEXTS)

    def shape(found):
        return [
            [(m.start, m.end, [c.score for c in m.candidates]) for m in mentions]
            for mentions in found
        ]

    assert shape(shuffled) == shape(real)


@given(seed=st.integers(0, 2**32))
def test_shuffling_is_one_permutation_of_all_entities(seed):
    graph = tiny_graph()
    everything = [[Mention(0, 1, tuple(Candidate(entity, 1.0) for entity in graph.entity_ids))]]
    shuffled = ShuffledLinker(lambda texts: everything, graph, seed)

    ((ids,),) = (entities(shuffled(["x"])),)

    assert sorted(ids) == sorted(graph.entity_ids)
    assert entities(shuffled(["x"])) == [ids]


def test_training_and_test_are_shuffled_alike():
    train = ShuffledLinker(linker(), tiny_graph(), 1)(TEXTS)
    test = ShuffledLinker(linker(), tiny_graph(), 1)([TEXTS[0]])

    assert test == train[:1]


def test_seeds_shuffle_differently():
    found = {str(ShuffledLinker(linker(), tiny_graph(), seed)(TEXTS)) for seed in range(6)}

    assert len(found) > 4


def test_shuffling_depends_on_no_hash_order():
    code = (
        "import sys; sys.path.insert(0, 'tests'); from test_arms import *; "
        "print(ShuffledLinker(linker(), tiny_graph(), 5)(TEXTS))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code],
            env={"PYTHONHASHSEED": seed, "HF_HUB_OFFLINE": "1"},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert said == {f"{ShuffledLinker(linker(), tiny_graph(), 5)(TEXTS)}\n".encode()}


def test_entity_unknown_to_the_graph_stays():
    stranger = [[Mention(0, 5, (Candidate("X:9", 0.5),))]]

    assert ShuffledLinker(lambda texts: stranger, tiny_graph(), 0)(["fever"]) == stranger


def test_appended_text_says_once_what_the_graph_knows():
    graph = tiny_graph()
    twice = Example("lung and lung", "ill")

    (told,) = append_entities(linker(), graph, [twice])

    assert told.text == f"lung and lung. {verbalise(graph, graph.index('EX:4'))}"
    assert told.label == "ill"


def test_text_without_mention_gets_nothing_appended():
    plain = Example("no mention", "ill")

    assert append_entities(linker(), tiny_graph(), [plain]) == [plain]


def test_spans_stay_on_their_words_when_text_is_appended():
    spans = (Span(0, 5, "Sign"), Span(13, 17, "Organ"))

    (told,) = append_entities(linker(), tiny_graph(), [Example("fever of the lung", spans=spans)])

    assert told.spans == spans
    assert [told.text[span.start : span.end] for span in told.spans] == ["fever", "lung"]


@pytest.mark.parametrize("arm", ARMS.values(), ids=ARMS)
def test_every_arm_says_what_it_means_and_keeps_every_text(arm):
    graph, examples = tiny_graph(), [Example(text, "ill") for text in TEXTS]

    rewritten = arm.rewrite(linker(), graph, examples)

    assert arm.name in ARMS
    assert arm.meaning
    assert [x.text[: len(y)] for x, y in zip(rewritten, TEXTS, strict=True)] == TEXTS
    assert len(arm.relink(linker(), graph, 0)(TEXTS)) == len(TEXTS)
