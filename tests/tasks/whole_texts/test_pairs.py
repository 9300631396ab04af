import pickle

import pytest

from kgbert.comparison.arms.texts import append_entities, mark_mentions
from kgbert.data import Example, read_texts
from kgbert.linking.examples import link_examples
from kgbert.tasks.answers import examples_to_answer
from kgbert.tasks.registry import TASKS, detect_task
from tests.support.errors import raises
from tests.support.tiny import ExactLinker, tiny_graph, tiny_processor

LABELLED = {
    "text-classification": {"label": "yes"},
    "regression": {"value": 1.5},
    "multi-label-classification": {"labels": ["a"]},
}

OTHERWISE_LABELLED = {
    "text-classification": {"label": "no"},
    "regression": {"value": 2.5},
    "multi-label-classification": {"labels": ["b"]},
}


@pytest.mark.parametrize("name", LABELLED)
def test_a_second_text_makes_a_pair(name):
    row = {"text": "fever", "text_pair": "a lung", **LABELLED[name]}

    example = TASKS[name].read(row)

    assert detect_task([row]).name == name
    assert (example.texts, example.joined) == (("fever", "a lung"), "fever\na lung")
    assert example.target == TASKS[name].read({"text": "fever", **LABELLED[name]}).target


@pytest.mark.parametrize("empty", [None, "", "  "])
def test_an_empty_second_text_is_refused(empty):
    with raises("empty-text-pair"):
        read_texts([{"text": "fever", "text_pair": empty}])


@pytest.mark.parametrize("name", LABELLED)
def test_pairs_and_single_texts_are_not_mixed(name):
    task = TASKS[name]
    rows = [{"text": "a", "text_pair": "b", **LABELLED[name]}, {"text": "a", **LABELLED[name]}]

    with raises("missing-text-pair"):
        task.check([task.read(row) for row in rows])


@pytest.mark.parametrize("name", LABELLED)
def test_a_model_of_pairs_answers_no_single_text(name):
    rows = [
        {"text": "a", "text_pair": "b", **labels[name]} for labels in (LABELLED, OTHERWISE_LABELLED)
    ]
    settings = TASKS[name].label_space([TASKS[name].read(row) for row in rows]).settings
    task = pickle.loads(pickle.dumps(TASKS[name].with_settings(settings)))

    with raises("missing-text-pair"):
        task.encode(examples_to_answer(task, ["fever"]), tiny_processor())

    assert len(task.encode(examples_to_answer(task, rows), tiny_processor())) == 2
    assert set(task.sample) == {"text", "text_pair"}


@pytest.mark.parametrize("name", LABELLED)
def test_a_model_of_single_texts_says_nothing_of_pairs(name):
    rows = [{"text": "a", **labels[name]} for labels in (LABELLED, OTHERWISE_LABELLED)]
    space = TASKS[name].label_space([TASKS[name].read(row) for row in rows])

    assert TASKS[name].with_settings(space.settings) is TASKS[name]


def test_arms_that_write_words_read_the_entities_of_both_texts():
    graph = tiny_graph()
    linker = ExactLinker(graph)
    pair = Example("fever", others=("a lung",))

    (appended,) = append_entities(linker, graph, [pair])
    (marked,) = mark_mentions(linker, graph, [pair])

    assert "lung" in appended.text
    assert appended.others == pair.others
    assert marked.texts == ("@ * entity * fever @", "a @ * entity * lung @")
    assert [len(found) for found in link_examples(linker, [pair])] == [2]
