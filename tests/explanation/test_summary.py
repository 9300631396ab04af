import re
from dataclasses import replace

import pytest

from kgbert.data import Example
from kgbert.explanation.explain import explain
from kgbert.explanation.html import render_explanations
from kgbert.explanation.summary import summarize_explanations
from tests.explanation.conftest import TEXT
from tests.explanation.planted import LABELS


@pytest.fixture(scope="module")
def explained(planted):
    """Return texts with their labels; the last two labels are wrong."""
    plan, model = planted
    drawn = [
        (number % 2, plan.text(number % 2, held_out=True, number=number)) for number in range(12)
    ]
    examples = [Example(text, LABELS[label]) for label, (text, _) in drawn]
    examples[-2:] = [replace(x, target=LABELS[1 - LABELS.index(x.target)]) for x in examples[-2:]]
    deciding = [entity for _, (_, entity) in drawn]
    return deciding, explain(model, examples, parts=["mentions", "edges"])


def test_right_answers_are_counted_and_the_graph_turned_them(explained):
    _, found = explained

    summary = summarize_explanations(found)

    assert summary.labelled == summary.texts == 12
    assert summary.right == sum(x.is_right for x in found) >= 8
    right = {number for number, x in enumerate(found, 1) if x.is_right}
    assert set(summary.turned_right) <= right
    assert not set(summary.turned_wrong) & right
    assert set(summary.turned_right) | set(summary.turned_wrong) <= set(summary.changed)
    assert len(summary.turned_right) == summary.right - summary.right_without_graph + len(
        summary.turned_wrong
    )


def test_what_decides_helps_where_the_answer_is_right_and_misleads_where_it_is_wrong(explained):
    deciding, found = explained

    parts = {part.entity: part for part in summarize_explanations(found).entities}

    noticed = 0
    for number, (entity, explanation) in enumerate(zip(deciding, found, strict=True), 1):
        part = parts[f"EX:{entity:04}"]
        if explanation.is_right:
            assert number not in part.misled
            noticed += number in part.helped
    assert noticed >= 8
    # The labels of the last two texts are wrong, not their answers.
    assert {11, 12} <= {number for part in parts.values() for number in part.misled}
    assert parts[f"EX:{deciding[0]:04}"].contribution > 0
    assert {part.name for part in summarize_explanations(found).relations} == {"has", "in"}


def test_branches_of_the_graph_are_summed(model):
    found = explain(model, [TEXT, "cough of the lung"], parts=["mentions"])

    summary = summarize_explanations(found)

    assert summary.labelled == 0
    assert not summary.branches
    named = [replace(x, answers=tuple(map(with_branch, x.answers))) for x in found]
    (branch,) = summarize_explanations(named).branches
    assert branch.name == "symptoms"
    assert branch.texts == 2


def with_branch(answer):
    mentions = [
        replace(x, entities=tuple(replace(y, branches=("symptoms",)) for y in x.entities))
        for x in answer.mentions
        if x.text == "cough"
    ]
    return replace(answer, mentions=tuple(mentions))


def test_a_page_of_several_texts_links_to_each(explained):
    _, found = explained

    page = render_explanations(found)

    targets = re.findall(r'href="#([^"]+)"', page)
    places = re.findall(r'id="([^"]+)"', page)
    assert "Turned right by the graph" in page
    assert {f"t{number}" for number in summarize_explanations(found).turned_right} <= set(targets)
    assert set(targets) <= set(places)
    assert "Turned right" not in render_explanations(found[:1])
